#include "cinebokeh/color_model.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// Two clouds of colour, by the definition of a mixture in double: weights, means and covariances of the clouds, each
// standard deviation widened by `spread`, and a uniform share over the box of Lab.
struct Cloud {
    double weight = 0, mean[3] = {}, covariance[3][3] = {};
};
Cloud measure(const std::vector<ColorSample>& samples) {
    Cloud cloud;
    for (const auto& s : samples) {
        cloud.weight += s.weight;
        for (int i = 0; i < 3; ++i) cloud.mean[i] += double(s.weight) * s.lab[i];
    }
    for (double& m : cloud.mean) m /= cloud.weight;
    for (const auto& s : samples)
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j)
                cloud.covariance[i][j] +=
                    s.weight * (s.lab[i] - cloud.mean[i]) * (s.lab[j] - cloud.mean[j]) / cloud.weight;
    return cloud;
}
double density(Cloud cloud, const double (&lab)[3], double spread) {
    double(&c)[3][3] = cloud.covariance;
    for (int i = 0; i < 3; ++i) c[i][i] += spread * spread;
    double d[3], m[3][4];
    for (int i = 0; i < 3; ++i) d[i] = lab[i] - cloud.mean[i];
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) m[i][j] = c[i][j];
        m[i][3] = d[i];
    }
    double determinant = 1;  // Gauss-Jordan: the matrix is positive definite
    for (int i = 0; i < 3; ++i) {
        determinant *= m[i][i];
        for (int k = 3; k >= i; --k) m[i][k] /= m[i][i];
        for (int j = 0; j < 3; ++j)
            for (int k = 3; j != i && k >= i; --k) m[j][k] -= m[j][i] * m[i][k];
    }
    const double distance = d[0] * m[0][3] + d[1] * m[1][3] + d[2] * m[2][3];
    return std::exp(-distance / 2) / std::sqrt(std::pow(2 * M_PI, 3) * determinant);
}
std::vector<ColorSample> cloud_of(Float3 centre, float size, int count, unsigned seed) {
    const auto r = noise(size_t(count) * 4, -1, 1, seed);
    std::vector<ColorSample> samples;
    for (int i = 0; i < count; ++i)
        samples.push_back({{centre[0] + size * r[4 * i], centre[1] + size * r[4 * i + 1] + r[4 * i],
                            centre[2] + size * (r[4 * i + 2] + r[4 * i])},
                           2 + r[4 * i + 3]});
    return samples;
}
ColorModel fit(const std::vector<ColorSample>& samples, const ColorModelParams& params = {}) {
    return fit_color_model({samples.data(), samples.size()}, params);
}
}  // namespace

TEST_CASE("the model of two clouds of colour is their mixture") {
    const auto a = cloud_of({30, 20, -40}, 6, 60, 1), b = cloud_of({80, -10, 30}, 4, 90, 2);
    auto both = a;
    both.insert(both.end(), b.begin(), b.end());
    const ColorModelParams params{.components = 2, .least_spread = 3, .unseen_share = 0.01f};
    const ColorModel model = fit(both, params);
    CHECK(model.components == 2);
    const Cloud ca = measure(a), cb = measure(b);
    const double total = ca.weight + cb.weight;
    double worst = 0;
    const auto at = noise(300, 0, 1, 7);
    for (int i = 0; i < 300; i += 3) {
        const double lab[3] = {100.0 * at[i], 160.0 * at[i + 1] - 80, 160.0 * at[i + 2] - 80};
        const double p = 0.01 / (100.0 * 200 * 200) +
                         0.99 * (ca.weight / total * density(ca, lab, 3) + cb.weight / total * density(cb, lab, 3));
        worst = std::max(worst, std::abs(double(model({float(lab[0]), float(lab[1]), float(lab[2])})) - std::log(p)));
    }
    // Precisions and offsets are floats: where a distance of 30 nats counts it is off by 30 * 10 * 2^-24.
    CHECK(worst <= 1e-4);
}

TEST_CASE("log-densities never underflow: the furthest colour has that of a colour never seen") {
    const ColorModel model = fit(cloud_of({50, 0, 0}, 1, 20, 1));
    const float floor = std::log(0.01f / 4e6f);
    CHECK(model({100, 100, -100}) == doctest::Approx(floor));
    CHECK(model({50, 0, 0}) > floor + 10);
    CHECK(std::isfinite(model({NAN, 0, 0})));
    CHECK(std::isfinite(model({1e30f, -1e30f, 0})));
}

TEST_CASE("without usable samples the model is uniform, and few colours make few components") {
    CHECK(fit({}).components == 0);
    CHECK(fit({})({1, 2, 3}) == doctest::Approx(std::log(1 / 4e6)));
    CHECK(fit({{{NAN, 0, 0}, 1}, {{10, 0, 0}, 0}, {{10, 0, 0}, -2}, {{1, 1, 1}, INFINITY}}).components == 0);
    CHECK(fit({{{40, 5, 5}, 1}, {{40, 5, 5}, 3}}).components == 1);
    const ColorModel one = fit({{{40, 5, 5}, 1}});
    CHECK(one({40, 5, 5}) == doctest::Approx(std::log(0.01 / 4e6 + 0.99 / (std::pow(2 * M_PI, 1.5) * 27))));
}

TEST_CASE("the scale of the weights does not matter") {
    auto samples = cloud_of({60, 0, 10}, 20, 50, 3);
    const ColorModel model = fit(samples);
    for (auto& s : samples) s.weight *= 1024;
    CHECK(fit(samples)({55, 3, 8}) == doctest::Approx(model({55, 3, 8})).epsilon(1e-5));
}

TEST_CASE_TEMPLATE("color_logit is the clamped ratio on active pixels and leaves the others", Exec, EXECUTORS) {
    const Size size{37, 11};
    const auto pixels = noise_rgba(size);
    std::vector<uint8_t> active(size.area());
    for (size_t i = 0; i < active.size(); ++i) active[i] = uint8_t(i % 3);
    const ColorModel subject = fit(cloud_of({60, 30, 10}, 20, 50, 3)),
                     background = fit(cloud_of({40, 0, 0}, 30, 50, 4));
    Exec exec;
    Buffer<Rgba8, Exec> image(exec, size, pixels);
    Buffer<Float3, Exec> lab(exec, size);
    Buffer<uint8_t, Exec> used(exec, size, active);
    Buffer<float, Exec> logit(exec, size, std::vector<float>(size.area(), 77));
    srgb_to_lab(exec, image.view(), lab.view());
    color_logit(exec, image.view(), used.view(), subject, background, 4.f, logit.view());
    const auto result = logit.download();
    const auto colors = lab.download();
    double worst = 0;
    for (size_t i = 0; i < result.size(); ++i) {
        const double ratio = double(subject(colors[i])) - double(background(colors[i]));
        const double expected = active[i] ? std::min(4.0, std::max(-4.0, ratio)) : 77;
        worst = std::max(worst, std::abs(result[i] - expected));
    }
    CHECK(worst <= 1e-3);  // as promised: the same floats, contracted differently
}

TEST_CASE("colour models refuse parameters out of range") {
    CHECK_THROWS_AS(fit({}, {.components = 0}), Error);
    CHECK_THROWS_AS(fit({}, {.components = 9}), Error);
    CHECK_THROWS_AS(fit({}, {.least_spread = NAN}), Error);
    CHECK_THROWS_AS(fit({}, {.unseen_share = 1}), Error);
    Cpu exec;
    Buffer<Rgba8, Cpu> image(exec, {4, 4});
    Buffer<uint8_t, Cpu> active(exec, {4, 4});
    Buffer<float, Cpu> logit(exec, {4, 4}), wrong(exec, {4, 5});
    CHECK_THROWS_AS(color_logit(exec, image.view(), active.view(), {}, {}, 1.f, wrong.view()), Error);
    CHECK_THROWS_AS(color_logit(exec, image.view(), active.view(), {}, {}, NAN, logit.view()), Error);
}
