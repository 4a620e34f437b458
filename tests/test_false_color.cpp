#include "cinebokeh/false_color.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
template <class Exec>
std::vector<Rgba8> painted(Exec& exec, const std::vector<float>& values, Size s, float low, float high,
                           Palette palette) {
    Buffer<float, Exec> in(exec, s, values);
    Buffer<Rgba8, Exec> out(exec, s);
    false_color<Exec>(exec, in.view(), low, high, palette, out.view());
    return out.download();
}
int light(const Rgba8& p) { return 299 * p[0] + 587 * p[1] + 114 * p[2]; }
}  // namespace

TEST_CASE_TEMPLATE("grey is the value itself, cut to the range, and not a number is magenta", Exec, EXECUTORS) {
    Exec exec;
    for (const Size s : {Size{1, 1}, Size{33, 9}}) {
        std::vector<float> values = noise(s, -1, 3);
        values[0] = NAN;
        const std::vector<Rgba8> picture = painted(exec, values, s, -0.5f, 2, Palette::grey);
        CHECK(picture[0] == Rgba8{255, 0, 255, 255});
        for (size_t i = 1; i < values.size(); ++i) {
            const double t = std::min(std::max((double(values[i]) + 0.5) / 2.5, 0.0), 1.0);
            CHECK(std::abs(picture[i][0] - 255 * t) <= 0.51);  // rounding to a code, and float arithmetic
            CHECK(picture[i][0] == picture[i][1]);
            CHECK(picture[i][1] == picture[i][2]);
            CHECK(picture[i][3] == 255);
        }
    }
}

TEST_CASE_TEMPLATE("heat grows lighter all the way", Exec, EXECUTORS) {
    Exec exec;
    std::vector<float> ramp(256);
    for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = float(i);
    const std::vector<Rgba8> picture = painted(exec, ramp, {256, 1}, 0, 255, Palette::heat);
    for (size_t i = 1; i < ramp.size(); ++i) CHECK(light(picture[i]) >= light(picture[i - 1]));
    CHECK(light(picture[255]) > 8 * light(picture[0]));
}

TEST_CASE_TEMPLATE("diverging is black at zero, blue below and orange above", Exec, EXECUTORS) {
    Exec exec;
    const std::vector<Rgba8> picture = painted(exec, {0, -5, 5, -9, 9}, {5, 1}, -5, 5, Palette::diverging);
    CHECK(light(picture[0]) == 0);
    CHECK(picture[1][2] > picture[1][0] + 100);
    CHECK(picture[2][0] > picture[2][2] + 100);
    CHECK(picture[3] == picture[1]);  // cut to the range
    CHECK(picture[4] == picture[2]);
}

TEST_CASE_TEMPLATE("the zebra marks what is in focus and nothing else", Exec, EXECUTORS) {
    Exec exec;
    const Size s{40, 30};
    std::vector<float> radii = noise(s, -3, 3);
    radii[0] = NAN;
    const std::vector<Rgba8> before = noise_rgba(s);
    Buffer<float, Exec> defocus(exec, s, radii);
    Buffer<Rgba8, Exec> picture(exec, s, before);
    focus_zebra<Exec>(exec, defocus.view(), 1, 0, picture.view());
    const std::vector<Rgba8> after = picture.download();
    size_t marked = 0, in_focus = 0;
    for (size_t i = 0; i < radii.size(); ++i) {
        const bool sharp = std::abs(radii[i]) <= 1;
        in_focus += sharp;
        if (!sharp) CHECK(after[i] == before[i]);
        marked += !(after[i] == before[i]);
    }
    CHECK(marked > in_focus / 5);  // a third of them, in stripes
    CHECK(marked < in_focus / 2);
}

TEST_CASE_TEMPLATE("a value gets the number of its nearest level, of two the lower one", Exec, EXECUTORS) {
    Exec exec;
    const ValueLevels levels{{-8, -3, 0, 1, 6}, 5, 2};
    for (const Size s : {Size{1, 1}, Size{33, 9}}) {
        std::vector<float> values = noise(s, -12, 12);
        values[0] = s.width > 1 ? NAN : 0.5f;  // as near to 0 as to 1
        if (s.width > 1) values[1] = 3.5f, values[2] = INFINITY, values[3] = -INFINITY;
        Buffer<float, Exec> in(exec, s, values), out(exec, s);
        nearest_level<Exec>(exec, in.view(), levels, out.view());
        const std::vector<float> numbers = out.download();
        for (size_t i = 0; i < values.size(); ++i) {
            if (std::isnan(values[i])) {
                CHECK(std::isnan(numbers[i]));
                continue;
            }
            const double value = std::min(std::max(double(values[i]), -100.0), 100.0);
            int nearest = 0;
            for (int k = 1; k < levels.count; ++k)
                if (std::abs(double(levels.at[k]) - value) < std::abs(double(levels.at[nearest]) - value)) nearest = k;
            CHECK(numbers[i] == float(nearest - 2));
        }
    }
    Buffer<float, Exec> a(exec, {3, 2}), b(exec, {2, 3});
    CHECK_THROWS_AS(nearest_level<Exec>(exec, a.view(), levels, b.view()), Error);
    CHECK_THROWS_AS(nearest_level<Exec>(exec, a.view(), ValueLevels{}, a.view()), Error);
}

TEST_CASE_TEMPLATE("outlines darken the pixels before another label", Exec, EXECUTORS) {
    Exec exec;
    Buffer<int, Exec> labels(exec, {3, 2}, {1, 1, 2, 1, 1, 2});
    Buffer<Rgba8, Exec> picture(exec, {3, 2}, std::vector<Rgba8>(6, {200, 100, 40, 255}));
    outline_labels<Exec>(exec, labels.view(), picture.view());
    const std::vector<Rgba8> after = picture.download();
    const Rgba8 dark{50, 25, 10, 255}, same{200, 100, 40, 255};
    CHECK(after == std::vector<Rgba8>{same, dark, same, same, dark, same});
}

TEST_CASE_TEMPLATE("an opaque picture hides the checkerboard, a transparent one shows it", Exec, EXECUTORS) {
    Exec exec;
    Buffer<Rgba8, Exec> picture(exec, {3, 1}, {{10, 20, 30, 255}, {10, 20, 30, 0}, {250, 250, 250, 128}});
    Buffer<Rgba8, Exec> out(exec, {3, 1});
    over_checkerboard<Exec>(exec, picture.view(), out.view());
    const std::vector<Rgba8> shown = out.download();
    CHECK(shown[0] == Rgba8{10, 20, 30, 255});
    CHECK(shown[1] == Rgba8{150, 150, 150, 255});
    CHECK(shown[2] == Rgba8{200, 200, 200, 255});  // half of each
}

TEST_CASE("false colours refuse what does not fit") {
    Cpu exec;
    Buffer<float, Cpu> values(exec, {4, 4});
    Buffer<int, Cpu> labels(exec, {4, 4});
    Buffer<Rgba8, Cpu> picture(exec, {4, 4}), small(exec, {3, 4});
    CHECK_THROWS_AS(false_color<Cpu>(exec, values.view(), 0, 1, Palette::grey, small.view()), Error);
    CHECK_THROWS_AS(false_color<Cpu>(exec, values.view(), 1, 1, Palette::grey, picture.view()), Error);
    CHECK_THROWS_AS(false_color<Cpu>(exec, values.view(), NAN, 1, Palette::grey, picture.view()), Error);
    CHECK_THROWS_AS(focus_zebra<Cpu>(exec, values.view(), 1, 0, small.view()), Error);
    CHECK_THROWS_AS(focus_zebra<Cpu>(exec, values.view(), -1, 0, picture.view()), Error);
    CHECK_THROWS_AS(outline_labels<Cpu>(exec, labels.view(), small.view()), Error);
    CHECK_THROWS_AS(over_checkerboard<Cpu>(exec, picture.view(), small.view()), Error);
}
