#include "cinebokeh/lattice.hpp"

#include <array>
#include <map>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// Features [n][D] and their values, as the tests make them.
template <int D>
struct Points {
    std::vector<std::array<float, D>> features;

    std::vector<float> rows() const {  // [D, n]
        std::vector<float> planar(features.size() * D);
        for (size_t p = 0; p < features.size(); ++p)
            for (size_t i = 0; i < D; ++i) planar[i * features.size() + p] = features[p][i];
        return planar;
    }
};
template <int D>
Points<D> random_points(size_t n, float spread, unsigned seed) {
    Points<D> points;
    const auto numbers = noise(n * D, -spread, spread, seed);
    for (size_t p = 0; p < n; ++p) {
        std::array<float, D> f;
        std::copy_n(&numbers[p * D], D, f.begin());
        points.features.push_back(f);
    }
    return points;
}

// The lattice as the paper describes it (section 3), in double: every vertex by its D + 1 coordinates in a map.
template <int D>
class PaperLattice {
    using Key = std::array<long, D + 1>;

public:
    explicit PaperLattice(const Points<D>& points) {
        for (const auto& f : points.features) corners_.push_back(locate(f));
        for (const auto& simplex : corners_)
            for (const auto& [key, weight] : simplex) value_[key] = 0;
    }
    std::vector<double> filter(const std::vector<double>& values, bool both_orders) {
        for (auto& [key, value] : value_) value = 0;
        for (size_t p = 0; p < values.size(); ++p)
            for (const auto& [key, weight] : corners_[p]) value_[key] += weight * values[p];
        auto forward = value_, backward = value_;
        for (int axis = 0; axis <= D; ++axis) forward = blurred(forward, axis);
        for (int axis = D; axis >= 0; --axis) backward = blurred(backward, axis);
        std::vector<double> out;
        for (const auto& simplex : corners_) {
            double sum = 0;
            for (const auto& [key, weight] : simplex)
                sum += weight * (both_orders ? (forward[key] + backward[key]) / 2 : forward[key]);
            out.push_back(sum / (1 + std::pow(2.0, -D)));
        }
        return out;
    }

    // Steps 1 to 3: elevate, find the nearest remainder-0 point and the ranks, barycentric weights (equation 5).
    static std::vector<std::pair<Key, double>> locate(const std::array<float, D>& f) {
        double e[D + 1] = {};
        const double sigma = std::sqrt(2.0 / 3) * (D + 1);
        for (int i = 0; i < D; ++i) {
            const double scaled = f[size_t(i)] * sigma / std::sqrt((i + 1.0) * (i + 2.0));
            for (int j = 0; j <= i; ++j) e[j] += scaled;
            e[i + 1] -= (i + 1) * scaled;
        }
        long base[D + 1], sum = 0;
        for (int i = 0; i <= D; ++i) base[i] = std::lround(e[i] / (D + 1)) * (D + 1), sum += base[i] / (D + 1);
        int rank[D + 1] = {};
        for (int i = 0; i <= D; ++i)
            for (int j = 0; j <= D; ++j) {
                const double a = e[i] - double(base[i]), b = e[j] - double(base[j]);
                rank[i] += b > a || (b == a && j < i);
            }
        for (int i = 0; i <= D; ++i) {
            rank[i] += int(sum);
            if (rank[i] < 0) rank[i] += D + 1, base[i] += D + 1;
            if (rank[i] > D) rank[i] -= D + 1, base[i] -= D + 1;
        }
        double weight[D + 2] = {};
        for (int i = 0; i <= D; ++i) {
            weight[D - rank[i]] += (e[i] - double(base[i])) / (D + 1);
            weight[D + 1 - rank[i]] -= (e[i] - double(base[i])) / (D + 1);
        }
        weight[0] += 1 + weight[D + 1];
        std::vector<std::pair<Key, double>> corners;
        for (int k = 0; k <= D; ++k) {
            Key key;
            for (int i = 0; i <= D; ++i) key[size_t(i)] = base[i] + (rank[i] <= D - k ? k : k - (D + 1));
            corners.push_back({key, weight[k]});
        }
        return corners;
    }

private:
    static std::map<Key, double> blurred(const std::map<Key, double>& in, int axis) {
        std::map<Key, double> out;
        for (const auto& [key, value] : in) {
            double sum = value;
            for (int sign : {-1, 1}) {
                Key next = key;
                for (long& c : next) c -= sign;
                next[size_t(axis)] += sign * (D + 1);
                const auto found = in.find(next);
                if (found != in.end()) sum += found->second / 2;
            }
            out[key] = sum;
        }
        return out;
    }

    std::vector<std::vector<std::pair<Key, double>>> corners_;
    std::map<Key, double> value_;
};

// Points inside their simplices: on the face between two, rounding decides which third vertices exist.
template <int D>
Points<D> points_inside(size_t n, float spread, unsigned seed) {
    Points<D> inside;
    while (inside.features.size() < n)
        for (const auto& f : random_points<D>(n, spread, seed++).features) {
            double least = 1;
            for (const auto& [key, weight] : PaperLattice<D>::locate(f)) least = std::min(least, weight);
            if (least > std::ldexp(1.0, -13) && inside.features.size() < n) inside.features.push_back(f);
        }
    return inside;
}

template <int D>
std::vector<float> filtered(const Points<D>& points, const std::vector<float>& values,
                            const LatticeFilterParams& params, int threads = 0) {
    Cpu exec(threads);
    const int n = int(points.features.size()), channels = int(values.size()) / n;
    PermutohedralLattice<D> lattice(exec, n);
    const auto rows = points.rows();
    lattice.build(host_view(rows, {n, D}));
    std::vector<float> out(values.size());
    lattice.filter(host_view(values, {n, channels}), host_view(out, {n, channels}), params);
    return out;
}
std::vector<double> doubles(const std::vector<float>& v) { return {v.begin(), v.end()}; }

constexpr auto none = LatticeNormalization::none, sum = LatticeNormalization::sum,
               symmetric = LatticeNormalization::symmetric;

template <int D>
struct Dimension {
    static constexpr int value = D;
};
}  // namespace
TYPE_TO_STRING(Dimension<2>);
TYPE_TO_STRING(Dimension<3>);
TYPE_TO_STRING(Dimension<4>);
TYPE_TO_STRING(Dimension<5>);
TYPE_TO_STRING(Dimension<6>);

TEST_CASE_TEMPLATE("the lattice filters as the paper's does", Dim, Dimension<2>, Dimension<3>, Dimension<4>,
                   Dimension<5>, Dimension<6>) {
    constexpr int D = Dim::value;
    // One point, one tile less one and plus one, several tiles; crowded and scattered points.
    for (size_t n : {1u, 37u, 2047u, 2049u, 5000u})
        for (float spread : {0.5f, 4.f}) {
            CAPTURE(n);
            CAPTURE(spread);
            const auto points = points_inside<D>(n, spread, unsigned(n));
            const auto values = noise(n, -1, 1, 7);
            PaperLattice<D> paper(points);
            const auto ones = paper.filter(std::vector<double>(n, 1.0), true);
            for (bool both : {false, true}) {
                const auto expected = paper.filter(doubles(values), both);
                const auto out = filtered(points, values, {.normalization = none, .both_axis_orders = both});
                // A weight is a multiple of 2^-15 and off by 2^-16; a point's D + 1 weights, used twice, are off by
                // (D + 1) 2^-15 of the sums they multiply, and those are at most K 1 for values up to 1.
                double worst = 0;
                for (size_t p = 0; p < n; ++p) worst = std::max(worst, std::abs(out[p] - expected[p]) / ones[p]);
                CHECK(worst < (D + 1) * std::ldexp(1.0, -15));
            }
        }
}

TEST_CASE("the normalised filter is near the exact Gaussian") {
    // A smooth signal sampled densely: there the lattice's linear interpolation is at its best. The paper's figure 7
    // and our own measurements put the error at a percent or two of the range of the values.
    const size_t n = 1500;
    const auto points = random_points<3>(n, 1.5f, 11);
    std::vector<float> values;
    for (const auto& f : points.features) values.push_back(std::sin(f[0]) * std::cos(f[1]) + 0.3f * f[2]);
    const auto out = filtered(points, values, {.normalization = sum});
    double mean = 0;
    for (size_t i = 0; i < n; ++i) {
        double total = 0, weights = 0;
        for (size_t j = 0; j < n; ++j) {
            double d = 0;
            for (size_t c = 0; c < 3; ++c) d += std::pow(double(points.features[i][c]) - points.features[j][c], 2);
            total += std::exp(-d / 2) * values[j], weights += std::exp(-d / 2);
        }
        mean += std::abs(out[i] - total / weights) / double(n);
    }
    CHECK(mean < 0.02 * 2.9);  // two percent of the range, -1.45 to 1.45
}

TEST_CASE_TEMPLATE("constants are preserved where weights sum to one", Dim, Dimension<2>, Dimension<5>) {
    constexpr int D = Dim::value;
    for (float spread : {0.f, 0.3f, 30.f, 100.f}) {
        const auto points = random_points<D>(3000, spread, 5);
        for (float v : filtered(points, std::vector<float>(3000, 0.75f), {.normalization = sum}))
            CHECK(v == doctest::Approx(0.75).epsilon(1e-5));  // sums of thousands of floats, twice in the same order
    }
}

TEST_CASE("the filter is a symmetric matrix when both axis orders are averaged") {
    const size_t n = 150;
    const auto points = random_points<5>(n, 1.5f, 21);
    std::vector<float> unit(n * n, 0.f);  // channel i is one at point i
    for (size_t i = 0; i < n; ++i) unit[i * n + i] = 1;
    for (auto normalization : {none, symmetric}) {
        const auto k = filtered(points, unit, {.normalization = normalization});
        double largest = 0, asymmetry = 0;
        for (size_t i = 0; i < n; ++i)
            for (size_t j = 0; j < n; ++j) {
                largest = std::max(largest, double(k[i * n + j]));
                asymmetry = std::max(asymmetry, std::abs(double(k[i * n + j]) - k[j * n + i]));
            }
        CHECK(largest > 0.1);
        CHECK(asymmetry < 1e-6 * largest * 10);  // both orders of the float sums: 2 * 6 blurs and 6 corners
    }
}

TEST_CASE("normalisation divides by the filtered ones") {
    const size_t n = 700;
    const auto points = random_points<5>(n, 2.f, 31);
    const auto values = noise(n, -1, 1, 32);
    const auto ones = filtered(points, std::vector<float>(n, 1.f), {.normalization = none});
    const auto plain = filtered(points, values, {.normalization = none});
    const auto by_sum = filtered(points, values, {.normalization = sum});
    auto scaled = values;
    for (size_t p = 0; p < n; ++p) scaled[p] /= std::sqrt(ones[p]);
    const auto inner = filtered(points, scaled, {.normalization = none});
    const auto by_root = filtered(points, values, {.normalization = symmetric});
    for (size_t p = 0; p < n; ++p) {
        CHECK(by_sum[p] == doctest::Approx(plain[p] / ones[p]).epsilon(1e-5));
        CHECK(by_root[p] == doctest::Approx(inner[p] / std::sqrt(ones[p])).epsilon(1e-5));
    }
}

TEST_CASE("a lone point and equal points answer with their mean") {
    Points<5> same;
    same.features.assign(4000, {0.3f, -7.f, 2.25f, 100.f, 0.f});
    const auto values = noise(4000, 0, 1, 9);
    double mean = 0;
    for (float v : values) mean += v / 4000;
    for (float v : filtered(same, values, {.normalization = sum})) CHECK(v == doctest::Approx(mean).epsilon(1e-5));

    Points<2> lone;
    lone.features = {{{0.1f, -0.2f}}};
    CHECK(filtered(lone, {3.f}, {.normalization = sum})[0] == doctest::Approx(3).epsilon(1e-6));
    CHECK(filtered(lone, {3.f}, {.normalization = symmetric})[0] == doctest::Approx(3).epsilon(1e-6));
}

TEST_CASE("shifting all features by a lattice vector changes nothing") {
    // (D + 1) sqrt(1.5 (i + 1)(i + 2)) / (D + 1) along feature 0 elevates to whole coordinates: sqrt(3) is one period.
    const auto points = random_points<2>(500, 2.f, 41);
    auto shifted = points;
    for (auto& f : shifted.features) f[0] += 2 * std::sqrt(3.f);
    const auto values = noise(500, -1, 1, 42);
    const auto a = filtered(points, values, {.normalization = sum}),
               b = filtered(shifted, values, {.normalization = sum});
    CHECK(worst_error(b, a) < 3 * std::ldexp(1.0, -15) * 2);  // weights of fixed point on both sides
}

TEST_CASE("the lattice gives the same bits on any number of threads, in place, without allocating") {
    const int n = 9000;
    const auto points = random_points<5>(n, 3.f, 51);
    const auto rows = points.rows();
    auto values = noise(size_t(n) * 3, -1, 1, 52);
    const auto serial = filtered(points, values, {}, 1), parallel = filtered(points, values, {}, 4);
    CHECK(worst_error(serial, parallel) == 0);

    Cpu exec(3);
    PermutohedralLattice<5> lattice(exec, n + 500);
    const auto channels = host_view(values, {n, 3});
    CHECK(allocations_during([&] {
              lattice.build(host_view(rows, {n, 5}));
              lattice.filter(channels, channels);
          }) == 0);
    CHECK(worst_error(values, serial) == 0);
    CHECK(lattice.points() == n);
    CHECK(lattice.vertices() > 100);
}

TEST_CASE("bad input to the lattice is an error") {
    Cpu exec;
    PermutohedralLattice<2> lattice(exec, 10, 12);
    std::vector<float> f(40, 0.f), v(40, 1.f);
    const auto build = [&](Size s) { lattice.build({f.data(), s}); };
    const auto filter = [&](Size in, Size out) { lattice.filter({v.data(), in}, {v.data(), out}); };
    CHECK_THROWS_AS(filter({10, 1}, {10, 1}), Error);  // nothing is built
    CHECK_THROWS_AS(build({11, 2}), Error);
    CHECK_THROWS_AS(build({0, 2}), Error);
    CHECK_THROWS_AS(build({10, 3}), Error);
    build({10, 2});
    filter({10, 2}, {10, 2});
    CHECK_THROWS_AS(filter({9, 1}, {9, 1}), Error);
    CHECK_THROWS_AS(filter({10, 1}, {10, 2}), Error);
    for (float bad : {std::nanf(""), INFINITY, -INFINITY}) {
        v[3] = bad;
        CHECK_THROWS_AS(filter({10, 1}, {10, 1}), Error);
        v[3] = 1, f[3] = bad;
        CHECK_THROWS_AS(build({10, 2}), Error);
        f[3] = 0;
    }
    f[3] = 1.0001e4f;
    CHECK_THROWS_AS(build({10, 2}), Error);
    f[3] = 1e4f, f[4] = -1e4f;  // the largest there is
    build({10, 2});
    for (int p = 0; p < 10; ++p) f[size_t(p)] = float(5 * p);  // 30 vertices where 12 fit
    CHECK_THROWS_AS(build({10, 2}), Error);
    CHECK(lattice.points() == 0);
    CHECK_THROWS_AS(filter({10, 1}, {10, 1}), Error);
    CHECK_THROWS_AS(PermutohedralLattice<3>(exec, 0), Error);

    PermutohedralLattice<5> spread(exec, 2);
    const std::vector<float> corners{-1e4f, 1e4f, -1e4f, 1e4f, -1e4f, 1e4f, -1e4f, 1e4f, -1e4f, 1e4f};
    CHECK_THROWS_AS(spread.build(host_view(corners, {2, 5})), Error);
}
