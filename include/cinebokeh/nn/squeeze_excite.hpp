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
    CINEBOKEH_HD void four(int n, int y, int x, int c, int count) const {
        Four value = load_four(in.pixel(n, y, x) + c, count);
        const Four scale = load_four(factor.pixel(n, 0, 0) + c, count);
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) value.value[i] *= scale.value[i];
        store_four(out.pixel(n, y, x) + c, value, count);
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
}  // namespace cinebokeh

#include "kernels/squeeze_excite_cpu.hpp"
#include "kernels/squeeze_excite_cuda.cuh"

namespace cinebokeh {

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
    Shape max_shape_;
    detail::SqueezeExcitePlan<T, Exec> plan_;
};

// ---------------------------------------------------------------------------- implementation

template <class T, class Exec>
SqueezeExcite<T, Exec>::SqueezeExcite(Exec& exec, const SqueezeExciteParams& p, const Conv2dWeights& squeeze,
                                      const Conv2dWeights& expand, Shape max_shape)
    : exec_(&exec),
      max_shape_{max_shape.n, max_shape.h, max_shape.w, p.channels},
      plan_(exec, p, squeeze, expand, max_shape_) {}

template <class T, class Exec>
void SqueezeExcite<T, Exec>::operator()(TensorView<const T, Exec> in, TensorView<T, Exec> out) {
    require(in.shape == out.shape, "SqueezeExcite: a tensor ", in.shape, " into one of ", out.shape);
    if (in.shape.empty()) return;
    require(in.shape.c == max_shape_.c && in.shape.n <= max_shape_.n && in.shape.h <= max_shape_.h &&
                in.shape.w <= max_shape_.w,
            "SqueezeExcite: a tensor ", in.shape, " into a layer of ", max_shape_);
    plan_.run(*exec_, in, out);
}
}  // namespace cinebokeh
