// Bytes: the disparity read and the defocus written, 8 a pixel.
#include "bench.hpp"
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/defocus.hpp"

using namespace cinebokeh;

template <class Exec>
static void defocus(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Buffer<float, Exec> disparity(exec, s, std::vector<float>(s.area(), 0.3f)), defocus(exec, s);
    bench::run(state, exec,
               [&] { defocus_map<Exec>(exec, disparity.view(), {.strength = 40, .disparity = 0.5f}, defocus.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 8));
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({320, 240})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(defocus, sizes);
