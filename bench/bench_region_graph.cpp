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

template <class Exec, bool FromLab>
void build_graph(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    Exec exec;
    Buffer<Rgba8, Exec> image(exec, size, scene(size));
    Buffer<int, Exec> labels(exec, size), count(exec, {1, 1});
    Slic<Exec> slic(exec, size);
    slic(image.view(), labels.view(), count.span());
    const int regions = count.download()[0];
    RegionGraph<Exec> graph(exec, size, slic.max_labels());
    bench::run(state, exec, [&] {
        if constexpr (FromLab)
            graph(slic.colors(), labels.view(), regions);
        else
            graph(image.view(), labels.view(), regions);
    });
    state.SetBytesProcessed(state.iterations() * int64_t(size.area() * ((FromLab ? 8 : sizeof(Rgba8)) + sizeof(int))));
}
template <class Exec>
void region_graph(benchmark::State& state) {
    build_graph<Exec, false>(state);
}
template <class Exec>
void region_graph_from_lab(benchmark::State& state) {
    build_graph<Exec, true>(state);
}
void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"});
    for (Size s : bench::sizes) b->Args({s.width, s.height});
}
}  // namespace
CINEBOKEH_BENCHMARK(region_graph, arguments);
CINEBOKEH_BENCHMARK(region_graph_from_lab, arguments);
