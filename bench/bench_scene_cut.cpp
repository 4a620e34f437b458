// Scene cuts. Bytes: the frame is read once.
#include <benchmark/benchmark.h>

#include "cinebokeh/scene_cut.hpp"

using namespace cinebokeh;

static void scene_cut(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<Rgba8> pixels(s.area());
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = {uint8_t(i), uint8_t(i >> 3), uint8_t(i >> 9), 255};
    SceneCut cut(exec);
    for (auto _ : state) benchmark::DoNotOptimize(cut({pixels.data(), s}));
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * sizeof(Rgba8)));
}
BENCHMARK(scene_cut)->Args({640, 360})->Args({1920, 1080})->UseRealTime()->Unit(benchmark::kMillisecond);
