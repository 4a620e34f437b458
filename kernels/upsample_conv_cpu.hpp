// A convolution over a doubled tensor and others on the CPU: sixteen pixels of the doubled tensor are made when the
// convolution lays them out, and are in the cache when they are read.
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
                size_t(pixels + 2) * size_t(stride_)) {}

    void run(Cpu& exec, const ConvInputs<T, Cpu>& coarse, const ConvInputs<T, Cpu>& fine, HostTensor<T> out) {
        const Shape shape = fine.shape();
        const TensorResizeAxis rows = tensor_resize_axis(coarse.shape().h, shape.h, 2, false);
        conv_.run_rows(
            exec, shape.h, out.shape,
            [&](int n, int y, float* memory, PlaneRow to) {
                T* const doubled = reinterpret_cast<T*>(memory) + stride_;  // behind a pixel that may be written
                pack_runs<per_word>(conv_.layout(), channels_, 0, out.shape.w, to, [&](int from) {
                    const int first = std::max(0, from), last = std::max(first, std::min(shape.w, from + pixels));
                    if (first < last) widen(coarse, n, rows.sample(y), first, last, doubled);
                    return PixelRun<T>{doubled - ptrdiff_t(first - from) * stride_, stride_, first - from, last - from};
                });
                pack_row<per_word>(conv_.layout(), fine, n, y, out.shape.w, to, channels_);
            },
            conv_.output(out, {}));
    }

private:
    static constexpr int pixels = 16, per_word = word_channels<T>;

    // Pixels [first, last) of a row of the doubled tensor. Between the pixels i and i + 1 of the coarse row there are
    // two of the doubled one, at a quarter and at three: these are written together, so that one too many may be
    // written on either side.
    void widen(const ConvInputs<T, Cpu>& coarse, int n, const TensorResizeAxis::Sample& v, int first, int last,
               T* to) const {
        const Lanes near = Lanes::all(0.75f), far = Lanes::all(0.25f);
        const Lanes upper = Lanes::all(1 - v.weight), lower = Lanes::all(v.weight);
        for (int k = 0, start = 0; k < coarse.count; start += coarse.tensors[k].shape.c, ++k) {
            const HostTensor<const T>& in = coarse.tensors[k];
            const T *above = in.row(n, v.low), *below = in.row(n, v.high);
            // Copies, which the stores below cannot change for all that the compiler knows.
            const ptrdiff_t stride = stride_, step = in.pixel_stride;
            const int last_pixel = in.shape.w - 1;
            for_each_lanes(in.shape.c, [=](int c, int count) {
                const auto pixel = [=](int x) {
                    const ptrdiff_t at = clamp(x, 0, last_pixel) * step + c;
                    return multiply_add(load_lanes(above + at, count), upper, load_lanes(below + at, count) * lower);
                };
                int i = (first + 1) / 2 - 1;
                T* out = to + (2 * i + 1 - first) * stride + start + c;
                Lanes left = pixel(i);
                for (; 2 * i + 1 < last; ++i, out += 2 * stride) {
                    const Lanes right = pixel(i + 1);
                    store_lanes(out, multiply_add(left, near, right * far), count);
                    store_lanes(out + stride, multiply_add(left, far, right * near), count);
                    left = right;
                }
            });
        }
    }

    int channels_;
    ptrdiff_t stride_;
    ConvDense<T> conv_;
};
}  // namespace cinebokeh::detail
