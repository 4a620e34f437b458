#include "cinebokeh/scene_cut.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// A scene: a landscape of soft waves in the colours of its seed, seen from x.
std::vector<Rgba8> scene(Size s, unsigned seed, int from = 0, float light = 1) {
    const std::vector<float> random = noise(12, 0, 1, seed);
    std::vector<Rgba8> pixels(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            for (int c = 0; c < 3; ++c) {
                const float wave =
                    std::sin(float(x + from) * (0.02f + 0.05f * random[size_t(c)]) + 6 * random[size_t(3 + c)]) +
                    std::sin(float(y) * (0.02f + 0.05f * random[size_t(6 + c)]));
                const float value = light * (60 + 130 * random[size_t(9 + c)] + 25 * wave);
                pixels[size_t(y * s.width + x)][c] = uint8_t(clamp(value, 0.f, 255.f));
            }
    return pixels;
}
}  // namespace

TEST_CASE("a cut is found at once, and only there") {
    Cpu exec;
    const Size s{160, 90};
    for (unsigned seed = 1; seed < 6; ++seed) {
        CAPTURE(seed);
        SceneCut cut(exec);
        int found = 0;
        for (int i = 0; i < 12; ++i) {
            const std::vector<Rgba8> frame = scene(s, i < 6 ? seed : seed + 10, 3 * i);
            const bool is_cut = cut(host_view(frame, s));
            found += is_cut;
            CHECK(is_cut == (i == 6));
        }
        CHECK(found == 1);
    }
}

TEST_CASE("a fast pan, a fade and flickering light are no cuts") {
    Cpu exec;
    const Size s{160, 90};
    SceneCut pan(exec), fade(exec), flicker(exec);
    for (int i = 0; i < 25; ++i) {
        CHECK(!pan(host_view(scene(s, 3, 20 * i), s)));
        CHECK(!fade(host_view(scene(s, 4, 0, float(i) / 24), s)));
        CHECK(!flicker(host_view(scene(s, 5, 0, i % 2 ? 1 : 0.9f), s)));
    }
}

TEST_CASE("another size is a cut, the first frame is none, and one pixel is a frame") {
    Cpu exec;
    SceneCut cut(exec);
    const std::vector<Rgba8> pixels(200, Rgba8{9, 9, 9, 255});
    CHECK(!cut(host_view(pixels, {1, 1})));
    CHECK(!cut(host_view(pixels, {1, 1})));
    CHECK(cut(host_view(pixels, {20, 10})));
    CHECK(!cut(host_view(pixels, {20, 10})));
    CHECK(cut(host_view(pixels, {1, 200})));
    CHECK_THROWS_AS(cut(host_view(pixels, {0, 3})), Error);
    CHECK_THROWS_AS(SceneCut(exec, {.change = NAN}), Error);
}

TEST_CASE("cuts depend on no threads, and a frame allocates nothing") {
    Cpu one(1), three(3);
    const Size s{97, 61};
    SceneCut by_one(one), by_three(three);
    for (int i = 0; i < 8; ++i) {
        const std::vector<Rgba8> frame = scene(s, unsigned(1 + i / 2), i);
        bool other = false;
        CHECK(allocations_during([&] { other = by_three(host_view(frame, s)); }) == 0);
        CHECK(by_one(host_view(frame, s)) == other);
    }
}
