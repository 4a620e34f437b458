// Bytes: input read, prefix sums written and read, output written: 64 a pixel. Additions: 4 channels * about 5 a run.
#include <benchmark/benchmark.h>

#include "cinebokeh/disk_blur.hpp"

using namespace cinebokeh;

static void disk_blur(benchmark::State& state) {
    Cpu exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Buffer<Float4, Cpu> in(exec, s, std::vector<Float4>(s.area(), Float4{0.1f, 0.2f, 0.3f, 1})), out(exec, s);
    DiskBlur<Cpu> blur(exec, s, {.radius = float(state.range(2))});
    for (auto _ : state) blur(in.view(), out.view());
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 64));
}
static void sizes(benchmark::internal::Benchmark* b) {
    for (int radius : {8, 20, 40})
        for (Size s : {Size{320, 240}, Size{854, 480}, Size{1920, 1080}}) b->Args({s.width, s.height, radius});
    b->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK(disk_blur)->Apply(sizes);
