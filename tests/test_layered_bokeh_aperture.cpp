// The layered renderer with a picture of an aperture, with disks so wide that they are blurred by FFT, and with
// highlights.
#include <utility>

#include "bokeh_support.hpp"
#include "cinebokeh/color.hpp"
#include "cinebokeh/layered_bokeh.hpp"

using namespace cinebokeh;

namespace {
template <class Exec, class Pixel>
std::vector<Pixel> render(Size s, const std::vector<Pixel>& frame, const std::vector<float>& defocus,
                          LayeredBokehParams params, const ApertureImage& picture) {
    Exec exec;
    Buffer<Pixel, Exec> in(exec, s, frame), out(exec, s);
    Buffer<float, Exec> radius(exec, s, defocus);
    LayeredBokeh<Exec> bokeh(exec, s, params, picture);
    bokeh(in.view(), radius.view(), out.view());
    return out.download();
}
double difference(const std::vector<Float4>& a, const std::vector<Float4>& b) {
    double worst = 0;
    for (size_t i = 0; i < a.size(); ++i)
        for (int c = 0; c < 3; ++c) {
            const double d = std::abs(double(a[i][c]) - double(b[i][c]));
            worst = d <= worst ? worst : d;
        }
    return worst;
}
// An L: no mirror and no turn leaves it as it is.
ApertureImage ell() { return {{4, 4}, {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1}}; }
ApertureImage mirrored(ApertureImage picture) {
    for (int y = 0; y < picture.size.height; ++y)
        std::reverse(picture.light.begin() + y * picture.size.width,
                     picture.light.begin() + (y + 1) * picture.size.width);
    return picture;
}
ApertureImage disk_picture() {
    const Size side{200, 200};
    ApertureImage disk{side, std::vector<float>(side.area())};
    for (int y = 0; y < side.height; ++y)
        for (int x = 0; x < side.width; ++x)
            disk.light[size_t(y * side.width + x)] = std::hypot(float(x) - 99.5f, float(y) - 99.5f) < 100;
    return disk;
}
// The definition: the light of pixel (x, y) of the frame over the L of this radius, by 16 x 16 samples of each pixel.
double ell_at(double radius, int u, int v, bool turned) {
    int inside = 0;
    for (int i = 0; i < 16; ++i)
        for (int j = 0; j < 16; ++j) {
            double x = (u + (i + 0.5) / 16 - 0.5) / radius, y = (v + (j + 0.5) / 16 - 0.5) / radius;
            if (turned) x = -x, y = -y;
            inside += std::abs(x) < 1 && std::abs(y) < 1 && (x < -0.5 || y > 0.5);
        }
    return inside / 256.0;
}
constexpr LayeredBokehParams full_size{.max_radius = 8, .half_from = 100, .quarter_from = 100};
}  // namespace

TEST_CASE_TEMPLATE("a single bright pixel becomes the picture of the aperture, turned before the focal plane", Exec,
                   EXECUTORS) {
    const Size s{64, 64};
    for (float radius : {-5.f, 6.25f}) {  // radii of layers at this growth
        std::vector<Float4> light(s.area(), Float4{0, 0, 0, 1});
        light[32 * 64 + 31] = {1, 0.5f, 0.25f, 1};
        LayeredBokehParams params = full_size;
        params.growth = 0.25f;
        const auto out = render<Exec>(s, light, std::vector<float>(s.area(), radius), params, ell());
        const double size = std::abs(double(radius)), area = size * size * 4 * 7 / 16;
        double sum[3] = {}, off = 0;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                const Float4& p = out[size_t(y * s.width + x)];
                for (int c = 0; c < 3; ++c) sum[c] += double(p[c]);
                off = std::max(off, std::abs(double(p[0]) - ell_at(size, x - 31, y - 32, radius > 0) / area));
            }
        for (int c = 0; c < 3; ++c) CHECK(std::abs(sum[c] - double(light[32 * 64 + 31][c])) <= 1e-4);
        CHECK(off <= 1.0 / 16 / area);  // samples misjudge a straight edge through a pixel by a sixteenth at most
    }
    // At half and at quarter size light is kept as well.
    std::vector<Float4> light(s.area(), Float4{0, 0, 0, 1});
    light[30 * 64 + 33] = {1, 1, 1, 1};
    for (float radius : {-7.f, 14.f}) {
        const auto out = render<Exec>(s, light, std::vector<float>(s.area(), radius),
                                      {.max_radius = 14, .half_from = 5, .quarter_from = 10}, ell());
        double sum = 0;
        for (const Float4& p : out) sum += double(p[0]);
        CHECK(std::abs(sum - 1) <= 1e-4);
    }
}

TEST_CASE_TEMPLATE("with a picture too the sharp plane keeps its pixels and nothing bleeds", Exec, EXECUTORS) {
    const Size s{64, 48};
    for (const bool subject_is_dark : {true, false}) {
        std::vector<Float4> light(s.area());
        std::vector<float> defocus(s.area()), matte(s.area());
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                const bool subject = x >= 24 && x < 44 && y >= 12;
                const size_t i = size_t(y * s.width + x);
                const float v = subject == subject_is_dark ? 0.f : 1.f;
                light[i] = {v, v, v, 1}, defocus[i] = subject ? 0.f : -7.f, matte[i] = subject;
            }
        const auto frame = encoded(light, s);
        for (const LayeredBokehParams& params :
             {full_size, LayeredBokehParams{.max_radius = 8, .half_from = 3}, LayeredBokehParams{.max_radius = 8}})
            CHECK(furthest(render<Exec>(s, frame, defocus, params, ell()), frame) <= 1);
        Exec exec;
        Buffer<Rgba8, Exec> in(exec, s, frame), out(exec, s);
        Buffer<float, Exec> alpha(exec, s, matte);
        LayeredBokeh<Exec> bokeh(exec, s, {.max_radius = 9}, ell());
        for (float background : {-8.5f, -3.f, -8.5f}) {  // filters follow the radii of two planes
            bokeh(in.view(), alpha.view(), 0.f, background, out.view());
            CHECK(furthest(out.download(), frame) <= 1);
        }
    }
}

TEST_CASE_TEMPLATE("a constant frame stays, in focus it stays bit for bit, under a picture too", Exec, EXECUTORS) {
    const Size s{33, 20};
    const std::vector<Float4> grey(s.area(), Float4{0.25f, 0.5f, 0.125f, 1});
    auto defocus = noise(s, -9, 9);
    defocus[5] = NAN, defocus[9] = INFINITY, defocus[200] = -INFINITY;
    // 2^-24 for each of 16 additions there and back, in up to 17 layers, on which the free room depends.
    CHECK(difference(render<Exec>(s, grey, defocus, {.max_radius = 8, .half_from = 3}, ell()), grey) <= 1e-4);
    const auto frame = noise_rgba(s);
    CHECK(render<Exec>(s, frame, noise(s, -0.49f, 0.49f), {.max_radius = 4}, ell()) == frame);
    for (Size thin : {Size{1, 1}, Size{1, 40}, Size{40, 1}}) {
        const std::vector<Rgba8> plain(thin.area(), Rgba8{200, 30, 3, 77});
        CHECK(furthest(render<Exec>(thin, plain, noise(thin, -6, 6), {.max_radius = 6}, ell()), plain) == 0);
    }
}

TEST_CASE_TEMPLATE("a mirrored frame under a mirrored picture gives the mirrored result", Exec, EXECUTORS) {
    const Size s{48, 32};
    const auto mirror = [&](auto pixels) {
        for (int y = 0; y < s.height; ++y)
            std::reverse(pixels.begin() + y * s.width, pixels.begin() + (y + 1) * s.width);
        return pixels;
    };
    const auto light = random_light(s);
    const auto defocus = noise(s, -6, 6);
    const LayeredBokehParams params{.max_radius = 6, .half_from = 3};
    // Rounding of 1e-6 in each of up to 13 layers laid over each other.
    CHECK(difference(mirror(render<Exec>(s, mirror(light), mirror(defocus), params, mirrored(ell()))),
                     render<Exec>(s, light, defocus, params, ell())) <= 2e-4);
}

TEST_CASE_TEMPLATE("the picture of a disk renders what the disk renders", Exec, EXECUTORS) {
    const Size s{64, 40};
    const auto light = random_light(s);
    for (float radius : {-4.f, 8.f}) {
        const std::vector<float> defocus(s.area(), radius);
        // As much as runs of rows and areas of pixels differ on the outline, see the test of the aperture blur.
        CHECK(difference(render<Exec>(s, light, defocus, full_size, disk_picture()),
                         render<Exec>(s, light, defocus, full_size, {})) <= 0.2 / std::abs(double(radius)));
    }
}

TEST_CASE_TEMPLATE("wide disks are blurred by FFT as by runs", Exec, EXECUTORS) {
    const Size s{56, 48};
    const auto light = random_light(s);
    const float radius = 33;  // cells; up to 32 are runs
    const LayeredBokehParams params{.max_radius = radius, .growth = 0.5f, .half_from = 100, .quarter_from = 100};
    const auto out = render<Exec>(s, light, std::vector<float>(s.area(), -radius), params, {});
    Exec exec;
    Buffer<Float4, Exec> in(exec, s, light), blurred(exec, s);
    DiskBlur<Exec> blur(exec, s, {.radius = radius});
    blur(in.view(), blurred.view());
    // Light is rounded to steps of 2^-16 by the runs and by float here, alpha as well.
    CHECK(difference(out, blurred.download()) <= 4 * 0x1p-16);
}

TEST_CASE_TEMPLATE("highlights keep their energy in the layered renderer", Exec, EXECUTORS) {
    const Size s{64, 64};
    const Highlights highlights{.gain = 16, .threshold = 0.5f};
    std::vector<Float4> light(s.area(), Float4{0, 0, 0, 1});
    light[32 * 64 + 31] = {1, 1, 1, 1};
    LayeredBokehParams params = full_size;
    params.highlights = highlights;
    for (const ApertureImage& picture : {ApertureImage{}, ell()}) {
        const auto out = render<Exec>(s, light, std::vector<float>(s.area(), -6.f), params, picture);
        double sum = 0;  // nothing of what comes out is above the threshold, where it would be compressed
        for (const Float4& p : out) sum += double(p[0]);
        CHECK(std::abs(sum / 16 - 1) <= 1e-4);
    }
    // Paper stays paper, and what is in focus stays as it is.
    const std::vector<Rgba8> paper(s.area(), Rgba8{255, 250, 180, 255});
    CHECK(furthest(render<Exec>(s, paper, noise(s, -8, 8), params, ell()), paper) <= 1);
    const auto frame = noise_rgba(s);
    CHECK(render<Exec>(s, frame, std::vector<float>(s.area(), 0.f), params, ell()) == frame);
    // Beside a blurred plane the pixels in focus are expanded and compressed again.
    std::vector<float> half(s.area());
    for (size_t i = 0; i < s.area(); ++i) half[i] = i % 64 < 32 ? 0.f : -6.f;
    const auto out = render<Exec>(s, frame, half, params, {});
    int worst = 0;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < 30; ++x)  // the column on the edge is a mixture
            for (int c = 0; c < 4; ++c)
                worst = std::max(worst, std::abs(int(out[size_t(y * 64 + x)][c]) - int(frame[size_t(y * 64 + x)][c])));
    CHECK(worst <= 1);
}

TEST_CASE("a picture costs no allocation and no thread order, and a bad one is refused") {
    const Size s{70, 61};
    std::vector<std::vector<Rgba8>> results;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        Buffer<Rgba8, Cpu> frame(exec, s, noise_rgba(s)), out(exec, s);
        Buffer<float, Cpu> defocus(exec, s, noise(s, -9, 9)), matte(exec, s, noise(s, 0, 1));
        LayeredBokeh<Cpu> bokeh(exec, s, {.max_radius = 8, .highlights = {.gain = 4}}, ell());
        CHECK(allocations_during([&] {
                  bokeh(frame.view(), matte.view(), -3.f, 7.f, out.view());
                  bokeh(frame.view(), matte.view(), defocus.view(), defocus.view(), out.view());
                  bokeh(frame.view(), defocus.view(), out.view());
              }) == 0);
        results.push_back(out.download());
        bokeh(frame.view(), defocus.view(), out.view());  // and what was rendered before does not show
        CHECK(out.download() == results.back());
    }
    CHECK(results[0] == results[1]);
    Cpu exec;
    using Bokeh = LayeredBokeh<Cpu>;
    CHECK_THROWS_AS(Bokeh(exec, s, {}, ApertureImage{{2, 1}, {0, 0}}), Error);
    CHECK_THROWS_AS(Bokeh(exec, s, {}, ApertureImage{{2, 1}, {1, NAN}}), Error);
    CHECK_THROWS_AS(Bokeh(exec, s, {.highlights = {.gain = 0.5f}}), Error);
    CHECK_THROWS_AS(Bokeh(exec, s, {.highlights = {.gain = 2, .threshold = 1}}), Error);
}
