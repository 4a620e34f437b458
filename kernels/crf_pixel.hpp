// What a mean field step does at one pixel, and the checks of the parameters. Shared by all dense CRFs.
//
// exp and log are polynomials: no libm, so loops over pixels vectorise, and every backend computes the same thing.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

/// e^-x within 2e-7 relative for 0 <= x <= 80; beyond that, the value at 80. One select, no branch: it vectorises.
CINEBOKEH_HD inline float crf_exp_minus(float x) {
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

/// U0 - U1 with U = -ln p, for p clamped to [1e-5, 1 - 1e-5]. Odd about p = 1/2, to the bit.
CINEBOKEH_HD inline float crf_logit(float probability) {
    const float d = probability - 0.5f;
    int32_t bits;
    std::memcpy(&bits, &d, 4);
    bits &= 0x7fffffff;                            // |d|; as integers, a NaN is larger than any number
    bits = bits > 0x3efffeb0 ? 0x3efffeb0 : bits;  // 0.49999
    float distance;
    std::memcpy(&distance, &bits, 4);
    return std::copysign(crf_log((0.5f + distance) / (0.5f - distance)), d);
}

/// Q1 - Q0 = tanh(logit / 2) of the marginals Q1 = logistic(logit).
CINEBOKEH_HD inline float crf_belief(float logit) {
    const float e = crf_exp_minus(std::fabs(logit));
    return std::copysign((1 - e) / (1 + e), logit);
}

/// Adds up -energy for one pixel: Q_l = softmax(-U_l - sum over l' of mu(l, l') message(l')). `compatibility` is null
/// for the Potts model, whose sum is -message(l) up to a constant that softmax removes.
CINEBOKEH_HD inline void crf_marginals(const float* unary, const float* message, const float* compatibility, int labels,
                                       float* marginals) {
    float largest = 0;
    for (int l = 0; l < labels; ++l) {
        float logit = -unary[l] + (compatibility ? 0.f : message[l]);
        for (int other = 0; compatibility && other < labels; ++other)
            logit -= compatibility[l * labels + other] * message[other];
        marginals[l] = logit;
        largest = l == 0 || logit > largest ? logit : largest;
    }
    float sum = 0;
    for (int l = 0; l < labels; ++l) sum += marginals[l] = crf_exp_minus(largest - marginals[l]);
    for (int l = 0; l < labels; ++l) marginals[l] /= sum;
}
}  // namespace cinebokeh::detail
