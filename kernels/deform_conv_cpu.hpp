// Deformable convolution on the CPU, sixteen outputs of a row at a time: their samples are taken as vectors of channels
// and laid out as the planes of a 1x1 convolution, whose channels are those of all taps of the filter.
#pragma once
#include "kernels/conv_cpu.hpp"
#include "kernels/deform_conv.hpp"

namespace cinebokeh::detail {

template <class T>
class DeformConvPlan<T, Cpu> {
public:
    DeformConvPlan(Cpu& exec, const DeformConv2dParams& params, const Conv2dWeights& weights)
        : params_(params),
          group_in_(params.conv.in_channels / params.conv.groups),
          group_out_(params.conv.out_channels / params.conv.groups),
          layout_(as_pointwise(), per_word),
          scratch_(exec, size_t(params.conv.groups * layout_.planes() + params.conv.in_channels + 2) * pixels),
          bias_(buffer_of(exec, padded_bias(params.conv, weights))),
          nothing_(exec, {params.conv.in_channels, 1}, std::vector<T>(size_t(params.conv.in_channels), T{})) {
        for (int g = 0; g < params.conv.groups; ++g)
            weights_.push_back(buffer_of(exec, pack_weights<per_word>(layout_, group_weights(weights.weight, g))));
    }

    void run(Cpu& exec, HostTensor<const T> in, HostTensor<const float> offset, HostTensor<const float> modulation,
             HostTensor<T> out) {
        const DeformField<HostSpace> field{params_.conv, params_.offset_groups, in.shape.size(), offset, modulation};
        const ConvOutput<T> output{bias_.view().data, params_.conv.activation, out, {}};
        for_each_band(exec, out.shape.n, out.shape.h, 2, [&](int n, int begin, int end) {
            const ThreadScratch::Lease memory(scratch_);
            for (int y = begin; y < end; ++y)
                for (int x = 0; x < out.shape.w; x += pixels) chunk(in, field, n, y, x, memory.words(), output);
        });
    }

private:
    static constexpr int pixels = 16, per_word = word_channels<T>;

    // Channels of one tap, filled up to whole words.
    int tap_channels() const { return int(round_up(size_t(group_in_), size_t(per_word))); }
    Conv2dParams as_pointwise() const {
        const int taps = params_.conv.kernel * params_.conv.kernel;
        return {.in_channels = taps * tap_channels(), .out_channels = group_out_};
    }
    // [group_out][tap][channel] of one group.
    std::vector<float> group_weights(const std::vector<float>& weight, int group) const {
        const int taps = params_.conv.kernel * params_.conv.kernel, wide = tap_channels();
        std::vector<float> result(size_t(group_out_ * taps * wide), 0.f);
        for (int o = 0; o < group_out_; ++o)
            for (int i = 0; i < group_in_; ++i)
                for (int t = 0; t < taps; ++t)
                    result[size_t((o * taps + t) * wide + i)] =
                        weight[size_t(((group * group_out_ + o) * group_in_ + i) * taps + t)];
        return result;
    }

    void chunk(HostTensor<const T> in, const DeformField<HostSpace>& field, int n, int y, int x, float* planes,
               const ConvOutput<T>& output) const {
        const Conv2dParams& p = params_.conv;
        const int count = std::min(pixels, output.out.shape.w - x), group_planes = layout_.planes() * pixels;
        T* const samples = reinterpret_cast<T*>(planes + p.groups * group_planes + pixels);  // [pixel][channel]
        for (int tap = 0; tap < p.kernel * p.kernel; ++tap) {
            for (int i = 0; i < count; ++i) take_samples(in, field, n, y, x + i, tap, samples + i * p.in_channels);
            for (int g = 0; g < p.groups; ++g)
                pack_pixels<per_word>(PixelRun<T>{samples + g * group_in_, p.in_channels, 0, count}, group_in_,
                                      tap * tap_channels(), {planes + g * group_planes, pixels, 1});
        }
        for (int g = 0; g < p.groups; ++g) {
            const float* row = planes + g * group_planes;
            conv_row<per_word>(layout_, weights_[size_t(g)].view().data, &row, pixels, count,
                               [&](int i, int tile, int first, int outputs, const float* sums) {
                                   output.tile(n, y, x + i, tile, g * group_out_ + first, outputs, sums, tile_outputs);
                               });
        }
    }
    // All channels of one output's tap.
    void take_samples(HostTensor<const T> in, const DeformField<HostSpace>& field, int n, int y, int x, int tap,
                      T* to) const {
        const int kernel = params_.conv.kernel, together = params_.conv.in_channels / params_.offset_groups;
        for (int g = 0; g < params_.offset_groups; ++g) {
            const DeformSample s = field.sample(n, y, x, g, tap / kernel, tap % kernel);
            const T* corner[4];
            Lanes weight[4];
            for (int i = 0; i < 4; ++i) {
                corner[i] = s.weight[i] != 0 ? in.pixel(n, s.y + i / 2, s.x + i % 2) : nothing_.view().data;
                weight[i] = Lanes::all(s.weight[i]);
            }
            for (int c = g * together; c < (g + 1) * together; c += 16) {
                const int left = (g + 1) * together - c;
                if (left >= 16)
                    store_lanes(to + c, blend(corner, weight, c, 16));
                else
                    store_lanes(to + c, blend(corner, weight, c, left), left);
            }
        }
    }
    static Lanes blend(const T* const (&corner)[4], const Lanes (&weight)[4], int c, int count) {
        Lanes sum = load_lanes(corner[0] + c, count) * weight[0];
        for (int i = 1; i < 4; ++i) sum = multiply_add(load_lanes(corner[i] + c, count), weight[i], sum);
        return sum;
    }

    DeformConv2dParams params_;
    int group_in_, group_out_;
    ConvLayout layout_;
    ThreadScratch scratch_;
    Buffer<float, Cpu> bias_;
    Buffer<T, Cpu> nothing_;                   // a pixel of zeros
    std::vector<Buffer<float, Cpu>> weights_;  // of each group
};
}  // namespace cinebokeh::detail
