#include "cinebokeh/core/fast_math.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>

using namespace cinebokeh;

TEST_CASE("the polynomials keep to their stated errors") {
    double worst_exp = 0, worst_log = 0, worst_root = 0;
    for (int i = 0; i <= 200000; ++i) {
        const float x = float(i) * (80.f / 200000);
        const double e = std::exp(-double(x));
        worst_exp = std::max(worst_exp, std::abs(double(detail::exp_minus(x)) - e) / e);
        const float y = std::exp(float(i) * (160.f / 200000) - 80);
        const double log = std::log(double(y)), root = 1 / std::sqrt(double(y));
        worst_log = std::max(worst_log, std::abs(double(detail::fast_log(y)) - log) / std::max(1., std::abs(log)));
        worst_root = std::max(worst_root, std::abs(double(detail::inverse_sqrt(y)) - root) / root);
    }
    CHECK(worst_exp < 2e-7);
    CHECK(worst_log < 3e-7);
    CHECK(worst_root < 5e-6);
    CHECK(detail::exp_minus(1000) == detail::exp_minus(80));
    CHECK(detail::square_root(0) == 0);
    CHECK(detail::square_root(-1) == 0);
    CHECK(detail::square_root(NAN) == 0);
    CHECK(detail::square_root(9) == doctest::Approx(3).epsilon(5e-6));
    CHECK(std::isfinite(detail::inverse_sqrt(0)));
}
