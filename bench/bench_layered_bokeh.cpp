// The layered renderer and those it is compared with on one frame: a ground that comes nearer from top to bottom, and a
// subject in focus before a background at the largest radius. With a picture of the aperture layers are convolved by
// FFT.
#include "bench.hpp"
#include "cinebokeh/pipeline/bokeh_renderer.hpp"

using namespace cinebokeh;

static void bokeh(benchmark::State& state, BokehMethod method, const ApertureImage& picture) {
    bench::Executor exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    std::vector<Rgba8> pixels(s.area());
    std::vector<float> disparity(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t i = size_t(y) * size_t(s.width) + size_t(x);
            const float u = float(x - s.width / 2), v = float(y - s.height / 2), far = float(s.height) / 3;
            const bool subject = u * u + v * v < far * far;
            const float ground = (float(y) - 0.6f * float(s.height)) / (0.4f * float(s.height));  // 0..1 in its rows
            disparity[i] = subject ? 1.f : ground > 0 ? 1.25f * ground : 0.f;
            pixels[i] = {uint8_t(x * 3), uint8_t(y * 5), uint8_t((x ^ y) & 255), 255};
        }
    Buffer<Rgba8, bench::Executor> frame(exec, s, pixels), out(exec, s);
    Buffer<float, bench::Executor> depth(exec, s, disparity);
    const float radius = float(state.range(2));
    BokehRenderer<bench::Executor> renderer(exec, s, {.method = method, .max_radius = radius, .picture = picture});
    bench::run(state, exec, [&] { renderer({frame.view(), depth.view()}, {radius, 1}, out.view()); });
    state.SetItemsProcessed(int64_t(state.iterations()) * int64_t(s.area()));
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "radius"});
    for (int radius : {5, 10, 20, 40, 80, 160, 200}) b->Args({1920, 1080, radius});  // growth with the radius
    for (Size s : {Size{640, 360}, Size{1280, 720}, Size{3840, 2160}}) b->Args({s.width, s.height, 40});  // the pixels
}
static void small_sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "radius"});
    b->Args({256, 256, 10})->Args({256, 256, 20});
}
static void add(const std::string& name, BokehMethod method, const ApertureImage& picture,
                void (*arguments)(benchmark::internal::Benchmark*)) {
    bench::add(
        "bokeh/" + name, [=](benchmark::State& state) { bokeh(state, method, picture); }, arguments);
}
[[maybe_unused]] static const bool added =
    (add("layered", BokehMethod::layered, {}, sizes),
     add("layered_picture", BokehMethod::layered, {{2, 2}, {1, 0, 1, 1}}, sizes),
     add("bucketed", BokehMethod::bucketed, {}, sizes), add("fixed_layers", BokehMethod::fixed_layers, {}, sizes),
     add("plain_scatter", BokehMethod::plain_scatter, {}, small_sizes), true);
