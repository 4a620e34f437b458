#include "cinebokeh/highlights.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
template <class Exec>
std::vector<Float4> stretched(const std::vector<Float4>& pixels, const Highlights& highlights, bool back) {
    Exec exec;
    Buffer<Float4, Exec> image(exec, {int(pixels.size()), 1}, pixels);
    expand_highlights<Exec>(exec, image.view(), highlights, image.view());
    if (back) compress_highlights<Exec>(exec, image.view(), highlights, image.view());
    return image.download();
}
}  // namespace

TEST_CASE_TEMPLATE("white becomes the gain, what is below the threshold stays, hue stays", Exec, EXECUTORS) {
    const Highlights highlights{.gain = 8, .threshold = 0.4f};
    const auto out = stretched<Exec>(
        {{1, 1, 1, 1}, {0.4f, 0.1f, 0, 1}, {0.2f, 1, 0.5f, 1}, {0.7f, 0.7f, 0, 0.3f}, {2, 0, 0, 1}}, highlights, false);
    CHECK(out[0][0] == doctest::Approx(8));
    CHECK(out[1] == Float4{0.4f, 0.1f, 0, 1});
    CHECK(out[2][0] == doctest::Approx(1.6));
    CHECK(out[2][1] == doctest::Approx(8));
    // s = 1/2 and a = 1 - 0.6 / 7.6
    CHECK(out[3][0] == doctest::Approx(0.4 + 0.6 * 0.5 / (1 - 0.5 * (1 - 0.6 / 7.6))));
    CHECK(out[3][3] == 0.3f);
    CHECK(out[4][0] == doctest::Approx(16));
}

TEST_CASE_TEMPLATE("compressing undoes expanding, and brighter stays brighter", Exec, EXECUTORS) {
    for (const Highlights highlights : {Highlights{}, Highlights{.gain = 4}, Highlights{.gain = 64, .threshold = 0}}) {
        std::vector<Float4> ramp;
        for (int i = 0; i <= 300; ++i) ramp.push_back({float(i) / 100, float(i) / 400, 0, 1});
        const auto out = stretched<Exec>(ramp, highlights, false), back = stretched<Exec>(ramp, highlights, true);
        for (size_t i = 0; i < ramp.size(); ++i) {
            if (i) CHECK(out[i][0] > out[i - 1][0]);
            // 1 - a s loses what s / (1 - a s) gains: rounding times the gain
            CHECK(std::abs(back[i][0] - ramp[i][0]) <= 1e-6f * (1 + ramp[i][0]) * highlights.gain);
        }
        if (highlights.gain == 1) CHECK(worst_error(std::vector<float>{out[300][0]}, std::vector<float>{3}) == 0);
    }
}

TEST_CASE("highlights that cannot be are refused") {
    Cpu exec;
    Buffer<Float4, Cpu> a(exec, {2, 2}), b(exec, {3, 2});
    CHECK_THROWS_AS(expand_highlights<Cpu>(exec, a.view(), {}, b.view()), Error);
    for (float bad : {0.9f, 65.f, NAN})
        CHECK_THROWS_AS(expand_highlights<Cpu>(exec, a.view(), {.gain = bad}, a.view()), Error);
    for (float bad : {-0.1f, 1.f, NAN})
        CHECK_THROWS_AS(compress_highlights<Cpu>(exec, a.view(), {.gain = 2, .threshold = bad}, a.view()), Error);
}
