// What a mean field step does at one pixel, and the checks of the parameters. Shared by all dense CRFs.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "cinebokeh/core/fast_math.hpp"
#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

/// U0 - U1 with U = -ln p, for p clamped to [1e-5, 1 - 1e-5]. Odd about p = 1/2, to the bit.
CINEBOKEH_HD inline float crf_logit(float probability) {
    const float d = probability - 0.5f;
    int32_t bits;
    std::memcpy(&bits, &d, 4);
    bits &= 0x7fffffff;                            // |d|; as integers, a NaN is larger than any number
    bits = bits > 0x3efffeb0 ? 0x3efffeb0 : bits;  // 0.49999
    float distance;
    std::memcpy(&distance, &bits, 4);
    return std::copysign(fast_log((0.5f + distance) / (0.5f - distance)), d);
}

/// Q1 - Q0 = tanh(logit / 2) of the marginals Q1 = logistic(logit).
CINEBOKEH_HD inline float crf_belief(float logit) {
    const float e = exp_minus(std::fabs(logit));
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
    for (int l = 0; l < labels; ++l) sum += marginals[l] = exp_minus(largest - marginals[l]);
    for (int l = 0; l < labels; ++l) marginals[l] /= sum;
}
}  // namespace cinebokeh::detail
