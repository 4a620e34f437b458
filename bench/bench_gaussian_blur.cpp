// Bytes: each pass reads and writes every pixel once. Multiply-adds: 2 passes * (2 radius + 1) a channel.
#include <benchmark/benchmark.h>

#include "cinebokeh/gaussian_blur.hpp"

using namespace cinebokeh;

template <class T>
static void gaussian_blur(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Buffer<T, Cpu> in(exec, s, std::vector<T>(s.area())), out(exec, s);
    GaussianBlur<T, Cpu> blur(exec, s, float(state.range(2)));
    for (auto _ : state) blur(in.view(), out.view());
    const double floats = double(s.area()) * sizeof(T) / sizeof(float);
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(4 * s.area() * sizeof(T)));
    state.counters["FLOP/s"] =
        benchmark::Counter(floats * 4 * (2 * blur.radius() + 1), benchmark::Counter::kIsIterationInvariantRate);
}
static void sizes(benchmark::internal::Benchmark* b) {
    for (int sigma : {4, 30})
        for (Size s : {Size{320, 240}, Size{854, 480}, Size{1920, 1080}}) b->Args({s.width, s.height, sigma});
    b->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_TEMPLATE(gaussian_blur, float)->Apply(sizes);
BENCHMARK_TEMPLATE(gaussian_blur, Float4)->Apply(sizes);
