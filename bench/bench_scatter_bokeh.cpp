// Additions: 16 for each run, which begins and ends in two pixels each, and 2 radius + 1 runs a pixel. Items are
// pixels. What it is compared with is the direct scatter, which adds to every pixel of every disk, in floats, on as
// many threads.
#include <cmath>

#include "bench.hpp"
#include "cinebokeh/scatter_bokeh.hpp"

using namespace cinebokeh;

namespace {
enum Scene {
    flat,   // one radius
    slope,  // from behind the focal plane to before it, the widest radius in two corners
    noisy,  // a radius of its own for every pixel: the hardest
};
std::vector<float> defocus_of(Size s, float radius, Scene scene) {
    std::vector<float> defocus(s.area(), radius);
    unsigned seed = 1;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            seed = seed * 1664525 + 1013904223;
            const float t = scene == slope ? float(x + y) / float(s.width + s.height) : float(seed >> 8) * 0x1p-24f;
            if (scene != flat) defocus[size_t(y) * size_t(s.width) + size_t(x)] = radius * (2 * t - 1);
        }
    return defocus;
}
std::vector<Float4> picture(Size s) { return std::vector<Float4>(s.area(), Float4{0.1f, 0.2f, 0.3f, 1}); }

template <class Exec>
void scatter_bokeh(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    const float radius = float(state.range(2));
    Buffer<Float4, Exec> in(exec, s, picture(s)), out(exec, s);
    Buffer<float, Exec> defocus(exec, s, defocus_of(s, radius, Scene(state.range(3))));
    ScatterBokeh<Exec> bokeh(exec, s, {.max_radius = radius});
    bench::run(state, exec, [&] { bokeh(in.view(), defocus.view(), out.view()); });
    state.SetItemsProcessed(state.iterations() * int64_t(s.area()));
}

// Every thread owns rows of the result; every source adds to all pixels of them that its disk covers, with a soft edge.
void direct_scatter(Cpu& exec, HostImage<const Float4> in, HostImage<const float> defocus, int reach,
                    std::vector<Float4>& sums, std::vector<float>& weights, HostImage<Float4> out) {
    const Size s = in.size;
    exec.for_each_range(s.height, 8, [&](int begin, int end) {
        std::fill(sums.begin() + ptrdiff_t(begin) * s.width, sums.begin() + ptrdiff_t(end) * s.width, Float4{});
        std::fill(weights.begin() + ptrdiff_t(begin) * s.width, weights.begin() + ptrdiff_t(end) * s.width, 0.f);
        for (int y = std::max(0, begin - reach); y < std::min(s.height, end + reach); ++y)
            for (int x = 0; x < s.width; ++x) {
                const float r = std::abs(defocus(x, y)), light = 1 / (r * r + 0.2f);
                const int rows = int(r) + 1;
                for (int v = std::max(begin, y - rows); v < std::min(end, y + rows + 1); ++v)
                    for (int u = std::max(0, x - rows); u < std::min(s.width, x + rows + 1); ++u) {
                        const float d = std::sqrt(float((u - x) * (u - x) + (v - y) * (v - y)));
                        const float weight = light * std::min(std::max(r - d + 0.5f, 0.f), 1.f);
                        const size_t i = size_t(v) * size_t(s.width) + size_t(u);
                        sums[i] = sums[i] + in(x, y) * weight, weights[i] += weight;
                    }
            }
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < s.width; ++x) {
                const size_t i = size_t(y) * size_t(s.width) + size_t(x);
                out(x, y) = sums[i] * (1 / weights[i]);
            }
    });
}
void direct(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    const float radius = float(state.range(2));
    Buffer<Float4, Cpu> in(exec, s, picture(s)), out(exec, s);
    Buffer<float, Cpu> defocus(exec, s, defocus_of(s, radius, Scene(state.range(3))));
    std::vector<Float4> sums(s.area());
    std::vector<float> weights(s.area());
    for (auto _ : state) direct_scatter(exec, in.view(), defocus.view(), int(radius) + 1, sums, weights, out.view());
    state.SetItemsProcessed(state.iterations() * int64_t(s.area()));
}
void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "radius", "scene"});
    b->ArgsProduct({{1920}, {1080}, {10, 20, 40, 80}, {flat}});  // growth with the radius
    b->ArgsProduct({{1920}, {1080}, {20}, {slope, noisy}});
    for (Size s : {Size{320, 240}, Size{854, 480}, Size{1280, 720}, Size{3840, 2160}})
        b->Args({s.width, s.height, 20, flat});
}
CINEBOKEH_BENCHMARK(scatter_bokeh, arguments);
}  // namespace

BENCHMARK(direct)
    ->ArgNames({"width", "height", "radius", "scene"})
    ->Args({320, 240, 10, flat})
    ->ArgsProduct({{1920}, {1080}, {20}, {flat, slope}})
    ->UseRealTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
