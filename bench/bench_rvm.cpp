// A frame through Robust Video Matting with random weights. Operations: 2 x 4.498 G multiply-adds at a base of 512 x
// 288, with the deep guided filter 2 x 4.623 G.
#include <benchmark/benchmark.h>

#include "cinebokeh/nn/rvm.hpp"
#include "tests/rvm_random.hpp"

using namespace cinebokeh;

template <class T>
static void rvm(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Rvm<T, Cpu> network(exec, random_rvm(RvmRefiner::deep_guided_filter), s);
    Random random(1);
    const std::vector<Rgba8> pixels = random_blocks(random, s);
    Buffer<float, Cpu> alpha(exec, s);
    Buffer<Rgba8, Cpu> foreground(exec, s);
    for (auto _ : state) network({pixels.data(), s}, alpha.view(), foreground.view());
    const double operations = s.width > 512 ? 2 * 4.623e9 : 2 * 4.498e9;
    state.counters["FLOP/s"] =
        benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->Args({512, 288})->Args({1280, 720})->Args({1920, 1080})->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_TEMPLATE(rvm, float)->Apply(sizes);
BENCHMARK_TEMPLATE(rvm, Half)->Apply(sizes);
BENCHMARK_TEMPLATE(rvm, BFloat16)->Apply(sizes);
