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
          scratch_(exec, scratch_words()),
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
            for (int g = 0; g < params_.conv.groups; ++g)
                clear_unused_planes(layout_, memory.words() + g * group_planes(), pixels);
            for (int y = begin; y < end; ++y)
                for (int x = 0; x < out.shape.w; x += pixels) chunk(in, field, n, y, x, memory.words(), output);
        });
    }

private:
    static constexpr int pixels = 16, block = 32, per_word = word_channels<T>;

    int taps_of_filter() const { return params_.conv.kernel * params_.conv.kernel; }

    // Channels of one tap, filled up to whole words.
    int tap_channels() const { return int(round_up(size_t(group_in_), size_t(per_word))); }
    Conv2dParams as_pointwise() const {
        return {.in_channels = taps_of_filter() * tap_channels(), .out_channels = group_out_};
    }
    // [group_out][tap][channel] of one group.
    std::vector<float> group_weights(const std::vector<float>& weight, int group) const {
        const int taps = taps_of_filter(), wide = tap_channels();
        std::vector<float> result(size_t(group_out_ * taps * wide), 0.f);
        for (int o = 0; o < group_out_; ++o)
            for (int i = 0; i < group_in_; ++i)
                for (int t = 0; t < taps; ++t)
                    result[size_t((o * taps + t) * wide + i)] =
                        weight[size_t(((group * group_out_ + o) * group_in_ + i) * taps + t)];
        return result;
    }

    // The four pixels of a sample; those that must not be read are a pixel of zeros.
    struct Corners {
        const T* pixel[4];
        float weight[4];
    };
    // What one thread holds: planes of all groups, and of one offset group the corners [tap][pixel].
    struct Chunk {
        int n, y, x, count;  // the first output, and how many
        float* planes;
        Corners* corners;
        T* samples;  // [pixel][block]
    };
    int group_planes() const { return layout_.planes() * pixels; }
    static constexpr size_t corner_words = sizeof(Corners) / sizeof(float);
    size_t scratch_words() const {
        const size_t planes = size_t(params_.conv.groups * group_planes() + 2 * pixels),
                     taps = size_t(taps_of_filter());
        return round_up(planes, 16) + taps * pixels * corner_words + pixels * block;
    }

    void chunk(HostTensor<const T> in, const DeformField<HostSpace>& field, int n, int y, int x, float* memory,
               const ConvOutput<T>& output) const {
        const Conv2dParams& p = params_.conv;
        float* const after_planes = memory + round_up(size_t(p.groups * group_planes() + 2 * pixels), 16);
        const Chunk c{n,
                      y,
                      x,
                      std::min(pixels, output.out.shape.w - x),
                      memory,
                      reinterpret_cast<Corners*>(after_planes),
                      reinterpret_cast<T*>(after_planes + size_t(taps_of_filter()) * pixels * corner_words)};
        for (int g = 0; g < params_.offset_groups; ++g) {
            find_corners(in, field, g, c);
            const int together = p.in_channels / params_.offset_groups, end = (g + 1) * together;
            for (int first = g * together, last; first < end; first = last) {
                last = std::min({first + block, end, (first / group_in_ + 1) * group_in_});
                take_samples(first, last - first, c);
            }
        }
        for (int g = 0; g < p.groups; ++g) {
            const float* row = memory + g * group_planes();
            conv_row<per_word>(layout_, weights_[size_t(g)].view().data, &row, pixels, c.count,
                               [&](int i, int tile, int first, int outputs, const float* sums) {
                                   output.tile(n, y, x + i, tile, g * group_out_ + first, outputs, sums, tile_outputs);
                               });
        }
    }
    void find_corners(HostTensor<const T> in, const DeformField<HostSpace>& field, int g, const Chunk& chunk) const {
        const int kernel = params_.conv.kernel;
        const T* const image = in.data + chunk.n * in.image_stride;
        for (int tap = 0; tap < kernel * kernel; ++tap) {
            float y[pixels] = {}, x[pixels] = {}, factor[pixels] = {}, weight[4][pixels];
            for (int i = 0; i < chunk.count; ++i) {
                const auto at = field.position(chunk.n, chunk.y, chunk.x + i, g, tap / kernel, tap % kernel);
                y[i] = at.y, x[i] = at.x, factor[i] = at.factor;
            }
            int top[pixels], left[pixels];
            for (int i = 0; i < pixels; ++i) {
                const DeformSample s = deform_sample(field.size, y[i], x[i], factor[i]);
                top[i] = s.y, left[i] = s.x;
                weight[0][i] = s.weight[0], weight[1][i] = s.weight[1];
                weight[2][i] = s.weight[2], weight[3][i] = s.weight[3];
            }
            for (int i = 0; i < chunk.count; ++i) {
                const T* first = image + top[i] * in.row_stride + left[i] * in.pixel_stride;
                const T* const corner[4] = {first, first + in.pixel_stride, first + in.row_stride,
                                            first + in.row_stride + in.pixel_stride};
                Corners& to = chunk.corners[tap * pixels + i];
                for (int k = 0; k < 4; ++k) {
                    to.pixel[k] = weight[k][i] != 0 ? corner[k] : nothing_.view().data;
                    to.weight[k] = weight[k][i];
                }
            }
        }
    }
    // Channels [first, first + count) of all taps: few enough for the pixels around to stay in the first-level cache.
    void take_samples(int first, int count, const Chunk& chunk) const {
        float* const planes = chunk.planes + first / group_in_ * group_planes();
        for (int tap = 0; tap < taps_of_filter(); ++tap) {
            for (int i = 0; i < chunk.count; ++i) {
                const Corners& from = chunk.corners[tap * pixels + i];
                Lanes weight[4];
                for (int k = 0; k < 4; ++k) weight[k] = Lanes::all(from.weight[k]);
                for_each_lanes(count, [&](int c, int part) {
                    Lanes sum = load_lanes(from.pixel[0] + first + c, part) * weight[0];
                    for (int k = 1; k < 4; ++k)
                        sum = multiply_add(load_lanes(from.pixel[k] + first + c, part), weight[k], sum);
                    store_lanes(chunk.samples + i * block + c, sum, part);
                });
            }
            pack_pixels<per_word>(PixelRun<T>{chunk.samples, block, 0, chunk.count}, count,
                                  tap * tap_channels() + first % group_in_, {planes, pixels, 1});
        }
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
