// resize on Cuda: one thread per output pixel.
#pragma once
#include "kernels/resize.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {

template <class T>
struct ResizeNearest {
    Image<const T, DeviceSpace> in;
    Image<T, DeviceSpace> out;
    ResizeAxis across, down;

    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = in(across.nearest(x), down.nearest(y)); }
};

template <class T>
struct ResizeBilinear {
    Image<const T, DeviceSpace> in;
    Image<T, DeviceSpace> out;
    ResizeAxis across, down;

    CINEBOKEH_HD void operator()(int x, int y) const {
        using C = Channels<T>;
        const Between h = across.between(x), v = down.between(y);
        const T a = in(h.first, v.first), b = in(h.second, v.first);
        const T c = in(h.first, v.second), d = in(h.second, v.second);
        T result;
        for (int i = 0; i < C::count; ++i)
            if constexpr (is_8bit<T>)
                C::set(result, i,
                       uint8_t(bilinear_8bit(C::get(a, i), C::get(b, i), C::get(c, i), C::get(d, i), weight_of_8bit(h),
                                             weight_of_8bit(v))));
            else
                C::set(result, i,
                       bilinear_float(C::get(a, i), C::get(b, i), C::get(c, i), C::get(d, i),
                                      float(h.weight) / float(h.total), float(v.weight) / float(v.total)));
        out(x, y) = result;
    }
};

template <class T>
struct ResizeArea {
    Image<const T, DeviceSpace> in;
    Image<T, DeviceSpace> out;
    ResizeAxis across, down;

    CINEBOKEH_HD void operator()(int x, int y) const {
        using C = Channels<T>;
        using Sum = std::conditional_t<is_8bit<T>, uint64_t, float>;
        const Covered h = across.covered(x), v = down.covered(y);
        Sum sum[C::count] = {};
        for (int j = v.first; j <= v.last; ++j)
            for (int i = h.first; i <= h.last; ++i) {
                const Sum weight = Sum(h.weight(i)) * Sum(v.weight(j));
                const T pixel = in(i, j);
                for (int c = 0; c < C::count; ++c)
                    if (weight > 0) sum[c] += weight * Sum(C::get(pixel, c));
            }
        T result;
        for (int c = 0; c < C::count; ++c)
            if constexpr (is_8bit<T>)
                C::set(result, c, rounded_mean(sum[c], double(h.total) * double(v.total)));
            else
                C::set(result, c, sum[c] / (float(h.total) * float(v.total)));
        out(x, y) = result;
    }
};
}  // namespace detail

template <class T>
requires resizable<T>
void resize(Cuda& exec, View<const std::type_identity_t<T>, Cuda> in, ResizeFilter filter, View<T, Cuda> out) {
    detail::check_resize(in.size, out.size);
    if (out.size.empty()) return;
    const detail::ResizeAxis across(in.size.width, out.size.width), down(in.size.height, out.size.height);
    switch (filter) {
        case ResizeFilter::nearest:
            return for_each_pixel(exec, out.size, detail::ResizeNearest<T>{in, out, across, down});
        case ResizeFilter::bilinear:
            return for_each_pixel(exec, out.size, detail::ResizeBilinear<T>{in, out, across, down});
        case ResizeFilter::area:
            return for_each_pixel(exec, out.size, detail::ResizeArea<T>{in, out, across, down});
    }
}
}  // namespace cinebokeh
#endif
