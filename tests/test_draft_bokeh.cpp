#include "cinebokeh/pipeline/draft_bokeh.hpp"

#include <utility>

#include "bokeh_support.hpp"

using namespace cinebokeh;

namespace {
constexpr float max_radius = 12;

// A picture without fine detail: waves of 40 pixels and longer.
std::vector<Rgba8> waves(Size s) {
    std::vector<Rgba8> frame;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            frame.push_back({uint8_t(128 + 60 * std::sin(0.15 * x)), uint8_t(128 + 60 * std::sin(0.11 * y)),
                             uint8_t(100 + 40 * std::sin(0.1 * (x + y))), uint8_t(x % 256)});
    return frame;
}

// The draft, then once more in place.
template <class Exec>
std::vector<Rgba8> draw(Size s, const std::vector<Rgba8>& frame, const std::vector<float>& disparity,
                        const std::vector<float>& matte, Focus focus) {
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, s, frame), out(exec, s);
    Buffer<float, Exec> d, m;
    BokehInput<Exec> input{in.view()};
    if (!disparity.empty()) d = Buffer<float, Exec>(exec, s, disparity), input.disparity = d.view();
    if (!matte.empty()) m = Buffer<float, Exec>(exec, s, matte), input.matte = m.view();
    DraftBokeh<Exec> draft(exec, s, max_radius);
    draft(input, focus, out.view());
    const auto result = out.download();
    draft(input, focus, in.view());
    CHECK(in.download() == result);
    return result;
}
}  // namespace

TEST_CASE_TEMPLATE("a draft of strength 0 is the frame, and a constant frame stays what it is", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{1, 17}, Size{18, 1}, Size{35, 22}}) {
        CAPTURE(s.width);
        const auto frame = noise_rgba(s);
        CHECK(draw<Exec>(s, frame, noise(s, -2, 2), {}, {0, 0.5f}) == frame);
        CHECK(draw<Exec>(s, frame, {}, noise(s, 0, 1), {0, 0.5f}) == frame);
        const std::vector<Rgba8> constant(s.area(), Rgba8{200, 30, 3, 77});
        auto disparity = noise(s, -0.5f, 1.5f);
        disparity[s.area() / 2] = NAN;
        CHECK(furthest(draw<Exec>(s, constant, disparity, {}, {8, 0.5f}), constant) == 0);
        CHECK(furthest(draw<Exec>(s, constant, disparity, noise(s, -0.5f, 1.5f), {8, 0.5f}), constant) == 0);
        CHECK(furthest(draw<Exec>(s, constant, {}, noise(s, -0.5f, 1.5f), {8, 0.9f}), constant) == 0);
    }
}

TEST_CASE_TEMPLATE("what is in focus keeps every pixel in a draft, and what is not keeps no detail", Exec, EXECUTORS) {
    const Size s{81, 30};
    const auto frame = noise_rgba(s);
    std::vector<float> disparity(s.area());
    for (size_t i = 0; i < s.area(); ++i) disparity[i] = int(i) % s.width < 40 ? 1.f : 0.f;
    const auto out = draw<Exec>(s, frame, disparity, {}, {8, 1});
    int differing = 0, most = 0;
    for (int y = 0; y < s.height; ++y) {
        for (int x = 0; x < 36; ++x) differing += out[size_t(y * s.width + x)] != frame[size_t(y * s.width + x)];
        for (int x = 50; x < 80; ++x)  // neighbours differ by 85 on average in the frame
            most = std::max(most,
                            std::abs(int(out[size_t(y * s.width + x)][1]) - int(out[size_t(y * s.width + x) + 1][1])));
    }
    CHECK(differing == 0);
    CHECK(most <= 20);
    for (size_t i = 0; i < s.area(); ++i) CHECK(out[i][3] == frame[i][3]);
}

TEST_CASE_TEMPLATE("a draft is enlarged pixel by pixel as its rules say, block by block too", Exec, EXECUTORS) {
    const Size s{53, 9}, half{27, 5};
    const auto frame = noise_rgba(s, 1), small = noise_rgba(half, 2);
    auto rendered = noise_rgba(half, 3);
    for (size_t i = 0; i < half.area(); ++i)
        if (int(i) % half.width < 14) rendered[i] = small[i];  // nothing drawn over the left half
    auto defocus = noise(s, -3, 3);
    for (size_t i = 0; i < s.area(); ++i) {
        if (int(i) % s.width < 18) defocus[i] *= 0.1f;
        if (int(i) % s.width >= 32) defocus[i] = defocus[i] < 0 ? defocus[i] - 2 : defocus[i] + 2;
    }
    Exec exec;
    Buffer<Rgba8, Exec> f(exec, s, frame), a(exec, half, small), b(exec, half, rendered), out(exec, s);
    Buffer<float, Exec> d(exec, s, defocus);
    detail::enlarge_draft(
        exec, detail::EnlargeDraft<typename Exec::Space>{f.view(), a.view(), b.view(), d.view(), out.view()});
    const auto got = out.download();
    const auto at = [&](const std::vector<Rgba8>& image, double x, double y, int c) {  // between pixel centres
        const double u = clamp((x + 0.5) / 2 - 0.5, 0., double(half.width - 1));
        const double v = clamp((y + 0.5) / 2 - 0.5, 0., double(half.height - 1));
        const int i = std::min(int(u), half.width - 2), j = std::min(int(v), half.height - 2);
        const auto p = [&](int di, int dj) { return double(image[size_t((j + dj) * half.width + i + di)][c]); };
        return std::floor((p(0, 0) * (1 - (u - i)) + p(1, 0) * (u - i)) * (1 - (v - j)) +
                          (p(0, 1) * (1 - (u - i)) + p(1, 1) * (u - i)) * (v - j) + 0.5);
    };
    int differing = 0, kept = 0;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t i = size_t(y * s.width + x);
            double change = 0;
            for (int c = 0; c < 3; ++c) change = std::max(change, std::abs(at(rendered, x, y, c) - at(small, x, y, c)));
            const double in_focus = clamp(1.5 - std::abs(double(defocus[i])), 0., 1.);
            const double share = in_focus * clamp(1 - change / 16, 0., 1.);
            for (int c = 0; c < 3; ++c) {
                const double expected =
                    clamp(at(rendered, x, y, c) + share * (frame[i][c] - at(small, x, y, c)), 0., 255.);
                differing +=
                    std::abs(expected - got[i][c]) > 2;  // the share is cut to 1 / 256, the product rounded down
            }
            differing += got[i][3] != frame[i][3];
            kept += got[i] == frame[i];
        }
    CHECK(differing == 0);
    CHECK(kept >= 18 * 9);
}

TEST_CASE("where a picture has no fine detail a draft is what the renderer makes of it") {
    const Size s{160, 96};
    const auto frame = waves(s);
    const auto matte = disk_matte(s, 25);
    std::vector<float> disparity(s.area());
    for (size_t i = 0; i < s.area(); ++i) disparity[i] = 0.1f + 0.4f * float(int(i) % s.width) / float(s.width);
    Cpu exec;
    Buffer<Rgba8, Cpu> in(exec, s, frame), full(exec, s);
    Buffer<float, Cpu> d(exec, s, disparity), m(exec, s, matte);
    BokehRenderer<Cpu> renderer(exec, s, {.max_radius = max_radius});
    for (Focus focus : {Focus{20, 0.3f}, Focus{20, 0.f}, Focus{4, 0.5f}}) {
        CAPTURE(focus.disparity);
        renderer({in.view(), d.view()}, focus, full.view());
        CHECK(furthest(draw<Cpu>(s, frame, disparity, {}, focus), full.download()) <= 4);  // of 120 that the waves span
    }
}

TEST_CASE_TEMPLATE("a draft draws no halo: a black subject does not darken what is four pixels away, nor a white one",
                   Exec, EXECUTORS) {
    const Size s{64, 56};
    const auto matte = disk_matte(s, 12), near_it = disk_matte(s, 16);
    for (const int subject : {0, 255}) {
        std::vector<Rgba8> frame;
        for (float alpha : matte) {  // light mixes in linear light
            const float light = subject == 0 ? 1 - alpha : alpha;
            const float code = light <= 0.0031308f ? 12.92f * light : 1.055f * std::pow(light, 1 / 2.4f) - 0.055f;
            const auto v = uint8_t(std::lround(255 * code));
            frame.push_back({v, v, v, 255});
        }
        const auto out = draw<Exec>(s, frame, {}, matte, {8, 1});
        int worst = 0;
        for (size_t i = 0; i < s.area(); ++i)
            if (near_it[i] == 0) worst = std::max(worst, std::abs(int(out[i][0]) - (255 - subject)));
        CHECK(worst <= 1);
    }
}

TEST_CASE("a draft allocates nothing, ignores the number of threads and refuses bad input") {
    const Size s{41, 30};
    std::vector<std::vector<Rgba8>> results;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        Buffer<Rgba8, Cpu> frame(exec, s, noise_rgba(s)), out(exec, s);
        Buffer<float, Cpu> disparity(exec, s, noise(s, 0, 1)), matte(exec, s, disk_matte(s, 9));
        DraftBokeh<Cpu> draft(exec, s, max_radius);
        CHECK(draft.max_radius() == max_radius);
        CHECK(allocations_during([&] {
                  draft({frame.view(), disparity.view()}, {5, 0.2f}, out.view());
                  draft({frame.view(), {}, matte.view()}, {7, 0.4f}, out.view());
                  draft({frame.view(), disparity.view(), matte.view(), 0.5f}, {50, 0.6f}, out.view());
              }) == 0);
        results.push_back(out.download());
    }
    CHECK(results[0] == results[1]);
    Cpu exec;
    Buffer<Rgba8, Cpu> frame(exec, s), small(exec, {4, 4});
    Buffer<float, Cpu> disparity(exec, s), other(exec, {4, 4});
    CHECK_THROWS_AS(DraftBokeh<Cpu>(exec, {0, 4}, 4), Error);
    CHECK_THROWS_AS(DraftBokeh<Cpu>(exec, s, 0.5f), Error);
    CHECK_THROWS_AS(DraftBokeh<Cpu>(exec, s, 201), Error);
    DraftBokeh<Cpu> draft(exec, s, 4);
    CHECK_THROWS_AS(draft({frame.view()}, {1, 0}, frame.view()), Error);
    CHECK_THROWS_AS(draft({frame.view(), other.view()}, {1, 0}, frame.view()), Error);
    CHECK_THROWS_AS(draft({frame.view(), {}, other.view()}, {1, 0}, frame.view()), Error);
    CHECK_THROWS_AS(draft({frame.view(), disparity.view()}, {1, 0}, small.view()), Error);
    CHECK_THROWS_AS(draft({frame.view(), disparity.view()}, {-1, 0}, frame.view()), Error);
}
