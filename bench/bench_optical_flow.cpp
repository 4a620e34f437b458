// Optical flow between two synthetic frames that move by a few pixels. The presets are ultrafast, fast and medium.
// Bytes: the two frames are read once and the flow is written; all else happens at a fourth of their size.
#include "cinebokeh/optical_flow.hpp"

#include "bench.hpp"

using namespace cinebokeh;

namespace {
template <class Exec>
void optical_flow(benchmark::State& state) {
    Exec exec;
    const Size s{int(state.range(0)), int(state.range(1))};
    const OpticalFlowParams presets[] = {OpticalFlowParams::ultrafast(), OpticalFlowParams::fast(),
                                         OpticalFlowParams::medium()};
    std::vector<uint8_t> from, to;
    auto wave = [](float x, float y) {
        return uint8_t(128 + 60 * std::sin(0.31f * x + 0.22f * y) + 40 * std::sin(0.09f * x - 0.15f * y) +
                       20 * std::sin(0.8f * x + 0.5f * y));
    };
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            from.push_back(wave(float(x), float(y)));
            to.push_back(wave(1.01f * float(x) - 3.3f, 1.01f * float(y) + 1.7f));
        }
    Buffer<uint8_t, Exec> a(exec, s, from), b(exec, s, to);
    Buffer<Float2, Exec> flow(exec, s);
    OpticalFlow<Exec> plan(exec, s, presets[state.range(2)]);
    bench::run(state, exec, [&] { plan(a.view(), b.view(), flow.view()); });
    state.SetBytesProcessed(state.iterations() * int64_t(s.area() * (2 + sizeof(Float2))));
}
void presets_and_sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "preset"});
    for (int preset : {0, 1, 2}) b->Args({427, 240, preset})->Args({854, 480, preset});
    for (int preset : {0, 1}) b->Args({1920, 1080, preset});
}
CINEBOKEH_BENCHMARK(optical_flow, presets_and_sizes);
}  // namespace
