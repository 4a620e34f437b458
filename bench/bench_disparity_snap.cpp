// Bytes: disparity and matte read three times, two maps written: 32 a pixel.
#include "bench.hpp"
#include "cinebokeh/disparity_snap.hpp"

using namespace cinebokeh;

template <class Exec>
static void disparity_snap(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<float> disparity(s.area()), matte(s.area());
    for (size_t i = 0; i < s.area(); ++i) {
        matte[i] = i % size_t(s.width) > size_t(s.width / 2) ? 1.f : 0.f;
        disparity[i] = matte[i] + float(i % 977) / 9770;
    }
    Buffer<float, Exec> d(exec, s, disparity), m(exec, s, matte), subject(exec, s), background(exec, s);
    DisparitySnap<Exec> snap(exec, s);
    bench::run(state, exec, [&] { snap(d.view(), m.view(), 1.05f, subject.view(), background.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 32));
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({320, 180})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(disparity_snap, sizes);
