// Conv2d: the convolution layer of neural networks, with everything that surrounds it done on the way out: batch
// normalisation (folded into the weights), bias, activation and a residual sum; and on the way in: concatenation.
#pragma once
#include <cmath>
#include <initializer_list>
#include <vector>

#include "cinebokeh/nn/activation.hpp"

namespace cinebokeh {

/// A convolution as PyTorch's Conv2d defines it: square filter, zero padding.
struct Conv2dParams {
    int in_channels = 0;
    int out_channels = 0;
    int kernel = 1;    // rows and columns of the filter, in [1, 15]
    int stride = 1;    // pixels, in [1, 8]
    int padding = 0;   // zeros around the image, pixels, in [0, 64]
    int dilation = 1;  // pixels from tap to tap, in [1, 16]
    int groups = 1;    // must divide in_channels and out_channels; in_channels for a depthwise convolution
    Activation activation = {};
};

/// The learned numbers of a convolution, in the order of PyTorch's state dict.
struct Conv2dWeights {
    std::vector<float> weight;  // [out_channels, in_channels / groups, kernel, kernel]
    std::vector<float> bias;    // [out_channels], or empty for none
};

/// Batch normalisation at inference: y = (x - mean) / sqrt(variance + eps) * scale + shift, all [out_channels].
struct BatchNorm {
    std::vector<float> scale, shift, mean, variance;
    double eps = 1e-5;  // PyTorch's default; MobileNetV3 uses 1e-3
};
/// Returns the weights of the convolution that includes the normalisation behind it. Throws Error if the sizes do not
/// fit or variance + eps is not positive. Calculates in double.
inline Conv2dWeights fold_batch_norm(const Conv2dWeights& weights, const BatchNorm& norm);

/// What a convolution reads: one tensor, or several of one size whose channels follow each other as if concatenated.
template <class T, class Exec>
struct ConvInputs {
    static constexpr int max_count = 4;
    TensorView<const T, Exec> tensors[max_count];
    int count = 0;

    ConvInputs(TensorView<T, Exec> in) : tensors{in}, count(1) {}
    ConvInputs(TensorView<const T, Exec> in) : tensors{in}, count(1) {}
    /// Throws Error if there are none, more than four, or their sizes differ.
    ConvInputs(std::initializer_list<TensorView<const T, Exec>> in) {
        require(in.size() >= 1 && in.size() <= max_count, "ConvInputs: ", in.size(), " tensors");
        for (const auto& tensor : in) tensors[count++] = tensor;
        for (int i = 1; i < count; ++i)
            require(tensors[i].shape.n == tensors[0].shape.n && tensors[i].shape.size() == tensors[0].shape.size(),
                    "ConvInputs: ", tensors[i].shape, " beside ", tensors[0].shape);
    }
    /// Of the concatenation.
    Shape shape() const {
        Shape s = tensors[0].shape;
        for (int i = 1; i < count; ++i) s.c += tensors[i].shape.c;
        return s;
    }
};
}  // namespace cinebokeh

#include "kernels/conv.hpp"
#include "kernels/conv_cpu.hpp"
#include "kernels/conv_cuda.cuh"

namespace cinebokeh {

/// A convolution with its weights, ready to run.
///
/// T is float, Half or BFloat16: what tensors are stored as. Sums are in float; on Cuda, products of floats are off by
/// less than 2^-21 of themselves. Weights are rounded to T on Cuda, and to BFloat16 on processors that multiply such
/// numbers (AVX512_BF16, and AMX where the system lets a process use it); otherwise they stay floats. Allocates in the
/// constructor only. Asynchronous on Cuda, and may be captured in a CUDA graph. Deterministic: yes on each backend,
/// whatever the threads.
template <class T, class Exec>
class Conv2d {
public:
    /// Plans for images of at most `max_input`. Throws Error if a parameter is outside its range, groups do not divide
    /// the channels, or the weights have another size.
    Conv2d(Exec& exec, const Conv2dParams& params, const Conv2dWeights& weights, Size max_input);

    const Conv2dParams& params() const { return params_; }
    /// (size + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down; empty where the filter does not fit.
    Shape output_shape(Shape in) const;

    /// out = activation(conv(in) + bias), and + residual where one is given.
    ///
    ///   in        [n, h, w, in_channels]         one tensor or several
    ///   out       [n, h', w', out_channels]      of output_shape(in); not overlapping `in`
    ///   residual  [n, h', w', out_channels]      may be `out`
    ///
    /// Throws Error if a shape does not fit or exceeds the plan. An empty batch does nothing.
    void operator()(const ConvInputs<T, Exec>& in, TensorView<T, Exec> out, TensorView<const T, Exec> residual = {});

private:
    Exec* exec_;
    Conv2dParams params_;
    Size max_input_;
    detail::ConvPlan<T, Exec> plan_;
};

// ---------------------------------------------------------------------------- implementation

inline Conv2dWeights fold_batch_norm(const Conv2dWeights& weights, const BatchNorm& norm) {
    const size_t channels = norm.scale.size();
    require(channels > 0 && norm.shift.size() == channels && norm.mean.size() == channels &&
                norm.variance.size() == channels,
            "fold_batch_norm: the four arrays differ in size or are empty");
    require(weights.weight.size() % channels == 0 && (weights.bias.empty() || weights.bias.size() == channels),
            "fold_batch_norm: ", weights.weight.size(), " weights and ", weights.bias.size(), " biases for ", channels,
            " channels");
    const size_t taps = weights.weight.size() / channels;
    Conv2dWeights folded{weights.weight, std::vector<float>(channels)};
    for (size_t c = 0; c < channels; ++c) {
        const double spread = double(norm.variance[c]) + norm.eps;
        require(spread > 0, "fold_batch_norm: variance + eps is ", spread, " in channel ", c);
        const double factor = double(norm.scale[c]) / std::sqrt(spread);
        for (size_t i = 0; i < taps; ++i)
            folded.weight[c * taps + i] = float(double(weights.weight[c * taps + i]) * factor);
        const double bias = weights.bias.empty() ? 0 : double(weights.bias[c]);
        folded.bias[c] = float((bias - double(norm.mean[c])) * factor + double(norm.shift[c]));
    }
    return folded;
}

template <class T, class Exec>
Conv2d<T, Exec>::Conv2d(Exec& exec, const Conv2dParams& params, const Conv2dWeights& weights, Size max_input)
    : exec_(&exec),
      params_(params),
      max_input_(max_input),
      plan_(exec, detail::checked_conv(params, weights, max_input), weights, max_input) {}

template <class T, class Exec>
Shape Conv2d<T, Exec>::output_shape(Shape in) const {
    const Size size = detail::conv_output_size(params_, in.size());
    return {in.n, size.height, size.width, params_.out_channels};
}

template <class T, class Exec>
void Conv2d<T, Exec>::operator()(const ConvInputs<T, Exec>& in, TensorView<T, Exec> out,
                                 TensorView<const T, Exec> residual) {
    const Shape shape = in.shape(), expected = output_shape(shape);
    require(shape.c == params_.in_channels, "Conv2d: ", shape.c, " channels into a layer of ", params_.in_channels);
    require(shape.w <= max_input_.width && shape.h <= max_input_.height, "Conv2d: ", shape, " is larger than the plan");
    require(out.shape == expected, "Conv2d: the output is ", out.shape, ", not ", expected);
    require(!residual.data || residual.shape == expected, "Conv2d: the residual is ", residual.shape, ", not ",
            expected);
    if (expected.empty()) return;
    plan_.run(*exec_, in, out, residual);
}
}  // namespace cinebokeh
