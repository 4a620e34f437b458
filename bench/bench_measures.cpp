// J and F of a frame: a disc a third of the height in radius, and the same moved by 3 pixels. Bytes: each mask is read
// once.
#include "bench.hpp"
#include "cinebokeh/measures.hpp"

using namespace cinebokeh;

namespace {
std::vector<uint8_t> disc(Size s, int shift) {
    std::vector<uint8_t> mask(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const int dx = x - s.width / 2 - shift, dy = y - s.height / 2;
            mask[size_t(y) * size_t(s.width) + size_t(x)] = dx * dx + dy * dy < s.height * s.height / 9;
        }
    return mask;
}

template <class Exec>
void contour_accuracy(benchmark::State& state) {
    const Size s{int(state.range(0)), int(state.range(1))};
    Exec exec;
    ContourAccuracy<Exec> contour(exec, s);
    const Buffer<uint8_t, Exec> a(exec, s, disc(s, 0)), b(exec, s, disc(s, 3));
    bench::run(state, exec, [&] { benchmark::DoNotOptimize(contour(a.view(), b.view()).f); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area()) * 2);
}
template <class Exec>
void region_similarity(benchmark::State& state) {
    const Size s{int(state.range(0)), int(state.range(1))};
    Exec exec;
    const Buffer<uint8_t, Exec> a(exec, s, disc(s, 0)), b(exec, s, disc(s, 3));
    bench::run(state, exec, [&] { benchmark::DoNotOptimize(intersection_over_union(exec, a.view(), b.view())); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area()) * 2);
}
void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"});
    for (Size s : bench::sizes) b->Args({s.width, s.height});
}
}  // namespace
CINEBOKEH_BENCHMARK(contour_accuracy, sizes);
CINEBOKEH_BENCHMARK(region_similarity, sizes);
