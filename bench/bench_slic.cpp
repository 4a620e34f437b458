// SLIC with the default parameters, Lab conversion and connectivity included. The rate is pixels of the image per
// second; each is compared with 9 candidates in the last iteration and in a third of the others, 11 operations each.
#include <cmath>
#include <random>

#include "bench.hpp"
#include "cinebokeh/slic.hpp"

using namespace cinebokeh;

namespace {
// Smooth blobs with edges and a little noise: clusters move as they do on photographs.
std::vector<Rgba8> scene(Size size) {
    std::mt19937 generator(1);
    std::vector<Rgba8> pixels(size.area());
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const double u = 854.0 * x / size.width, v = 854.0 * y / size.width;
            const bool inside = std::sin(u / 31) * std::cos(v / 23) > 0.2;
            const double grey = (inside ? 160 : 90) + 40 * std::sin(u / 90 + v / 140) + double(generator() % 12);
            pixels[size_t(y) * size.width + x] = {uint8_t(grey), uint8_t(grey * 0.8 + (inside ? 30 : 0)),
                                                  uint8_t(255 - grey), 255};
        }
    return pixels;
}

}  // namespace

template <class Exec>
static void slic(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    Exec exec;
    Buffer<Rgba8, Exec> image(exec, size, scene(size));
    Buffer<int, Exec> labels(exec, size), count(exec, {1, 1});
    Slic<Exec> plan(exec, size, {.iterations = int(state.range(2))});
    bench::run(state, exec, [&] { plan(image.view(), labels.view(), count.span()); });
    state.SetItemsProcessed(state.iterations() * int64_t(size.area()));
    const double assignments = 1 + double(state.range(2) - 1) / SlicParams().interlace;
    state.counters["FLOPS"] =
        benchmark::Counter(double(size.area()) * 99 * assignments, benchmark::Counter::kIsIterationInvariantRate);
}
static void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "iterations"});
    for (Size s : bench::sizes) b->Args({s.width, s.height, 10});
    for (int iterations : {1, 3, 5}) b->Args({854, 480, iterations});
}
CINEBOKEH_BENCHMARK(slic, arguments);
