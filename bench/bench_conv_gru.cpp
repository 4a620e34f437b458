// One step of each of the four units of Robust Video Matting at a base of 512 x 288.
// Multiply-adds: pixels * 9 * 2 c * 3 c; two operations each.
#include "cinebokeh/nn/conv_gru.hpp"

#include "bench.hpp"

using namespace cinebokeh;

template <class T, class Exec>
static void conv_gru(benchmark::State& state) {
    Exec exec;
    const int c = int(state.range(0));
    const Shape s{1, int(state.range(2)), int(state.range(1)), c};
    const ConvGruWeights weights{{std::vector<float>(size_t(36 * c * c), 0.01f), {}},
                                 {std::vector<float>(size_t(18 * c * c), 0.01f), {}}};
    ConvGru<T, Exec> gru(exec, {.channels = c}, weights, s);
    TensorBuffer<T, Exec> x(exec, s, std::vector<float>(s.count(), 0.1f)), h(exec, s), next(exec, s);
    bench::run(state, exec, [&] { gru(x.view(), h.view(), next.view()); });
    state.counters["FLOPS"] =
        benchmark::Counter(2.0 * double(s.pixels()) * 54.0 * c * c, benchmark::Counter::kIsIterationInvariantRate);
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"channels", "width", "height"});
    b->Args({64, 32, 18})->Args({40, 64, 36})->Args({20, 128, 72})->Args({16, 256, 144});
}
template <class Exec>
static void conv_gru_float(benchmark::State& state) {
    conv_gru<float, Exec>(state);
}
template <class Exec>
static void conv_gru_bfloat16(benchmark::State& state) {
    conv_gru<BFloat16, Exec>(state);
}
CINEBOKEH_BENCHMARK(conv_gru_float, sizes);
CINEBOKEH_BENCHMARK(conv_gru_bfloat16, sizes);
