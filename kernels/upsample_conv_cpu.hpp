// A convolution over a doubled tensor and others on the CPU: a row of the doubled tensor is made when the convolution
// lays that row out, and is in the cache when it is read.
#pragma once
#include "kernels/upsample_conv.hpp"

namespace cinebokeh::detail {

template <class T>
class UpsampleConvPlan<T, Cpu> {
public:
    UpsampleConvPlan(Cpu& exec, const Conv2dParams& params, int coarse_channels, const Conv2dWeights& weights,
                     Size max_fine)
        : channels_(coarse_channels),
          stride_(int(round_up(size_t(coarse_channels), 16))),
          conv_(exec, checked_conv(params, weights, max_fine), weights, max_fine,
                blended_words(max_fine.width) + size_t(max_fine.width) * size_t(stride_)) {}

    void run(Cpu& exec, const ConvInputs<T, Cpu>& coarse, const ConvInputs<T, Cpu>& fine, HostTensor<T> out) {
        const Shape shape = fine.shape();
        const auto axis = [](int in, int length) { return tensor_resize_axis(in, length, 2, false); };
        const TensorResizeAxis columns = axis(coarse.shape().w, shape.w), rows = axis(coarse.shape().h, shape.h);
        conv_.run_rows(exec, shape.h, out, {}, [&](int n, int y, float* memory) {
            T* const doubled = reinterpret_cast<T*>(memory + blended_words(shape.w));
            blend(coarse, n, rows.sample(y), memory);
            widen(memory, columns, shape.w, doubled);
            // Every row of this tensor is the one row that there is.
            ConvInputs<T, Cpu> all(HostTensor<const T>(doubled, {shape.n, shape.h, shape.w, channels_}, stride_, 0, 0));
            for (int i = 0; i < fine.count; ++i) all.tensors[all.count++] = fine.tensors[i];
            return all;
        });
    }

private:
    size_t blended_words(int fine_width) const { return size_t(ceil_div(fine_width, 2)) * size_t(stride_); }

    // The row of the coarse tensors at that height: [x][stride_].
    void blend(const ConvInputs<T, Cpu>& coarse, int n, const TensorResizeAxis::Sample& v, float* to) const {
        const Lanes upper = Lanes::all(1 - v.weight), lower = Lanes::all(v.weight);
        for (int i = 0, start = 0; i < coarse.count; start += coarse.tensors[i].shape.c, ++i) {
            const HostTensor<const T>& in = coarse.tensors[i];
            const T *a = in.row(n, v.low), *b = in.row(n, v.high);
            float* row = to + start;
            for (int x = 0; x < in.shape.w; ++x, a += in.pixel_stride, b += in.pixel_stride, row += stride_)
                for_each_lanes(in.shape.c, [&](int c, int count) {
                    const Lanes value = multiply_add(load_lanes(a + c, count), upper, load_lanes(b + c, count) * lower);
                    store_lanes(row + c, value, count);
                });
        }
    }
    void widen(const float* row, const TensorResizeAxis& columns, int width, T* to) const {
        for (int x = 0; x < width; ++x, to += stride_) {
            const auto u = columns.sample(x);
            const Lanes left = Lanes::all(1 - u.weight), right = Lanes::all(u.weight);
            const float *a = row + u.low * stride_, *b = row + u.high * stride_;
            for (int c = 0; c < stride_; c += 16)
                store_lanes(to + c, multiply_add(Lanes::load(a + c), left, Lanes::load(b + c) * right));
        }
    }

    int channels_, stride_;
    ConvDense<T> conv_;
};
}  // namespace cinebokeh::detail
