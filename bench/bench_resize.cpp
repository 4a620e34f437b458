// Resizing. Bytes are one read of the input and one write of the output.
#include <benchmark/benchmark.h>

#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/resize.hpp"

using namespace cinebokeh;

namespace {
template <class T>
void resize(benchmark::State& state, ResizeFilter filter, Size from, Size to) {
    Cpu exec;
    Buffer<T, Cpu> in(exec, from, std::vector<T>(from.area())), out(exec, to);
    for (auto _ : state) cinebokeh::resize(exec, in.view(), filter, out.view());
    state.SetBytesProcessed(state.iterations() * int64_t((from.area() + to.area()) * sizeof(T)));
}
void all(benchmark::internal::Benchmark* bench) { bench->UseRealTime()->Unit(benchmark::kMillisecond); }
void rgba(benchmark::State& state, ResizeFilter filter, Size from, Size to) { resize<Rgba8>(state, filter, from, to); }
void float1(benchmark::State& state, ResizeFilter filter, Size from, Size to) {
    resize<float>(state, filter, from, to);
}
void float2(benchmark::State& state, ResizeFilter filter, Size from, Size to) {
    resize<Float2>(state, filter, from, to);
}
constexpr Size quarter{427, 240}, sd{854, 480}, hd{1920, 1080}, uhd{3840, 2160};
}  // namespace

BENCHMARK_CAPTURE(rgba, nearest_hd_to_sd, ResizeFilter::nearest, hd, sd)->Apply(all);
BENCHMARK_CAPTURE(rgba, bilinear_quarter_to_sd, ResizeFilter::bilinear, quarter, sd)->Apply(all);
BENCHMARK_CAPTURE(rgba, bilinear_hd_to_sd, ResizeFilter::bilinear, hd, sd)->Apply(all);
BENCHMARK_CAPTURE(rgba, area_sd_to_quarter, ResizeFilter::area, sd, quarter)->Apply(all);
BENCHMARK_CAPTURE(rgba, area_uhd_to_hd, ResizeFilter::area, uhd, hd)->Apply(all);
BENCHMARK_CAPTURE(rgba, area_hd_to_sd, ResizeFilter::area, hd, sd)->Apply(all);
BENCHMARK_CAPTURE(float1, bilinear_quarter_to_sd, ResizeFilter::bilinear, quarter, sd)->Apply(all);
BENCHMARK_CAPTURE(float1, area_hd_to_sd, ResizeFilter::area, hd, sd)->Apply(all);
BENCHMARK_CAPTURE(float2, bilinear_quarter_to_sd, ResizeFilter::bilinear, quarter, sd)->Apply(all);
