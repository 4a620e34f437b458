// Tile extrema. Bytes are one read of the image; the outputs are 1/128 of it.
#include <vector>

#include "bench.hpp"
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/tile_extrema.hpp"

using namespace cinebokeh;

template <class Exec>
static void extrema(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    Exec exec;
    std::vector<float> pixels(size.area());
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(i * 2654435761u % 1000);
    Buffer<float, Exec> in(exec, size, pixels), minimum(exec, extrema_size(size)), maximum(exec, extrema_size(size));
    bench::run(state, exec, [&] { cinebokeh::tile_extrema(exec, in.view(), minimum.view(), maximum.view()); });
    state.SetBytesProcessed(state.iterations() * int64_t(size.area() * sizeof(float)));
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({320, 240})->Args({854, 480})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(extrema, sizes);
