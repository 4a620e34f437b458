#include <benchmark/benchmark.h>

#include <vector>

#include "cinebokeh/depth_boundary.hpp"
#include "cinebokeh/image_quality.hpp"

using namespace cinebokeh;

namespace {
// Operations: SSIM takes 5 sums of 11 taps along columns and along rows, for each of 3 channels.
void psnr_and_ssim(benchmark::State& state) {
    const Size s{int(state.range(0)), int(state.range(1))};
    Cpu exec;
    ImageQuality quality(exec, s);
    std::vector<Rgba8> a(s.area()), b(s.area());
    for (size_t i = 0; i < a.size(); ++i)
        a[i] = {uint8_t(i), uint8_t(i / 7), 9, 255}, b[i] = {uint8_t(i / 2), 3, 4, 255};
    for (auto _ : state) {
        quality.compare({a.data(), s}, {b.data(), s});
        benchmark::DoNotOptimize(quality.score().ssim);
    }
    state.counters["FLOPS"] =
        benchmark::Counter(3. * 5 * 22 * 2 * double(s.area()), benchmark::Counter::kIsIterationInvariantRate);
}
// Bytes: disparity and defocus are read, the mask is written.
void depth_boundary(benchmark::State& state) {
    const Size s{int(state.range(0)), int(state.range(1))};
    Cpu exec;
    DepthBoundary boundary(exec, s);
    std::vector<float> disparity(s.area()), defocus(s.area());
    std::vector<uint8_t> mask(s.area());
    for (size_t i = 0; i < disparity.size(); ++i) {
        disparity[i] = i / 40 % 5 ? 0.2f : 0.7f;
        defocus[i] = 20 * (disparity[i] - 0.7f);
    }
    for (auto _ : state) boundary({disparity.data(), s}, {defocus.data(), s}, {mask.data(), s});
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area()) * 9);
}
void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Unit(benchmark::kMillisecond)->UseRealTime();
    b->Args({256, 256})->Args({1920, 1080});
}
BENCHMARK(psnr_and_ssim)->Apply(sizes);
BENCHMARK(depth_boundary)->Apply(sizes);
}  // namespace
