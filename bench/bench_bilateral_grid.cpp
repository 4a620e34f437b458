// The local colour model of one frame: three splats of all pixels, blur, and a slice of half of them.
// Bytes: a splat reads 17 (image, matte, region, flow) or 8 bytes a pixel, the slice reads 5 and writes 4. The grid
// itself (16 bytes a cell, 322 x 4096 cells at 427 x 240) is touched where there are samples, so it is not counted.
#include "bench.hpp"
#include "cinebokeh/bilateral_grid.hpp"

using namespace cinebokeh;

namespace {
// Smooth gradients, a disk of another colour, and a little texture: as many colours at a place as pictures have.
template <class Exec>
void local_colour(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    std::vector<Rgba8> picture(size.area());
    std::vector<float> inside(size.area());
    std::vector<uint8_t> undecided(size.area());
    for (int y = 0, i = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x, ++i) {
            const double radius = std::hypot(x - size.width / 2, y - size.height / 2);
            inside[size_t(i)] = radius < size.height / 4, undecided[size_t(i)] = radius < 0.53 * size.height;
            const unsigned texture = unsigned(x * 7919 + y * 104729) * 2654435761u >> 24;
            const int base = inside[size_t(i)] > 0 ? 150 : 40 + 60 * x / size.width, dark = int(texture % 48);
            picture[size_t(i)] = {uint8_t(base + dark), uint8_t(base / 2 + dark + 40 * y / size.height),
                                  uint8_t(200 - base + dark), 255};
        }
    Exec exec;
    Buffer<Rgba8, Exec> image(exec, size, picture);
    Buffer<float, Exec> matte(exec, size, inside), log_odds(exec, size);
    Buffer<uint8_t, Exec> everywhere(exec, size, std::vector<uint8_t>(size.area(), 1)), active(exec, size, undecided);
    Buffer<Float2, Exec> flow(exec, size, std::vector<Float2>(size.area(), {3.2f, -1.6f}));
    BilateralGrid<Exec> grid(exec, size);
    const Similarity motion = {.from = {100, 100}, .to = {104, 98}, .scale = 1.02f};
    bench::run(state, exec, [&] {
        grid.clear();
        grid.splat(image.view(), matte.view(), everywhere.view(), flow.view(), 1.f);
        grid.splat(image.view(), matte.view(), motion, 0.4f);
        grid.splat(image.view(), matte.view(), motion, 0.3f);
        grid.blur();
        grid.slice(image.view(), active.view(), 0.15f, 4.f, log_odds.view());
    });
    state.SetBytesProcessed(state.iterations() * int64_t(size.area()) * (17 + 2 * 8 + 9));
}
void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({427, 240})->Args({854, 480})->Args({1920, 1080});
}
CINEBOKEH_BENCHMARK(local_colour, sizes);
}  // namespace
