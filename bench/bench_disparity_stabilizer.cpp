// Bytes: the disparity read and written, 8 a pixel. The fit looks at 4,096 pixels eight times whatever the size.
#include <benchmark/benchmark.h>

#include "cinebokeh/disparity_stabilizer.hpp"

using namespace cinebokeh;

static void disparity_stabilizer(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<float> disparity(s.area());
    for (size_t i = 0; i < s.area(); ++i) disparity[i] = float(i % 977) / 977 + float(i) / float(s.area());
    Buffer<float, Cpu> in(exec, s, disparity), out(exec, s);
    DisparityStabilizer<Cpu> stabilize(exec, s);
    for (auto _ : state) stabilize(in.view(), out.view());
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 8));
}
BENCHMARK(disparity_stabilizer)->Args({320, 180})->Args({1920, 1080})->UseRealTime()->Unit(benchmark::kMillisecond);
