// Bytes: input read, prefix sums written and read, output written: 64 a pixel. Additions: 4 channels * about 5 a run.
#include "bench.hpp"
#include "cinebokeh/disk_blur.hpp"

using namespace cinebokeh;

template <class Exec>
static void disk_blur(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    Buffer<Float4, Exec> in(exec, s, std::vector<Float4>(s.area(), Float4{0.1f, 0.2f, 0.3f, 1})), out(exec, s);
    DiskBlur<Exec> blur(exec, s, {.radius = float(state.range(2))});
    bench::run(state, exec, [&] { blur(in.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 64));
    state.counters["FLOPS"] = benchmark::Counter(double(s.area()) * 4 * 5 * double(2 * state.range(2) + 1),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}
static void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "radius"});
    for (int radius : {8, 20, 40})
        for (Size s : bench::sizes) b->Args({s.width, s.height, radius});
    for (int radius : {80, 120, 160, 200}) b->Args({1920, 1080, radius});
}
CINEBOKEH_BENCHMARK(disk_blur, arguments);
