#include "cinebokeh/disparity_stabilizer.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// A slope with a box before it that walks to the right.
std::vector<float> scene(Size s, int frame) {
    std::vector<float> d(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const bool box = x >= 10 + 2 * frame && x < 30 + 2 * frame && y >= 12 && y < 40;
            d[size_t(y * s.width + x)] = box ? 0.9f : 0.1f + 0.5f * float(y) / float(s.height);
        }
    return d;
}
std::vector<float> rescaled(std::vector<float> d, float scale, float shift) {
    for (float& v : d) v = scale * v + shift;
    return d;
}
}  // namespace

TEST_CASE_TEMPLATE("a video that changes its scale and shift from frame to frame becomes steady", Exec, EXECUTORS) {
    const Size s{100, 60};
    Exec exec;
    Buffer<float, Exec> in(exec, s), out(exec, s);
    DisparityStabilizer<Exec> stabilize(exec, s, {.memory = 1000000});
    const float scales[] = {1, 1.1f, 0.9f, 1.05f, 0.93f, 1.2f}, shifts[] = {0, -0.1f, 0.05f, 0.2f, -0.05f, 0};
    for (int frame = 0; frame < 6; ++frame) {
        auto disparity = rescaled(scene(s, frame), scales[frame], shifts[frame]);
        disparity[777] = NAN, disparity[778] = INFINITY;
        in.upload(disparity);
        const DisparityScaleShift fit = stabilize(in.view(), out.view());
        CHECK(fit.is_new == (frame == 0));
        const auto expected = scene(s, frame), steady = out.download();
        double worst = 0;
        for (size_t i = 0; i < s.area(); ++i)
            if (i != 777 && i != 778) worst = std::max(worst, double(std::abs(steady[i] - expected[i])));
        // The box has moved: 2 columns of 100 on each side change by up to 0.8, of a scene 0.5 deep. Tukey's weights
        // leave all of them out; what is left is rounding.
        CHECK(worst <= 1e-4);
        CHECK(std::isnan(steady[777]));
    }
}

TEST_CASE("noise does not shrink the scale from frame to frame") {
    const Size s{80, 60};
    Cpu exec;
    Buffer<float, Cpu> in(exec, s), out(exec, s);
    DisparityStabilizer<Cpu> stabilize(exec, s, {.memory = 1000000});
    DisparityScaleShift fit;
    for (unsigned frame = 0; frame < 60; ++frame) {
        auto disparity = scene(s, 0);
        const auto jitter = noise(s, -0.05f, 0.05f, 7 + frame);
        for (size_t i = 0; i < s.area(); ++i) disparity[i] += jitter[i];
        in.upload(disparity);
        fit = stabilize(in.view(), out.view());
    }
    // A slope of least squares would be 1 - (0.029 / 0.16)^2 = 0.967 in each frame, 0.14 after sixty. Here a frame is
    // off by about 0.029 / 0.16 / sqrt(4800) = 0.003, to either side: 0.02 after sixty, taken three times.
    CHECK(std::abs(fit.scale - 1) <= 0.06f);
}

TEST_CASE("a cut is left as it is, and one depth has no scale") {
    const Size s{64, 48};
    Cpu exec;
    Buffer<float, Cpu> in(exec, s), out(exec, s);
    DisparityStabilizer<Cpu> stabilize(exec, s);
    in.upload(scene(s, 0));
    stabilize(in.view(), out.view());
    const auto other = noise(s, 0, 1);
    in.upload(other);
    CHECK(stabilize(in.view(), out.view()).is_new);
    CHECK(out.download() == other);
    in.upload(std::vector<float>(s.area(), 0.5f));
    CHECK(stabilize(in.view(), out.view()).is_new);
    in.upload(std::vector<float>(s.area(), NAN));
    CHECK(stabilize(in.view(), in.view()).is_new);
    stabilize.reset();
    in.upload(scene(s, 0));
    CHECK(stabilize(in.view(), out.view()).is_new);
    CHECK(allocations_during([&] { stabilize(in.view(), out.view()); }) == 0);
}

TEST_CASE("the scale goes back to that of the net") {
    const Size s{64, 48};
    Cpu exec;
    Buffer<float, Cpu> in(exec, s), out(exec, s);
    DisparityStabilizer<Cpu> stabilize(exec, s, {.memory = 10});
    DisparityScaleShift fit;
    for (int frame = 0; frame < 50; ++frame) {  // the net has settled on half the scale
        in.upload(rescaled(scene(s, 0), frame ? 0.5f : 1.f, 0));
        fit = stabilize(in.view(), out.view());
    }
    CHECK(fit.scale - 1 <= 0.01f);  // 1 + 0.9^50
    CHECK(fit.scale >= 1);
}

TEST_CASE("the stabiliser refuses bad input") {
    Cpu exec;
    using Stabilizer = DisparityStabilizer<Cpu>;
    CHECK_THROWS_AS(Stabilizer(exec, Size{0, 4}), Error);
    CHECK_THROWS_AS(Stabilizer(exec, Size{4, 4}, {.memory = 0}), Error);
    Stabilizer stabilize(exec, {4, 4});
    Buffer<float, Cpu> right(exec, {4, 4}), wrong(exec, {5, 4});
    CHECK_THROWS_AS(stabilize(wrong.view(), wrong.view()), Error);
    CHECK_THROWS_AS(stabilize(right.view(), wrong.view()), Error);
}
