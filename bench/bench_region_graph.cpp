// The region graph of 1300 superpixels of a synthetic picture, from sRGB and from the Lab colours that Slic leaves
// behind. Bytes are one read of the colours and of the labels.
#include <cmath>

#include "bench.hpp"
#include "cinebokeh/region_graph.hpp"
#include "cinebokeh/slic.hpp"

using namespace cinebokeh;

namespace {
std::vector<Rgba8> scene(Size size) {
    std::vector<Rgba8> pixels;
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const double u = 40.0 * x / size.width, v = 40.0 * y / size.width;
            pixels.push_back({uint8_t(128 + 90 * std::sin(u) * std::cos(v)), uint8_t(120 + 60 * std::sin(2 * v)),
                              uint8_t(x * 7 % 32 + y * 5 % 32), 255});
        }
    return pixels;
}

template <bool FromLab>
void region_graph(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    Cpu exec;
    Buffer<Rgba8, Cpu> image(exec, size, scene(size));
    Buffer<int, Cpu> labels(exec, size), count(exec, {1, 1});
    Slic<Cpu> slic(exec, size);
    slic(image.view(), labels.view(), count.span());
    RegionGraph graph(exec, size, slic.max_labels());
    for (auto _ : state) {
        if constexpr (FromLab)
            graph(slic.colors(), labels.view(), count.span()[0]);
        else
            graph(image.view(), labels.view(), count.span()[0]);
    }
    state.SetBytesProcessed(state.iterations() * int64_t(size.area() * ((FromLab ? 8 : sizeof(Rgba8)) + sizeof(int))));
}
}  // namespace
static void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->UseRealTime()->Unit(benchmark::kMillisecond);
    for (Size s : bench::sizes) b->Args({s.width, s.height});
}
BENCHMARK(region_graph<false>)->Apply(arguments);
BENCHMARK(region_graph<true>)->Apply(arguments);
