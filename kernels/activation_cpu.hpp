// Activations of sixteen numbers at once.
#pragma once
#include "cinebokeh/core/lane_storage.hpp"
#include "cinebokeh/nn/activation.hpp"

namespace cinebokeh::detail {

// e^x with an error below 2e-7 of it, for x cut to [-87, 88]; a NaN stays one (it is the second operand of min and
// max).
inline Lanes exp_lanes(const Lanes& power) {
    Lanes x = power;
#if defined(__GNUC__)
    typedef int Integers __attribute__((vector_size(64)));
    x = max(Lanes::all(-87.f), min(Lanes::all(88.f), x));
    // x = n ln 2 + r: adding 1.5 * 2^23 leaves the whole number n in the lower bits.
    const Lanes magic = Lanes::all(12582912.f);
    const Lanes shifted = multiply_add(x, Lanes::all(1.44269504f), magic), n = shifted - magic;
    Lanes r = multiply_add(n, Lanes::all(-0.693145752f), x);
    r = multiply_add(n, Lanes::all(-1.42860677e-6f), r);
    Lanes p = Lanes::all(1.f / 720);  // the series of e^r; |r| < 0.35 leaves 1e-7 * 0.35^6
    for (float c : {1.f / 120, 1.f / 24, 1.f / 6, 0.5f, 1.f, 1.f}) p = multiply_add(p, r, Lanes::all(c));
    Integers exponent, bits;
    std::memcpy(&exponent, &shifted, sizeof exponent), std::memcpy(&bits, &p, sizeof bits);
    bits += exponent << 23;  // times 2^n
    std::memcpy(&p, &bits, sizeof p);
    return p;
#else
    for (int i = 0; i < Lanes::count; ++i) x.v[i] = std::exp(x.v[i]);
    return x;
#endif
}
inline Lanes divide(float a, const Lanes& b) {
#if defined(__GNUC__)
    return {a / b.v};
#else
    Lanes r;
    for (int i = 0; i < Lanes::count; ++i) r.v[i] = a / b.v[i];
    return r;
#endif
}
inline Lanes sigmoid_lanes(const Lanes& x) { return divide(1.f, Lanes::all(1.f) + exp_lanes(-1.f * x)); }
inline Lanes tanh_lanes(const Lanes& x) { return Lanes::all(1.f) - divide(2.f, Lanes::all(1.f) + exp_lanes(2.f * x)); }

inline Lanes activate_lanes(const Activation& activation, const Lanes& x) {
    const Lanes zero = Lanes::all(0.f), six = Lanes::all(6.f);
    const auto hard = [&] { return max(zero, min(six, x + Lanes::all(3.f))); };
    switch (activation.kind) {
        case ActivationKind::relu:
            return max(zero, x);
        case ActivationKind::relu6:
            return max(zero, min(six, x));
        case ActivationKind::hardswish:
            return x * ((1.f / 6) * hard());
        case ActivationKind::hardsigmoid:
            return (1.f / 6) * hard();
        case ActivationKind::sigmoid:
            return sigmoid_lanes(x);
        case ActivationKind::tanh:
            return tanh_lanes(x);
        case ActivationKind::leaky_relu:
            return max(zero, x) + activation.slope * min(zero, x);
        case ActivationKind::elu:
            return max(zero, x) + activation.slope * (exp_lanes(min(zero, x)) - Lanes::all(1.f));
        case ActivationKind::none:
            break;
    }
    return x;
}

/// Calls f with the activation as a constant of the compiler, so that loops inside of it do not ask for its kind.
template <class F>
void with_activation(const Activation& a, const F& f) {
    using Kind = ActivationKind;
    switch (a.kind) {
        case Kind::none:
            return f([](const Lanes& x) { return x; });
        case Kind::relu:
            return f([](const Lanes& x) { return activate_lanes(Kind::relu, x); });
        case Kind::hardswish:
            return f([](const Lanes& x) { return activate_lanes(Kind::hardswish, x); });
        default:
            return f([&a](const Lanes& x) { return activate_lanes(a, x); });
    }
}
}  // namespace cinebokeh::detail
