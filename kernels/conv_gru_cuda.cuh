// ConvGRU on Cuda in three products: of the input, for both gates and the candidate at once; of the state, whose end
// makes the update gate and r * h; and of r * h, whose end makes the new state.
#pragma once
#include "kernels/conv_cuda.cuh"
#include "kernels/conv_gru.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh::detail {

template <class T, class Space>
struct GateEpilogue {
    Tensor<const float, Space> from_input;  // [n, h, w, 3 channels], with the biases
    Tensor<const T, Space> h;
    Tensor<float, Space> update;
    Tensor<T, Space> reset;  // r * h

    CINEBOKEH_HD void operator()(int n, int y, int x, int c, float sum) const {
        const int channels = h.shape.c;
        const float gate = Activation(ActivationKind::sigmoid)(sum + from_input(n, y, x, c));
        if (c < channels)
            reset(n, y, x, c) = from_float<T>(gate * to_float(h(n, y, x, c)));
        else
            update(n, y, x, c - channels) = gate;
    }
};
template <class T, class Space>
struct StateEpilogue {
    Tensor<const float, Space> from_input, update;
    Tensor<const T, Space> h;
    bool weighs_candidate;
    Tensor<T, Space> next;

    CINEBOKEH_HD void operator()(int n, int y, int x, int c, float sum) const {
        const float candidate = Activation(ActivationKind::tanh)(sum + from_input(n, y, x, 2 * h.shape.c + c));
        const float z = update(n, y, x, c), before = to_float(h(n, y, x, c));
        next(n, y, x, c) = from_float<T>(before + (weighs_candidate ? z : 1 - z) * (candidate - before));
    }
};
template <class Space>
struct FloatEpilogue {
    Span<const float, Space> bias;
    Tensor<float, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int c, float sum) const {
        out(n, y, x, c) = sum + bias[size_t(c)];
    }
};

template <class T, class Exec>
class ConvGruPlan {
public:
    ConvGruPlan(Exec& exec, const ConvGruParams& p, const ConvGruWeights& weights, Shape max_shape)
        : params_(p),
          input_(exec, gru_conv(p.channels, 3 * p.channels, p.kernel),
                 joined(half(weights.gates.weight, 0), half(weights.candidate.weight, 0))),
          gates_(exec, gru_conv(p.channels, 2 * p.channels, p.kernel), half(weights.gates.weight, 1)),
          candidate_(exec, gru_conv(p.channels, p.channels, p.kernel), half(weights.candidate.weight, 1)),
          bias_(exec, {3 * p.channels, 1},
                joined(bias_of(gru_conv(0, 2 * p.channels, p.kernel), weights.gates),
                       bias_of(gru_conv(0, p.channels, p.kernel), weights.candidate))),
          from_input_(exec, {max_shape.n, max_shape.h, max_shape.w, 3 * p.channels}),
          update_(exec, {max_shape.n, max_shape.h, max_shape.w, p.channels}),
          reset_(exec, {max_shape.n, max_shape.h, max_shape.w, p.channels}) {}

    void run(Exec& exec, TensorView<const T, Exec> x, TensorView<const T, Exec> h, TensorView<T, Exec> next) {
        using Space = typename Exec::Space;
        using Loader = ConvLoader<T, Exec>;
        const auto part = [&](auto whole) { return whole.images(0, x.shape.n).crop(0, 0, x.shape.size()); };
        const TensorView<float, Exec> from_input = part(from_input_.view()), update = part(update_.view());
        const TensorView<T, Exec> reset = part(reset_.view());
        const Conv2dParams p = gru_conv(params_.channels, 0, params_.kernel);
        const Buffer<float, Exec>& bias = bias_;
        input_.run(exec, from_input.shape, Loader{x, p}, FloatEpilogue<Space>{bias.span(), from_input});
        gates_.run(exec, gate_shape(x.shape), Loader{h, p}, GateEpilogue<T, Space>{from_input, h, update, reset});
        candidate_.run(
            exec, x.shape, Loader{reset, p},
            StateEpilogue<T, Space>{from_input, update, h, params_.update_gate == UpdateGate::weighs_candidate, next});
    }

private:
    static Shape gate_shape(Shape s) { return {s.n, s.h, s.w, 2 * s.c}; }
    // The weights of the input (0) or of the state (1): [out][channels][taps].
    std::vector<float> half(const std::vector<float>& weight, size_t which) const {
        const size_t run = size_t(params_.channels * params_.kernel * params_.kernel);
        std::vector<float> result;
        for (size_t at = which * run; at < weight.size(); at += 2 * run)
            result.insert(result.end(), weight.begin() + ptrdiff_t(at), weight.begin() + ptrdiff_t(at + run));
        return result;
    }
    static std::vector<float> joined(std::vector<float> a, const std::vector<float>& b) {
        a.insert(a.end(), b.begin(), b.end());
        return a;
    }

    ConvGruParams params_;
    ConvTiles<T, Exec> input_, gates_, candidate_;
    Buffer<float, Exec> bias_;
    TensorBuffer<float, Exec> from_input_, update_;
    TensorBuffer<T, Exec> reset_;
};
}  // namespace cinebokeh::detail
#endif
