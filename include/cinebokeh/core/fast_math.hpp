// exp, log and 1 / sqrt as polynomials: no libm and no branch, so loops over pixels are vectorised by any compiler, and
// every backend computes the same.
#pragma once
#include <cstdint>
#include <cstring>

#include "cinebokeh/core/config.hpp"

namespace cinebokeh::detail {

/// e^-x within 2e-7 relative for 0 <= x <= 80; beyond that, the value at 80. One select, no branch: it vectorises.
CINEBOKEH_HD inline float exp_minus(float x) {
    x = x > 80.f ? 80.f : x;
    const float shifted = x * -1.44269504f + 12582912.f;  // 1.5 * 2^23: rounds to an integer in the low bits
    int32_t bits;
    std::memcpy(&bits, &shifted, 4);
    const float k = shifted - 12582912.f;
    const float r = (-x - k * 0.693359375f) + k * 2.12194440e-4f;  // |r| <= ln(2) / 2; ln 2 in two parts
    float power = 1.f / 5040;                                      // Taylor to r^7: the next term is below 6e-9
    power = power * r + 1.f / 720, power = power * r + 1.f / 120, power = power * r + 1.f / 24;
    power = power * r + 1.f / 6, power = power * r + 0.5f, power = power * r + 1.f, power = power * r + 1.f;
    const int32_t scale_bits = (bits - 0x4b400000 + 127) * (1 << 23);
    float scale;
    std::memcpy(&scale, &scale_bits, 4);
    return power * scale;
}

/// ln x within 3e-7 relative (absolute near x = 1), for positive normal numbers.
CINEBOKEH_HD inline float fast_log(float x) {
    int32_t bits;
    std::memcpy(&bits, &x, 4);
    const int32_t exponent = (bits - 0x3f3504f3) >> 23;  // the mantissa lands in [sqrt(1/2), sqrt(2))
    bits -= exponent * (1 << 23);
    float mantissa;
    std::memcpy(&mantissa, &bits, 4);
    const float s = (mantissa - 1) / (mantissa + 1), s2 = s * s;  // |s| <= 0.172, ln m = 2 atanh(s)
    const float series = 1 + s2 * (1.f / 3 + s2 * (1.f / 5 + s2 * (1.f / 7 + s2 * (1.f / 9))));
    return float(exponent) * 0.69314718f + 2 * s * series;
}

/// 1 / sqrt(x) within 5e-6 relative for normal x > 0, and a finite number for 0: a guess and two steps of Newton.
CINEBOKEH_HD inline float inverse_sqrt(float x) {
    int32_t bits;
    std::memcpy(&bits, &x, 4);
    bits = 0x5f3759df - (bits >> 1);
    float y;
    std::memcpy(&y, &bits, 4);
    y *= 1.5f - 0.5f * x * y * y;
    return y * (1.5f - 0.5f * x * y * y);
}
/// The square root of x within 5e-6 relative; of 0 where x is less or NaN.
CINEBOKEH_HD inline float square_root(float x) {
    x = x > 0 ? x : 0.f;
    return x * inverse_sqrt(x);
}
}  // namespace cinebokeh::detail
