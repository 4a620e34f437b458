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
constexpr Size quarter{427, 240}, sd{854, 480}, hd{1920, 1080}, uhd{3840, 2160};
}  // namespace

BENCHMARK_CAPTURE(resize<Rgba8>, nearest_hd_to_sd, ResizeFilter::nearest, hd, sd)->Apply(all);
BENCHMARK_CAPTURE(resize<Rgba8>, bilinear_quarter_to_sd, ResizeFilter::bilinear, quarter, sd)->Apply(all);
BENCHMARK_CAPTURE(resize<Rgba8>, bilinear_hd_to_sd, ResizeFilter::bilinear, hd, sd)->Apply(all);
BENCHMARK_CAPTURE(resize<Rgba8>, area_sd_to_quarter, ResizeFilter::area, sd, quarter)->Apply(all);
BENCHMARK_CAPTURE(resize<Rgba8>, area_uhd_to_hd, ResizeFilter::area, uhd, hd)->Apply(all);
BENCHMARK_CAPTURE(resize<Rgba8>, area_hd_to_sd, ResizeFilter::area, hd, sd)->Apply(all);
BENCHMARK_CAPTURE(resize<float>, bilinear_quarter_to_sd, ResizeFilter::bilinear, quarter, sd)->Apply(all);
BENCHMARK_CAPTURE(resize<float>, area_hd_to_sd, ResizeFilter::area, hd, sd)->Apply(all);
BENCHMARK_CAPTURE(resize<Float2>, bilinear_quarter_to_sd, ResizeFilter::bilinear, quarter, sd)->Apply(all);
