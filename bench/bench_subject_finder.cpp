// Finding a subject without scribbles, from the frame to the matte; frames per second. Synthetic: a figure that rises
// from the bottom before a background that changes slowly.
#include <benchmark/benchmark.h>

#include <vector>

#include "cinebokeh/pipeline/subject_finder.hpp"

using namespace cinebokeh;

static void subject_finder_auto(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    std::vector<Rgba8> pixels(size.area());
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const double u = double(x) / size.width - 0.5, v = double(y) / size.height;
            const bool inside =
                u * u + (v - 0.35) * (v - 0.35) < 0.02 || (v > 0.5 && std::abs(u) < 0.1 + (v - 0.5) / 3);
            const unsigned n = unsigned(x * 7919 + y * 104729) % 17;
            pixels[size_t(y) * size.width + x] = {uint8_t((inside ? 180 : 60) + n),
                                                  uint8_t(80 + (inside ? 0 : 60 * u) + n), uint8_t(90 + n), 255};
        }
    Cpu exec;
    SubjectFinder finder(exec, size);
    Buffer<float, Cpu> matte(exec, size);
    for (auto _ : state) finder.find_auto(HostImage<const Rgba8>(pixels.data(), size), matte.view());
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(subject_finder_auto)
    ->Args({320, 240})
    ->Args({854, 480})
    ->Args({1920, 1080})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
