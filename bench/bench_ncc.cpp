// Masked NCC: 20 templates in one search patch, as the template tracker asks for every frame, and the general form.
#include <benchmark/benchmark.h>

#include <random>

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
void masked_ncc_bank(benchmark::State& state) {
    const Size patch{int(state.range(0)), int(state.range(1))}, part{patch.width * 2 / 5, patch.height * 2 / 5};
    const int templates = int(state.range(2));
    Cpu cpu;
    MaskedNcc<Cpu> ncc(cpu, patch, templates, {.path = state.range(3) ? NccPath::direct : NccPath::fft});
    std::vector<uint8_t> valid(part.area());
    for (int y = 0; y < part.height; ++y)
        for (int x = 0; x < part.width; ++x) {
            const double u = 2.0 * x / part.width - 1, v = 2.0 * y / part.height - 1;
            valid[size_t(y * part.width + x)] = u * u + v * v < 1;
        }
    for (int i = 0; i < templates; ++i) {
        const std::vector<uint8_t> t = noise_bytes(part, unsigned(i));
        ncc.set_template(i, {t.data(), part}, {valid.data(), part});
    }
    const std::vector<uint8_t> pixels = noise_bytes(patch, 99);
    std::vector<Peak> peaks(templates);
    for (auto _ : state) {
        ncc.set_patch({pixels.data(), patch});
        ncc.peaks({peaks.data(), peaks.size()});
        benchmark::DoNotOptimize(peaks.data());
    }
    const double n = double(patch.area()), transforms = 2 + 3.0 * templates;
    state.counters["FLOPS"] = benchmark::Counter(transforms * 2.5 * n * std::log2(n) * double(state.iterations()),
                                                 benchmark::Counter::kIsRate);
}
BENCHMARK(masked_ncc_bank)
    ->ArgNames({"width", "height", "templates", "direct"})
    ->Args({320, 256, 20, 0})
    ->Args({320, 240, 20, 0})
    ->Args({854, 480, 20, 0})
    ->Args({1920, 1080, 20, 0})
    ->Args({320, 256, 1, 0})
    ->Args({320, 256, 5, 0})
    ->Args({320, 256, 60, 0})
    ->Args({64, 48, 20, 0})
    ->Args({64, 48, 20, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// 12 transforms in double of the sum of the sizes.
void overlap_ncc(benchmark::State& state) {
    const Size fixed{int(state.range(0)), int(state.range(1))}, moving{fixed.width / 2, fixed.height / 2};
    Cpu cpu;
    OverlapNcc<Cpu> ncc(cpu, fixed, moving);
    const std::vector<uint8_t> a8 = noise_bytes(fixed, 1), b8 = noise_bytes(moving, 2);
    const std::vector<float> a(a8.begin(), a8.end()), b(b8.begin(), b8.end());
    std::vector<float> out(ncc.response_size().area());
    for (auto _ : state) {
        ncc({a.data(), fixed}, {a8.data(), fixed}, {b.data(), moving}, {b8.data(), moving},
            {out.data(), ncc.response_size()});
        benchmark::DoNotOptimize(out.data());
    }
    const double n = double(ncc.response_size().area());
    state.counters["FLOPS"] =
        benchmark::Counter(12 * 2.5 * n * std::log2(n) * double(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(overlap_ncc)->Args({320, 240})->Args({854, 480})->Unit(benchmark::kMillisecond)->UseRealTime();
}  // namespace
