#include "lattice_oracle.hpp"

using namespace cinebokeh;

namespace {
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

template <class Exec, int D>
std::vector<float> filtered_on(Exec& exec, const Points<D>& points, const std::vector<float>& values,
                               const LatticeFilterParams& params) {
    const int n = int(points.features.size()), channels = int(values.size()) / n;
    PermutohedralLattice<D, Exec> lattice(exec, n);
    Buffer<float, Exec> rows(exec, {n, D}, points.rows()), in(exec, {n, channels}, values), out(exec, {n, channels});
    lattice.build(rows.view());
    lattice.filter(in.view(), out.view(), params);
    return out.download();
}
template <class Exec = Cpu, int D>
std::vector<float> filtered(const Points<D>& points, const std::vector<float>& values,
                            const LatticeFilterParams& params) {
    Exec exec;
    return filtered_on(exec, points, values, params);
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

#if CINEBOKEH_GRID
// As above; less, because the simulator is slow. Tiles are 1024 points there.
template <int D, class Exec>
void check_device_lattice() {
    for (size_t n : {1u, 1025u}) {
        CAPTURE(n);
        const auto points = points_inside<D>(n, 2.f, unsigned(n));
        const auto values = noise(n, -1, 1, 7);
        PaperLattice<D> paper(points);
        const auto ones = paper.filter(std::vector<double>(n, 1.0), true);
        for (bool both : {false, true}) {
            const auto expected = paper.filter(doubles(values), both);
            const auto out = filtered<Exec>(points, values, {.normalization = none, .both_axis_orders = both});
            // The weights are off as on the CPU; and every addition is rounded to half of 2^-18, which over D + 1
            // corners is less than the weights' error.
            double worst = 0;
            for (size_t p = 0; p < n; ++p) worst = std::max(worst, std::abs(out[p] - expected[p]) / ones[p]);
            CHECK(worst < 2 * (D + 1) * std::ldexp(1.0, -15));
        }
    }
}
TEST_CASE_TEMPLATE("the lattice on the device filters as the paper's does", Exec, CUDA_EXECUTORS) {
    check_device_lattice<2, Exec>();
    check_device_lattice<5, Exec>();
}

TEST_CASE_TEMPLATE("the lattice on the device agrees with the one on the CPU, again and again", Exec, CUDA_EXECUTORS) {
    const int n = 1500;
    Exec exec;
    PermutohedralLattice<5, Exec> lattice(exec, n);
    for (unsigned seed : {61u, 62u}) {  // the second build finds the table of the first emptied
        const auto points = random_points<5>(n - seed, 2.f, seed);
        const int count = int(points.features.size());
        auto values = noise(size_t(count) * 2, -50, 20, 63);
        Buffer<float, Exec> rows(exec, {count, 5}, points.rows()), inout(exec, {count, 2}, values);
        for (auto normalization : {sum, symmetric}) {
            inout.upload(values);
            CHECK(allocations_during([&] {
                      lattice.build(rows.view());
                      lattice.filter(inout.view(), inout.view(), {.normalization = normalization});
                  }) == 0);
            // 1e-4 of the largest value is what the docstring promises.
            CHECK(worst_error(inout.download(), filtered(points, values, {.normalization = normalization})) < 5e-3);
        }
    }
}

TEST_CASE_TEMPLATE("bad numbers do not stop the device, and vertices that do not fit are lost", Exec, CUDA_EXECUTORS) {
    Exec exec;
    PermutohedralLattice<2, Exec> lattice(exec, 10, 12);
    std::vector<float> f(20), v(10, 1.f);
    for (size_t p = 0; p < 10; ++p) f[p] = float(5 * p);  // 30 vertices where 12 fit
    Buffer<float, Exec> features(exec, {10, 2}, f), values(exec, {10, 1}, v);
    lattice.build(features.view());
    lattice.filter(values.view(), values.view());
    f.assign(20, 0.f), f[3] = NAN, f[4] = 2e4f, v[5] = INFINITY, v[6] = NAN;
    features.upload(f), values.upload(v);
    lattice.build(features.view());
    lattice.filter(values.view(), values.view());
    const auto out = values.download();
    for (size_t p : {0u, 5u, 6u}) CHECK(out[p] == doctest::Approx(6.0 / 8).epsilon(1e-4));
    CHECK(out[3] == doctest::Approx(1).epsilon(1e-4));
    CHECK(out[4] == doctest::Approx(1).epsilon(1e-4));
    CHECK_THROWS_AS(lattice.filter(values.view(), features.view()), Error);
    CHECK_THROWS_AS(lattice.build(values.view()), Error);
}
#endif

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

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("constants are preserved on the device", Exec, CUDA_EXECUTORS) {
    for (float spread : {0.f, 100.f})
        for (float v :
             filtered<Exec>(random_points<5>(1100, spread, 5), std::vector<float>(1100, 0.75f), {.normalization = sum}))
            CHECK(v ==
                  doctest::Approx(0.75).epsilon(1e-5));  // both sums in units of 2^-18, over a weight of 1/6 or more
}
#endif

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
    Cpu one(1), four(4);
    const auto serial = filtered_on(one, points, values, {}), parallel = filtered_on(four, points, values, {});
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
