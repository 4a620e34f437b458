#include "cinebokeh/image_quality.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definitions, pixel by pixel.
struct Reference {
    Size s;
    const std::vector<Rgba8>&a, &b;

    double squared_error(int x, int y) const {
        const size_t i = size_t(y * s.width + x);
        double sum = 0;
        for (int c = 0; c < 3; ++c) sum += (double(a[i][c]) - b[i][c]) * (double(a[i][c]) - b[i][c]);
        return sum / 3;
    }
    double ssim(int x, int y, int c) const {
        double weights = 0, ma = 0, mb = 0, va = 0, vb = 0, cov = 0;
        const auto each = [&](const auto& visit) {
            for (int j = std::max(0, y - 5); j <= std::min(s.height - 1, y + 5); ++j)
                for (int i = std::max(0, x - 5); i <= std::min(s.width - 1, x + 5); ++i) {
                    const double d2 = double(i - x) * (i - x) + double(j - y) * (j - y);
                    const size_t k = size_t(j * s.width + i);
                    visit(std::exp(-d2 / (2 * 1.5 * 1.5)), double(a[k][c]), double(b[k][c]));
                }
        };
        each([&](double w, double p, double q) { weights += w, ma += w * p, mb += w * q; });
        ma /= weights, mb /= weights;
        each([&](double w, double p, double q) {
            va += w * (p - ma) * (p - ma) / weights, vb += w * (q - mb) * (q - mb) / weights;
            cov += w * (p - ma) * (q - mb) / weights;
        });
        const double c1 = 6.5025, c2 = 58.5225;  // (0.01 * 255)^2, (0.03 * 255)^2
        return (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    }
    ImageScore score(const std::vector<uint8_t>& mask) const {
        double error = 0, similarity = 0;
        size_t count = 0;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                if (!mask.empty() && !mask[size_t(y * s.width + x)]) continue;
                ++count, error += squared_error(x, y);
                for (int c = 0; c < 3; ++c) similarity += ssim(x, y, c) / 3;
            }
        return {10 * std::log10(255. * 255. / (error / double(count))), similarity / double(count), count};
    }
};

std::vector<Rgba8> disturbed(std::vector<Rgba8> pixels, int by) {
    const std::vector<Rgba8> change = noise_rgba({int(pixels.size()), 1}, 9);
    for (size_t i = 0; i < pixels.size(); ++i)
        for (int c = 0; c < 3; ++c)
            pixels[i][c] = uint8_t(std::clamp(pixels[i][c] + change[i][c] % (2 * by) - by, 0, 255));
    return pixels;
}
}  // namespace

TEST_CASE("PSNR and SSIM follow their definitions, with and without a mask") {
    for (const Size s : {Size{1, 1}, Size{1, 30}, Size{40, 1}, Size{11, 11}, Size{16, 17}, Size{37, 50}})
        for (const int by : {3, 60}) {
            CAPTURE(s.width);
            Cpu exec;
            ImageQuality quality(exec, s);
            const std::vector<Rgba8> a = noise_rgba(s, 1), b = disturbed(a, by);
            quality.compare(host_view(b, s), host_view(a, s));
            std::vector<uint8_t> mask(s.area(), 0);
            for (size_t i = 0; i < mask.size(); i += 3) mask[i] = uint8_t(1 + i % 200);
            for (const auto& chosen : {std::vector<uint8_t>(), mask}) {
                const ImageScore got = chosen.empty() ? quality.score() : quality.score(host_view(chosen, s));
                const ImageScore want = Reference{s, b, a}.score(chosen);
                CHECK(got.pixels == want.pixels);
                CHECK((got.psnr == want.psnr || std::abs(got.psnr - want.psnr) < 1e-9));  // both infinite, or in double
                // E[x^2] - E[x]^2 cancels: 65025 * 2^-53 * 20 operations, relative to C2 = 58.
                CHECK(std::abs(got.ssim - want.ssim) < 1e-10);
            }
        }
}

TEST_CASE("equal pictures score infinity and 1, whatever their alpha; an empty mask scores nothing") {
    Cpu exec;
    const Size s{20, 13};
    std::vector<Rgba8> a = noise_rgba(s), b = a;
    for (Rgba8& p : b) p[3] = uint8_t(p[3] + 7);
    ImageQuality quality(exec, s);
    quality.compare(host_view(a, s), host_view(b, s));
    CHECK(std::isinf(quality.score().psnr));
    CHECK(std::abs(quality.score().ssim - 1) < 1e-14);
    const std::vector<uint8_t> none(s.area(), 0);
    CHECK(quality.score(host_view(none, s)).pixels == 0);
    CHECK(std::isnan(quality.score(host_view(none, s)).psnr));
}

TEST_CASE("a shift of all codes by one is 48.13 dB, and no structure is lost by it") {
    Cpu exec;
    const Size s{32, 32};
    std::vector<Rgba8> a(s.area(), Rgba8{100, 50, 200, 255}), b(s.area(), Rgba8{101, 51, 201, 255});
    ImageQuality quality(exec, s);
    quality.compare(host_view(a, s), host_view(b, s));
    CHECK(quality.score().psnr == doctest::Approx(20 * std::log10(255.)));
    CHECK(quality.score().ssim > 0.999);
}

TEST_CASE("scores do not depend on the number of threads, and nothing is allocated") {
    const Size s{65, 70};
    const std::vector<Rgba8> a = noise_rgba(s, 1), b = noise_rgba(s, 2);
    Cpu one(1), three(3);
    ImageQuality first(one, s), second(three, s);
    first.compare(host_view(a, s), host_view(b, s));
    const long before = allocation_count();
    second.compare(host_view(a, s), host_view(b, s));
    const ImageScore score = second.score();
    const double loss = relation_loss(three, host_view(a, s), host_view(b, s), host_view(b, s), host_view(a, s));
    CHECK(allocation_count() == before);
    CHECK(score.psnr == first.score().psnr);
    CHECK(score.ssim == first.score().ssim);
    CHECK(loss == relation_loss(one, host_view(a, s), host_view(b, s), host_view(b, s), host_view(a, s)));
}

TEST_CASE("the relation loss is the mean change that the truth does not make") {
    Cpu exec;
    for (const Size s : {Size{1, 1}, Size{19, 33}}) {
        const std::vector<Rgba8> r0 = noise_rgba(s, 1), r1 = noise_rgba(s, 2), t0 = noise_rgba(s, 3),
                                 t1 = noise_rgba(s, 4);
        double sum = 0;
        for (size_t i = 0; i < r0.size(); ++i)
            for (int c = 0; c < 3; ++c)
                sum += std::abs((r1[i][c] / 255. - r0[i][c] / 255.) - (t1[i][c] / 255. - t0[i][c] / 255.));
        const double got = relation_loss(exec, host_view(r0, s), host_view(r1, s), host_view(t0, s), host_view(t1, s));
        CHECK(std::abs(got - sum / (3. * double(s.area()))) < 1e-12);
        CHECK(relation_loss(exec, host_view(t0, s), host_view(t1, s), host_view(t0, s), host_view(t1, s)) == 0);
    }
}

TEST_CASE("pictures of other sizes, and a score of nothing, are refused") {
    Cpu exec;
    const std::vector<Rgba8> a(12);
    const std::vector<uint8_t> mask(12);
    CHECK_THROWS_AS(ImageQuality(exec, {0, 4}), Error);
    ImageQuality quality(exec, {4, 3});
    CHECK_THROWS_AS(quality.score(), Error);
    CHECK_THROWS_AS(quality.compare(host_view(a, {4, 3}), host_view(a, {3, 4})), Error);
    quality.compare(host_view(a, {4, 3}), host_view(a, {4, 3}));
    CHECK_THROWS_AS(quality.score(host_view(mask, {3, 4})), Error);
    CHECK_THROWS_AS(
        relation_loss(exec, host_view(a, {4, 3}), host_view(a, {3, 4}), host_view(a, {4, 3}), host_view(a, {4, 3})),
        Error);
}
