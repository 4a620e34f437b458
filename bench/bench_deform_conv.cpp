// Deformable convolution of 64 to 64 channels, 3x3, modulated, beside the convolution of the same shape.
// Multiply-adds of the products: pixels * 9 * 64 * 64; two operations each. Sampling is not counted.
#include "cinebokeh/nn/deform_conv.hpp"

#include <random>

#include "bench.hpp"

using namespace cinebokeh;

namespace {
const Conv2dParams same = {.in_channels = 64, .out_channels = 64, .kernel = 3, .padding = 1};
const Conv2dWeights weights = {std::vector<float>(64 * 64 * 9, 0.01f), std::vector<float>(64, 0.f)};

void count(benchmark::State& state, Shape s) {
    state.counters["FLOPS"] =
        benchmark::Counter(2.0 * double(s.pixels()) * 9 * 64 * 64, benchmark::Counter::kIsIterationInvariantRate);
}
template <class T, class Exec>
void deform_conv(benchmark::State& state) {
    Exec exec;
    const Shape s{1, int(state.range(1)), int(state.range(0)), 64}, o{1, s.h, s.w, 18};
    std::vector<float> moved(o.count());
    std::mt19937 generator(1);
    std::normal_distribution<float> normal(0, 2);
    for (float& v : moved) v = normal(generator);
    DeformConv2d<T, Exec> layer(exec, {same, 1}, weights, s.size());
    TensorBuffer<T, Exec> in(exec, s, std::vector<float>(s.count(), 0.1f)), out(exec, s);
    TensorBuffer<float, Exec> offset(exec, o, moved),
        factor(exec, {1, s.h, s.w, 9}, std::vector<float>(s.pixels() * 9, 0.5f));
    bench::run(state, exec, [&] { layer(in.view(), offset.view(), factor.view(), out.view()); });
    count(state, s);
}
template <class T, class Exec>
void dense_conv(benchmark::State& state) {
    Exec exec;
    const Shape s{1, int(state.range(1)), int(state.range(0)), 64};
    Conv2d<T, Exec> layer(exec, same, weights, s.size());
    TensorBuffer<T, Exec> in(exec, s, std::vector<float>(s.count(), 0.1f)), out(exec, s);
    bench::run(state, exec, [&] { layer(in.view(), out.view()); });
    count(state, s);
}
void sizes(benchmark::internal::Benchmark* b) { b->ArgNames({"width", "height"})->Args({240, 135})->Args({480, 270}); }
template <class Exec>
void deform_conv_float(benchmark::State& state) {
    deform_conv<float, Exec>(state);
}
template <class Exec>
void dense_conv_float(benchmark::State& state) {
    dense_conv<float, Exec>(state);
}
template <class Exec>
void deform_conv_bfloat16(benchmark::State& state) {
    deform_conv<BFloat16, Exec>(state);
}
template <class Exec>
void dense_conv_bfloat16(benchmark::State& state) {
    dense_conv<BFloat16, Exec>(state);
}
CINEBOKEH_BENCHMARK(deform_conv_float, sizes);
CINEBOKEH_BENCHMARK(dense_conv_float, sizes);
CINEBOKEH_BENCHMARK(deform_conv_bfloat16, sizes);
CINEBOKEH_BENCHMARK(dense_conv_bfloat16, sizes);
}  // namespace
