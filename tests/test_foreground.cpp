#include "cinebokeh/foreground.hpp"

#include <array>

#include "support.hpp"

using namespace cinebokeh;

namespace {
using Colour = std::array<double, 4>;

double decoded(int code) {
    const double c = code / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
double cut(double v) { return v > 0 ? std::min(v, 1.0) : 0.0; }

std::vector<Colour> blurred(const std::vector<Colour>& in, Size s, double sigma) {
    const int radius = int(std::ceil(3 * sigma));
    std::vector<Colour> out(in.size());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            double total = 0;
            Colour sum{};
            for (int v = -radius; v <= radius; ++v)
                for (int u = -radius; u <= radius; ++u) {
                    const double w = std::exp(-(u * u + v * v) / (2 * sigma * sigma));
                    const int xx = std::min(std::max(x + u, 0), s.width - 1),
                              yy = std::min(std::max(y + v, 0), s.height - 1);
                    for (size_t c = 0; c < 4; ++c) sum[c] += w * in[size_t(yy * s.width + xx)][c];
                    total += w;
                }
            for (double& c : sum) c /= total;
            out[size_t(y * s.width + x)] = sum;
        }
    return out;
}

struct Local {
    std::vector<Colour> f, b;
};

// Cells, two scales, and the least squares of I - alpha F - (1 - alpha) B + what holds F and B at the weighted means.
Local reference_local(const std::vector<Rgba8>& frame, const std::vector<double>& alpha, Size s, int step,
                      double near_sigma, double far_sigma) {
    const Size cells{(s.width + step - 1) / step, (s.height + step - 1) / step};
    Local means{std::vector<Colour>(cells.area()), std::vector<Colour>(cells.area())};
    for (int j = 0; j < cells.height; ++j)
        for (int i = 0; i < cells.width; ++i) {
            const size_t k = size_t(j * cells.width + i);
            double n = 0;
            for (int y = j * step; y < std::min(s.height, j * step + step); ++y)
                for (int x = i * step; x < std::min(s.width, i * step + step); ++x, n += 1) {
                    const size_t at = size_t(y * s.width + x);
                    for (int c = 0; c < 4; ++c) {
                        means.f[k][size_t(c)] += alpha[at] * (c < 3 ? decoded(frame[at][c]) : alpha[at]);
                        means.b[k][size_t(c)] += (1 - alpha[at]) * (c < 3 ? decoded(frame[at][c]) : 1 - alpha[at]);
                    }
                }
            for (size_t c = 0; c < 4; ++c) means.f[k][c] /= n, means.b[k][c] /= n;
        }
    const Local near{blurred(means.f, cells, near_sigma), blurred(means.b, cells, near_sigma)};
    const Local far{blurred(means.f, cells, far_sigma), blurred(means.b, cells, far_sigma)};
    Local local = means;
    for (size_t k = 0; k < cells.area(); ++k) {
        const double aa = near.f[k][3] + 1e-3 * far.f[k][3], bb = near.b[k][3] + 1e-3 * far.b[k][3];
        const double ab = (1.001 - aa - bb) / 2, hold = 1e-3;
        for (size_t c = 0; c < 3; ++c) {
            const double ai = near.f[k][c] + 1e-3 * far.f[k][c], bi = near.b[k][c] + 1e-3 * far.b[k][c];
            const double p = ai + hold * ai / (aa + ab), q = bi + hold * bi / (bb + ab);
            const double determinant = (aa + hold) * (bb + hold) - ab * ab;
            local.f[k][c] = cut((p * (bb + hold) - q * ab) / determinant);
            local.b[k][c] = cut((q * (aa + hold) - p * ab) / determinant);
        }
        local.f[k][3] = local.b[k][3] = 1;
    }
    return local;
}
Colour between_cells(const std::vector<Colour>& cells, Size count, int step, int x, int y) {
    const double u = std::min(std::max((x + 0.5) / step - 0.5, 0.0), count.width - 1.0);
    const double v = std::min(std::max((y + 0.5) / step - 0.5, 0.0), count.height - 1.0);
    Colour sum{};
    for (int j = 0; j < 2; ++j)
        for (int i = 0; i < 2; ++i) {
            const double w = (i ? u - int(u) : 1 - u + int(u)) * (j ? v - int(v) : 1 - v + int(v));
            const Colour& c = cells[size_t(std::min(int(v) + j, count.height - 1) * count.width +
                                           std::min(int(u) + i, count.width - 1))];
            for (size_t k = 0; k < 4; ++k) sum[k] += w * c[k];
        }
    return sum;
}
}  // namespace

TEST_CASE_TEMPLATE("the colour of the subject is that of blur fusion on two scales", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{16, 12}, Size{31, 22}}) {
        CAPTURE(s.width);
        constexpr int step = 3;
        Exec exec;
        const auto frame = noise_rgba(s);
        const auto matte = noise(s, 0.05f, 0.95f, 3);
        const std::vector<double> alpha(matte.begin(), matte.end());
        const Size cells{(s.width + step - 1) / step, (s.height + step - 1) / step};
        const Local local = reference_local(frame, alpha, s, step, 1, 2);
        std::vector<double> expected;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                const size_t at = size_t(y * s.width + x);
                const Colour local_f = between_cells(local.f, cells, step, x, y),
                             local_b = between_cells(local.b, cells, step, x, y);
                for (int c = 0; c < 3; ++c) {
                    const size_t k = size_t(c);
                    const double unexplained =
                        decoded(frame[at][c]) - alpha[at] * local_f[k] - (1 - alpha[at]) * local_b[k];
                    expected.push_back(cut(local_f[k] + alpha[at] * unexplained));
                }
                expected.push_back(alpha[at]);
            }
        Buffer<Rgba8, Exec> image(exec, s, frame);
        Buffer<float, Exec> m(exec, s, matte);
        Buffer<Float4, Exec> out(exec, s);
        ForegroundEstimator<Exec> estimate(exec, s, {.step = step, .near_sigma = 1, .far_sigma = 2});
        foreground_colour<Exec>(exec, image.view(), m.view(), estimate(image.view(), m.view()), out.view());
        std::vector<float> values;
        for (const Float4& p : out.download())
            for (int c = 0; c < 4; ++c) values.push_back(p[c]);
        // The determinant is the variance of the matte in the neighbourhood, at least 0.02 here; it divides six
        // products of means with a rounding of 3e-7 each.
        CHECK(worst_error(values, expected) <= 1e-4);
    }
}

TEST_CASE_TEMPLATE("known colours of subject and background come back from their mixture", Exec, EXECUTORS) {
    const Size s{48, 32};
    Exec exec;
    const double subject[3] = {0.8, 0.1, 0.1}, background[3] = {0.1, 0.2, 0.6};
    std::vector<Rgba8> frame(s.area());
    std::vector<float> matte(s.area());
    for (size_t i = 0; i < s.area(); ++i) {
        const double alpha = std::min(std::max((double(i % 48) - 18) / 12, 0.0), 1.0);  // a ramp of 12 pixels
        matte[i] = float(alpha);
        for (int c = 0; c < 3; ++c) {
            const double mixed = alpha * subject[c] + (1 - alpha) * background[c];
            const double code = mixed <= 0.0031308 ? 12.92 * mixed : 1.055 * std::pow(mixed, 1 / 2.4) - 0.055;
            frame[i][c] = uint8_t(code * 255 + 0.5);
        }
    }
    Buffer<Rgba8, Exec> image(exec, s, frame);
    Buffer<float, Exec> m(exec, s, matte);
    Buffer<Float4, Exec> out(exec, s);
    ForegroundEstimator<Exec> estimate(exec, s, {.step = 2});
    foreground_colour<Exec>(exec, image.view(), m.view(), estimate(image.view(), m.view()), out.view());
    const auto colour = out.download();
    for (size_t i = 0; i < s.area(); ++i) {
        if (!(matte[i] > 0)) continue;
        for (int c = 0; c < 3; ++c) {
            CAPTURE(matte[i]);
            // The model fits exactly; the means that hold it and the 8 bits of the frame move it a little.
            CHECK(std::abs(double(colour[i][c]) - subject[c]) <= 0.05);
            if (matte[i] == 1) CHECK(std::abs(double(colour[i][c]) - decoded(frame[i][c])) <= 1e-7);
        }
    }
}

TEST_CASE_TEMPLATE("a matte of nothing, of everything or of no numbers gives finite colours", Exec, EXECUTORS) {
    const Size s{20, 11};
    Exec exec;
    Buffer<Rgba8, Exec> image(exec, s, noise_rgba(s));
    Buffer<Float4, Exec> out(exec, s);
    ForegroundEstimator<Exec> estimate(exec, s);
    for (float value : {0.f, 1.f, -3.f, 7.f, NAN, INFINITY}) {
        std::vector<float> matte(s.area(), value);
        matte[30] = 0.5f;
        Buffer<float, Exec> m(exec, s, matte);
        foreground_colour<Exec>(exec, image.view(), m.view(), estimate(image.view(), m.view()), out.view());
        for (const Float4& p : out.download())
            for (int c = 0; c < 4; ++c) CHECK((p[c] >= 0 && p[c] <= 1));
    }
}

TEST_CASE("the estimator allocates nothing and refuses bad sizes and parameters") {
    Cpu exec;
    using Estimator = ForegroundEstimator<Cpu>;
    CHECK_THROWS_AS(Estimator(exec, Size{4, 4}, {.step = 0}), Error);
    CHECK_THROWS_AS(Estimator(exec, Size{4, 4}, {.near_sigma = NAN}), Error);
    CHECK_THROWS_AS(Estimator(exec, Size{-4, 4}), Error);
    Estimator estimate(exec, {40, 30});
    Buffer<Rgba8, Cpu> image(exec, {40, 30}, noise_rgba({40, 30})), large(exec, {41, 30});
    Buffer<float, Cpu> matte(exec, {40, 30}, noise(Size{40, 30}, 0, 1)), narrow(exec, {3, 4}),
        large_matte(exec, {41, 30});
    Buffer<Float4, Cpu> out(exec, {40, 30}), small(exec, {3, 3});
    LocalColours<Cpu> local;
    CHECK(allocations_during([&] { local = estimate(image.view(), matte.view()); }) == 0);
    CHECK_THROWS_AS(estimate(image.view(), narrow.view()), Error);
    CHECK_THROWS_AS(estimate(large.view(), large_matte.view()), Error);
    CHECK_THROWS_AS(foreground_colour<Cpu>(exec, image.view(), matte.view(), local, small.view()), Error);
    CHECK_THROWS_AS(foreground_colour<Cpu>(exec, image.view(), matte.view(), {}, out.view()), Error);
}
