// Pooling: the average or the largest value of every window, and the average of whole images, as PyTorch defines them.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/nn/tensor.hpp"

namespace cinebokeh {

/// Windows of a pooling layer.
struct Pool2dParams {
    int kernel = 2;          // rows and columns of the window, in [1, 64]
    int stride = 2;          // pixels, in [1, 64]
    int padding = 0;         // pixels around the image, at most half of the kernel
    bool ceil_mode = false;  // keep windows that hang over the end, if they begin inside of the image or its padding
    bool count_include_pad = true;  // of averages: divide by the area of the window within the padded image
};
/// The size of the pooled image. Throws Error if a parameter is outside its range.
inline Size pooled_size(const Pool2dParams& params, Size in);

/// Writes the average, or the largest value, of every window. Padding counts as zero in averages and is left out of
/// maxima; a NaN in a window makes the result NaN.
///
///   in   [n, h, w, c]
///   out  [n, h', w', c]  of pooled_size(in)
///
/// Throws Error if a shape does not fit. Asynchronous on Cuda; allocates nothing. Deterministic: yes, and equal between
/// backends up to the rounding of a float.
template <class T, class Exec>
void average_pool(Exec& exec, TensorView<const T, Exec> in, const Pool2dParams& params, TensorView<T, Exec> out);
template <class T, class Exec>
void max_pool(Exec& exec, TensorView<const T, Exec> in, const Pool2dParams& params, TensorView<T, Exec> out);

namespace detail {
template <class T, class Exec>
class ImageSums;
}

/// Averages whole images: [n, h, w, c] -> [n, 1, 1, c], in float.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes, whatever the threads.
template <class T, class Exec>
class GlobalAveragePool {
public:
    /// Plans for tensors of at most `max_shape`. Throws Error if a side is negative.
    GlobalAveragePool(Exec& exec, Shape max_shape);

    /// Throws Error if `in` is empty or exceeds the plan, or `out` is not [n, 1, 1, c].
    void operator()(TensorView<const T, Exec> in, TensorView<float, Exec> out);

private:
    Exec* exec_;
    Shape max_shape_;
    detail::ImageSums<T, Exec> sums_;
};

// ---------------------------------------------------------------------------- implementation

namespace detail {
struct PoolWindow {
    int begin, end;     // inside of the image
    int padded_length;  // inside of the padded image
};
CINEBOKEH_HD inline PoolWindow pool_window(const Pool2dParams& p, int i, int length) {
    const int begin = i * p.stride - p.padding, end = begin + p.kernel, last = length + p.padding;
    return {begin < 0 ? 0 : begin, end < length ? end : length, (end < last ? end : last) - begin};
}

template <class T, class Space, bool largest>
struct PoolChannels {
    Tensor<const T, Space> in;
    Pool2dParams p;
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        const PoolWindow rows = pool_window(p, y, in.shape.h), columns = pool_window(p, x, in.shape.w);
        const int inside = (rows.end - rows.begin) * (columns.end - columns.begin);
        const int area = p.count_include_pad ? rows.padded_length * columns.padded_length : inside;
        for (int c = first; c < last; ++c) {
            float result = largest ? -INFINITY : 0.f;
            for (int v = rows.begin; v < rows.end; ++v)
                for (int u = columns.begin; u < columns.end; ++u) {
                    const float value = to_float(in(n, v, u, c));
                    if (largest)
                        result = value <= result ? result : value;  // a NaN comes through, and stays below
                    else
                        result += value;
                    if (largest && result != result) u = columns.end, v = rows.end;
                }
            out(n, y, x, c) = from_float<T>(largest ? result : result / float(area));
        }
    }
    void on_cpu(int n, int y, int x) const requires(!largest) {
        const PoolWindow rows = pool_window(p, y, in.shape.h), columns = pool_window(p, x, in.shape.w);
        const int inside = (rows.end - rows.begin) * (columns.end - columns.begin);
        const float factor = 1 / float(p.count_include_pad ? rows.padded_length * columns.padded_length : inside);
        for_each_lanes(in.shape.c, [&](int c, int count) {
            Lanes sum = Lanes::all(0.f);
            for (int v = rows.begin; v < rows.end; ++v)
                for (int u = columns.begin; u < columns.end; ++u) sum += load_lanes(in.pixel(n, v, u) + c, count);
            store_lanes(out.pixel(n, y, x) + c, factor * sum, count);
        });
    }
};

inline float average_factor(Shape s) { return 1 / (float(s.h) * float(s.w)); }
template <class Space>
struct BandAverage {
    Tensor<const float, Space> sums;
    float factor;
    Tensor<float, Space> out;

    CINEBOKEH_HD void operator()(int n, int, int, int first, int last) const {
        for (int c = first; c < last; ++c) {
            float sum = 0;
            for (int band = 0; band < sums.shape.w; ++band) sum += sums(n, 0, band, c);
            out(n, 0, 0, c) = sum * factor;
        }
    }
};

template <bool largest, class T, class Exec>
void pool(Exec& exec, const char* name, TensorView<const T, Exec> in, const Pool2dParams& params,
          TensorView<T, Exec> out) {
    const Size size = pooled_size(params, in.shape.size());
    const Shape expected{in.shape.n, size.height, size.width, in.shape.c};
    require(out.shape == expected, name, ": the output is ", out.shape, ", not ", expected);
    for_each_channel_run(exec, out.shape, PoolChannels<T, typename Exec::Space, largest>{in, params, out});
}
}  // namespace detail

inline Size pooled_size(const Pool2dParams& p, Size in) {
    require(p.kernel >= 1 && p.kernel <= 64 && p.stride >= 1 && p.stride <= 64, "pooled_size: kernel ", p.kernel,
            " or stride ", p.stride, " is outside [1, 64]");
    require(p.padding >= 0 && p.padding <= p.kernel / 2, "pooled_size: padding ", p.padding, " for a kernel of ",
            p.kernel);
    const auto windows = [&](int length) {
        const int space = length + 2 * p.padding - p.kernel;
        if (length <= 0 || space + (p.ceil_mode ? p.stride - 1 : 0) < 0) return 0;
        const int count = (space + (p.ceil_mode ? p.stride - 1 : 0)) / p.stride + 1;
        return (count - 1) * p.stride >= length + p.padding ? count - 1 : count;  // the last begins inside
    };
    return {windows(in.width), windows(in.height)};
}

template <class T, class Exec>
void average_pool(Exec& exec, TensorView<const T, Exec> in, const Pool2dParams& params, TensorView<T, Exec> out) {
    detail::pool<false, T, Exec>(exec, "average_pool", in, params, out);
}
template <class T, class Exec>
void max_pool(Exec& exec, TensorView<const T, Exec> in, const Pool2dParams& params, TensorView<T, Exec> out) {
    detail::pool<true, T, Exec>(exec, "max_pool", in, params, out);
}

}  // namespace cinebokeh

#include "kernels/pool_cpu.hpp"
#include "kernels/pool_cuda.cuh"

namespace cinebokeh {

template <class T, class Exec>
GlobalAveragePool<T, Exec>::GlobalAveragePool(Exec& exec, Shape max_shape)
    : exec_(&exec), max_shape_(max_shape), sums_(exec, max_shape) {}

template <class T, class Exec>
void GlobalAveragePool<T, Exec>::operator()(TensorView<const T, Exec> in, TensorView<float, Exec> out) {
    const Shape s = in.shape;
    require(!s.empty(), "GlobalAveragePool: an empty tensor ", s);
    require(s.n <= max_shape_.n && s.c <= max_shape_.c && s.h <= max_shape_.h && s.w <= max_shape_.w,
            "GlobalAveragePool: ", s, " is larger than the plan");
    require(out.shape == Shape{s.n, 1, 1, s.c}, "GlobalAveragePool: the output is ", out.shape);
    const TensorView<const float, Exec> sums = sums_(*exec_, in);
    for_each_channel_run(*exec_, out.shape,
                         detail::BandAverage<typename Exec::Space>{sums, detail::average_factor(s), out});
}
}  // namespace cinebokeh
