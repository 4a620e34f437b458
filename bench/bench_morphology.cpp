// Bytes: one read and one write a pixel. Comparisons: 2 (2 radius + 1) + log2(2 radius + 1) a pixel.
#include <benchmark/benchmark.h>

#include "cinebokeh/morphology.hpp"

using namespace cinebokeh;

template <class T>
static void dilate(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<T> pixels(s.area());
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = T(i * 2654435761u >> 24 & 255);
    Buffer<T, Cpu> in(exec, s, pixels), out(exec, s);
    Morphology<T, Cpu> disk(exec, s, float(state.range(2)));
    for (auto _ : state) disk.dilate(in.view(), out.view());
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(2 * s.area() * sizeof(T)));
}
static void sizes(benchmark::internal::Benchmark* b) {
    for (int radius : {3, 15})
        for (Size s : {Size{320, 240}, Size{854, 480}, Size{1920, 1080}, Size{3840, 2160}})
            b->Args({s.width, s.height, radius});
    b->ArgNames({"width", "height", "radius"})->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_TEMPLATE(dilate, uint8_t)->Apply(sizes);
BENCHMARK_TEMPLATE(dilate, float)->Apply(sizes);
