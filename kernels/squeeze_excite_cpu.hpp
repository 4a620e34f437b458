// Squeeze and excitation, and the gate of LR-ASPP, on Cpu: in steps.
#pragma once
#include "cinebokeh/nn/squeeze_excite.hpp"

namespace cinebokeh::detail {

/// The kernels: squeeze_excite_cpu.hpp and squeeze_excite_cuda.cuh.
template <class T, class Exec>
class SqueezeExcitePlan;
/// out = in * sigmoid(gate(average of `averaged`)).
template <class T, class Exec>
class AverageGatePlan;

template <class T>
class SqueezeExcitePlan<T, Cpu> {
public:
    SqueezeExcitePlan(Cpu& exec, const SqueezeExciteParams& p, const Conv2dWeights& squeeze,
                      const Conv2dWeights& expand, Shape max_shape)
        : average_(exec, max_shape),
          squeeze_(exec, {.in_channels = p.channels, .out_channels = p.squeezed, .activation = ActivationKind::relu},
                   squeeze, {1, 1}),
          expand_(exec, {.in_channels = p.squeezed, .out_channels = p.channels, .activation = p.gate}, expand, {1, 1}),
          mean_(exec, {max_shape.n, 1, 1, p.channels}),
          squeezed_(exec, {max_shape.n, 1, 1, p.squeezed}),
          factor_(exec, {max_shape.n, 1, 1, p.channels}) {}

    void run(Cpu& exec, HostTensor<const T> in, HostTensor<T> out) {
        const int n = in.shape.n;
        average_(in, mean_.view().images(0, n));
        squeeze_(mean_.view().images(0, n), squeezed_.view().images(0, n));
        expand_(squeezed_.view().images(0, n), factor_.view().images(0, n));
        scale_channels<T, Cpu>(exec, in, factor_.view().images(0, n), out);
    }

private:
    GlobalAveragePool<T, Cpu> average_;
    Conv2d<float, Cpu> squeeze_, expand_;
    TensorBuffer<float, Cpu> mean_, squeezed_, factor_;  // [n, 1, 1, .]
};

template <class T>
class AverageGatePlan<T, Cpu> {
public:
    AverageGatePlan(Cpu& exec, const Conv2dParams& gate, const Conv2dWeights& weights, Shape max_shape)
        : average_(exec, max_shape),
          gate_(exec, gate, weights, {1, 1}),
          mean_(exec, {max_shape.n, 1, 1, gate.in_channels}),
          factor_(exec, {max_shape.n, 1, 1, gate.out_channels}) {}

    void run(Cpu& exec, HostTensor<const T> averaged, HostTensor<T> scaled) {
        const int n = averaged.shape.n;
        average_(averaged, mean_.view().images(0, n));
        gate_(mean_.view().images(0, n), factor_.view().images(0, n));
        scale_channels<T, Cpu>(exec, scaled, factor_.view().images(0, n), scaled);
    }

private:
    GlobalAveragePool<T, Cpu> average_;
    Conv2d<float, Cpu> gate_;
    TensorBuffer<float, Cpu> mean_, factor_;  // [n, 1, 1, .]
};
}  // namespace cinebokeh::detail
