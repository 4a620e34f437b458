// SLIC with the default parameters, Lab conversion and connectivity included. The rate is pixels of the image per
// second; each is compared with 9 candidates in 10 iterations, 11 operations each: 990 operations a pixel.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

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

void slic(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    Cpu exec(int(state.range(2)));
    Buffer<Rgba8, Cpu> image(exec, size, scene(size));
    Buffer<int, Cpu> labels(exec, size), count(exec, {1, 1});
    Slic<Cpu> plan(exec, size);
    for (auto _ : state) plan(image.view(), labels.view(), count.span());
    state.SetItemsProcessed(state.iterations() * int64_t(size.area()));
}
}  // namespace

BENCHMARK(slic)
    ->ArgNames({"width", "height", "threads"})
    ->Args({320, 240, 0})
    ->Args({854, 480, 1})
    ->Args({854, 480, 0})
    ->Args({1920, 1080, 0})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
