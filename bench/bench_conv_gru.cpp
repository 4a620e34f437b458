// One step of each of the four units of Robust Video Matting at a base of 512 x 288.
// Multiply-adds: pixels * 9 * 2 c * 3 c; two operations each.
#include <benchmark/benchmark.h>

#include "cinebokeh/nn/conv_gru.hpp"

using namespace cinebokeh;

template <class T>
static void conv_gru(benchmark::State& state) {
    Cpu exec(2);
    const int c = int(state.range(0));
    const Shape s{1, int(state.range(2)), int(state.range(1)), c};
    const ConvGruWeights weights{{std::vector<float>(size_t(36 * c * c), 0.01f), {}},
                                 {std::vector<float>(size_t(18 * c * c), 0.01f), {}}};
    ConvGru<T, Cpu> gru(exec, {.channels = c}, weights, s);
    TensorBuffer<T, Cpu> x(exec, s, std::vector<float>(s.count(), 0.1f)), h(exec, s), next(exec, s);
    for (auto _ : state) gru(x.view(), h.view(), next.view());
    state.counters["FLOP/s"] =
        benchmark::Counter(2.0 * double(s.pixels()) * 54.0 * c * c, benchmark::Counter::kIsIterationInvariantRate);
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"channels", "width", "height"});
    b->Args({64, 32, 18})->Args({40, 64, 36})->Args({20, 128, 72})->Args({16, 256, 144});
    b->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_TEMPLATE(conv_gru, float)->Apply(sizes);
BENCHMARK_TEMPLATE(conv_gru, BFloat16)->Apply(sizes);
