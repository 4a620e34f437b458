// Whole frames of both trackers, and the template tracker's own step: evidence from a placed template.
#include <random>

#include "bench.hpp"
#include "cinebokeh/pipeline/memory_tracker.hpp"
#include "cinebokeh/pipeline/template_tracker.hpp"
using namespace cinebokeh;

namespace {
// Per pixel and displacement: 8 operations for the difference, 2 + 2 for the sums, 6 for the two minima.
void template_similarity(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    Cpu cpu;
    const TemplateSimilarityParams params;
    TemplateSimilarity similarity(cpu, size, params);
    std::mt19937 generator(1);
    std::vector<Float3> lab(size.area());
    std::vector<float> matte(size.area());
    for (size_t i = 0; i < lab.size(); ++i) {
        lab[i] = {float(generator() % 100), float(generator() % 60), float(generator() % 60)};
        matte[i] = float(generator() % 2);
    }
    for (auto _ : state) {
        similarity.begin({lab.data(), size});
        similarity.add({lab.data(), size}, {matte.data(), size}, {{2, 3}, 1});
        benchmark::ClobberMemory();
    }
    const double displacements = std::pow(2 * params.window / params.step + 1, 2);
    state.counters["FLOPS"] = benchmark::Counter(18 * displacements * double(size.area()) * double(state.iterations()),
                                                 benchmark::Counter::kIsRate);
}
BENCHMARK(template_similarity)->Args({160, 120})->Args({320, 240})->Unit(benchmark::kMillisecond)->UseRealTime();

// Smooth blobs that move; a subject of a fifth of the frame's height.
template <class Tracker, class Exec>
void track_frame(benchmark::State& state) {
    const Size size{int(state.range(0)), int(state.range(1))};
    Exec exec;
    Tracker tracker(exec, size);
    std::vector<Buffer<Rgba8, Exec>> frames;
    std::vector<Rgba8> frame(size.area());
    std::vector<float> first(size.area());
    const float radius = 0.2f * float(size.height);
    for (int t = 0; t < 8; ++t) {
        const float cx = float(size.width) * (0.4f + 0.01f * float(t)), cy = 0.5f * float(size.height);
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                const float u = float(x) - cx, v = float(y) - cy;
                const bool inside = u * u + v * v < radius * radius;
                const float a = inside ? u : float(x), b = inside ? v : float(y);
                const float wave = 30 * std::sin(a * 0.2f) * std::cos(b * 0.17f) + 20 * std::sin(a * 0.05f + b * 0.09f);
                frame[size_t(y * size.width + x)] = {uint8_t((inside ? 180 : 70) + wave), uint8_t(110 - wave),
                                                     uint8_t(inside ? 60 : 150), 255};
                if (t == 0) first[size_t(y * size.width + x)] = inside;
            }
        frames.emplace_back(exec, size, frame);
    }
    Buffer<float, Exec> matte(exec, size, first);
    tracker.start(frames[0].view(), matte.view());
    int64_t t = 0;
    int lost = 0;
    bench::run(state, exec, [&] {  // forth and back
        const int64_t i = ++t % 14;
        lost += !tracker.track(frames[size_t(i < 8 ? i : 14 - i)].view(), matte.view());
    });
    state.counters["lost"] = lost;
}
template <class Exec>
void memory_tracker(benchmark::State& state) {
    track_frame<MemoryTracker<Exec>, Exec>(state);
}
void template_tracker(benchmark::State& state) { track_frame<TemplateTracker<Cpu>, Cpu>(state); }
void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"})->Args({320, 240})->Args({854, 480})->Args({1920, 1080});
}
CINEBOKEH_BENCHMARK(memory_tracker, sizes);
BENCHMARK(template_tracker)->Apply(sizes)->Unit(benchmark::kMillisecond)->UseRealTime();
}  // namespace
