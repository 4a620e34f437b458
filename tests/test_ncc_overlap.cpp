#include "cinebokeh/ncc.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
struct Pair {
    Size fixed_size, moving_size;
    std::vector<float> fixed, moving;
    std::vector<uint8_t> fixed_valid, moving_valid;
    Size out() const { return {fixed_size.width + moving_size.width - 1, fixed_size.height + moving_size.height - 1}; }
};
std::vector<uint8_t> random_valid(Size s, unsigned seed) {
    std::vector<uint8_t> valid;
    for (float v : noise(s, 0, 1, seed)) valid.push_back(v > 0.3f);
    valid[s.area() / 2] = 1;
    return valid;
}
Pair random_pair(Size fixed, Size moving, unsigned seed = 1) {
    return {fixed,
            moving,
            noise(fixed, -3, 7, seed),
            noise(moving, 0, 1, seed + 1),
            random_valid(fixed, seed + 2),
            random_valid(moving, seed + 3)};
}

// Padfield 2012, eq. 2: the correlation coefficient over the pixels that are valid in both, shift by shift; the rules
// of scikit-image for small overlaps and small denominators.
std::vector<double> reference(const Pair& p, double smallest_overlap) {
    const Size s = p.out();
    std::vector<double> numerators, denominators, overlaps, out;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const int dx = x - p.moving_size.width + 1, dy = y - p.moving_size.height + 1;
            std::vector<double> a, b;
            for (int v = 0; v < p.moving_size.height; ++v)
                for (int u = 0; u < p.moving_size.width; ++u) {
                    if (!p.fixed_size.contains(u + dx, v + dy)) continue;
                    const size_t i = size_t((v + dy) * p.fixed_size.width + u + dx);
                    const size_t j = size_t(v * p.moving_size.width + u);
                    if (p.fixed_valid[i] && p.moving_valid[j]) a.push_back(p.fixed[i]), b.push_back(p.moving[j]);
                }
            double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
            for (size_t i = 0; i < a.size(); ++i) ma += a[i] / double(a.size()), mb += b[i] / double(a.size());
            for (size_t i = 0; i < a.size(); ++i)
                ab += (a[i] - ma) * (b[i] - mb), aa += (a[i] - ma) * (a[i] - ma), bb += (b[i] - mb) * (b[i] - mb);
            numerators.push_back(ab), denominators.push_back(std::sqrt(aa * bb)), overlaps.push_back(double(a.size()));
        }
    const double most = *std::max_element(overlaps.begin(), overlaps.end());
    const double tolerance =
        1e3 * std::numeric_limits<double>::epsilon() * *std::max_element(denominators.begin(), denominators.end());
    for (size_t i = 0; i < numerators.size(); ++i)
        out.push_back(overlaps[i] >= smallest_overlap * most && denominators[i] > tolerance
                          ? numerators[i] / denominators[i]
                          : 0);
    return out;
}
template <class Exec>
struct Images {
    Images(Exec& exec, const Pair& p)
        : fixed(exec, p.fixed_size, p.fixed),
          moving(exec, p.moving_size, p.moving),
          out(exec, p.out()),
          fixed_valid(exec, p.fixed_size, p.fixed_valid),
          moving_valid(exec, p.moving_size, p.moving_valid) {}
    void correlate(OverlapNcc<Exec>& ncc) {
        ncc(fixed.view(), fixed_valid.view(), moving.view(), moving_valid.view(), out.view());
    }
    Buffer<float, Exec> fixed, moving, out;
    Buffer<uint8_t, Exec> fixed_valid, moving_valid;
};
template <class Exec>
std::vector<float> correlate(const Pair& p, double smallest_overlap, Exec& exec) {
    OverlapNcc<Exec> ncc(exec, p.fixed_size, p.moving_size, {.smallest_overlap = smallest_overlap});
    Images<Exec> images(exec, p);
    images.correlate(ncc);
    return images.out.download();
}
}  // namespace

TEST_CASE_TEMPLATE("the general form is the correlation coefficient over the pixels that are valid in both images",
                   Exec, EXECUTORS) {
    Exec exec;
    for (const Pair& p : {random_pair({12, 9}, {5, 7}), random_pair({5, 7}, {12, 9}), random_pair({16, 16}, {16, 16}),
                          random_pair({31, 2}, {3, 17}), random_pair({40, 23}, {9, 9})}) {
        CAPTURE(p.fixed_size.width);
        // An overlap of .3 is far from the places where a double's rounding over the denominator counts: float
        // rounding.
        CHECK(worst_error(correlate(p, 0.3, exec), reference(p, 0.3)) <= 1e-6);
        // Overlaps of two or three pixels: cancellation of 1e-13 against variances down to 1e-6 of the largest.
        CHECK(worst_error(correlate(p, 0.05, exec), reference(p, 0.05)) <= 1e-4);
    }
}

TEST_CASE_TEMPLATE("images of one pixel and images without contrast give zero", Exec, EXECUTORS) {
    Exec exec;
    CHECK(correlate({{1, 1}, {1, 1}, {3}, {4}, {1}, {1}}, 0.3, exec) == std::vector<float>{0});
    Pair flat = random_pair({9, 8}, {4, 5});
    std::fill(flat.fixed.begin(), flat.fixed.end(), 12.3f);
    for (float v : correlate(flat, 0.3, exec)) CHECK(v == 0);
    Pair hidden = random_pair({9, 8}, {4, 5});
    std::fill(hidden.moving_valid.begin(), hidden.moving_valid.end(), uint8_t(0));
    for (float v : correlate(hidden, 0.3, exec)) CHECK(v == 0);
}

TEST_CASE_TEMPLATE("a shifted part correlates with one at its shift, whatever lies under the invalid pixels", Exec,
                   EXECUTORS) {
    Exec exec;
    Pair p = random_pair({30, 24}, {11, 9});
    for (int y = 0; y < 9; ++y)
        for (int x = 0; x < 11; ++x) p.moving[size_t(y * 11 + x)] = 5 * p.fixed[size_t((y + 6) * 30 + x + 8)] - 2;
    for (size_t i = 0; i < p.fixed.size(); ++i)
        if (!p.fixed_valid[i]) p.fixed[i] = NAN;
    const std::vector<float> out = correlate(p, 0.3, exec);
    CHECK(out[size_t((6 + 8) * p.out().width + 8 + 10)] == doctest::Approx(1).epsilon(1e-6));
    for (float v : out) CHECK((v >= -1 && v <= 1));
}

TEST_CASE_TEMPLATE(
    "the general form refuses wrong sizes, sees no valid pixel that is not finite, and allocates nothing", Exec,
    EXECUTORS) {
    Exec exec;
    CHECK_THROWS_AS(OverlapNcc<Exec>(exec, {0, 3}, {2, 2}), Error);
    CHECK_THROWS_AS(OverlapNcc<Exec>(exec, {3, 3}, {2, 2}, {.smallest_overlap = NAN}), Error);
    Pair p = random_pair({9, 8}, {4, 5});
    OverlapNcc<Exec> ncc(exec, p.fixed_size, p.moving_size);
    Images<Exec> images(exec, p);
    CHECK(allocations_during([&] { images.correlate(ncc); }) == 0);
    images.out = Buffer<float, Exec>(exec, {11, 12});
    CHECK_THROWS_AS(images.correlate(ncc), Error);
    p.fixed[p.fixed_size.area() / 2] = NAN;
    Images<Exec> bad(exec, p);
    if constexpr (std::is_same_v<Exec, Cpu>) {
        CHECK_THROWS_AS(bad.correlate(ncc), Error);
    } else {
        bad.correlate(ncc);
        for (float v : bad.out.download()) CHECK(v == 0);
    }
}
