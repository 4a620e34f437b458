#include "cinebokeh/gaussian_blur.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition in double: a two-dimensional Gaussian, cut off at a square, over an image continued by its border.
std::vector<double> reference_blur(const std::vector<float>& in, Size s, int channels, double sigma, int radius) {
    double sum = 0;
    std::vector<double> weight;
    for (int i = -radius; i <= radius; ++i) weight.push_back(std::exp(-i * i / (2 * sigma * sigma)));
    for (double w : weight) sum += w;
    std::vector<double> out(in.size(), 0.0);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            for (int c = 0; c < channels; ++c) {
                double value = 0;
                for (int v = -radius; v <= radius; ++v)
                    for (int u = -radius; u <= radius; ++u) {
                        const int yy = std::min(std::max(y + v, 0), s.height - 1);
                        const int xx = std::min(std::max(x + u, 0), s.width - 1);
                        value += weight[size_t(u + radius)] * weight[size_t(v + radius)] / (sum * sum) *
                                 double(in[(size_t(yy) * size_t(s.width) + size_t(xx)) * size_t(channels) + size_t(c)]);
                    }
                out[(size_t(y) * size_t(s.width) + size_t(x)) * size_t(channels) + size_t(c)] = value;
            }
    return out;
}
template <class T>
std::vector<T> packed(const std::vector<float>& values) {
    std::vector<T> pixels(values.size() / (sizeof(T) / sizeof(float)));
    std::memcpy(static_cast<void*>(pixels.data()), values.data(), values.size() * sizeof(float));
    return pixels;
}
template <class T>
std::vector<float> unpacked(const std::vector<T>& pixels) {
    std::vector<float> values(pixels.size() * sizeof(T) / sizeof(float));
    std::memcpy(values.data(), pixels.data(), values.size() * sizeof(float));
    return values;
}

template <class T, class Exec>
void compare_with_reference(Size s, float sigma, int radius) {
    CAPTURE(s.width);
    CAPTURE(s.height);
    CAPTURE(sigma);
    const int channels = int(sizeof(T) / sizeof(float)), used = radius ? radius : int(std::ceil(3 * sigma));
    const std::vector<float> in = noise(s.area() * size_t(channels), -1, 1);
    Exec exec;
    Buffer<T, Exec> image(exec, s, packed<T>(in)), out(exec, s);
    GaussianBlur<T, Exec> blur(exec, s, sigma, radius);
    CHECK(blur.radius() == used);
    blur(image.view(), out.view());
    const auto expected = reference_blur(in, s, channels, sigma, used);
    // Two passes of 2 radius + 1 products each, every one rounded to 6e-8 of a value below 1, and as much for the taps.
    const double bound = 2 * (2 * used + 3) * 1.2e-7;
    CHECK(worst_error(unpacked(out.download()), expected) <= bound);
    blur(image.view(), image.view());
    CHECK(worst_error(unpacked(image.download()), unpacked(out.download())) == 0);
}
}  // namespace

TEST_CASE_TEMPLATE("blur is the convolution with a Gaussian, also in place", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{32, 16}, Size{31, 17}, Size{67, 33}, Size{3, 40}}) {
        compare_with_reference<float, Exec>(s, 1.3f, 0);
        compare_with_reference<Float2, Exec>(s, 2.f, 3);
        compare_with_reference<Float3, Exec>(s, 0.4f, 0);
        compare_with_reference<Float4, Exec>(s, 3.f, 12);
    }
}

TEST_CASE("blur is right where rows are longer than one chunk") {
    compare_with_reference<float, Cpu>({1100, 5}, 1.5f, 0);
    compare_with_reference<Float4, Cpu>({700, 3}, 1.5f, 0);
}

TEST_CASE_TEMPLATE("blur leaves a constant image unchanged and keeps the sum of an isolated spot", Exec, EXECUTORS) {
    const Size s{61, 47};
    Exec exec;
    Buffer<float, Exec> image(exec, s, std::vector<float>(s.area(), 0.7f)), out(exec, s);
    GaussianBlur<float, Exec> blur(exec, s, 4.f);
    blur(image.view(), out.view());
    for (float v : out.download()) CHECK(std::abs(v - 0.7f) <= 25 * 1.2e-7f);  // 25 taps, as above
    std::vector<float> spot(s.area(), 0.f);
    spot[size_t(23 * 61 + 30)] = 1;
    image.upload(spot);
    blur(image.view(), out.view());
    double sum = 0;
    for (float v : out.download()) sum += double(v);
    CHECK(sum == doctest::Approx(1.0).epsilon(1e-6));
}

TEST_CASE_TEMPLATE("a plan serves smaller images, padded rows and bottom-up images", Exec, EXECUTORS) {
    const Size plan{64, 40}, s{33, 21};
    Exec exec;
    const std::vector<float> in = noise(plan, 0, 1);
    Buffer<float, Exec> image(exec, plan, in), out(exec, plan, in), small(exec, s), result(exec, s);
    copy(exec, View<const float, Exec>(image.view().crop(5, 4, s)), small.view());
    GaussianBlur<float, Exec> blur(exec, plan, 2.f);
    blur(image.view().crop(5, 4, s), out.view().crop(7, 3, s));
    blur(small.view(), result.view());
    Buffer<float, Exec> cropped(exec, s);
    copy(exec, View<const float, Exec>(out.view().crop(7, 3, s)), cropped.view());
    CHECK(worst_error(cropped.download(), result.download()) == 0);

    View<float, Exec> flipped(out.view().row(plan.height - 1), plan, -out.view().pitch);
    blur(image.view(), flipped);
    Buffer<float, Exec> upright(exec, plan);
    blur(image.view(), upright.view());
    const auto a = out.download(), b = upright.download();
    double worst = 0;
    for (int y = 0; y < plan.height; ++y)
        for (int x = 0; x < plan.width; ++x)
            worst = std::max(worst, std::abs(double(a[size_t((plan.height - 1 - y) * plan.width + x)]) -
                                             double(b[size_t(y * plan.width + x)])));
    CHECK(worst == 0);
}

TEST_CASE("blur allocates nothing and does not depend on the number of threads") {
    const Size s{130, 67};
    const auto in = noise(s, 0, 1);
    std::vector<std::vector<float>> results;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        Buffer<float, Cpu> image(exec, s, in), out(exec, s);
        GaussianBlur<float, Cpu> blur(exec, s, 5.f);
        CHECK(allocations_during([&] { blur(image.view(), out.view()); }) == 0);
        results.push_back(out.download());
    }
    CHECK(results[0] == results[1]);
}

TEST_CASE("blur refuses bad parameters, sizes and values") {
    Cpu exec;
    using Blur = GaussianBlur<float, Cpu>;
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, 0.f), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, -1.f), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, NAN), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, INFINITY), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, 1.f, -1), Error);
    CHECK_THROWS_AS(Blur(exec, Size{-4, 4}, 1.f), Error);
    CHECK_THROWS_AS(gaussian_taps(NAN, 3), Error);
    Blur blur(exec, {4, 4}, 1.f);
    Buffer<float, Cpu> image(exec, {4, 4}, std::vector<float>(16, 1.f)), narrow(exec, {3, 4}), large(exec, {5, 4}),
        out(exec, {4, 4}, std::vector<float>(16, 9.f)), empty(exec, {0, 4});
    CHECK_THROWS_AS(blur(image.view(), narrow.view()), Error);
    CHECK_THROWS_AS(blur(large.view(), large.view()), Error);
    CHECK_NOTHROW(blur(empty.view(), empty.view()));
    for (float bad : {NAN, INFINITY, -INFINITY}) {
        image.view()(1, 2) = bad;
        CHECK_THROWS_AS(blur(image.view(), out.view()), Error);
        CHECK(out.view()(0, 0) == 9.f);
    }
}
