// Deformable convolution on Cuda: the implicit matrix product of conv_cuda.cuh, whose pixels are sampled on their way
// into shared memory; with groups, one output at a time.
#pragma once
#include "kernels/conv_cuda.cuh"
#include "kernels/deform_conv.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh::detail {

/// Brings sampled channels to conv_tiles.
template <class T, class Space>
struct DeformLoader {
    Tensor<const T, Space> in;
    DeformField<Space> field;
    struct Place {
        int n, y, x, ky, kx;
        bool exists;
        int group;  // whose sample this is
        DeformSample sample;
    };

    CINEBOKEH_HD Place start(bool exists, int n, int y, int x) const { return {n, y, x, 0, 0, exists, -1, {}}; }
    CINEBOKEH_HD void start_tap(Place& at, int ky, int kx) const { at.ky = ky, at.kx = kx, at.group = -1; }
    CINEBOKEH_HD void load(Place& at, int c, T* to) const {
        constexpr int run = kernels::conv_run;
        const int together = field.p.in_channels / field.offset_groups;
        float value[run] = {};
        for (int k = 0; at.exists && k < run && c + k < field.p.in_channels;) {
            if (const int group = (c + k) / together; group != at.group)
                at.group = group, at.sample = field.sample(at.n, at.y, at.x, group, at.ky, at.kx);
            const int left = (at.group + 1) * together - c, end = left < run ? left : run;
            CINEBOKEH_UNROLL
            for (int i = 0; i < 4; ++i) {
                if (at.sample.weight[i] == 0) continue;
                const T* pixel = in.pixel(at.n, at.sample.y + i / 2, at.sample.x + i % 2) + c;
                CINEBOKEH_UNROLL
                for (int j = 0; j < run; ++j)  // of a fixed length, so that the values stay in registers
                    if (j >= k && j < end) value[j] += at.sample.weight[i] * to_float(pixel[j]);
            }
            k = end;
        }
        CINEBOKEH_UNROLL
        for (int k = 0; k < run; ++k) to[k] = from_float<T>(value[k]);
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
          bias_(exec, {params.conv.out_channels, 1}, bias_of(params.conv, weights)) {
        if (params.conv.groups == 1) tiles_ = std::make_unique<ConvTiles<T, Exec>>(exec, params.conv, weights.weight);
    }

    void run(Exec& exec, TensorView<const T, Exec> in, TensorView<const float, Exec> offset,
             TensorView<const float, Exec> modulation, TensorView<T, Exec> out) {
        using Space = typename Exec::Space;
        const Buffer<float, Exec>&weight = weight_, &bias = bias_;
        const DeformField<Space> field{params_.conv, params_.offset_groups, in.shape.size(), offset, modulation};
        if (tiles_)
            tiles_->run(exec, out.shape, DeformLoader<T, Space>{in, field},
                        ConvStore<T, Space>{bias.span(), params_.conv.activation, out, {}});
        else
            for_each_channel_run(exec, out.shape,
                                 DeformConvChannels<T, Space>{in, field, weight.span(), bias.span(), out});
    }

private:
    DeformConv2dParams params_;
    Buffer<float, Exec> weight_, bias_;
    std::unique_ptr<ConvTiles<T, Exec>> tiles_;
};
}  // namespace cinebokeh::detail
#endif
