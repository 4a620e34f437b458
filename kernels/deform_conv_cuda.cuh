// Deformable convolution on Cuda: the implicit matrix product of conv_tiles_cuda.cuh, whose runs are sampled on their
// way; with groups, one output at a time.
#pragma once
#include "kernels/conv_cuda.cuh"
#include "kernels/deform_conv.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh::detail {

/// Brings runs of sampled channels to conv_tiles. Where a tap's pixels lie is calculated when a lane comes to the tap.
template <class T, class Space>
struct DeformLoader {
    static constexpr int row_blocks = 1, widest = 8;
    static constexpr int blocks_per_multiprocessor = 1;  // of the largest: four corners at once need registers

    static constexpr int length = kernels::run_length<T>;

    Tensor<const T, Space> in;
    DeformField<Space> field;
    ConvDepth<T> depth;
    int together;   // channels that move together
    int alignment;  // of runs whose channels move together, bytes; 0: there are none

    DeformLoader(Tensor<const T, Space> in_, const DeformField<Space>& field_, ConvDepth<T> depth_)
        : in(in_),
          field(field_),
          depth(depth_),
          together(in.shape.c / field.offset_groups),
          alignment(field.offset_groups == 1 || together % length == 0 ? run_alignment(in) : 0) {}

    struct Place {
        int n, y, x;
        bool exists;
        DeformSample sample;
    };
    struct Cursor : RunCursor {
        int sampled = -1;  // the tap and group of the samples
    };

    CINEBOKEH_HD Place place(bool exists, int n, int y, int x) const { return {n, y, x, exists, {}}; }
    CINEBOKEH_HD Cursor cursor(int index) const { return {{index, field.p.kernel, depth.tap_runs()}}; }
    CINEBOKEH_HD void advance(Cursor& at, int runs) const { at.advance(runs, field.p.kernel, depth.tap_runs()); }

    template <int rows>
    CINEBOKEH_HD void load(Place (&places)[rows], Cursor& at, kernels::Run (&runs)[rows]) const {
        const int c = at.run * length;
        const int group = alignment && field.offset_groups > 1 ? c / together : 0;
        if (const int key = (at.ky * field.p.kernel + at.kx) * field.offset_groups + group; key != at.sampled) {
            at.sampled = key;
            CINEBOKEH_UNROLL
            for (int r = 0; r < rows; ++r) places[r].sample = sample(places[r], at, group);
        }
        CINEBOKEH_UNROLL
        for (int r = 0; r < rows; ++r) runs[r] = alignment ? blended(places[r], c) : gathered(places[r], at, c);
    }

private:
    CINEBOKEH_HD DeformSample sample(const Place& at, const RunCursor& tap, int group) const {
        if (!at.exists || tap.ky >= field.p.kernel) return {};
        return field.sample(at.n, at.y, at.x, group, tap.ky, tap.kx);
    }
    CINEBOKEH_HD static float value(const kernels::Run& run, int k) {
        if constexpr (sizeof(T) == 4)
            return float_of(run.word[k]);
        else
            return to_float(T{uint16_t(run.word[k / 2] >> 16 * (k % 2))});
    }
    CINEBOKEH_HD kernels::Run blended(const Place& at, int c) const {
        const DeformSample& s = at.sample;
        const uint32_t first = offset_of(in, at.n, s.y, s.x) + uint32_t(c);
        const int count = in.shape.c - c;
        kernels::Run corner[4] = {};
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) {
            const uint32_t away = (i / 2 ? uint32_t(in.row_stride) : 0) + (i % 2 ? uint32_t(in.pixel_stride) : 0);
            if (s.weight[i] == 0) continue;
            const T* from = in.data + (first + away);
            corner[i] = alignment == 16 ? *reinterpret_cast<const kernels::Run*>(from) : load_halves(from, count);
        }
        keep_first<T>(corner, count);
        float values[length] = {};
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) CINEBOKEH_UNROLL
        for (int k = 0; k < length; ++k) values[k] += s.weight[i] * value(corner[i], k);
        kernels::Run run{};
        CINEBOKEH_UNROLL
        for (int k = 0; k < length; ++k)
            if constexpr (sizeof(T) == 4)
                run.word[k] = bits_of(values[k]);
            else
                run.word[k / 2] |= uint32_t(from_float<T>(values[k]).bits) << 16 * (k % 2);
        return run;
    }
    // One value after the other, each with the sample of its group.
    CINEBOKEH_HD kernels::Run gathered(const Place& at, const RunCursor& tap, int c) const {
        RunOfValues<T> run;
        DeformSample s;
        CINEBOKEH_ROLLED
        for (int k = 0; k < length && c + k < in.shape.c; ++k) {
            if (k == 0 || (c + k) % together == 0) s = sample(at, tap, (c + k) / together);
            float value = 0;
            CINEBOKEH_UNROLL
            for (int i = 0; i < 4; ++i)
                if (s.weight[i] != 0) value += s.weight[i] * to_float(in(at.n, s.y + i / 2, s.x + i % 2, c + k));
            run.set(k, from_float<T>(value));
        }
        return run.run();
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
        if (params.conv.groups == 1)
            tiles_ = std::make_unique<ConvTiles<T, Exec>>(exec, params.conv, weights.weight, Loader::widest);
    }

    void run(Exec& exec, TensorView<const T, Exec> in, TensorView<const float, Exec> offset,
             TensorView<const float, Exec> modulation, TensorView<T, Exec> out) {
        using Space = typename Exec::Space;
        const Buffer<float, Exec>&weight = weight_, &bias = bias_;
        const DeformField<Space> field{params_.conv, params_.offset_groups, in.shape.size(), offset, modulation};
        if (tiles_)
            tiles_->run(exec, out.shape, Loader(in, field, tiles_->depth()),
                        ConvStore<T, Space>{bias.span(), params_.conv.activation, out, {}});
        else
            for_each_channel_run(exec, out.shape,
                                 DeformConvChannels<T, Space>{in, field, weight.span(), bias.span(), out});
    }

private:
    using Loader = DeformLoader<T, typename Exec::Space>;

    DeformConv2dParams params_;
    Buffer<float, Exec> weight_, bias_;
    std::unique_ptr<ConvTiles<T, Exec>> tiles_;
};
}  // namespace cinebokeh::detail
#endif
