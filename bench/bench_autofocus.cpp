// Bytes: the samples, at most 16,384 of 8 bytes. The time goes into sorting them.
#include "bench.hpp"
#include "cinebokeh/autofocus.hpp"

using namespace cinebokeh;

template <class Exec>
static void autofocus_on_matte(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<float> values(s.area());
    for (size_t i = 0; i < values.size(); ++i) values[i] = float(i * 7919 % 1009) / 1009;
    Buffer<float, Exec> disparity(exec, s, values), matte(exec, s, std::vector<float>(s.area(), 1.f));
    Autofocus<Exec> autofocus(exec);
    bench::run(state, exec, [&] { benchmark::DoNotOptimize(autofocus.on_matte(disparity.view(), matte.view())); });
    state.SetBytesProcessed(int64_t(state.iterations()) * 8 * 16384);
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({320, 240})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(autofocus_on_matte, sizes);
