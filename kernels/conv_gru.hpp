// ConvGRU from convolutions over two inputs, and what is calculated between them.
#pragma once
#include "cinebokeh/nn/conv_gru.hpp"

namespace cinebokeh::detail {

inline const ConvGruParams& checked_gru(const ConvGruParams& p) {
    require(p.channels > 0, "ConvGru: ", p.channels, " channels");
    require(p.kernel >= 1 && p.kernel <= 15 && p.kernel % 2 == 1, "ConvGru: kernel ", p.kernel,
            " is not an odd number in [1, 15]");
    return p;
}

template <class T, class Space>
struct ResetState {
    Tensor<const T, Space> gates, h;
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        const T *reset = gates.pixel(n, y, x), *state = h.pixel(n, y, x);
        T* to = out.pixel(n, y, x);
        for (int c = first; c < last; ++c) to[c] = from_float<T>(to_float(reset[c]) * to_float(state[c]));
    }
};
template <class T, class Space>
struct BlendState {
    Tensor<const T, Space> update, h;
    UpdateGate rule;
    Tensor<T, Space> next;  // holds the candidate

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        const T *z = update.pixel(n, y, x), *state = h.pixel(n, y, x);
        T* to = next.pixel(n, y, x);
        for (int c = first; c < last; ++c) {
            const float share = rule == UpdateGate::weighs_candidate ? to_float(z[c]) : 1 - to_float(z[c]);
            const float before = to_float(state[c]);
            to[c] = from_float<T>(before + share * (to_float(to[c]) - before));
        }
    }
};

template <class T, class Exec>
class ConvGruPlan {
public:
    ConvGruPlan(Exec& exec, const ConvGruParams& p, const ConvGruWeights& weights, Shape max_shape)
        : params_(p),
          gates_(exec, conv_of(p, 2 * p.channels, ActivationKind::sigmoid), weights.gates, max_shape.size()),
          candidate_(exec, conv_of(p, p.channels, ActivationKind::tanh), weights.candidate, max_shape.size()),
          gate_values_(exec, {max_shape.n, max_shape.h, max_shape.w, 2 * p.channels}),
          reset_state_(exec, {max_shape.n, max_shape.h, max_shape.w, p.channels}) {}

    void run(Exec& exec, TensorView<const T, Exec> x, TensorView<const T, Exec> h, TensorView<T, Exec> next) {
        using Space = typename Exec::Space;
        const int c = params_.channels;
        const auto part = [&](TensorView<T, Exec> whole) {
            return whole.images(0, x.shape.n).crop(0, 0, x.shape.size());
        };
        const TensorView<T, Exec> gates = part(gate_values_.view()), reset = part(reset_state_.view());
        gates_({x, h}, gates);
        for_each_channel_run(exec, x.shape, ResetState<T, Space>{gates, h, reset});
        candidate_({x, reset}, next);
        for_each_channel_run(exec, x.shape, BlendState<T, Space>{gates.channels(c, c), h, params_.update_gate, next});
    }

private:
    static Conv2dParams conv_of(const ConvGruParams& p, int out_channels, ActivationKind activation) {
        return {.in_channels = 2 * p.channels,
                .out_channels = out_channels,
                .kernel = p.kernel,
                .padding = p.kernel / 2,
                .activation = activation};
    }

    ConvGruParams params_;
    Conv2d<T, Exec> gates_, candidate_;
    TensorBuffer<T, Exec> gate_values_, reset_state_;
};
}  // namespace cinebokeh::detail
