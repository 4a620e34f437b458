// Bytes: one read and one write a pixel. Comparisons: 2 (2 radius + 1) + log2(2 radius + 1) a pixel.
#include "bench.hpp"
#include "cinebokeh/morphology.hpp"

using namespace cinebokeh;

template <class T, class Exec>
static void dilate(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<T> pixels(s.area());
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = T(i * 2654435761u >> 24 & 255);
    Buffer<T, Exec> in(exec, s, pixels), out(exec, s);
    Morphology<T, Exec> disk(exec, s, float(state.range(2)));
    bench::run(state, exec, [&] { disk.dilate(in.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(2 * s.area() * sizeof(T)));
}
static void sizes(benchmark::internal::Benchmark* b) {
    for (int radius : {3, 15})
        for (Size s : bench::sizes) b->Args({s.width, s.height, radius});
    b->ArgNames({"width", "height", "radius"});
}
template <class Exec>
static void dilate_bytes(benchmark::State& state) {
    dilate<uint8_t, Exec>(state);
}
template <class Exec>
static void dilate_float(benchmark::State& state) {
    dilate<float, Exec>(state);
}
CINEBOKEH_BENCHMARK(dilate_bytes, sizes);
CINEBOKEH_BENCHMARK(dilate_float, sizes);
