// Squeeze and excitation: channels are weighted by what the whole image says about them.
//
// Hu, Shen and Sun, "Squeeze-and-Excitation Networks" (CVPR 2018), with the hard gate of MobileNetV3 (Howard et al.,
// ICCV 2019).
#pragma once
#include "cinebokeh/nn/conv.hpp"
#include "cinebokeh/nn/pool.hpp"

namespace cinebokeh {

/// Multiplies every channel with its factor: out = in * factor.
///
///   in, out  [n, h, w, c]  may be the same
///   factor   [n, 1, 1, c]
///
/// Throws Error if the shapes do not fit. Asynchronous on Cuda; allocates nothing. Deterministic: yes.
template <class T, class Exec>
void scale_channels(Exec& exec, TensorView<const T, Exec> in, TensorView<const float, Exec> factor,
                    TensorView<T, Exec> out);

struct SqueezeExciteParams {
    int channels = 0;
    int squeezed = 0;                               // channels between the two layers
    Activation gate = ActivationKind::hardsigmoid;  // of the second; the first has ReLU
};

/// out = in * gate(expand(relu(squeeze(average of in)))), where squeeze and expand are 1x1 convolutions of the average,
/// calculated in float. Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes, on each backend.
template <class T, class Exec>
class SqueezeExcite {
public:
    /// squeeze: [squeezed, channels], expand: [channels, squeezed] and their biases. Plans for tensors of at most
    /// `max_shape`. Throws Error if the weights do not fit.
    SqueezeExcite(Exec& exec, const SqueezeExciteParams& params, const Conv2dWeights& squeeze,
                  const Conv2dWeights& expand, Shape max_shape);

    /// `out` may be `in`. Throws Error if the shapes differ or exceed the plan.
    void operator()(TensorView<const T, Exec> in, TensorView<T, Exec> out);

private:
    Exec* exec_;
    GlobalAveragePool<T, Exec> average_;
    Conv2d<float, Exec> squeeze_, expand_;
    TensorBuffer<float, Exec> mean_, squeezed_, factor_;  // [n, 1, 1, .]
};

// ---------------------------------------------------------------------------- implementation

namespace detail {
template <class T, class Space>
struct ScaleChannels {
    Tensor<const T, Space> in;
    Tensor<const float, Space> factor;
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        const T* from = in.pixel(n, y, x);
        const float* scale = factor.pixel(n, 0, 0);
        T* to = out.pixel(n, y, x);
        for (int c = first; c < last; ++c) to[c] = from_float<T>(to_float(from[c]) * scale[c]);
    }
    void on_cpu(int n, int y, int x) const {
        const T* from = in.pixel(n, y, x);
        const float* scale = factor.pixel(n, 0, 0);
        T* to = out.pixel(n, y, x);
        for_each_lanes(in.shape.c, [&](int c, int count) {
            store_lanes(to + c, load_lanes(from + c, count) * load_lanes(scale + c, count), count);
        });
    }
};
}  // namespace detail

template <class T, class Exec>
void scale_channels(Exec& exec, TensorView<const T, Exec> in, TensorView<const float, Exec> factor,
                    TensorView<T, Exec> out) {
    require(in.shape == out.shape, "scale_channels: a tensor ", in.shape, " into one of ", out.shape);
    require(factor.shape == Shape{in.shape.n, 1, 1, in.shape.c}, "scale_channels: factors ", factor.shape,
            " for a tensor ", in.shape);
    for_each_channel_run(exec, out.shape, detail::ScaleChannels<T, typename Exec::Space>{in, factor, out});
}

template <class T, class Exec>
SqueezeExcite<T, Exec>::SqueezeExcite(Exec& exec, const SqueezeExciteParams& p, const Conv2dWeights& squeeze,
                                      const Conv2dWeights& expand, Shape max_shape)
    : exec_(&exec),
      average_(exec, {max_shape.n, max_shape.h, max_shape.w, p.channels}),
      squeeze_(exec, {.in_channels = p.channels, .out_channels = p.squeezed, .activation = ActivationKind::relu},
               squeeze, {1, 1}),
      expand_(exec, {.in_channels = p.squeezed, .out_channels = p.channels, .activation = p.gate}, expand, {1, 1}),
      mean_(exec, {max_shape.n, 1, 1, p.channels}),
      squeezed_(exec, {max_shape.n, 1, 1, p.squeezed}),
      factor_(exec, {max_shape.n, 1, 1, p.channels}) {}

template <class T, class Exec>
void SqueezeExcite<T, Exec>::operator()(TensorView<const T, Exec> in, TensorView<T, Exec> out) {
    require(in.shape == out.shape, "SqueezeExcite: a tensor ", in.shape, " into one of ", out.shape);
    if (in.shape.empty()) return;
    require(in.shape.c == mean_.shape().c && in.shape.n <= mean_.shape().n, "SqueezeExcite: a tensor ", in.shape,
            " into a layer of ", mean_.shape());
    const int n = in.shape.n;
    average_(in, mean_.view().images(0, n));
    squeeze_(mean_.view().images(0, n), squeezed_.view().images(0, n));
    expand_(squeezed_.view().images(0, n), factor_.view().images(0, n));
    scale_channels<T, Exec>(*exec_, in, factor_.view().images(0, n), out);
}
}  // namespace cinebokeh
