#include "cinebokeh/compositing.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
double decoded(int code) {
    const double c = code / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
double encoded(double v) {
    v = std::min(std::max(v, 0.0), 1.0);
    return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055);
}
std::vector<Float4> colours(Size s, unsigned seed) {
    const auto values = noise(3 * s.area(), 0, 1, seed);
    std::vector<Float4> out(s.area());
    for (size_t i = 0; i < out.size(); ++i) out[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2], 1};
    return out;
}

// One scene with everything the formulas need; local colours are given for each pixel.
template <class Exec>
struct Scene {
    Scene(Exec& exec, Size s, int step_)
        : size(s),
          step(step_),
          cells{(s.width + step - 1) / step, (s.height + step - 1) / step},
          frame(noise_rgba(s)),
          matte(noise(s, -0.5f, 1.5f, 3)),
          widened(matte),
          f(colours(s, 4)),
          b(colours(s, 5)),
          blurred(colours(cells, 6)),
          frame_buffer(exec, s, frame),
          matte_buffer(exec, s, matte),
          widened_buffer(exec, s),
          f_buffer(exec, s, f),
          b_buffer(exec, s, b),
          blurred_buffer(exec, cells),
          background(exec, cells),
          out(exec, s) {
        for (float& m : matte) m = std::min(std::max(m, 0.f), 1.f);
        const auto extra = noise(s, 0, 0.6f, 7), weights = noise(cells, 0.1f, 1, 8);
        for (size_t i = 0; i < widened.size(); ++i) widened[i] = std::min(matte[i] + (i % 3 ? extra[i] : 0), 1.f);
        for (size_t i = 0; i < blurred.size(); ++i)
            for (int c = 0; c < 4; ++c) blurred[i][c] *= weights[i];
        widened_buffer.upload(widened), blurred_buffer.upload(blurred);
    }
    LocalColours<Exec> local() { return {f_buffer.view(), b_buffer.view(), 1}; }
    double sharp(size_t i, int c) const { return decoded(frame[i][c]); }
    double part(size_t i, int c, bool subject) const {  // eq. 6
        const double alpha = double(matte[i]);
        if (alpha <= 0 || alpha >= 1) return sharp(i, c);
        const double unexplained = sharp(i, c) - alpha * double(f[i][c]) - (1 - alpha) * double(b[i][c]);
        const double value =
            subject ? double(f[i][c]) + alpha * unexplained : double(b[i][c]) + (1 - alpha) * unexplained;
        return std::min(std::max(value, 0.0), 1.0);
    }

    Size size;
    int step;
    Size cells;
    std::vector<Rgba8> frame;
    std::vector<float> matte, widened;
    std::vector<Float4> f, b, blurred;
    Buffer<Rgba8, Exec> frame_buffer;
    Buffer<float, Exec> matte_buffer, widened_buffer;
    Buffer<Float4, Exec> f_buffer, b_buffer, blurred_buffer, background;
    Buffer<Rgba8, Exec> out;
};
}  // namespace

TEST_CASE_TEMPLATE("the background is premultiplied with what the widened matte leaves of it", Exec, EXECUTORS) {
    for (int step : {1, 2, 3})
        for (Size s : {Size{1, 1}, Size{32, 8}, Size{35, 19}}) {
            Exec exec;
            Scene<Exec> scene(exec, s, step);
            premultiplied_background<Exec>(exec, scene.frame_buffer.view(), scene.matte_buffer.view(),
                                           scene.widened_buffer.view(), scene.local(), step, scene.background.view());
            const auto got = scene.background.download();
            double worst = 0;
            for (int j = 0; j < scene.cells.height; ++j)
                for (int i = 0; i < scene.cells.width; ++i)
                    for (int c = 0; c < 4; ++c) {
                        double sum = 0, n = 0;
                        for (int y = j * step; y < std::min(s.height, (j + 1) * step); ++y)
                            for (int x = i * step; x < std::min(s.width, (i + 1) * step); ++x, n += 1) {
                                const size_t at = size_t(y * s.width + x);
                                sum += (1 - double(scene.widened[at])) * (c == 3 ? 1 : scene.part(at, c, false));
                            }
                        worst = std::max(worst, std::abs(sum / n - double(got[size_t(j * scene.cells.width + i)][c])));
                    }
            CHECK(worst <= 2e-6);  // about 15 roundings of values up to 1
        }
}

TEST_CASE_TEMPLATE("the picture is alpha F + (1 - alpha) (w B + (1 - w) blurred)", Exec, EXECUTORS) {
    for (int step : {1, 2})
        for (Size s : {Size{1, 1}, Size{32, 8}, Size{35, 19}}) {
            Exec exec;
            Scene<Exec> scene(exec, s, step);
            composite<Exec>(exec, scene.frame_buffer.view(), scene.matte_buffer.view(), scene.widened_buffer.view(),
                            scene.local(), scene.blurred_buffer.view(), step, scene.out.view());
            const auto got = scene.out.download();
            double worst = 0;
            for (int y = 0; y < s.height; ++y)
                for (int x = 0; x < s.width; ++x) {
                    const size_t at = size_t(y * s.width + x);
                    const double u = std::min(std::max((x + 0.5) / step - 0.5, 0.0), scene.cells.width - 1.0);
                    const double v = std::min(std::max((y + 0.5) / step - 0.5, 0.0), scene.cells.height - 1.0);
                    double blurred[4] = {};
                    for (int k = 0; k < 4; ++k) {
                        const int i = std::min(int(u) + k % 2, scene.cells.width - 1),
                                  j = std::min(int(v) + k / 2, scene.cells.height - 1);
                        const double w = (k % 2 ? u - int(u) : 1 - u + int(u)) * (k / 2 ? v - int(v) : 1 - v + int(v));
                        for (int c = 0; c < 4; ++c)
                            blurred[c] += w * double(scene.blurred[size_t(j * scene.cells.width + i)][c]);
                    }
                    CHECK(got[at][3] == scene.frame[at][3]);
                    if (scene.widened[at] >= 1) CHECK(got[at] == scene.frame[at]);
                    const double alpha = double(scene.matte[at]),
                                 w = alpha < 1 ? (double(scene.widened[at]) - alpha) / (1 - alpha) : 1;
                    for (int c = 0; c < 3; ++c) {
                        // (1 - alpha) B is what the frame has beside alpha F.
                        const double subject = alpha * scene.part(at, c, true);
                        const double value = subject + w * (scene.sharp(at, c) - subject) +
                                             (1 - alpha) * (1 - w) * blurred[c] / blurred[3];
                        worst = std::max(
                            worst, std::abs(double(got[at][c]) - (alpha < 1 ? encoded(value) : scene.frame[at][c])));
                    }
                }
            CHECK(worst <= 0.51);  // rounded to a code
        }
}

TEST_CASE_TEMPLATE("with nothing to blur the sharp background stands in, and every picture is finite", Exec,
                   EXECUTORS) {
    const Size s{24, 9};
    Exec exec;
    Scene<Exec> scene(exec, s, 1);
    Buffer<float, Exec> none(exec, s, std::vector<float>(s.area(), 0.f));
    Buffer<Float4, Exec> empty(exec, s, std::vector<Float4>(s.area(), Float4{}));
    composite<Exec>(exec, scene.frame_buffer.view(), none.view(), none.view(), scene.local(), empty.view(), 1,
                    scene.out.view());
    CHECK(scene.out.download() == scene.frame);
    for (float bad : {NAN, INFINITY, -INFINITY, -1.f, 2.f}) {  // the codes are finite by type: this must only not crash
        Buffer<float, Exec> m(exec, s, std::vector<float>(s.area(), bad));
        Buffer<Float4, Exec> colour(exec, s, std::vector<Float4>(s.area(), Float4{bad, bad, bad, bad}));
        composite<Exec>(exec, scene.frame_buffer.view(), m.view(), m.view(), scene.local(), colour.view(), 1,
                        scene.out.view());
        premultiplied_background<Exec>(exec, scene.frame_buffer.view(), m.view(), m.view(), scene.local(), 1,
                                       scene.background.view());
        for (const Float4& p : scene.background.download())
            for (int c = 0; c < 4; ++c) CHECK(std::isfinite(p[c]));
    }
}

TEST_CASE_TEMPLATE("a feather grows the matte outward only, smoothly, and not beyond its reach", Exec, EXECUTORS) {
    const Size s{60, 40};
    Exec exec;
    std::vector<float> matte(s.area(), 0.f);
    for (int y = 15; y < 25; ++y)
        for (int x = 20; x < 32; ++x) matte[size_t(y * 60 + x)] = x < 22 ? 0.5f : 1.f;
    matte[0] = NAN;
    for (int feather : {0, 1, 2, 5, 9}) {
        CAPTURE(feather);
        Buffer<float, Exec> in(exec, s, matte), out(exec, s);
        Feather<Exec> widen(exec, s, feather);
        widen(in.view(), out.view());
        const auto widened = out.download();
        for (int y = 0; y < 40; ++y)
            for (int x = 0; x < 60; ++x) {
                const float value = widened[size_t(y * 60 + x)];
                CHECK((value >= 0 && value <= 1));
                if (x + y > 0) CHECK(value >= matte[size_t(y * 60 + x)]);
                const int away = std::max({20 - x, x - 31, 15 - y, y - 24, 0});
                if (away > feather) CHECK(value == 0);
                if (away == feather && feather > 0 && y == 20 && x > 31) CHECK(value > 0);
                if (x > 32 && y == 20) CHECK(value <= widened[size_t(y * 60 + x - 1)] + 1e-6f);  // falls
            }
        CHECK(widened[0] == 0);
    }
}

TEST_CASE_TEMPLATE("the feather is a dilation followed by a Gaussian", Exec, EXECUTORS) {
    const Size s{33, 21};
    Exec exec;
    const auto matte = noise(s, 0, 0.3f, 4);
    constexpr int feather = 7, grown = 3, smoothed = 4;
    std::vector<double> dilated(s.area()), expected(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            for (int v = -grown; v <= grown; ++v)
                for (int u = -grown; u <= grown; ++u)
                    if (u * u + v * v <= grown * grown && s.contains(x + u, y + v))
                        dilated[size_t(y * s.width + x)] = std::max(dilated[size_t(y * s.width + x)],
                                                                    double(matte[size_t((y + v) * s.width + x + u)]));
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            double sum = 0, total = 0;
            for (int v = -smoothed; v <= smoothed; ++v)
                for (int u = -smoothed; u <= smoothed; ++u) {
                    const double w = std::exp(-(u * u + v * v) / (2 * 1.6 * 1.6));
                    const int xx = std::min(std::max(x + u, 0), s.width - 1),
                              yy = std::min(std::max(y + v, 0), s.height - 1);
                    sum += w * dilated[size_t(yy * s.width + xx)], total += w;
                }
            expected[size_t(y * s.width + x)] = std::max(sum / total, double(matte[size_t(y * s.width + x)]));
        }
    Buffer<float, Exec> in(exec, s, matte), out(exec, s);
    Feather<Exec> widen(exec, s, feather);
    widen(in.view(), out.view());
    CHECK(worst_error(out.download(), expected) <= 3e-6);  // two passes of 9 products of values below 1
}

TEST_CASE("compositing allocates nothing and refuses sizes that do not fit") {
    Cpu exec;
    CHECK_THROWS_AS(Feather<Cpu>(exec, Size{4, 4}, -1), Error);
    CHECK_THROWS_AS(Feather<Cpu>(exec, Size{4, 4}, 501), Error);
    CHECK_THROWS_AS(Feather<Cpu>(exec, Size{-4, 4}, 1), Error);
    const Size s{30, 20};
    Scene<Cpu> scene(exec, s, 2);
    Feather<Cpu> widen(exec, s, 4);
    Buffer<float, Cpu> narrow(exec, {3, 4}), large(exec, {31, 20}), also_large(exec, {31, 20});
    CHECK_THROWS_AS(widen(scene.matte_buffer.view(), narrow.view()), Error);
    CHECK_THROWS_AS(widen(scene.matte_buffer.view(), scene.matte_buffer.view()), Error);
    CHECK_THROWS_AS(widen(large.view(), also_large.view()), Error);
    const auto frame = scene.frame_buffer.view();
    const auto matte = scene.matte_buffer.view(), widened = scene.widened_buffer.view();
    CHECK(allocations_during([&] {
              widen(matte, widened);
              premultiplied_background<Cpu>(exec, frame, matte, widened, scene.local(), 2, scene.background.view());
              composite<Cpu>(exec, frame, matte, widened, scene.local(), scene.blurred_buffer.view(), 2,
                             scene.out.view());
          }) == 0);
    CHECK_THROWS_AS(
        premultiplied_background<Cpu>(exec, frame, matte, widened, scene.local(), 1, scene.background.view()), Error);
    CHECK_THROWS_AS(
        premultiplied_background<Cpu>(exec, frame, matte, widened, scene.local(), 0, scene.background.view()), Error);
    CHECK_THROWS_AS(
        premultiplied_background<Cpu>(exec, frame, narrow.view(), widened, scene.local(), 2, scene.background.view()),
        Error);
    CHECK_THROWS_AS(composite<Cpu>(exec, frame, matte, narrow.view(), scene.local(), scene.blurred_buffer.view(), 2,
                                   scene.out.view()),
                    Error);
    CHECK_THROWS_AS(composite<Cpu>(exec, frame, matte, widened, {}, scene.blurred_buffer.view(), 2, scene.out.view()),
                    Error);
}
