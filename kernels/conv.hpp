// What both backends share about convolutions, and the plain kernel, one output at a time.
#pragma once
#include "cinebokeh/nn/conv.hpp"

namespace cinebokeh::detail {

inline const Conv2dParams& checked_conv(const Conv2dParams& p, const Conv2dWeights& weights, Size max_input) {
    require(p.in_channels > 0 && p.out_channels > 0, "Conv2d: ", p.in_channels, " -> ", p.out_channels, " channels");
    require(p.kernel >= 1 && p.kernel <= 15, "Conv2d: kernel ", p.kernel, " is outside [1, 15]");
    require(p.stride >= 1 && p.stride <= 8, "Conv2d: stride ", p.stride, " is outside [1, 8]");
    require(p.padding >= 0 && p.padding <= 64, "Conv2d: padding ", p.padding, " is outside [0, 64]");
    require(p.dilation >= 1 && p.dilation <= 16, "Conv2d: dilation ", p.dilation, " is outside [1, 16]");
    require(p.groups >= 1 && p.in_channels % p.groups == 0 && p.out_channels % p.groups == 0, "Conv2d: ", p.groups,
            " groups do not divide ", p.in_channels, " -> ", p.out_channels, " channels");
    const size_t count =
        size_t(p.out_channels) * size_t(p.in_channels / p.groups) * size_t(p.kernel) * size_t(p.kernel);
    require(weights.weight.size() == count, "Conv2d: ", weights.weight.size(), " weights, not ", count);
    require(weights.bias.empty() || weights.bias.size() == size_t(p.out_channels), "Conv2d: ", weights.bias.size(),
            " biases for ", p.out_channels, " channels");
    require(max_input.width >= 0 && max_input.height >= 0, "Conv2d: negative size");
    return p;
}

inline Size conv_output_size(const Conv2dParams& p, Size in) {
    const auto outputs = [&](int length) {
        const int last = length + 2 * p.padding - p.dilation * (p.kernel - 1) - 1;
        return length <= 0 || last < 0 ? 0 : last / p.stride + 1;
    };
    return {outputs(in.width), outputs(in.height)};
}

// The weights as [ky][kx][in_channels / groups][out_channels]: neighbouring outputs are neighbours in memory.
inline std::vector<float> taps_outermost(const Conv2dParams& p, const std::vector<float>& weight) {
    const size_t in = size_t(p.in_channels / p.groups), out = size_t(p.out_channels),
                 taps = size_t(p.kernel * p.kernel);
    std::vector<float> result(weight.size());
    for (size_t o = 0; o < out; ++o)
        for (size_t i = 0; i < in; ++i)
            for (size_t t = 0; t < taps; ++t) result[(t * in + i) * out + o] = weight[(o * in + i) * taps + t];
    return result;
}
inline std::vector<float> bias_of(const Conv2dParams& p, const Conv2dWeights& weights) {
    return weights.bias.empty() ? std::vector<float>(size_t(p.out_channels), 0.f) : weights.bias;
}

template <class T, class Exec>
struct ConvChannels {
    ConvInputs<T, Exec> in;
    Conv2dParams p;
    SpanView<const float, Exec> weight, bias;
    TensorView<T, Exec> out;
    TensorView<const T, Exec> residual;

    CINEBOKEH_HD void operator()(int n, int y, int x, int begin, int end) const {
        for (int c = begin; c < end; ++c) one(n, y, x, c);
    }
    CINEBOKEH_HD void one(int n, int y, int x, int c) const {
        const int group_in = p.in_channels / p.groups, first = c / (p.out_channels / p.groups) * group_in;
        float sum = bias[size_t(c)];
        for (int ky = 0; ky < p.kernel; ++ky)
            for (int kx = 0; kx < p.kernel; ++kx) {
                const int v = y * p.stride - p.padding + ky * p.dilation;
                const int u = x * p.stride - p.padding + kx * p.dilation;
                if (!in.tensors[0].shape.size().contains(u, v)) continue;
                const float* w = &weight[size_t((ky * p.kernel + kx) * group_in) * size_t(p.out_channels) + size_t(c)];
                sum += dot(n, v, u, first, first + group_in, w);
            }
        float value = p.activation(sum);
        if (residual.data) value += to_float(residual(n, y, x, c));
        out(n, y, x, c) = from_float<T>(value);
    }
    // Over channels [first, last) of the concatenation.
    CINEBOKEH_HD float dot(int n, int y, int x, int first, int last, const float* w) const {
        float sum = 0;
        for (int i = 0, start = 0; i < in.count; start += in.tensors[i].shape.c, ++i) {
            const T* pixel = in.tensors[i].pixel(n, y, x) - start;
            const int end = start + in.tensors[i].shape.c;
            for (int k = first > start ? first : start; k < (last < end ? last : end); ++k)
                sum += to_float(pixel[k]) * w[ptrdiff_t(k - first) * p.out_channels];
        }
        return sum;
    }
};

template <class T, class Exec>
class PlainConv {
public:
    PlainConv(Exec& exec, const Conv2dParams& params, const Conv2dWeights& weights)
        : params_(params),
          weight_(exec, {int(weights.weight.size()), 1}, taps_outermost(params, weights.weight)),
          bias_(exec, {params.out_channels, 1}, bias_of(params, weights)) {}

    void run(Exec& exec, const ConvInputs<T, Exec>& in, TensorView<T, Exec> out, TensorView<const T, Exec> residual) {
        for_each_channel_run(exec, out.shape, ConvChannels<T, Exec>{in, params_, weight(), bias(), out, residual});
    }
    SpanView<const float, Exec> weight() const { return weight_.span(); }  // taps_outermost
    SpanView<const float, Exec> bias() const { return bias_.span(); }

private:
    Conv2dParams params_;
    Buffer<float, Exec> weight_, bias_;
};

/// The kernels of one convolution, chosen when it is made: conv_cpu.hpp and conv_cuda.cuh.
template <class T, class Exec>
class ConvPlan;
}  // namespace cinebokeh::detail
