// Bytes: the disparity read and written, 8 a pixel. The fit looks at 4,096 pixels eight times whatever the size.
#include "bench.hpp"
#include "cinebokeh/disparity_stabilizer.hpp"

using namespace cinebokeh;

template <class Exec>
static void disparity_stabilizer(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<float> disparity(s.area());
    for (size_t i = 0; i < s.area(); ++i) disparity[i] = float(i % 977) / 977 + float(i) / float(s.area());
    Buffer<float, Exec> in(exec, s, disparity), out(exec, s);
    DisparityStabilizer<Exec> stabilize(exec, s);
    bench::run(state, exec, [&] { stabilize(in.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 8));
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({320, 180})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(disparity_stabilizer, sizes);
