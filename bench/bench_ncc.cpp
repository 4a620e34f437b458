// Masked NCC: 20 templates in one search patch, as the template tracker asks for every frame, and the general form.
#include <cmath>
#include <random>

#include "bench.hpp"
#include "cinebokeh/ncc.hpp"

using namespace cinebokeh;

namespace {
std::vector<uint8_t> noise_bytes(Size size, unsigned seed) {
    std::mt19937 generator(seed);
    std::vector<uint8_t> pixels(size.area());
    for (uint8_t& p : pixels) p = uint8_t(generator() >> 24);
    return pixels;
}

// A transform of n pixels counts 2.5 n log2 n operations; a bank takes 2 of the patch and 3 for every template.
template <class Exec>
void masked_ncc_bank(benchmark::State& state) {
    const Size patch{int(state.range(0)), int(state.range(1))}, part{patch.width * 2 / 5, patch.height * 2 / 5};
    const int templates = int(state.range(2));
    Exec exec;
    MaskedNcc<Exec> ncc(exec, patch, templates, {.path = state.range(3) ? NccPath::direct : NccPath::fft});
    std::vector<uint8_t> valid(part.area());
    for (int y = 0; y < part.height; ++y)
        for (int x = 0; x < part.width; ++x) {
            const double u = 2.0 * x / part.width - 1, v = 2.0 * y / part.height - 1;
            valid[size_t(y * part.width + x)] = u * u + v * v < 1;
        }
    for (int i = 0; i < templates; ++i) {
        const Buffer<uint8_t, Exec> luma(exec, part, noise_bytes(part, unsigned(i))), valid_map(exec, part, valid);
        ncc.set_template(i, luma.view(), valid_map.view());
    }
    const Buffer<uint8_t, Exec> pixels(exec, patch, noise_bytes(patch, 99));
    std::vector<Peak> peaks(size_t(templates), Peak{});
    bench::run(state, exec, [&] {
        ncc.set_patch(pixels.view());
        ncc.peaks({peaks.data(), peaks.size()});
        benchmark::DoNotOptimize(peaks.data());
    });
    const double n = double(patch.area()), transforms = 2 + 3.0 * templates;
    state.counters["FLOPS"] = benchmark::Counter(transforms * 2.5 * n * std::log2(n) * double(state.iterations()),
                                                 benchmark::Counter::kIsRate);
}
void banks(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "templates", "direct"});
    for (Size s : bench::sizes) b->Args({s.width, s.height, 20, 0});
    for (int templates : {1, 5, 20, 60}) b->Args({320, 256, templates, 0});
    b->Args({64, 48, 20, 0})->Args({64, 48, 20, 1});
}

// 12 transforms in double of the sum of the sizes.
template <class Exec>
void overlap_ncc(benchmark::State& state) {
    const Size fixed{int(state.range(0)), int(state.range(1))}, moving{fixed.width / 2, fixed.height / 2};
    Exec exec;
    OverlapNcc<Exec> ncc(exec, fixed, moving);
    const std::vector<uint8_t> a8 = noise_bytes(fixed, 1), b8 = noise_bytes(moving, 2);
    const Buffer<float, Exec> a(exec, fixed, {a8.begin(), a8.end()}), b(exec, moving, {b8.begin(), b8.end()});
    const Buffer<uint8_t, Exec> a_valid(exec, fixed, a8), b_valid(exec, moving, b8);
    Buffer<float, Exec> out(exec, ncc.response_size());
    bench::run(state, exec, [&] { ncc(a.view(), a_valid.view(), b.view(), b_valid.view(), out.view()); });
    const double n = double(ncc.response_size().area());
    state.counters["FLOPS"] =
        benchmark::Counter(12 * 2.5 * n * std::log2(n) * double(state.iterations()), benchmark::Counter::kIsRate);
}
void overlaps(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"});
    b->Args({320, 240})->Args({854, 480});
}
}  // namespace
CINEBOKEH_BENCHMARK(masked_ncc_bank, banks);
CINEBOKEH_BENCHMARK(overlap_ncc, overlaps);
