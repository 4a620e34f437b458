// Bytes: disparity and matte read three times, two maps written: 32 a pixel.
#include <benchmark/benchmark.h>

#include "cinebokeh/disparity_snap.hpp"

using namespace cinebokeh;

static void disparity_snap(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<float> disparity(s.area()), matte(s.area());
    for (size_t i = 0; i < s.area(); ++i) {
        matte[i] = i % size_t(s.width) > size_t(s.width / 2) ? 1.f : 0.f;
        disparity[i] = matte[i] + float(i % 977) / 9770;
    }
    Buffer<float, Cpu> d(exec, s, disparity), m(exec, s, matte), subject(exec, s), background(exec, s);
    DisparitySnap<Cpu> snap(exec, s);
    for (auto _ : state) snap(d.view(), m.view(), 1.05f, subject.view(), background.view());
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 32));
}
BENCHMARK(disparity_snap)->Args({320, 180})->Args({1920, 1080})->UseRealTime()->Unit(benchmark::kMillisecond);
