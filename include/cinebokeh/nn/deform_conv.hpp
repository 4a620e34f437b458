// Deformable convolution: every tap of the filter is moved by an offset of its own, that another layer has predicted
// for this pixel, and may be weighted (modulated).
//
// Dai et al., "Deformable Convolutional Networks" (ICCV 2017); Zhu et al., "Deformable ConvNets v2" (CVPR 2019); the
// conventions are those of torchvision's deform_conv2d.
#pragma once
#include "cinebokeh/nn/conv.hpp"

namespace cinebokeh {

struct DeformConv2dParams {
    Conv2dParams conv;
    int offset_groups = 1;  // must divide conv.in_channels: channels that move together
};
}  // namespace cinebokeh

#include "kernels/deform_conv.hpp"
#include "kernels/deform_conv_cpu.hpp"
#include "kernels/deform_conv_cuda.cuh"

namespace cinebokeh {

/// A deformable convolution with its weights.
///
/// Tap (ky, kx) of output (x, y) reads the input at
///   y * stride - padding + ky * dilation + offset_y,   x * stride - padding + kx * dilation + offset_x
/// by bilinear interpolation: nothing unless -1 < y < h and -1 < x < w, where each of the four pixels around the
/// position counts as zero outside of the image. A position that is not a number reads nothing.
///
/// T is float, Half or BFloat16, as in Conv2d; samples are rounded to T. Allocates in the constructor only.
/// Asynchronous on Cuda, and may be captured in a CUDA graph. Deterministic: yes on each backend, whatever the threads.
template <class T, class Exec>
class DeformConv2d {
public:
    /// Throws Error as Conv2d does, or if the offset groups do not divide the input's channels.
    DeformConv2d(Exec& exec, const DeformConv2dParams& params, const Conv2dWeights& weights, Size max_input);

    /// As Conv2d's.
    Shape output_shape(Shape in) const;

    /// out = activation(conv(in, offset) + bias).
    ///
    ///   in          [n, h, w, in_channels]
    ///   offset      [n, h', w', offset_groups * kernel^2 * 2]  pixels: [group][ky][kx][y, x]
    ///   modulation  [n, h', w', offset_groups * kernel^2]      factors of the samples, or {} for ones
    ///   out         [n, h', w', out_channels]                  of output_shape(in); not overlapping `in`
    ///
    /// Throws Error if a shape does not fit or exceeds the plan. An empty batch does nothing.
    void operator()(TensorView<const T, Exec> in, TensorView<const float, Exec> offset,
                    TensorView<const float, Exec> modulation, TensorView<T, Exec> out);

private:
    static const DeformConv2dParams& checked(const DeformConv2dParams& params, const Conv2dWeights& weights,
                                             Size max_input);

    Exec* exec_;
    DeformConv2dParams params_;
    Size max_input_;
    detail::DeformConvPlan<T, Exec> plan_;
};

// ---------------------------------------------------------------------------- implementation

template <class T, class Exec>
const DeformConv2dParams& DeformConv2d<T, Exec>::checked(const DeformConv2dParams& p, const Conv2dWeights& weights,
                                                         Size max_input) {
    detail::checked_conv(p.conv, weights, max_input);
    require(p.offset_groups >= 1 && p.conv.in_channels % p.offset_groups == 0, "DeformConv2d: ", p.offset_groups,
            " offset groups do not divide ", p.conv.in_channels, " channels");
    return p;
}

template <class T, class Exec>
DeformConv2d<T, Exec>::DeformConv2d(Exec& exec, const DeformConv2dParams& params, const Conv2dWeights& weights,
                                    Size max_input)
    : exec_(&exec), params_(checked(params, weights, max_input)), max_input_(max_input), plan_(exec, params, weights) {}

template <class T, class Exec>
Shape DeformConv2d<T, Exec>::output_shape(Shape in) const {
    const Size size = detail::conv_output_size(params_.conv, in.size());
    return {in.n, size.height, size.width, params_.conv.out_channels};
}

template <class T, class Exec>
void DeformConv2d<T, Exec>::operator()(TensorView<const T, Exec> in, TensorView<const float, Exec> offset,
                                       TensorView<const float, Exec> modulation, TensorView<T, Exec> out) {
    const Shape s = in.shape, expected = output_shape(s);
    const int taps = params_.offset_groups * params_.conv.kernel * params_.conv.kernel;
    require(s.c == params_.conv.in_channels, "DeformConv2d: ", s.c, " channels into a layer of ",
            params_.conv.in_channels);
    require(s.w <= max_input_.width && s.h <= max_input_.height, "DeformConv2d: ", s, " is larger than the plan");
    require(out.shape == expected, "DeformConv2d: the output is ", out.shape, ", not ", expected);
    require(offset.shape == Shape{expected.n, expected.h, expected.w, 2 * taps}, "DeformConv2d: offsets ", offset.shape,
            " for an output ", expected);
    require(!modulation.data || modulation.shape == Shape{expected.n, expected.h, expected.w, taps},
            "DeformConv2d: modulation ", modulation.shape, " for an output ", expected);
    if (expected.empty()) return;
    plan_.run(*exec_, in, offset, modulation, out);
}
}  // namespace cinebokeh
