// The whole renderer. Bytes: frame and matte read three times, the picture written, at decimation 1 the background
// written and read four times: 3 (4 + 4) + 4 + 64 a pixel.
#include "bench.hpp"
#include "cinebokeh/pipeline/background_blur.hpp"

using namespace cinebokeh;

template <BackgroundRenderer renderer>
static void background_blur(benchmark::State& state) {
    bench::Executor exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<Rgba8> pixels(s.area());
    std::vector<float> matte(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {  // a soft round subject on a busy background
            const size_t i = size_t(y) * size_t(s.width) + size_t(x);
            const float u = float(x - s.width / 2), v = float(y - s.height / 2);
            matte[i] = clamp(float(s.height) / 3 - std::sqrt(u * u + v * v), -2.f, 2.f) / 4 + 0.5f;
            pixels[i] = {uint8_t(x * 3), uint8_t(y * 5), uint8_t((x ^ y) & 255), 255};
        }
    Buffer<Rgba8, bench::Executor> frame(exec, s, pixels), out(exec, s);
    Buffer<float, bench::Executor> alpha(exec, s, matte);
    BackgroundBlur<bench::Executor> blur(exec, s, {.renderer = renderer, .decimation = int(state.range(2))});
    bench::run(state, exec, [&] { blur(frame.view(), alpha.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 92));
}
static void sizes(benchmark::internal::Benchmark* b) {
    for (int decimation : {0, 1})
        for (Size s : {Size{640, 360}, Size{1280, 720}, Size{1920, 1080}}) b->Args({s.width, s.height, decimation});
}
[[maybe_unused]] static const bool added =
    (bench::add("background_blur/disk", background_blur<BackgroundRenderer::disk>, sizes),
     bench::add("background_blur/gaussian", background_blur<BackgroundRenderer::gaussian>, sizes), true);
