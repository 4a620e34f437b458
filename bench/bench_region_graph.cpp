// The region graph of 1300 square regions. Bytes are one read of the image and two of the labels.
#include <benchmark/benchmark.h>

#include <vector>

#include "cinebokeh/region_graph.hpp"

using namespace cinebokeh;

static void region_graph(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    constexpr int columns = 50, rows = 26;
    Cpu exec;
    std::vector<Rgba8> pixels(size.area());
    std::vector<int> labels(size.area());
    for (int i = 0; i < int(pixels.size()); ++i) {
        pixels[size_t(i)] = {uint8_t(i), uint8_t(i / 7), uint8_t(i / 31), 255};
        labels[size_t(i)] = i % size.width * columns / size.width + i / size.width * rows / size.height * columns;
    }
    RegionGraph graph(exec, size, columns * rows);
    const HostImage<const Rgba8> image(pixels.data(), size);
    const HostImage<const int> regions(labels.data(), size);
    for (auto _ : state) graph(image, regions, columns * rows);
    state.SetBytesProcessed(state.iterations() * int64_t(size.area() * (sizeof(Rgba8) + 2 * sizeof(int))));
}
BENCHMARK(region_graph)
    ->Args({320, 240})
    ->Args({854, 480})
    ->Args({1920, 1080})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
