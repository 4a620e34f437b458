#include "cinebokeh/pipeline/background_blur.hpp"

#include "bokeh_support.hpp"

using namespace cinebokeh;

namespace {
constexpr BackgroundRenderer disk = BackgroundRenderer::disk, gaussian = BackgroundRenderer::gaussian;

template <class Exec>
std::vector<Rgba8> render(Size s, const std::vector<Rgba8>& frame, const std::vector<float>& matte,
                          BackgroundBlurParams params) {
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, s, frame), out(exec, s);
    Buffer<float, Exec> m(exec, s, matte);
    BackgroundBlur<Exec> blur(exec, s, params);
    blur(in.view(), m.view(), out.view());
    auto result = out.download();
    blur(in.view(), m.view(), in.view());  // in place
    CHECK(in.download() == result);
    return result;
}
std::vector<float> box(Size s, int x0, int y0, int x1, int y1) {
    std::vector<float> matte(s.area(), 0.f);
    for (int y = y0; y < y1; ++y)
        for (int x = x0; x < x1; ++x) matte[size_t(y * s.width + x)] = 1;
    return matte;
}
}  // namespace

TEST_CASE_TEMPLATE("a constant image stays as it is under any matte", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{41, 29}})
        for (BackgroundRenderer renderer : {disk, gaussian})
            for (int decimation : {1, 2}) {
                const std::vector<Rgba8> frame(s.area(), Rgba8{200, 30, 3, 77});
                auto matte = noise(s, -0.5f, 1.5f);
                matte[s.area() / 2] = NAN;
                const auto out = render<Exec>(
                    s, frame, matte,
                    {.renderer = renderer, .radius = 4, .kernel = 9, .feather = 3, .decimation = decimation});
                CHECK(furthest(out, frame) == 0);
            }
}

TEST_CASE_TEMPLATE("a full matte gives the frame bit for bit", Exec, EXECUTORS) {
    const Size s{35, 22};
    const auto frame = noise_rgba(s);
    for (BackgroundRenderer renderer : {disk, gaussian})
        CHECK(render<Exec>(s, frame, std::vector<float>(s.area(), 1.f), {.renderer = renderer, .radius = 5}) == frame);
}

TEST_CASE_TEMPLATE("an empty matte gives the plain blur of the frame", Exec, EXECUTORS) {
    const Size s{45, 33};
    const auto frame = noise_rgba(s);
    const std::vector<float> matte(s.area(), 0.f);
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, s, frame), expected(exec, s);
    Buffer<Float4, Exec> linear(exec, s), blurred(exec, s);
    srgb_to_linear<Exec>(exec, in.view(), linear.view());
    DiskBlur<Exec> disk_blur(exec, s, {.radius = 3.5f});
    disk_blur(linear.view(), blurred.view());
    linear_to_srgb<Exec>(exec, blurred.view(), expected.view());
    auto out = render<Exec>(s, frame, matte, {.radius = 3.5f, .decimation = 1});
    auto plain = expected.download();
    for (size_t i = 0; i < out.size(); ++i) out[i][3] = plain[i][3] = 0;  // the alpha of the frame is kept, not blurred
    CHECK(furthest(out, plain) <= 1);

    GaussianBlur<Float4, Exec> gaussian_blur(exec, s, 1.7f, 4);  // 0.3 ((9 - 1) / 2 - 1) + 0.8
    gaussian_blur(linear.view(), blurred.view());
    linear_to_srgb<Exec>(exec, blurred.view(), expected.view());
    out = render<Exec>(s, frame, matte, {.renderer = gaussian, .kernel = 9, .decimation = 1});
    plain = expected.download();
    for (size_t i = 0; i < out.size(); ++i) out[i][3] = plain[i][3] = 0;
    CHECK(furthest(out, plain) <= 1);
}

TEST_CASE_TEMPLATE("the colour of the subject does not bleed into the background", Exec, EXECUTORS) {
    const Size s{64, 48};
    const Rgba8 red{255, 0, 0, 255}, grey{128, 128, 128, 255};
    for (bool soft : {false, true})
        for (BackgroundRenderer renderer : {disk, gaussian})
            for (int decimation : {1, 2}) {
                CAPTURE(soft);
                CAPTURE(decimation);
                auto matte = box(s, 24, 16, 42, 34);
                std::vector<Rgba8> frame(s.area(), grey);
                for (size_t i = 0; i < s.area(); ++i)
                    if (matte[i] == 1) frame[i] = red;
                if (soft)
                    for (int y = 16; y < 34; ++y) {  // its left edge is half covered: the mean of both in linear light
                        matte[size_t(y * 64 + 24)] = 0.5f;
                        frame[size_t(y * 64 + 24)] = {198, 92, 92, 255};
                    }
                const int feather = 3;
                const auto out = render<Exec>(
                    s, frame, matte,
                    {.renderer = renderer, .radius = 8, .kernel = 15, .feather = feather, .decimation = decimation});
                for (int y = 0; y < 48; ++y)
                    for (int x = 0; x < 64; ++x) {
                        const Rgba8 p = out[size_t(y * 64 + x)];
                        const bool subject = x >= 24 && x < 42 && y >= 16 && y < 34;
                        // Hard edges leave nothing at all; the background under a half-covered pixel is an estimate.
                        if (!subject) CHECK(std::abs(int(p[0]) - int(p[1])) <= (soft ? 3 : 0));
                        if (!subject && !soft) CHECK(p == grey);
                        if (subject && matte[size_t(y * 64 + x)] == 1) CHECK(p == red);
                    }
            }
}

TEST_CASE("decimation hardly changes a smooth background") {
    const Size s{160, 120};
    std::vector<Rgba8> frame(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            frame[size_t(y * s.width + x)] = {uint8_t(128 + 100 * std::sin(x * 0.15)),
                                              uint8_t(128 + 100 * std::sin(y * 0.11)),
                                              uint8_t(100 + 60 * std::sin((x + y) * 0.07)), 255};
    const auto matte = box(s, 60, 40, 100, 120);
    const auto full = render<Cpu>(s, frame, matte, {.radius = 10, .feather = 4, .decimation = 1});
    const auto half = render<Cpu>(s, frame, matte, {.radius = 10, .feather = 4, .decimation = 2});
    // Reading between cells adds a tent of +-2 pixels: a wave of 42 pixels loses (2 pi / 42)^2 / 4 = 0.6 % of 70 codes,
    // half a code. Beside the subject and the border a cell is cut where a pixel is not: a few codes there.
    double sum = 0;
    for (size_t i = 0; i < full.size(); ++i)
        for (int c = 0; c < 3; ++c) sum += std::abs(int(full[i][c]) - int(half[i][c])) / (3.0 * double(full.size()));
    CHECK(sum <= 0.5);
    CHECK(furthest(full, half) <= 10);
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("both backends render the same picture to a code", Exec, CUDA_EXECUTORS) {
    const Size s{70, 43};
    const auto frame = noise_rgba(s);
    const auto matte = noise(s, -1, 2, 5);
    for (BackgroundRenderer renderer : {disk, gaussian}) {
        const BackgroundBlurParams params{.renderer = renderer, .radius = 9, .kernel = 17, .feather = 4};
        CHECK(furthest(render<Cpu>(s, frame, matte, params), render<Exec>(s, frame, matte, params)) <= 1);
    }
}
#endif

TEST_CASE("automatic parameters scale with the frame and follow OpenCV's sigma") {
    Cpu exec;
    const auto small = BackgroundBlur<Cpu>(exec, {64, 480}).params(),
               large = BackgroundBlur<Cpu>(exec, {64, 960}).params();
    CHECK(small.kernel == 25);
    CHECK(small.sigma == doctest::Approx(4.1));
    CHECK(large.kernel == 49);
    CHECK(large.radius == doctest::Approx(2 * small.radius));
    CHECK(large.feather == 2 * small.feather);
}

TEST_CASE("a rendered frame allocates nothing and does not depend on the number of threads") {
    const Size s{90, 61};
    const auto frame = noise_rgba(s);
    const auto matte = noise(s, -1, 2, 5);
    std::vector<std::vector<Rgba8>> results;
    for (int threads : {1, 3})
        for (BackgroundRenderer renderer : {disk, gaussian}) {
            Cpu exec(threads);
            Buffer<Rgba8, Cpu> in(exec, s, frame), out(exec, s);
            Buffer<float, Cpu> m(exec, s, matte);
            BackgroundBlur<Cpu> blur(exec, s, {.renderer = renderer});
            CHECK(allocations_during([&] { blur(in.view(), m.view(), out.view()); }) == 0);
            results.push_back(out.download());
        }
    CHECK(results[0] == results[2]);
    CHECK(results[1] == results[3]);
}

TEST_CASE("the renderer refuses bad parameters and sizes") {
    Cpu exec;
    using Blur = BackgroundBlur<Cpu>;
    const Size s{8, 8};
    CHECK_THROWS_AS(Blur(exec, Size{0, 8}), Error);
    CHECK_THROWS_AS(Blur(exec, s, {.radius = NAN}), Error);
    CHECK_THROWS_AS(Blur(exec, s, {.radius = 201}), Error);
    CHECK_THROWS_AS(Blur(exec, s, {.kernel = 24}), Error);
    CHECK_THROWS_AS(Blur(exec, s, {.kernel = -1}), Error);
    CHECK_THROWS_AS(Blur(exec, s, {.sigma = -1}), Error);
    CHECK_THROWS_AS(Blur(exec, s, {.feather = 501}), Error);
    CHECK_THROWS_AS(Blur(exec, s, {.decimation = 9}), Error);
    Blur blur(exec, s);
    Buffer<Rgba8, Cpu> frame(exec, s), narrow(exec, {7, 8});
    Buffer<float, Cpu> matte(exec, s), narrow_matte(exec, {7, 8});
    CHECK_THROWS_AS(blur(narrow.view(), matte.view(), frame.view()), Error);
    CHECK_THROWS_AS(blur(frame.view(), narrow_matte.view(), frame.view()), Error);
    CHECK_THROWS_AS(blur(frame.view(), matte.view(), narrow.view()), Error);
}
