// A frame through Robust Video Matting with random weights. Operations: 2 x 4.498 G multiply-adds at a base of 512 x
// 288, with the deep guided filter 2 x 4.623 G.
#include "cinebokeh/nn/rvm.hpp"

#include "bench.hpp"
#include "tests/rvm_random.hpp"

using namespace cinebokeh;

template <class T, class Exec>
static void rvm(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Rvm<T, Exec> network(exec, random_rvm(RvmRefiner::deep_guided_filter), s);
    Random random(1);
    const std::vector<Rgba8> pixels = random_blocks(random, s);
    Buffer<Rgba8, Exec> frame(exec, s, pixels), foreground(exec, s);
    Buffer<float, Exec> alpha(exec, s);
    bench::run(state, exec, [&] { network(frame.view(), alpha.view(), foreground.view()); });
    const double operations = s.width > 512 ? 2 * 4.623e9 : 2 * 4.498e9;
    state.counters["FLOPS"] =
        benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}
template <class Exec>
static void rvm_float(benchmark::State& state) {
    rvm<float, Exec>(state);
}
template <class Exec>
static void rvm_half(benchmark::State& state) {
    rvm<Half, Exec>(state);
}
template <class Exec>
static void rvm_bfloat16(benchmark::State& state) {
    rvm<BFloat16, Exec>(state);
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({512, 288})->Args({1280, 720})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(rvm_float, sizes);
CINEBOKEH_BENCHMARK(rvm_half, sizes);
CINEBOKEH_BENCHMARK(rvm_bfloat16, sizes);
