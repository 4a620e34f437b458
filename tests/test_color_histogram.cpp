#include "cinebokeh/color_histogram.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
constexpr int levels = 24, bins = levels * levels * levels;

// Counts, smooths by the full three-dimensional Gaussian and normalises, in double.
std::vector<double> reference(const std::vector<Rgba8>& image, const std::vector<double>& weight) {
    std::vector<double> counts(bins), smooth(bins);
    for (size_t i = 0; i < image.size(); ++i) {
        const int r = image[i][0] * levels / 256, g = image[i][1] * levels / 256, b = image[i][2] * levels / 256;
        counts[size_t((r * levels + g) * levels + b)] += weight[i];
    }
    double one = 0, sum = 0;
    for (int d = -3; d <= 3; ++d) one += std::exp(-d * d / (2 * .49));
    for (int i = 0; i < bins; ++i)
        for (int dr = -3; counts[size_t(i)] > 0 && dr <= 3; ++dr)
            for (int dg = -3; dg <= 3; ++dg)
                for (int db = -3; db <= 3; ++db) {
                    const int r = i / levels / levels + dr, g = i / levels % levels + dg, b = i % levels + db;
                    if (std::min({r, g, b}) < 0 || std::max({r, g, b}) >= levels) continue;
                    smooth[size_t((r * levels + g) * levels + b)] +=
                        counts[size_t(i)] * std::exp(-(dr * dr + dg * dg + db * db) / (2 * .49)) / (one * one * one);
                }
    for (double v : smooth) sum += v;
    for (double& v : smooth) v = sum > 0 ? v / sum : 0;
    return smooth;
}
#if CINEBOKEH_GRID
template <class Exec>
using OnExec = ForSpace<Exec, ColorHistogram, ColorHistogramCuda>;
#else
template <class>
using OnExec = ColorHistogram;
#endif
}  // namespace

TEST_CASE_TEMPLATE("the log odds are those of the smoothed, normalised histograms", Exec, EXECUTORS) {
    const Size s{53, 31};
    Exec exec;
    const auto image = noise_rgba(s);
    const auto matte = noise(s, 0, 1, 2), weight = noise(s, 0, 1, 3);
    std::vector<double> subject(s.area()), background(s.area());
    for (size_t i = 0; i < s.area(); ++i) {
        subject[i] = matte[i] > .6f ? double(matte[i]) : 0;
        background[i] = matte[i] < .4f ? double(weight[i]) : 0;
    }
    OnExec<Exec> histogram(exec);
    std::vector<uint8_t> all_but_one(s.area(), 1);
    all_but_one[5] = 0;
    Buffer<Rgba8, Exec> colours(exec, s, image);
    Buffer<float, Exec> alpha(exec, s, matte), background_weight(exec, s, weight), odds(exec, s);
    Buffer<uint8_t, Exec> active(exec, s, all_but_one);
    CHECK(allocations_during([&] {
              histogram.count(colours.view(), alpha.view(), background_weight.view());
              histogram.log_odds(colours.view(), active.view(), 4, odds.view());
          }) == 0);
    const auto out = odds.download();
    const auto f = reference(image, subject), b = reference(image, background);
    for (size_t i = 0; i < s.area(); ++i) {
        const size_t bin = size_t((image[i][0] * levels / 256 * levels + image[i][1] * levels / 256) * levels +
                                  image[i][2] * levels / 256);
        const double e = .3 / bins, want = std::clamp(std::log((f[bin] + e) / (b[bin] + e)), -4., 4.);
        CHECK(double(out[i]) == doctest::Approx(i == 5 ? 0 : want).epsilon(1e-4));  // sums of some tens of floats
    }
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("on the device histograms blend and are copied as on the CPU", Exec, CUDA_EXECUTORS) {
    const Size s{40, 21};
    const auto image = noise_rgba(s), other = noise_rgba(s, 9);
    const auto matte = noise(s, 0, 1, 2), weight = noise(s, 0, 1, 3);
    const auto run = [&]<class On>(On& exec) {
        Buffer<Rgba8, On> first(exec, s, image), second(exec, s, other);
        Buffer<float, On> alpha(exec, s, matte), background_weight(exec, s, weight), odds(exec, s);
        Buffer<uint8_t, On> active(exec, s, std::vector<uint8_t>(s.area(), 1));
        OnExec<On> a(exec), b(exec), blended(exec);
        a.count(first.view(), alpha.view(), background_weight.view());
        b.count(second.view(), alpha.view(), background_weight.view());
        blended.copy_from(a), blended.blend(b, .3f, .8f);
        blended.log_odds(first.view(), active.view(), 4, odds.view());
        return odds.download();
    };
    Cpu cpu;
    Exec exec;
    CHECK(worst_error(run(exec), run(cpu)) < 1e-3);  // what the docstring promises
}
#endif

TEST_CASE("an empty side, blending and bad sizes are handled") {
    const Size s{8, 8};
    Cpu exec(1);
    const auto image = noise_rgba(s);
    const std::vector<float> all(s.area(), 1.f), none(s.area(), 0.f), nan(s.area(), NAN);
    std::vector<uint8_t> active(s.area(), 1);
    std::vector<float> a(s.area()), b(s.area());
    ColorHistogram one(exec), two(exec);
    one.count(host_view(image, s), host_view(all, s), host_view(all, s));
    one.log_odds(host_view(image, s), host_view(active, s), 4, host_view(a, s));
    for (float v : a) CHECK((v > 0 && v <= 4));
    two.copy_from(one);
    two.log_odds(host_view(image, s), host_view(active, s), 4, host_view(b, s));
    CHECK(a == b);
    two.count(host_view(image, s), host_view(nan, s), host_view(all, s));  // NaN is on neither side
    two.log_odds(host_view(image, s), host_view(active, s), 4, host_view(b, s));
    for (float v : b) CHECK(v == 0);
    one.blend(two, 0, 0);
    one.log_odds(host_view(image, s), host_view(active, s), 4, host_view(a, s));
    CHECK(a == b);
    CHECK_THROWS_AS(one.count(host_view(image, s), host_view(all, {8, 7}), host_view(all, s)), Error);
    CHECK_THROWS_AS(one.log_odds(host_view(image, s), host_view(active, {7, 8}), 4, host_view(a, s)), Error);
}
