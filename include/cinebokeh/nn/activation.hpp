// Activation functions of neural networks, as PyTorch defines them.
#pragma once
#include <cmath>

#include "cinebokeh/nn/tensor.hpp"

namespace cinebokeh {

/// What is applied to every output of a layer. A NaN stays one.
enum class ActivationKind {
    none,
    relu,         // max(x, 0)
    relu6,        // min(max(x, 0), 6)
    hardswish,    // x * min(max(x + 3, 0), 6) / 6
    hardsigmoid,  // min(max(x + 3, 0), 6) / 6
    sigmoid,      // 1 / (1 + e^-x)
    tanh,
    leaky_relu,  // x above 0, slope * x below
    elu,         // x above 0, slope * (e^x - 1) below
};

struct Activation {
    ActivationKind kind = ActivationKind::none;
    float slope = 0.01f;  // of leaky_relu; the alpha of elu, where PyTorch's default is 1

    Activation() = default;
    CINEBOKEH_HD constexpr Activation(ActivationKind kind_, float slope_) : kind(kind_), slope(slope_) {}
    /// With the slope that PyTorch has by default.
    CINEBOKEH_HD constexpr Activation(ActivationKind kind_)
        : Activation(kind_, kind_ == ActivationKind::elu ? 1.f : 0.01f) {}

    CINEBOKEH_HD float operator()(float x) const;
};

/// Writes activation(in) to `out` [n, h, w, c], which may be `in`. Throws Error if the shapes differ.
/// Asynchronous on Cuda; allocates nothing. Deterministic: yes; between backends up to the last bits of exp and tanh.
template <class T, class Exec>
void activate(Exec& exec, Activation activation, TensorView<const T, Exec> in, TensorView<T, Exec> out);

// ---------------------------------------------------------------------------- implementation

CINEBOKEH_HD inline float Activation::operator()(float x) const {
    switch (kind) {
        case ActivationKind::relu:
            return x < 0 ? 0 : x;
        case ActivationKind::relu6:
            return clamp(x, 0.f, 6.f);
        case ActivationKind::hardswish:
            return x * clamp(x + 3, 0.f, 6.f) * (1.f / 6);
        case ActivationKind::hardsigmoid:
            return clamp(x + 3, 0.f, 6.f) * (1.f / 6);
        case ActivationKind::sigmoid:
            return 1 / (1 + expf(-x));
        case ActivationKind::tanh:
            return tanhf(x);
        case ActivationKind::leaky_relu:
            return x < 0 ? slope * x : x;
        case ActivationKind::elu:
            return x < 0 ? slope * expm1f(x) : x;
        case ActivationKind::none:
            break;
    }
    return x;
}

namespace detail {
template <class T, class Space>
struct ActivateChannels {
    Activation activation;
    Tensor<const T, Space> in;
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        for (int c = first; c < last; ++c) out(n, y, x, c) = from_float<T>(activation(to_float(in(n, y, x, c))));
    }
};
}  // namespace detail

template <class T, class Exec>
void activate(Exec& exec, Activation activation, TensorView<const T, Exec> in, TensorView<T, Exec> out) {
    require(in.shape == out.shape, "activate: a tensor ", in.shape, " into one of ", out.shape);
    for_each_channel_run(exec, in.shape, detail::ActivateChannels<T, typename Exec::Space>{activation, in, out});
}
}  // namespace cinebokeh
