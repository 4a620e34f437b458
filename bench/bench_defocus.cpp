// Bytes: the disparity read and the defocus written, 8 a pixel.
#include <benchmark/benchmark.h>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/defocus.hpp"

using namespace cinebokeh;

static void defocus_map(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Buffer<float, Cpu> disparity(exec, s, std::vector<float>(s.area(), 0.3f)), defocus(exec, s);
    for (auto _ : state) defocus_map<Cpu>(exec, disparity.view(), {.strength = 40, .disparity = 0.5f}, defocus.view());
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 8));
}
BENCHMARK(defocus_map)->Args({320, 240})->Args({1920, 1080})->UseRealTime()->Unit(benchmark::kMillisecond);
