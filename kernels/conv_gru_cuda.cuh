// ConvGRU on Cuda in two products: of the input and the state, whose end makes the update gate and r * h; and of the
// input and r * h, whose end makes the new state.
#pragma once
#include "kernels/conv_cuda.cuh"
#include "kernels/conv_gru.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh::detail {

template <class T, class Space>
struct GateEpilogue {
    Span<const float, Space> bias;
    Tensor<const T, Space> h;
    Tensor<float, Space> update;
    Tensor<T, Space> reset;  // r * h

    CINEBOKEH_HD void operator()(int n, int y, int x, int c, int count, const Four& sums) const {
        const int channels = h.shape.c;
        const Four offset = load_four(&bias[size_t(c)], count);
        Four gate{};
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i)
            gate.value[i] = Activation(ActivationKind::sigmoid)(sums.value[i] + offset.value[i]);
        if (c >= channels) {
            store_four(update.pixel(n, y, x) + (c - channels), gate, count);
            return;
        }
        const int resets = channels - c < count ? channels - c : count;
        const Four before = load_four(h.pixel(n, y, x) + c, resets);
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i)
            if (i >= resets && i < count) update(n, y, x, c + i - channels) = gate.value[i];
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) gate.value[i] *= before.value[i];
        store_four(reset.pixel(n, y, x) + c, gate, resets);
    }
};
// `next` may be `h`: an output reads h at its own place alone.
template <class T, class Space>
struct StateEpilogue {
    Span<const float, Space> bias;
    Tensor<const float, Space> update;
    Tensor<const T, Space> h;
    bool weighs_candidate;
    Tensor<T, Space> next;

    CINEBOKEH_HD void operator()(int n, int y, int x, int c, int count, const Four& sums) const {
        const Four offset = load_four(&bias[size_t(c)], count), z = load_four(update.pixel(n, y, x) + c, count);
        Four state = load_four(h.pixel(n, y, x) + c, count);
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) {
            const float candidate = Activation(ActivationKind::tanh)(sums.value[i] + offset.value[i]);
            state.value[i] += (weighs_candidate ? z.value[i] : 1 - z.value[i]) * (candidate - state.value[i]);
        }
        store_four(next.pixel(n, y, x) + c, state, count);
    }
};

template <class T, class Exec>
class ConvGruPlan {
public:
    static constexpr bool in_place = true;

    ConvGruPlan(Exec& exec, const ConvGruParams& p, const ConvGruWeights& weights, Shape max_shape)
        : params_(p),
          gates_(exec, gru_conv(2 * p.channels, 2 * p.channels, p.kernel), weights.gates.weight, Loader::widest,
                 {p.channels}),
          candidate_(exec, gru_conv(2 * p.channels, p.channels, p.kernel), weights.candidate.weight, Loader::widest,
                     {p.channels}),
          gate_bias_(exec, {2 * p.channels, 1}, bias_of(gru_conv(0, 2 * p.channels, p.kernel), weights.gates)),
          candidate_bias_(exec, {p.channels, 1}, bias_of(gru_conv(0, p.channels, p.kernel), weights.candidate)),
          update_(exec, {max_shape.n, max_shape.h, max_shape.w, p.channels}),
          reset_(exec, {max_shape.n, max_shape.h, max_shape.w, p.channels}) {}

    void run(Exec& exec, TensorView<const T, Exec> x, TensorView<const T, Exec> h, TensorView<T, Exec> next) {
        using Space = typename Exec::Space;
        const auto part = [&](auto whole) { return whole.images(0, x.shape.n).crop(0, 0, x.shape.size()); };
        const TensorView<float, Exec> update = part(update_.view());
        const TensorView<T, Exec> reset = part(reset_.view());
        const Conv2dParams p = gru_conv(2 * params_.channels, 0, params_.kernel);
        const Buffer<float, Exec>&gate_bias = gate_bias_, &candidate_bias = candidate_bias_;
        Shape gates = x.shape;
        gates.c *= 2;
        gates_.run(exec, gates, Loader({x, h}, p, gates_.depth(), true),
                   GateEpilogue<T, Space>{gate_bias.span(), h, update, reset});
        candidate_.run(exec, x.shape, Loader({x, reset}, p, candidate_.depth(), true),
                       StateEpilogue<T, Space>{candidate_bias.span(), update, h,
                                               params_.update_gate == UpdateGate::weighs_candidate, next});
    }

private:
    using Loader = ConvLoader<T, Exec>;

    ConvGruParams params_;
    ConvTiles<T, Exec> gates_, candidate_;
    Buffer<float, Exec> gate_bias_, candidate_bias_;
    TensorBuffer<float, Exec> update_;
    TensorBuffer<T, Exec> reset_;
};
}  // namespace cinebokeh::detail
#endif
