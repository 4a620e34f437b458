// Where a deformable convolution samples.
#pragma once
#include "cinebokeh/nn/deform_conv.hpp"

namespace cinebokeh::detail {

/// The four pixels around a position and their weights; a weight of 0 marks a pixel that must not be read.
struct DeformSample {
    int x = 0, y = 0;  // of the first; the others lie to the right, below, and both
    float weight[4] = {0, 0, 0, 0};
};

/// `factor` is the modulation. Written so that a NaN is not inside, and without branches: a loop over it is vectorised.
CINEBOKEH_HD inline DeformSample deform_sample(Size size, float y, float x, float factor) {
    const float height = float(size.height), width = float(size.width);
    const bool inside = (y > -1) & (y < height) & (x > -1) & (x < width);
    const float top = inside ? floorf(y) : 0, left = inside ? floorf(x) : 0, v = y - top, u = x - left;
    const bool above = inside & (top >= 0), below = inside & (top + 1 < height);
    const bool west = left >= 0, east = left + 1 < width;
    return {int(left),
            int(top),
            {(above & west) ? (1 - v) * (1 - u) * factor : 0, (above & east) ? (1 - v) * u * factor : 0,
             (below & west) ? v * (1 - u) * factor : 0, (below & east) ? v * u * factor : 0}};
}

template <class Space>
struct DeformField {
    Conv2dParams p;
    int offset_groups;
    Size size;  // of the input
    Tensor<const float, Space> offset, modulation;

    /// Where tap (ky, kx) of group g lies at output (x, y), and its modulation.
    struct Position {
        float y, x, factor;
    };
    CINEBOKEH_HD Position position(int n, int y, int x, int g, int ky, int kx) const {
        const int tap = (g * p.kernel + ky) * p.kernel + kx;
        const float* moved = offset.pixel(n, y, x) + 2 * tap;
        return {float(y * p.stride - p.padding + ky * p.dilation) + moved[0],
                float(x * p.stride - p.padding + kx * p.dilation) + moved[1],
                modulation.data ? modulation(n, y, x, tap) : 1.f};
    }
    CINEBOKEH_HD DeformSample sample(int n, int y, int x, int g, int ky, int kx) const {
        const Position at = position(n, y, x, g, ky, kx);
        return deform_sample(size, at.y, at.x, at.factor);
    }
};

/// The kernels: deform_conv_cpu.hpp and deform_conv_cuda.cuh.
template <class T, class Exec>
class DeformConvPlan;
}  // namespace cinebokeh::detail
