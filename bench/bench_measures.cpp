#include <benchmark/benchmark.h>

#include <vector>

#include "cinebokeh/measures.hpp"

using namespace cinebokeh;

namespace {
// A disc a third of the height in radius, and the same moved by 3 pixels. Bytes: each mask is read once.
std::vector<uint8_t> disc(Size s, int shift) {
    std::vector<uint8_t> mask(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const int dx = x - s.width / 2 - shift, dy = y - s.height / 2;
            mask[size_t(y) * size_t(s.width) + size_t(x)] = dx * dx + dy * dy < s.height * s.height / 9;
        }
    return mask;
}

void contour_accuracy(benchmark::State& state) {
    const Size s{int(state.range(0)), int(state.range(1))};
    Cpu exec;
    ContourAccuracy<Cpu> contour(exec, s);
    const std::vector<uint8_t> a = disc(s, 0), b = disc(s, 3);
    for (auto _ : state) benchmark::DoNotOptimize(contour({a.data(), s}, {b.data(), s}).f);
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area()) * 2);
}
void region_similarity(benchmark::State& state) {
    const Size s{int(state.range(0)), int(state.range(1))};
    Cpu exec;
    const std::vector<uint8_t> a = disc(s, 0), b = disc(s, 3);
    for (auto _ : state) benchmark::DoNotOptimize(intersection_over_union(exec, {a.data(), s}, {b.data(), s}));
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area()) * 2);
}
void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Unit(benchmark::kMillisecond)->UseRealTime();
    b->Args({320, 240})->Args({854, 480})->Args({1920, 1080})->Args({3840, 2160});
}
BENCHMARK(contour_accuracy)->Apply(sizes);
BENCHMARK(region_similarity)->Apply(sizes);
}  // namespace
