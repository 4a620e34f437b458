// A convolution that reads a coarse tensor at twice its size beside fine ones: the block with which decoders of
// U-shaped networks return to the resolution of the image.
//
// O. Ronneberger, P. Fischer, T. Brox, "U-Net" (MICCAI 2015), with bilinear interpolation in the place of the
// transposed convolution.
#pragma once
#include "cinebokeh/nn/conv.hpp"
#include "cinebokeh/nn/tensor_resize.hpp"

namespace cinebokeh::detail {
template <class T, class Exec>
class UpsampleConvPlan;
}  // namespace cinebokeh::detail

#include "kernels/upsample_conv.hpp"
#include "kernels/upsample_conv_cpu.hpp"

namespace cinebokeh {

/// out = activation(conv(concat(twice(coarse), fine))), where twice() doubles the size by linear interpolation
/// (resize_bilinear with scales of 2) and is cut to the size of `fine`.
///
/// On Cpu the doubled tensor is never written to memory as a whole. What T means, and the rest, is as for Conv2d:
/// the doubled tensor is rounded to T. Allocates in the constructor only. Asynchronous on Cuda, and may be captured in
/// a CUDA graph. Deterministic: yes on each backend, whatever the threads.
template <class T, class Exec>
class UpsampleConv2d {
public:
    /// Plans for fine tensors of at most `max_fine`. `coarse_channels` of the input channels, the first, are coarse.
    /// Throws Error as Conv2d does, where the convolution has groups or is not of stride 1, or where `coarse_channels`
    /// is not between 1 and in_channels - 1.
    UpsampleConv2d(Exec& exec, const Conv2dParams& params, int coarse_channels, const Conv2dWeights& weights,
                   Size max_fine)
        : exec_(&exec),
          params_(params),
          coarse_channels_(coarse_channels),
          max_fine_(max_fine),
          plan_(exec, checked(params, coarse_channels), coarse_channels, weights, max_fine) {}

    const Conv2dParams& params() const { return params_; }

    /// The convolution of both.
    ///
    ///   coarse  [n, ceil(h / 2), ceil(w / 2), coarse_channels]         one tensor or several
    ///   fine    [n, h, w, in_channels - coarse_channels]               one tensor, two or three
    ///   out     [n, h', w', out_channels]                              not overlapping the inputs
    ///
    /// Throws Error if a shape does not fit or exceeds the plan. An empty batch does nothing.
    void operator()(const ConvInputs<T, Exec>& coarse, const ConvInputs<T, Exec>& fine, TensorView<T, Exec> out) {
        const Shape small = coarse.shape(), large = fine.shape();
        require(small.n == large.n && small.h == ceil_div(large.h, 2) && small.w == ceil_div(large.w, 2),
                "UpsampleConv2d: a coarse tensor ", small, " beside a fine one ", large);
        require(small.c == coarse_channels_ && small.c + large.c == params_.in_channels, "UpsampleConv2d: ", small.c,
                " and ", large.c, " channels into a layer of ", coarse_channels_, " and ",
                params_.in_channels - coarse_channels_);
        require(fine.count < ConvInputs<T, Exec>::max_count, "UpsampleConv2d: ", fine.count, " fine tensors");
        require(large.w <= max_fine_.width && large.h <= max_fine_.height, "UpsampleConv2d: ", large,
                " is larger than the plan");
        const Size size = detail::conv_output_size(params_, large.size());
        const Shape expected{large.n, size.height, size.width, params_.out_channels};
        require(out.shape == expected, "UpsampleConv2d: the output is ", out.shape, ", not ", expected);
        if (!expected.empty()) plan_.run(*exec_, coarse, fine, out);
    }

private:
    static const Conv2dParams& checked(const Conv2dParams& p, int coarse_channels) {
        require(p.groups == 1 && p.stride == 1, "UpsampleConv2d: ", p.groups, " groups and a stride of ", p.stride,
                ", of which only 1 can be had");
        require(coarse_channels > 0 && coarse_channels < p.in_channels, "UpsampleConv2d: ", coarse_channels,
                " coarse channels of ", p.in_channels);
        return p;
    }

    Exec* exec_;
    Conv2dParams params_;
    int coarse_channels_;
    Size max_fine_;
    detail::UpsampleConvPlan<T, Exec> plan_;
};
}  // namespace cinebokeh
