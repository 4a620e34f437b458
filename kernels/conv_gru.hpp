// What both backends share about ConvGRU.
#pragma once
#include "cinebokeh/nn/conv_gru.hpp"

namespace cinebokeh::detail {

inline Conv2dParams gru_conv(int in_channels, int out_channels, int kernel) {
    return {.in_channels = in_channels, .out_channels = out_channels, .kernel = kernel, .padding = kernel / 2};
}

inline const ConvGruParams& checked_gru(const ConvGruParams& p, const ConvGruWeights& weights, Size max_size) {
    require(p.channels > 0, "ConvGru: ", p.channels, " channels");
    require(p.kernel >= 1 && p.kernel <= 15 && p.kernel % 2 == 1, "ConvGru: kernel ", p.kernel,
            " is not an odd number in [1, 15]");
    checked_conv(gru_conv(2 * p.channels, 2 * p.channels, p.kernel), weights.gates, max_size);
    checked_conv(gru_conv(2 * p.channels, p.channels, p.kernel), weights.candidate, max_size);
    return p;
}

/// The kernels: conv_gru_cpu.hpp and conv_gru_cuda.cuh. A plan is `in_place` where the next state may be the state.
template <class T, class Exec>
class ConvGruPlan;
}  // namespace cinebokeh::detail
