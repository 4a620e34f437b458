// Measures of mattes. Bytes: both mattes read once; the gradient writes and reads six planes of doubles besides.
#include <benchmark/benchmark.h>

#include "cinebokeh/matte_measures.hpp"

using namespace cinebokeh;

template <class Measure>
static void measure(benchmark::State& state, const Measure& run) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<float> a(s.area()), b(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {  // two soft discs beside each other
            const float u = float(x - s.width / 2), v = float(y - s.height / 2);
            const float inside = float(s.height) / 3 - std::sqrt(u * u + v * v);
            a[size_t(y) * size_t(s.width) + size_t(x)] = clamp(inside / 4, 0.f, 1.f);
            b[size_t(y) * size_t(s.width) + size_t(x)] = clamp(inside / 6, 0.f, 1.f);
        }
    MatteMeasures measures(exec, s);
    const HostImage<const float> result{a.data(), s}, truth{b.data(), s};
    for (auto _ : state) benchmark::DoNotOptimize(run(measures, result, truth));
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(8 * s.area()));
}
using Matte = HostImage<const float>;
static void sizes(benchmark::internal::Benchmark* b) {
    b->Args({512, 288})->Args({1920, 1080})->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(measure, error, [](MatteMeasures& m, Matte a, Matte b) {
    return m.error(a, b).mean_squared;
})->Apply(sizes);
BENCHMARK_CAPTURE(measure, gradient, [](MatteMeasures& m, Matte a, Matte b) { return m.gradient(a, b); })->Apply(sizes);
BENCHMARK_CAPTURE(measure, connectivity, [](MatteMeasures& m, Matte a, Matte b) {
    return m.connectivity(a, b);
})->Apply(sizes);
