// Bytes: 16 read and 16 written a pixel.
#include "bench.hpp"
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/highlights.hpp"

using namespace cinebokeh;

template <class Exec>
static void highlights(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Buffer<Float4, Exec> in(exec, s, std::vector<Float4>(s.area(), Float4{0.9f, 0.6f, 0.3f, 1})), out(exec, s);
    bench::run(state, exec, [&] { expand_highlights<Exec>(exec, in.view(), {.gain = 8}, out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 32));
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({320, 240})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(highlights, sizes);
