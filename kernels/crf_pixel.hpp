// What a mean field step does at one pixel, and the checks of the parameters. Shared by all dense CRFs.
//
// exp and log are polynomials: no libm, so loops over pixels vectorise, and every backend computes the same thing.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

/// e^x within 2e-7 relative for |x| <= 80; beyond that, the value at +-80.
CINEBOKEH_HD inline float crf_exp(float x) {
    x = x < -80.f ? -80.f : x > 80.f ? 80.f : x;
    const float shifted = x * 1.44269504f + 12582912.f;  // 1.5 * 2^23: rounds to an integer in the low bits
    int32_t bits;
    std::memcpy(&bits, &shifted, 4);
    const float k = shifted - 12582912.f;
    const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;  // |r| <= ln(2) / 2; ln 2 in two parts
    float power = 1.f / 5040;                                     // Taylor to r^7: the next term is below 6e-9
    power = power * r + 1.f / 720, power = power * r + 1.f / 120, power = power * r + 1.f / 24;
    power = power * r + 1.f / 6, power = power * r + 0.5f, power = power * r + 1.f, power = power * r + 1.f;
    const int32_t scale_bits = (bits - 0x4b400000 + 127) * (1 << 23);
    float scale;
    std::memcpy(&scale, &scale_bits, 4);
    return power * scale;
}

/// ln x within 3e-7 relative (absolute near x = 1), for positive normal numbers.
CINEBOKEH_HD inline float crf_log(float x) {
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

CINEBOKEH_HD inline float crf_logistic(float logit) { return 1 / (1 + crf_exp(-logit)); }

/// U0 - U1 with U = -ln p.
CINEBOKEH_HD inline float crf_logit(float probability) {
    const float p = clamp(probability, 1e-5f, 1 - 1e-5f);
    return crf_log(p / (1 - p));
}

/// Q1 - Q0 of the marginals Q1 = logistic(logit).
CINEBOKEH_HD inline float crf_belief(float logit) { return 1 - 2 / (1 + crf_exp(logit)); }
}  // namespace cinebokeh::detail
