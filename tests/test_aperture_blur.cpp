#include "cinebokeh/aperture_blur.hpp"

#include <limits>

#include "bokeh_support.hpp"
#include "cinebokeh/disk_blur.hpp"

using namespace cinebokeh;

namespace {
template <class Exec>
std::vector<Float4> blur(Size s, const std::vector<Float4>& image, const ApertureImage& picture,
                         ApertureBlurParams params) {
    Exec exec;
    Buffer<Float4, Exec> in(exec, s, image), out(exec, s);
    ApertureBlur<Exec> plan(exec, s, picture, params);
    plan(in.view(), out.view());
    return out.download();
}
// A picture without symmetry, of several pieces and grey levels, wider than it is high.
ApertureImage flag() {
    const Size s{7, 5};
    ApertureImage picture{s, std::vector<float>(s.area())};
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            picture.light[size_t(y * s.width + x)] = x == 0 || (y == 0 && x < 6) ? 3.f : x == 4 && y > 2 ? 1.5f : 0.f;
    return picture;
}
// The light of a picture within each pixel: overlaps of squares, one pair after the other, in double.
std::vector<double> weights_of(const ApertureImage& picture, double radius, int reach) {
    const Size s = picture.size;
    const double pixel = 2 * radius / std::max(s.width, s.height);  // of the picture, in pixels
    const int side = 2 * reach + 1;
    std::vector<double> weights(size_t(side * side));
    double total = 0;
    for (int v = -reach; v <= reach; ++v)
        for (int u = -reach; u <= reach; ++u)
            for (int j = 0; j < s.height; ++j)
                for (int i = 0; i < s.width; ++i) {
                    const double x = (i - s.width / 2.0) * pixel, y = (j - s.height / 2.0) * pixel;
                    const double across = std::min(x + pixel, u + 0.5) - std::max(x, u - 0.5);
                    const double down = std::min(y + pixel, v + 0.5) - std::max(y, v - 0.5);
                    if (across <= 0 || down <= 0) continue;
                    const double light = across * down * double(picture.light[size_t(j * s.width + i)]);
                    weights[size_t((v + reach) * side + u + reach)] += light, total += light;
                }
    for (double& w : weights) w /= total;
    return weights;
}
// The definition: every pixel spread over the picture, the border continued.
double error_of(const std::vector<Float4>& got, const std::vector<Float4>& image, Size s, const ApertureImage& picture,
                ApertureBlurParams p) {
    const int reach = int(p.radius) + 2, side = 2 * reach + 1;
    const std::vector<double> weights = weights_of(picture, double(p.radius), reach);
    double worst = 0;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            double sum[4] = {};
            for (int v = -reach; v <= reach; ++v)
                for (int u = -reach; u <= reach; ++u) {
                    const double w = weights[size_t((v + reach) * side + u + reach)];
                    const int from_x = p.turned ? x + u : x - u, from_y = p.turned ? y + v : y - v;
                    const Float4& from =
                        image[size_t(clamp(from_y, 0, s.height - 1) * s.width + clamp(from_x, 0, s.width - 1))];
                    for (int c = 0; c < 4; ++c) sum[c] += w * double(from[c]);
                }
            for (int c = 0; c < 4; ++c) {
                const double error = std::abs(double(got[size_t(y * s.width + x)][c]) - sum[c]);
                worst = error <= worst ? worst : error;
            }
        }
    return worst;
}
std::vector<Float4> random_image(Size s) {
    const auto values = noise(4 * s.area(), 0, 1);
    std::vector<Float4> image(s.area());
    for (size_t i = 0; i < s.area(); ++i)
        image[i] = {values[4 * i], values[4 * i + 1], values[4 * i + 2], values[4 * i + 3]};
    return image;
}
double difference(const std::vector<Float4>& a, const std::vector<Float4>& b) {
    double worst = 0;
    for (size_t i = 0; i < a.size(); ++i)
        for (int c = 0; c < 4; ++c) {
            const double d = std::abs(double(a[i][c]) - double(b[i][c]));
            worst = d <= worst ? worst : d;
        }
    return worst;
}
// A float has 24 bits; the two transforms of a block of N^2 numbers add log2 N^2 times each, up to 16 in these tests.
constexpr double rounding = 2 * 16 * 0x1p-24;
}  // namespace

TEST_CASE("a scaled aperture holds the light of its picture within each pixel") {
    for (const ApertureImage& picture : {flag(), ApertureImage{{1, 3}, {0, 2, 1}}, ApertureImage{{1, 1}, {5}}})
        for (float radius : {0.f, 0.3f, 0.5f, 0.51f, 1.f, 2.3f, 7.75f, 40.f}) {
            CAPTURE(radius);
            const int reach = ScaledAperture::reach(radius), side = 2 * reach + 1;
            std::vector<float> weights(size_t(side * side));
            ScaledAperture(picture).weights(radius, weights.data());
            double sum = 0;
            for (float w : weights) sum += double(w);
            CHECK(std::abs(sum - 1) <= double(side) * 0x1p-24);  // each weight is rounded by 2^-24 of itself
            if (radius > 0) CHECK(worst_error(weights, weights_of(picture, double(radius), reach)) <= 0x1p-24);
        }
}

TEST_CASE_TEMPLATE("aperture blur is the convolution with the picture", Exec, EXECUTORS) {
    const struct {
        Size size;
        float radius;
    } cases[] = {{{1, 1}, 3.f},
                 {{1, 30}, 2.5f},
                 {{30, 1}, 9.f},
                 {{17, 15}, 0.4f},
                 {{60, 41}, 4.3f}};  // the last one is of several blocks
    for (const auto& c : cases)
        for (bool turned : {false, true}) {
            const Size s = c.size;
            CAPTURE(s.width);
            CAPTURE(turned);
            const ApertureBlurParams params{.radius = c.radius, .turned = turned};
            const auto image = random_image(s);
            CHECK(error_of(blur<Exec>(s, image, flag(), params), image, s, flag(), params) <= rounding);
        }
}

TEST_CASE_TEMPLATE("aperture blur leaves a constant image unchanged", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{33, 20}}) {
        const std::vector<Float4> image(s.area(), Float4{0.25f, 1, 0, 0.5f});
        CHECK(difference(blur<Exec>(s, image, flag(), {.radius = 6}), image) <= rounding);
    }
}

TEST_CASE_TEMPLATE("a single bright pixel becomes the picture and keeps its light", Exec, EXECUTORS) {
    const Size s{48, 40};
    std::vector<Float4> image(s.area());
    image[20 * 48 + 23] = {8, 4, 2, 1};
    const float radius = 8.7f;
    const int reach = 9, side = 19;
    const auto out = blur<Exec>(s, image, flag(), {.radius = radius, .max_value = 8});
    const auto weights = weights_of(flag(), double(radius), reach);
    double sum[4] = {}, worst = 0;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const Float4& p = out[size_t(y * s.width + x)];
            const int u = x - 23 + reach, v = y - 20 + reach;
            const double w = u >= 0 && v >= 0 && u < side && v < side ? weights[size_t(v * side + u)] : 0;
            for (int c = 0; c < 4; ++c) sum[c] += double(p[c]);
            worst = std::max(worst, std::abs(double(p[0]) / 8 - w));
        }
    CHECK(worst <= rounding);
    for (int c = 0; c < 4; ++c) CHECK(std::abs(sum[c] / double(8 >> c) - 1) <= 1e-4);
}

TEST_CASE_TEMPLATE("a mirrored image under a mirrored picture gives the mirrored result", Exec, EXECUTORS) {
    const Size s{37, 22};
    const auto mirrored = [](auto pixels, Size size) {
        for (int y = 0; y < size.height; ++y)
            std::reverse(pixels.begin() + y * size.width, pixels.begin() + (y + 1) * size.width);
        return pixels;
    };
    const auto image = random_image(s);
    const ApertureImage picture = flag(), other{picture.size, mirrored(picture.light, picture.size)};
    CHECK(difference(mirrored(blur<Exec>(s, mirrored(image, s), other, {.radius = 5}), s),
                     blur<Exec>(s, image, picture, {.radius = 5})) <= 2 * rounding);
}

TEST_CASE_TEMPLATE("the picture of a disk blurs as the disk blur does", Exec, EXECUTORS) {
    const Size s{50, 44}, side{200, 200};
    ApertureImage disk{side, std::vector<float>(side.area())};
    for (int y = 0; y < side.height; ++y)
        for (int x = 0; x < side.width; ++x)
            disk.light[size_t(y * side.width + x)] =
                float(disk_at(100, x - 100, y - 100) + disk_at(100, x - 99, y - 99) + disk_at(100, x - 99, y - 100) +
                      disk_at(100, x - 100, y - 99));
    const auto image = random_image(s);
    for (float radius : {3.f, 8.5f}) {
        Exec exec;
        Buffer<Float4, Exec> in(exec, s, image), out(exec, s);
        DiskBlur<Exec> plan(exec, s, {.radius = radius});
        plan(in.view(), out.view());
        // The runs of the disk have the area of each row, the picture that of each pixel: the 2 pi r pixels of the
        // outline are off by about a tenth each, of an area of pi r^2.
        CHECK(difference(blur<Exec>(s, image, disk, {.radius = radius}), out.download()) <= 0.2 / double(radius));
    }
}

TEST_CASE_TEMPLATE("values are cut to the range and what is not a number counts as 0", Exec, EXECUTORS) {
    const Size s{20, 18};
    auto image = random_image(s), cut = image;
    image[5][0] = NAN, image[77][1] = INFINITY, image[78][2] = -INFINITY, image[200][3] = -4, image[201][0] = 9;
    cut[5][0] = 0, cut[77][1] = 2, cut[78][2] = 0, cut[200][3] = 0, cut[201][0] = 2;
    const ApertureBlurParams params{.radius = 3, .max_value = 2};
    const auto out = blur<Exec>(s, image, flag(), params);
    CHECK(out == blur<Exec>(s, cut, flag(), params));
    CHECK(error_of(out, cut, s, flag(), params) <= 2 * rounding);
}

TEST_CASE("aperture blur serves smaller images, allocates nothing, ignores the threads and refuses bad input") {
    const Size s{70, 61}, part{33, 20};
    const auto image = random_image(s);
    std::vector<std::vector<Float4>> results;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        Buffer<Float4, Cpu> in(exec, s, image), out(exec, s);
        ApertureBlur<Cpu> plan(exec, s, flag(), {.radius = 5});
        CHECK(allocations_during([&] {
                  plan(in.view(), out.view());
                  plan(in.view().crop(0, 0, part), out.view().crop(0, 0, part));
              }) == 0);
        results.push_back(out.download());
    }
    CHECK(results[0] == results[1]);

    Cpu exec;
    using Blur = ApertureBlur<Cpu>;
    const float infinity = std::numeric_limits<float>::infinity();
    for (float bad : {NAN, infinity, -infinity, -1.f}) CHECK_THROWS_AS(check(ApertureImage{{2, 1}, {1, bad}}), Error);
    CHECK_THROWS_AS(check(ApertureImage{{2, 2}, {0, 0, 0, 0}}), Error);  // black
    CHECK_THROWS_AS(check(ApertureImage{{2, 2}, {1, 1, 1}}), Error);
    CHECK_THROWS_AS(check(ApertureImage{}), Error);
    CHECK_THROWS_AS(check(ApertureImage{{-1, 3}, {}}), Error);
    CHECK_NOTHROW(check(ApertureImage{{1, 1}, {1e30f}}));
    CHECK_THROWS_AS(Blur(exec, s, ApertureImage{}), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, -4}, flag()), Error);
    for (float radius : {-1.f, 201.f, NAN}) CHECK_THROWS_AS(Blur(exec, s, flag(), {.radius = radius}), Error);
    for (float most : {0.f, NAN, 2e6f}) CHECK_THROWS_AS(Blur(exec, s, flag(), {.max_value = most}), Error);
    Blur plan(exec, s, flag());
    Buffer<Float4, Cpu> in(exec, s), small(exec, part), large(exec, {71, 61}), other(exec, {71, 61});
    CHECK_THROWS_AS(plan(in.view(), small.view()), Error);
    CHECK_THROWS_AS(plan(large.view(), other.view()), Error);
    CHECK_THROWS_AS(plan(in.view(), in.view()), Error);
    Blur none(exec, Size{0, 0}, flag());
    Buffer<Float4, Cpu> empty(exec, {0, 0});
    CHECK_NOTHROW(none(empty.view(), empty.view()));
}
