// Where a deformable convolution samples, and the plain kernel, one output at a time.
#pragma once
#include "cinebokeh/nn/deform_conv.hpp"

namespace cinebokeh::detail {

/// The four pixels around a position and their weights; a weight of 0 marks a pixel that must not be read.
struct DeformSample {
    int x = 0, y = 0;  // of the first; the others lie to the right, below, and both
    float weight[4] = {0, 0, 0, 0};
};

/// `factor` is the modulation. Written so that a NaN is not inside.
CINEBOKEH_HD inline DeformSample deform_sample(Size size, float y, float x, float factor) {
    DeformSample s;
    if (!(y > -1 && y < float(size.height) && x > -1 && x < float(size.width))) return s;
    const float top = floorf(y), left = floorf(x), v = y - top, u = x - left;
    s.y = int(top), s.x = int(left);
    const bool above = s.y >= 0, below = s.y + 1 < size.height, west = s.x >= 0, east = s.x + 1 < size.width;
    if (above && west) s.weight[0] = (1 - v) * (1 - u) * factor;
    if (above && east) s.weight[1] = (1 - v) * u * factor;
    if (below && west) s.weight[2] = v * (1 - u) * factor;
    if (below && east) s.weight[3] = v * u * factor;
    return s;
}

template <class Space>
struct DeformField {
    Conv2dParams p;
    int offset_groups;
    Size size;  // of the input
    Tensor<const float, Space> offset, modulation;

    /// The sample of a tap of group g at output (x, y).
    CINEBOKEH_HD DeformSample sample(int n, int y, int x, int g, int ky, int kx) const {
        const int tap = (g * p.kernel + ky) * p.kernel + kx;
        const float* moved = offset.pixel(n, y, x) + 2 * tap;
        const float factor = modulation.data ? modulation(n, y, x, tap) : 1.f;
        return deform_sample(size, float(y * p.stride - p.padding + ky * p.dilation) + moved[0],
                             float(x * p.stride - p.padding + kx * p.dilation) + moved[1], factor);
    }
};

template <class T, class Space>
struct DeformConvChannels {
    Tensor<const T, Space> in;
    DeformField<Space> field;
    Span<const float, Space> weight, bias;
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int begin, int end) const {
        for (int c = begin; c < end; ++c) out(n, y, x, c) = from_float<T>(field.p.activation(sum(n, y, x, c)));
    }
    CINEBOKEH_HD float sum(int n, int y, int x, int c) const {
        const Conv2dParams& p = field.p;
        const int group_in = p.in_channels / p.groups, first = c / (p.out_channels / p.groups) * group_in;
        const int together = p.in_channels / field.offset_groups;
        float total = bias[size_t(c)];
        for (int ky = 0; ky < p.kernel; ++ky)
            for (int kx = 0; kx < p.kernel; ++kx) {
                const float* w = &weight[size_t((ky * p.kernel + kx) * group_in) * size_t(p.out_channels) + size_t(c)];
                DeformSample s;
                for (int k = first; k < first + group_in; ++k, w += p.out_channels) {
                    if (k == first || k % together == 0) s = field.sample(n, y, x, k / together, ky, kx);
                    total += to_float(from_float<T>(value(n, s, k))) * *w;
                }
            }
        return total;
    }
    CINEBOKEH_HD float value(int n, const DeformSample& s, int c) const {
        float result = 0;
        for (int i = 0; i < 4; ++i)
            if (s.weight[i] != 0) result += s.weight[i] * to_float(in(n, s.y + i / 2, s.x + i % 2, c));
        return result;
    }
};

template <class T, class Exec>
class DeformConvPlan {
public:
    DeformConvPlan(Exec& exec, const DeformConv2dParams& params, const Conv2dWeights& weights)
        : params_(params),
          weight_(exec, {int(weights.weight.size()), 1}, taps_outermost(params.conv, weights.weight)),
          bias_(exec, {params.conv.out_channels, 1}, bias_of(params.conv, weights)) {}

    void run(Exec& exec, TensorView<const T, Exec> in, TensorView<const float, Exec> offset,
             TensorView<const float, Exec> modulation, TensorView<T, Exec> out) {
        using Space = typename Exec::Space;
        const Buffer<float, Exec>&weight = weight_, &bias = bias_;
        const DeformField<Space> field{params_.conv, params_.offset_groups, in.shape.size(), offset, modulation};
        for_each_channel_run(exec, out.shape, DeformConvChannels<T, Space>{in, field, weight.span(), bias.span(), out});
    }

private:
    DeformConv2dParams params_;
    Buffer<float, Exec> weight_, bias_;
};
}  // namespace cinebokeh::detail
