// Bytes: guide and input read, 4 coefficient planes written and read, output written: 4 + 4 + 32 + 4 a pixel.
#include <benchmark/benchmark.h>

#include "cinebokeh/guided_filter.hpp"

using namespace cinebokeh;

template <class Pixel>
static void guided_filter(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<Pixel> guide(s.area());
    std::vector<float> matte(s.area());
    for (size_t i = 0; i < guide.size(); ++i) {
        if constexpr (std::is_same_v<Pixel, Rgba8>)
            guide[i] = {uint8_t(i * 7), uint8_t(i * 13), uint8_t(i / 64), 255};
        else
            guide[i] = float(i % 251);
        matte[i] = float(i / 50 % 2);
    }
    Buffer<Pixel, Cpu> g(exec, s, guide);
    Buffer<float, Cpu> in(exec, s, matte), out(exec, s);
    GuidedFilter<Cpu> filter(exec, s, {.radius = 8, .epsilon = 20, .subsample = int(state.range(2))});
    for (auto _ : state) filter(g.view(), in.view(), out.view());
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * (sizeof(Pixel) + 40)));
}
static void sizes(benchmark::internal::Benchmark* b) {
    for (int subsample : {1, 4})
        for (Size s : {Size{320, 240}, Size{854, 480}, Size{1920, 1080}}) b->Args({s.width, s.height, subsample});
    b->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_TEMPLATE(guided_filter, Rgba8)->Apply(sizes);
BENCHMARK_TEMPLATE(guided_filter, float)->Apply(sizes);
