// Optical flow between two synthetic frames that move by a few pixels. The presets are ultrafast, fast and medium.
// Bytes: the two frames are read once and the flow is written; all else happens at a fourth of their size.
#include <benchmark/benchmark.h>

#include "cinebokeh/optical_flow.hpp"

using namespace cinebokeh;

static void optical_flow(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    const OpticalFlowParams presets[] = {OpticalFlowParams::ultrafast(), OpticalFlowParams::fast(),
                                         OpticalFlowParams::medium()};
    std::vector<uint8_t> from, to;
    auto wave = [](float x, float y) {
        return uint8_t(128 + 60 * std::sin(0.31f * x + 0.22f * y) + 40 * std::sin(0.09f * x - 0.15f * y) +
                       20 * std::sin(0.8f * x + 0.5f * y));
    };
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            from.push_back(wave(float(x), float(y)));
            to.push_back(wave(1.01f * float(x) - 3.3f, 1.01f * float(y) + 1.7f));
        }
    Buffer<uint8_t, Cpu> a(exec, s, from), b(exec, s, to);
    Buffer<Float2, Cpu> flow(exec, s);
    OpticalFlow<Cpu> plan(exec, s, presets[state.range(2)]);
    for (auto _ : state) plan(a.view(), b.view(), flow.view());
    state.SetBytesProcessed(state.iterations() * int64_t(s.area() * (2 + sizeof(Float2))));
}
BENCHMARK(optical_flow)
    ->ArgNames({"width", "height", "preset"})
    ->ArgsProduct({{427}, {240}, {0, 1, 2}})
    ->ArgsProduct({{854}, {480}, {0, 1, 2}})
    ->ArgsProduct({{1920}, {1080}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
