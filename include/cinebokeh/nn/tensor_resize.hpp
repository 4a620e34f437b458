// Resizing of tensors in PyTorch's conventions (torch.nn.functional.interpolate), without antialiasing.
#pragma once
#include <cmath>

#include "cinebokeh/nn/tensor.hpp"

namespace cinebokeh {

/// Where the samples lie.
struct TensorResizeParams {
    bool align_corners = false;  // of bilinear: the corner pixels of both images coincide; else their outer corners do
    /// The scale_factor of PyTorch with recompute_scale_factor=False: samples are exactly 1 / scale pixels apart.
    /// 0: the ratio of the sizes. Not with align_corners.
    float scale_y = 0, scale_x = 0;
};

/// Resizes by linear interpolation in both directions; beyond the border the image continues with its border pixels.
///
///   in   [n, h, w, c]
///   out  [n, h', w', c]  any size; PyTorch makes floor(size * scale) of a scale
///
/// Throws Error if the shapes do not fit, `in` is empty, or a scale is negative or not finite.
/// Asynchronous on Cuda; allocates nothing. Deterministic: yes; between backends up to the rounding of a float.
template <class T, class Exec>
void resize_bilinear(Exec& exec, TensorView<const T, Exec> in, const TensorResizeParams& params,
                     TensorView<T, Exec> out);

/// The same with the pixel at floor(position / scale), PyTorch's mode="nearest". Refuses align_corners.
template <class T, class Exec>
void resize_nearest(Exec& exec, TensorView<const T, Exec> in, const TensorResizeParams& params,
                    TensorView<T, Exec> out);

// ---------------------------------------------------------------------------- implementation

namespace detail {
// One direction of a resize: sample i lies at (i + offset) * step - offset.
struct TensorResizeAxis {
    float step, offset;
    int length;

    struct Sample {
        int low, high;
        float weight;  // of high
    };
    CINEBOKEH_HD Sample sample(int i) const {
        const float position = fmaxf((float(i) + offset) * step - offset, 0.f);
        const int low = int(position) < length - 1 ? int(position) : length - 1;
        return {low, low + 1 < length ? low + 1 : low, low == length - 1 ? 0.f : position - float(low)};
    }
    CINEBOKEH_HD int nearest(int i) const {
        const float position = floorf(float(i) * step);
        return position < float(length) ? int(position) : length - 1;
    }
};
inline TensorResizeAxis tensor_resize_axis(int in, int out, float scale, bool align_corners) {
    if (align_corners) return {out > 1 ? float(in - 1) / float(out - 1) : 0.f, 0.f, in};
    return {scale > 0 ? 1 / scale : float(in) / float(out), 0.5f, in};
}

template <class T, class Space>
struct TensorBilinear {
    Tensor<const T, Space> in;
    TensorResizeAxis rows, columns;
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        const auto v = rows.sample(y), u = columns.sample(x);
        const T *a = in.pixel(n, v.low, u.low), *b = in.pixel(n, v.low, u.high);
        const T *c = in.pixel(n, v.high, u.low), *d = in.pixel(n, v.high, u.high);
        T* to = out.pixel(n, y, x);
        for (int i = first; i < last; ++i) {
            const float above = to_float(a[i]) * (1 - u.weight) + to_float(b[i]) * u.weight;
            const float below = to_float(c[i]) * (1 - u.weight) + to_float(d[i]) * u.weight;
            to[i] = from_float<T>(above * (1 - v.weight) + below * v.weight);
        }
    }
    CINEBOKEH_HD void four(int n, int y, int x, int i, int count) const {
        const auto v = rows.sample(y), u = columns.sample(x);
        const Four a = load_four(in.pixel(n, v.low, u.low) + i, count);
        const Four b = load_four(in.pixel(n, v.low, u.high) + i, count);
        const Four c = load_four(in.pixel(n, v.high, u.low) + i, count);
        const Four d = load_four(in.pixel(n, v.high, u.high) + i, count);
        Four result{};
        CINEBOKEH_UNROLL
        for (int k = 0; k < 4; ++k) {
            const float above = a.value[k] * (1 - u.weight) + b.value[k] * u.weight;
            const float below = c.value[k] * (1 - u.weight) + d.value[k] * u.weight;
            result.value[k] = above * (1 - v.weight) + below * v.weight;
        }
        store_four(out.pixel(n, y, x) + i, result, count);
    }
    void on_cpu(int n, int y, int x) const {
        const auto v = rows.sample(y), u = columns.sample(x);
        const T *a = in.pixel(n, v.low, u.low), *b = in.pixel(n, v.low, u.high);
        const T *c = in.pixel(n, v.high, u.low), *d = in.pixel(n, v.high, u.high);
        const Lanes left = Lanes::all(1 - u.weight), right = Lanes::all(u.weight);
        const Lanes top = Lanes::all(1 - v.weight), bottom = Lanes::all(v.weight);
        T* to = out.pixel(n, y, x);
        for_each_lanes(in.shape.c, [&](int i, int count) {
            const Lanes above = multiply_add(load_lanes(a + i, count), left, load_lanes(b + i, count) * right);
            const Lanes below = multiply_add(load_lanes(c + i, count), left, load_lanes(d + i, count) * right);
            store_lanes(to + i, multiply_add(above, top, below * bottom), count);
        });
    }
};
template <class T, class Space>
struct TensorNearest {
    Tensor<const T, Space> in;
    TensorResizeAxis rows, columns;
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        const T* from = in.pixel(n, rows.nearest(y), columns.nearest(x));
        for (int c = first; c < last; ++c) out(n, y, x, c) = from[c];
    }
};

template <template <class, class> class Kernel, class T, class Exec>
void resize_tensor(Exec& exec, const char* name, TensorView<const T, Exec> in, const TensorResizeParams& p,
                   TensorView<T, Exec> out) {
    require(in.shape.n == out.shape.n && in.shape.c == out.shape.c, name, ": a tensor ", in.shape, " into one of ",
            out.shape);
    require(p.scale_y >= 0 && p.scale_x >= 0 && std::isfinite(p.scale_y) && std::isfinite(p.scale_x), name,
            ": the scale ", p.scale_y, ", ", p.scale_x, " is not a positive number");
    require(!p.align_corners || (p.scale_y == 0 && p.scale_x == 0), name, ": align_corners leaves no room for a scale");
    if (out.shape.empty()) return;
    require(!in.shape.empty(), name, ": an empty tensor ", in.shape);
    for_each_channel_run(
        exec, out.shape,
        Kernel<T, typename Exec::Space>{in, tensor_resize_axis(in.shape.h, out.shape.h, p.scale_y, p.align_corners),
                                        tensor_resize_axis(in.shape.w, out.shape.w, p.scale_x, p.align_corners), out});
}
}  // namespace detail

template <class T, class Exec>
void resize_bilinear(Exec& exec, TensorView<const T, Exec> in, const TensorResizeParams& params,
                     TensorView<T, Exec> out) {
    detail::resize_tensor<detail::TensorBilinear, T, Exec>(exec, "resize_bilinear", in, params, out);
}
template <class T, class Exec>
void resize_nearest(Exec& exec, TensorView<const T, Exec> in, const TensorResizeParams& params,
                    TensorView<T, Exec> out) {
    require(!params.align_corners, "resize_nearest: align_corners belongs to bilinear");
    detail::resize_tensor<detail::TensorNearest, T, Exec>(exec, "resize_nearest", in, params, out);
}
}  // namespace cinebokeh
