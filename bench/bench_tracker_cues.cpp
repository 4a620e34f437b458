// The cues of the memory tracker at its working sizes. Synthetic frames; every pixel active, the worst case.
#include <benchmark/benchmark.h>

#include "cinebokeh/color_histogram.hpp"
#include "cinebokeh/cue_fusion.hpp"
#include "cinebokeh/gradient_features.hpp"
#include "cinebokeh/moments.hpp"
#include "cinebokeh/motion_cue.hpp"
#include "cinebokeh/patch_memory.hpp"
#include "cinebokeh/pixel_classifier.hpp"
#include "cinebokeh/pixel_features.hpp"
#include "cinebokeh/sampling.hpp"
#include "cinebokeh/warp.hpp"

using namespace cinebokeh;

namespace {
struct Scene {
    Cpu exec;
    Size size;
    Buffer<Float4, Cpu> colour, orientation;
    Buffer<Float2, Cpu> flow;
    Buffer<Rgba8, Cpu> image;
    Buffer<float, Cpu> matte, distance, weight, a, b;
    Buffer<uint8_t, Cpu> active;

    explicit Scene(const benchmark::State& state)
        : size{int(state.range(0)), int(state.range(1))},
          colour(exec, size),
          orientation(exec, size),
          flow(exec, size),
          image(exec, size),
          matte(exec, size),
          distance(exec, size),
          weight(exec, size),
          a(exec, size),
          b(exec, size),
          active(exec, size, std::vector<uint8_t>(size.area(), 1)) {
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                const float wave = std::sin(float(x) * .1f) * std::cos(float(y) * .13f);
                const bool inside =
                    std::hypot(float(x - size.width / 2), float(y - size.height / 2)) < float(size.height) / 4;
                colour.view()(x, y) = {50 + 40 * wave, 20 * wave, -10 * wave, 3};
                orientation.view()(x, y) = {std::max(wave, 0.f), std::max(-wave, 0.f), 1, 0};
                image.view()(x, y) = {uint8_t(x), uint8_t(y), uint8_t(x ^ y), 255};
                flow.view()(x, y) = inside ? Float2{3, 1} : Float2{wave * .2f, 0};
                matte.view()(x, y) = inside, distance.view()(x, y) = inside ? 5.f : -5.f, weight.view()(x, y) = 1;
            }
    }
    void count(benchmark::State& state) const {
        state.counters["pixels/s"] =
            benchmark::Counter(double(size.area()), benchmark::Counter::kIsIterationInvariantRate);
    }
};
void sizes(benchmark::internal::Benchmark* b) {
    for (Size s : {Size{320, 240}, Size{427, 240}, Size{854, 480}, Size{1920, 1080}}) b->Args({s.width, s.height});
    b->UseRealTime()->Unit(benchmark::kMillisecond);
}
}  // namespace

// A cell: 2 entries * 225 window cells * 63 dimensions * 3 operations = 85 kFLOP, per 16 pixels.
static void patch_memory(benchmark::State& state) {
    Scene s(state);
    PatchMemory memory(s.exec, s.size);
    memory.describe(s.colour.view(), s.orientation.view());
    memory.store(0, s.matte.view()), memory.store(1, s.matte.view());
    const Similarity motions[2];
    for (auto _ : state) {
        memory.describe(s.colour.view(), s.orientation.view());
        memory.match({motions, 2}, s.active.view(), s.a.view());
    }
    s.count(state);
}
BENCHMARK(patch_memory)->Apply(sizes);

static void pixel_features(benchmark::State& state) {
    Scene s(state);
    PixelFeatures features(s.exec, s.size);
    Buffer<float, Cpu> out(s.exec, {features.grid().width, features.grid().height * PixelFeatures::count});
    for (auto _ : state) features(s.colour.view(), s.orientation.view(), out.view());
    s.count(state);
}
BENCHMARK(pixel_features)->Apply(sizes);

// A sample: 2 * (20 * 32 + 32 * 32 + 32) = 3.4 kFLOP, per 4 pixels.
static void pixel_classifier_classify(benchmark::State& state) {
    Scene s(state);
    const Size grid{s.size.width / 2, s.size.height / 2};
    PixelClassifier classifier(s.exec);
    Buffer<float, Cpu> features(s.exec, {grid.width, grid.height * 20}, std::vector<float>(grid.area() * 20, .5f));
    for (auto _ : state)
        classifier.classify(features.view(), s.active.view().crop(0, 0, grid), 6, s.a.view().crop(0, 0, grid));
    s.count(state);
}
BENCHMARK(pixel_classifier_classify)->Apply(sizes);

// A step: 512 samples * 3 * 3.4 kFLOP.
static void pixel_classifier_train(benchmark::State& state) {
    Scene s(state);
    PixelClassifier classifier(s.exec);
    Buffer<float, Cpu> features(s.exec, {s.size.width, s.size.height * 20},
                                std::vector<float>(s.size.area() * 20, .5f));
    Buffer<uint8_t, Cpu> label(s.exec, s.size);
    above(s.exec, s.matte.view(), .5f, label.view());
    SampleSet set(s.exec, 20, 2000);
    Random random;
    set.draw(features.view(), label.view(), s.weight.view(), 2000, random);
    for (auto _ : state) classifier.train(set, {}, 512, .003f, random);
}
BENCHMARK(pixel_classifier_train)->Args({320, 240})->UseRealTime()->Unit(benchmark::kMillisecond);

static void color_histogram(benchmark::State& state) {
    Scene s(state);
    ColorHistogram histogram(s.exec);
    for (auto _ : state) {
        histogram.count(s.image.view(), s.matte.view(), s.weight.view());
        histogram.log_odds(s.image.view(), s.active.view(), 4, s.a.view());
    }
    s.count(state);
}
BENCHMARK(color_histogram)->Apply(sizes);

static void motion_cue(benchmark::State& state) {
    Scene s(state);
    MotionCue cue(s.exec, s.size);
    for (auto _ : state) cue(s.flow.view(), s.matte.view(), s.distance.view(), s.active.view(), s.a.view(), s.b.view());
    s.count(state);
}
BENCHMARK(motion_cue)->Apply(sizes);

static void warp_matte(benchmark::State& state) {
    Scene s(state);
    for (auto _ : state) warp(s.exec, s.matte.view(), s.flow.view(), s.a.view());
    s.count(state);
}
BENCHMARK(warp_matte)->Apply(sizes);

static void fuse_and_believe(benchmark::State& state) {
    Scene s(state);
    for (auto _ : state) {
        add_cue(s.exec, s.matte.view(), .1f, s.active.view(), s.a.view());
        believed_matte(s.exec, s.active.view(), s.a.view(), s.active.view(), .7f, s.b.view());
        benchmark::DoNotOptimize(moments(s.exec, s.b.view()));
    }
    s.count(state);
}
BENCHMARK(fuse_and_believe)->Apply(sizes);

// 49 + 49 multiply-adds a number at sigma 8, a quarter of the outputs.
static void strided_gaussian(benchmark::State& state) {
    Scene s(state);
    StridedGaussian blur(s.exec, s.size, {.sigma = 8, .stride = 2, .offset = 1});
    Buffer<Float4, Cpu> out(s.exec, blur.grid());
    for (auto _ : state) blur(s.colour.view(), out.view());
    s.count(state);
}
BENCHMARK(strided_gaussian)->Apply(sizes);
