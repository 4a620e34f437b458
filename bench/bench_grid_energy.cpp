#include <benchmark/benchmark.h>

#include <vector>

#include "cinebokeh/grid_energy.hpp"

using namespace cinebokeh;

namespace {
// Bytes: 9 read a pixel (colour, logit, active) and 20 written (five capacities); 8 neighbours, all pixels undecided.
void grid_energy(benchmark::State& state) {
    const Size s{int(state.range(0)), int(state.range(1))};
    Cpu exec;
    std::vector<Rgba8> image(s.area());
    std::vector<float> logit(s.area());
    const std::vector<uint8_t> active(s.area(), 1);
    for (size_t i = 0; i < image.size(); ++i) {
        const unsigned r = unsigned(i) * 2654435761u;
        image[i] = {uint8_t(r >> 26), uint8_t(r >> 27), uint8_t(i % size_t(s.width) / 4), 255};
        logit[i] = float(r >> 20) / 1024 - 2;
    }
    GridEnergy<Cpu> energy(exec, s, Connectivity::eight);
    for (auto _ : state) energy({image.data(), s}, {logit.data(), s}, {active.data(), s}, {});
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area()) * 29);
}
BENCHMARK(grid_energy)
    ->ArgNames({"width", "height"})
    ->Args({320, 240})
    ->Args({427, 240})
    ->Args({854, 480})
    ->Args({1920, 1080})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
}  // namespace
