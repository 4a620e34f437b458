// The local colour model of one frame: three splats of all pixels, blur, and a slice of half of them.
// Bytes: a splat reads 17 (image, matte, region, flow) or 8 bytes a pixel, the slice reads 5 and writes 4. The grid
// itself (16 bytes a cell, 322 x 4096 cells at 427 x 240) is touched where there are samples, so it is not counted.
#include <benchmark/benchmark.h>

#include "cinebokeh/bilateral_grid.hpp"

using namespace cinebokeh;

namespace {
// Smooth gradients, a disk of another colour, and a little texture: as many colours at a place as pictures have.
struct Scene {
    Size size;
    Buffer<Rgba8, Cpu> image;
    Buffer<float, Cpu> matte, log_odds;
    Buffer<uint8_t, Cpu> everywhere, active;
    Buffer<Float2, Cpu> flow;

    Scene(Cpu& exec, Size s)
        : size(s),
          image(exec, s),
          matte(exec, s),
          log_odds(exec, s),
          everywhere(exec, s),
          active(exec, s),
          flow(exec, s) {
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                const bool inside = std::hypot(x - s.width / 2, y - s.height / 2) < s.height / 4;
                const unsigned texture = unsigned(x * 7919 + y * 104729) * 2654435761u >> 24;
                const int base = inside ? 150 : 40 + 60 * x / s.width, dark = int(texture % 48);
                image.view()(x, y) = {uint8_t(base + dark), uint8_t(base / 2 + dark + 40 * y / s.height),
                                      uint8_t(200 - base + dark), 255};
                matte.view()(x, y) = inside, everywhere.view()(x, y) = 1;
                active.view()(x, y) = std::hypot(x - s.width / 2, y - s.height / 2) < 0.53 * s.height;
                flow.view()(x, y) = {3.2f, -1.6f};
            }
    }
};

void local_colour(benchmark::State& state) {
    Cpu exec;
    Scene scene(exec, {int(state.range(0)), int(state.range(1))});
    BilateralGrid<Cpu> grid(exec, scene.size);
    const Similarity motion = {.from = {100, 100}, .to = {104, 98}, .scale = 1.02f};
    for (auto _ : state) {
        grid.clear();
        grid.splat(scene.image.view(), scene.matte.view(), scene.everywhere.view(), scene.flow.view(), 1.f);
        grid.splat(scene.image.view(), scene.matte.view(), motion, 0.4f);
        grid.splat(scene.image.view(), scene.matte.view(), motion, 0.3f);
        grid.blur();
        grid.slice(scene.image.view(), scene.active.view(), 0.15f, 4.f, scene.log_odds.view());
    }
    state.SetBytesProcessed(state.iterations() * int64_t(scene.size.area()) * (17 + 2 * 8 + 9));
}
}  // namespace
BENCHMARK(local_colour)
    ->Args({427, 240})
    ->Args({854, 480})
    ->Args({1920, 1080})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
