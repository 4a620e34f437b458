// resize on the Cpu: positions and weights along x are computed once for a strip of columns, then rows are streamed.
#pragma once
#include "kernels/resize.hpp"

namespace cinebokeh {
namespace detail {
inline constexpr int resize_span = 8192;
inline constexpr int resize_strip = 256;  // columns: their positions, weights and sums fit the stack and the cache

template <class T>
void resize_nearest(HostImage<const T> in, HostImage<T> out, const ResizeAxis& across, const ResizeAxis& down,
                    int x_begin, int x_end, int y_begin, int y_end) {
    int column[resize_strip];
    for (int x = x_begin; x < x_end; ++x) column[x - x_begin] = across.nearest(x);
    for (int y = y_begin; y < y_end; ++y) {
        const T* CINEBOKEH_RESTRICT from = in.row(down.nearest(y));
        T* CINEBOKEH_RESTRICT to = out.row(y) + x_begin;
        for (int x = 0; x < x_end - x_begin; ++x) to[x] = from[column[x]];
    }
}

template <class T>
void resize_bilinear(HostImage<const T> in, HostImage<T> out, const ResizeAxis& across, const ResizeAxis& down,
                     int x_begin, int x_end, int y_begin, int y_end) {
    using C = Channels<T>;
    using Weight = std::conditional_t<is_8bit<T>, int, float>;
    const auto share = [](const Between& b) {
        if constexpr (is_8bit<T>)
            return weight_of_8bit(b);
        else
            return float(b.weight) / float(b.total);
    };
    int first[resize_strip], second[resize_strip];
    Weight weight[resize_strip];
    for (int x = x_begin; x < x_end; ++x) {
        const Between b = across.between(x);
        first[x - x_begin] = b.first, second[x - x_begin] = b.second, weight[x - x_begin] = share(b);
    }
    for (int y = y_begin; y < y_end; ++y) {
        const Between b = down.between(y);
        const Weight wy = share(b);
        const T* CINEBOKEH_RESTRICT top = in.row(b.first);
        const T* CINEBOKEH_RESTRICT bottom = in.row(b.second);
        T* CINEBOKEH_RESTRICT to = out.row(y) + x_begin;
        for (int x = 0; x < x_end - x_begin; ++x) {
            const int i = first[x], j = second[x];
            for (int c = 0; c < C::count; ++c)
                if constexpr (is_8bit<T>)
                    C::set(to[x], c,
                           uint8_t(bilinear_8bit(C::get(top[i], c), C::get(top[j], c), C::get(bottom[i], c),
                                                 C::get(bottom[j], c), weight[x], wy)));
                else
                    C::set(to[x], c,
                           bilinear_float(C::get(top[i], c), C::get(top[j], c), C::get(bottom[i], c),
                                          C::get(bottom[j], c), weight[x], wy));
        }
    }
}

template <class T>
void resize_area(HostImage<const T> in, HostImage<T> out, const ResizeAxis& across, const ResizeAxis& down, int x_begin,
                 int x_end, int y_begin, int y_end) {
    using C = Channels<T>;
    using Sum = std::conditional_t<is_8bit<T>, uint64_t, float>;     // of whole areas
    using RowSum = std::conditional_t<is_8bit<T>, uint32_t, float>;  // of one row: at most 255 * 65535
    Covered columns[resize_strip];
    for (int x = x_begin; x < x_end; ++x) columns[x - x_begin] = across.covered(x);
    Sum sum[resize_strip * C::count];
    for (int y = y_begin; y < y_end; ++y) {
        const Covered v = down.covered(y);
        for (int i = 0; i < (x_end - x_begin) * C::count; ++i) sum[i] = 0;
        for (int row = v.first; row <= v.last; ++row) {
            const Sum row_weight = Sum(v.weight(row));
            if (!(row_weight > 0)) continue;
            const T* CINEBOKEH_RESTRICT from = in.row(row);
            for (int x = 0; x < x_end - x_begin; ++x) {
                const Covered& h = columns[x];
                for (int c = 0; c < C::count; ++c) {
                    RowSum inner = 0;
                    for (int i = h.first + 1; i < h.last; ++i) inner += RowSum(C::get(from[i], c));
                    RowSum total = RowSum(h.first_weight) * RowSum(C::get(from[h.first], c));
                    if (h.last - h.first > 1) total += RowSum(h.inner) * inner;
                    if (h.last > h.first && h.last_weight > 0)
                        total += RowSum(h.last_weight) * RowSum(C::get(from[h.last], c));
                    sum[x * C::count + c] += row_weight * Sum(total);
                }
            }
        }
        const auto total = std::conditional_t<is_8bit<T>, double, float>(columns[0].total) * v.total;
        T* CINEBOKEH_RESTRICT to = out.row(y) + x_begin;
        for (int x = 0; x < x_end - x_begin; ++x)
            for (int c = 0; c < C::count; ++c)
                if constexpr (is_8bit<T>)
                    C::set(to[x], c, rounded_mean(sum[x * C::count + c], total));
                else
                    C::set(to[x], c, sum[x * C::count + c] / total);
    }
}

// Of 8 bit, in whole numbers: the rows of an area are added up first, all columns of the strip at once. The same sums,
// in another order. Strips that read more than `resize_span` values of a row are left to resize_area.
template <class T>
void resize_area_8bit(HostImage<const T> in, HostImage<T> out, const ResizeAxis& across, const ResizeAxis& down,
                      int x_begin, int x_end, int y_begin, int y_end) {
    using C = Channels<T>;
    constexpr int n = C::count;
    Covered columns[resize_strip];
    for (int x = x_begin; x < x_end; ++x) columns[x - x_begin] = across.covered(x);
    const Covered begin = across.covered(x_begin);
    const int first = begin.first, span = n * (across.covered(x_end - 1).last + 1 - first);
    if (span > resize_span) return resize_area<T>(in, out, across, down, x_begin, x_end, y_begin, y_end);
    uint32_t added[resize_span];  // at most 255 * 65535
    for (int y = y_begin; y < y_end; ++y) {
        const Covered v = down.covered(y);
        std::fill_n(added, span, 0u);
        for (int row = v.first; row <= v.last; ++row) {
            const uint32_t weight = uint32_t(v.weight(row));
            const uint8_t* CINEBOKEH_RESTRICT from = reinterpret_cast<const uint8_t*>(in.row(row) + first);
            for (int i = 0; i < span; ++i) added[i] += weight * from[i];
        }
        const double total = double(begin.total) * double(v.total);
        T* CINEBOKEH_RESTRICT to = out.row(y) + x_begin;
        for (int x = 0; x < x_end - x_begin; ++x) {
            const Covered& h = columns[x];
            for (int c = 0; c < n; ++c) {
                const uint32_t* value = added + c - n * first;
                uint64_t inner = 0;
                for (int i = h.first + 1; i < h.last; ++i) inner += value[n * i];
                uint64_t sum = uint64_t(h.first_weight) * value[n * h.first] + uint64_t(h.inner) * inner;
                if (h.last > h.first) sum += uint64_t(h.last_weight) * value[n * h.last];
                C::set(to[x], c, rounded_mean(sum, total));
            }
        }
    }
}

// Exactly half the size: the mean of two by two pixels.
template <class T>
void resize_half(HostImage<const T> in, HostImage<T> out, int y_begin, int y_end) {
    using C = Channels<T>;
    using Value = typename C::Type;
    constexpr int n = C::count;
    for (int y = y_begin; y < y_end; ++y) {
        const Value* CINEBOKEH_RESTRICT top = reinterpret_cast<const Value*>(in.row(2 * y));
        const Value* CINEBOKEH_RESTRICT bottom = reinterpret_cast<const Value*>(in.row(2 * y + 1));
        Value* CINEBOKEH_RESTRICT to = reinterpret_cast<Value*>(out.row(y));
        for (int x = 0; x < out.size.width; ++x)
            for (int c = 0; c < n; ++c) {
                const int i = 2 * n * x + c;
                if constexpr (is_8bit<T>)
                    to[n * x + c] = uint8_t((top[i] + top[i + n] + bottom[i] + bottom[i + n] + 2) >> 2);
                else
                    to[n * x + c] = ((top[i] + top[i + n]) + (bottom[i] + bottom[i + n])) * 0.25f;
            }
    }
}
}  // namespace detail

template <class T>
requires resizable<T>
void resize(Cpu& exec, View<const std::type_identity_t<T>, Cpu> in, ResizeFilter filter, View<T, Cpu> out) {
    detail::check_resize(in.size, out.size);
    if (out.size.empty()) return;
    const detail::ResizeAxis across(in.size.width, out.size.width), down(in.size.height, out.size.height);
    const int width = out.size.width;
    const bool half = in.size.width == 2 * out.size.width && in.size.height == 2 * out.size.height;
    const auto by_area = [] {
        if constexpr (detail::is_8bit<T>)
            return &detail::resize_area_8bit<T>;
        else
            return &detail::resize_area<T>;
    };
    const auto strip = filter == ResizeFilter::nearest    ? &detail::resize_nearest<T>
                       : filter == ResizeFilter::bilinear ? &detail::resize_bilinear<T>
                                                          : by_area();
    const int grain = clamp(16384 / width, 1, std::max(1, ceil_div(out.size.height, 4 * exec.threads())));
    exec.for_each_range(out.size.height, grain, [&](int begin, int end) {
        if (filter == ResizeFilter::area && half) return detail::resize_half<T>(in, out, begin, end);
        for (int x = 0; x < width; x += detail::resize_strip)
            strip(in, out, across, down, x, std::min(width, x + detail::resize_strip), begin, end);
    });
}
}  // namespace cinebokeh
