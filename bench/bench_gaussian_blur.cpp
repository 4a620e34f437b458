// Bytes: each pass reads and writes every pixel once. Multiply-adds: 2 passes * (2 radius + 1) a channel.
#include "bench.hpp"
#include "cinebokeh/gaussian_blur.hpp"

using namespace cinebokeh;

template <class T, class Exec>
static void gaussian_blur(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Buffer<T, Exec> in(exec, s, std::vector<T>(s.area())), out(exec, s);
    GaussianBlur<T, Exec> blur(exec, s, float(state.range(2)));
    bench::run(state, exec, [&] { blur(in.view(), out.view()); });
    const double floats = double(s.area()) * sizeof(T) / sizeof(float);
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(4 * s.area() * sizeof(T)));
    state.counters["FLOPS"] =
        benchmark::Counter(floats * 4 * (2 * blur.radius() + 1), benchmark::Counter::kIsIterationInvariantRate);
}
template <class Exec>
static void gaussian_blur_grey(benchmark::State& state) {
    gaussian_blur<float, Exec>(state);
}
template <class Exec>
static void gaussian_blur_color(benchmark::State& state) {
    gaussian_blur<Float4, Exec>(state);
}
static void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "sigma"});
    for (int sigma : {4, 30})
        for (Size s : bench::sizes) b->Args({s.width, s.height, sigma});
}
CINEBOKEH_BENCHMARK(gaussian_blur_grey, arguments);
CINEBOKEH_BENCHMARK(gaussian_blur_color, arguments);
