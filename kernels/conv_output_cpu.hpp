// What a convolution does with its sums on the CPU: bias, activation, residual, and the rounding to the storage type.
#pragma once
#include "kernels/activation_cpu.hpp"
#include "kernels/conv.hpp"

namespace cinebokeh::detail {

template <class T>
struct ConvOutput {
    const float* bias;  // filled up to whole blocks of outputs
    Activation activation;
    HostTensor<T> out;
    HostTensor<const T> residual;

    /// Takes `count` channels from `first` on, of `pixels` pixels from x on: sums[pixel][stride].
    void tile(int n, int y, int x, int pixels, int first, int count, const float* sums, int stride) const {
        with_activation(activation, [&](const auto& activate) {
            for (int c = 0; c < count; c += 16) {
                const Lanes shift = Lanes::load(bias + first + c);
                T* to = out.pixel(n, y, x) + first + c;
                const T* added = residual.data ? residual.pixel(n, y, x) + first + c : nullptr;
                const int left = count - c;
                for (int i = 0; i < pixels; ++i, to += out.pixel_stride) {
                    Lanes value = activate(Lanes::load(sums + i * stride + c) + shift);
                    if (added) value += whole_or_part(added + i * residual.pixel_stride, left);
                    if (left >= 16)
                        store_lanes(to, value);
                    else
                        store_lanes(to, value, left);
                }
            }
        });
    }

private:
    static Lanes whole_or_part(const T* p, int count) { return count >= 16 ? load_lanes(p) : load_lanes(p, count); }
};
}  // namespace cinebokeh::detail
