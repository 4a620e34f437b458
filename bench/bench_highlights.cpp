// Bytes: 16 read and 16 written a pixel.
#include <benchmark/benchmark.h>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/highlights.hpp"

using namespace cinebokeh;

static void expand_highlights(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Buffer<Float4, Cpu> in(exec, s, std::vector<Float4>(s.area(), Float4{0.9f, 0.6f, 0.3f, 1})), out(exec, s);
    for (auto _ : state) expand_highlights<Cpu>(exec, in.view(), {.gain = 8}, out.view());
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 32));
}
BENCHMARK(expand_highlights)->Args({320, 240})->Args({1920, 1080})->UseRealTime()->Unit(benchmark::kMillisecond);
