// Bytes: the samples, at most 16,384 of 8 bytes. The time goes into sorting them.
#include <benchmark/benchmark.h>

#include "cinebokeh/autofocus.hpp"

using namespace cinebokeh;

static void autofocus_on_matte(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<float> values(s.area());
    for (size_t i = 0; i < values.size(); ++i) values[i] = float(i * 7919 % 1009) / 1009;
    Buffer<float, Cpu> disparity(exec, s, values), matte(exec, s, std::vector<float>(s.area(), 1.f));
    Autofocus<Cpu> autofocus(exec);
    for (auto _ : state) benchmark::DoNotOptimize(autofocus.on_matte(disparity.view(), matte.view()));
    state.SetBytesProcessed(int64_t(state.iterations()) * 8 * 16384);
}
BENCHMARK(autofocus_on_matte)->Args({320, 240})->Args({1920, 1080})->UseRealTime()->Unit(benchmark::kMillisecond);
