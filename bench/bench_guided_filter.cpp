// Bytes: guide and input read, 4 coefficient planes written and read, output written: 4 + 4 + 32 + 4 a pixel.
#include "bench.hpp"
#include "cinebokeh/guided_upsampling.hpp"

using namespace cinebokeh;

template <class Pixel, class Exec>
static void guided_filter(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<Pixel> guide(s.area());
    std::vector<float> matte(s.area());
    for (size_t i = 0; i < guide.size(); ++i) {
        if constexpr (std::is_same_v<Pixel, Rgba8>)
            guide[i] = {uint8_t(i * 7), uint8_t(i * 13), uint8_t(i / 64), 255};
        else
            guide[i] = float(i % 251);
        matte[i] = float(i / 50 % 2);
    }
    Buffer<Pixel, Exec> g(exec, s, guide);
    Buffer<float, Exec> in(exec, s, matte), out(exec, s);
    GuidedFilter<Exec> filter(exec, s, {.radius = 8, .epsilon = 20, .subsample = int(state.range(2))});
    bench::run(state, exec, [&] { filter(g.view(), in.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * (sizeof(Pixel) + 40)));
}
template <class Exec>
static void guided_filter_color(benchmark::State& state) {
    guided_filter<Rgba8, Exec>(state);
}
template <class Exec>
static void guided_filter_grey(benchmark::State& state) {
    guided_filter<float, Exec>(state);
}
// From a matte of 512 x 288. Bytes: guide read twice and output written, 12 a pixel.
template <class Exec>
static void guided_upsampling(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))}, small{512, 288};
    std::vector<Rgba8> pixels(s.area());
    std::vector<float> matte(small.area());
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = {uint8_t(i * 7), uint8_t(i * 13), uint8_t(i / 64), 255};
    for (size_t i = 0; i < matte.size(); ++i) matte[i] = float(i / 50 % 2);
    Buffer<Rgba8, Exec> guide(exec, s, pixels);
    Buffer<float, Exec> in(exec, small, matte), out(exec, s);
    GuidedUpsampling<Exec> upsampling(exec, small);
    bench::run(state, exec, [&] { upsampling(in.view(), guide.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 12));
}
static void upsampled_sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({640, 360})->Args({1280, 720})->Args({1920, 1080})->Args({3840, 2160});
}
static void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "subsample"});
    for (int subsample : {1, 4})
        for (Size s : bench::sizes) b->Args({s.width, s.height, subsample});
}
CINEBOKEH_BENCHMARK(guided_filter_color, arguments);
CINEBOKEH_BENCHMARK(guided_filter_grey, arguments);
CINEBOKEH_BENCHMARK(guided_upsampling, upsampled_sizes);
