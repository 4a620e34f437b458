#include "cinebokeh/pipeline/background_replacement.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// A green disk with a soft edge before blue: what the camera sees is the mixture in linear light.
struct Shot {
    Size size{96, 64};
    std::vector<Rgba8> frame = std::vector<Rgba8>(size.area());
    std::vector<float> matte = std::vector<float>(size.area());
};
constexpr Rgba8 green{20, 200, 40, 255}, blue{10, 20, 220, 255}, grey{120, 120, 120, 255};
double linear(int code) {
    const double c = code / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
int srgb(double v) {
    return int(std::lround(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055)));
}
Rgba8 mixed(const Rgba8& a, const Rgba8& b, double alpha) {
    Rgba8 out{0, 0, 0, 255};
    for (int c = 0; c < 3; ++c) out[c] = uint8_t(srgb(alpha * linear(a[c]) + (1 - alpha) * linear(b[c])));
    return out;
}
Shot shot() {
    Shot s;
    for (int y = 0; y < s.size.height; ++y)
        for (int x = 0; x < s.size.width; ++x) {
            const size_t i = size_t(y) * size_t(s.size.width) + size_t(x);
            s.matte[i] = std::clamp((22.f - std::hypot(float(x - 48), float(y - 32))) / 6 + 0.5f, 0.f, 1.f);
            s.frame[i] = mixed(green, blue, double(s.matte[i]));
        }
    return s;
}
int difference(const Rgba8& a, const Rgba8& b) {
    return std::max({std::abs(a[0] - b[0]), std::abs(a[1] - b[1]), std::abs(a[2] - b[2])});
}
}  // namespace

TEST_CASE_TEMPLATE("before another picture the soft edge has nothing left of the old background", Exec, EXECUTORS) {
    Exec exec;
    const Shot s = shot();
    Buffer<Rgba8, Exec> frame(exec, s.size, s.frame), behind(exec, s.size, std::vector<Rgba8>(s.size.area(), grey));
    Buffer<float, Exec> matte(exec, s.size, s.matte);
    BackgroundReplacement<Exec> replace(exec, s.size);
    Buffer<Rgba8, Exec> out(exec, s.size);
    const size_t before = allocation_count();
    replace(frame.view(), matte.view(), behind.view(), out.view());
    if constexpr (std::is_same_v<Exec, Cpu>) CHECK(allocation_count() == before);
    const std::vector<Rgba8> picture = out.download();
    int worst = 0;
    for (size_t i = 0; i < picture.size(); ++i) {
        if (s.matte[i] == 0) CHECK(picture[i] == grey);
        if (s.matte[i] == 1) CHECK(picture[i] == s.frame[i]);
        worst = std::max(worst, difference(picture[i], mixed(green, grey, double(s.matte[i]))));
    }
    CHECK(worst <= 6);  // the estimator holds its colours with a thousandth of weight: a few codes in the shadows
}

TEST_CASE_TEMPLATE("cut out, the subject has its own colour and the matte as alpha", Exec, EXECUTORS) {
    Exec exec;
    const Shot s = shot();
    Buffer<Rgba8, Exec> frame(exec, s.size, s.frame), out(exec, s.size);
    Buffer<float, Exec> matte(exec, s.size, s.matte);
    BackgroundReplacement<Exec> replace(exec, s.size);
    replace.cut_out(frame.view(), matte.view(), out.view());
    const std::vector<Rgba8> picture = out.download();
    for (size_t i = 0; i < picture.size(); ++i) {
        CHECK(std::abs(picture[i][3] - 255 * double(s.matte[i])) <= 0.51);
        if (s.matte[i] > 0.5f) CHECK(difference(picture[i], green) <= 6);  // as above
    }
}

TEST_CASE("a replacement refuses what does not fit") {
    Cpu exec;
    CHECK_THROWS_AS(BackgroundReplacement<Cpu>(exec, {0, 4}), Error);
    BackgroundReplacement<Cpu> replace(exec, {8, 6});
    Buffer<Rgba8, Cpu> frame(exec, {8, 6}), small(exec, {8, 5});
    Buffer<float, Cpu> matte(exec, {8, 6});
    CHECK_THROWS_AS(replace(small.view(), matte.view(), frame.view(), frame.view()), Error);
    CHECK_THROWS_AS(replace(frame.view(), matte.view(), small.view(), frame.view()), Error);
    CHECK_THROWS_AS(replace.cut_out(frame.view(), matte.view(), small.view()), Error);
}
