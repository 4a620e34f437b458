// Bytes: the region read, column distances written twice and read twice, distances written: 1 + 16 + 4 a pixel.
#include "bench.hpp"
#include "cinebokeh/distance_transform.hpp"

using namespace cinebokeh;

template <class Exec>
static void distance_transform(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<uint8_t> region(s.area());  // a round subject in the middle
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const int u = x - s.width / 2, v = y - s.height / 2;
            region[size_t(y) * size_t(s.width) + size_t(x)] = u * u + v * v < s.height * s.height / 9;
        }
    Buffer<uint8_t, Exec> in(exec, s, region);
    Buffer<float, Exec> out(exec, s);
    DistanceTransform<Exec> transform(exec, s);
    bench::run(state, exec, [&] { transform(in.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 21));
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({320, 240})->Args({854, 480})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(distance_transform, sizes);
