// The blur with a picture of an aperture beside the disk of runs, which it is compared with as the radius grows. Bytes:
// input read, output written. The FFT's own scratch memory stays in the cache.
#include "bench.hpp"
#include "cinebokeh/aperture_blur.hpp"

using namespace cinebokeh;

template <class Exec>
static void aperture_blur(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))}, side{256, 256};
    ApertureImage ring{side, std::vector<float>(side.area())};
    for (int y = 0; y < side.height; ++y)
        for (int x = 0; x < side.width; ++x) {
            const int d = (2 * x - 255) * (2 * x - 255) + (2 * y - 255) * (2 * y - 255);
            ring.light[size_t(y * side.width + x)] = d < 255 * 255 && d > 100 * 100;
        }
    Buffer<Float4, Exec> in(exec, s, std::vector<Float4>(s.area(), Float4{0.1f, 0.2f, 0.3f, 1})), out(exec, s);
    ApertureBlur<Exec> blur(exec, s, ring, {.radius = float(state.range(2))});
    bench::run(state, exec, [&] { blur(in.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(s.area() * 32));
}
static void arguments(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "radius"});
    for (int radius : {8, 20, 40, 80, 120, 160, 200}) b->Args({1920, 1080, radius});
    for (int radius : {8, 20, 40})
        for (Size s : {Size{320, 240}, Size{854, 480}, Size{3840, 2160}}) b->Args({s.width, s.height, radius});
}
CINEBOKEH_BENCHMARK(aperture_blur, arguments);
