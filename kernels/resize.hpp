// What the two backends of resize.hpp share: which pixels an output pixel reads, and with which weights.
#pragma once
#include <numeric>
#include <type_traits>

#include "cinebokeh/resize.hpp"

namespace cinebokeh {
template <>
inline constexpr bool resizable<Rgba8> = true;
template <>
inline constexpr bool resizable<uint8_t> = true;
template <>
inline constexpr bool resizable<float> = true;
template <>
inline constexpr bool resizable<Float2> = true;
template <>
inline constexpr bool resizable<Float3> = true;
template <>
inline constexpr bool resizable<Float4> = true;

namespace detail {

template <class T>
struct Channels {
    using Type = T;
    static constexpr int count = 1;
    CINEBOKEH_HD static T get(const T& pixel, int) { return pixel; }
    CINEBOKEH_HD static void set(T& pixel, int, T value) { pixel = value; }
};
template <class T, int N>
struct Channels<Vec<T, N>> {
    using Type = T;
    static constexpr int count = N;
    CINEBOKEH_HD static T get(const Vec<T, N>& pixel, int c) { return pixel[c]; }
    CINEBOKEH_HD static void set(Vec<T, N>& pixel, int c, T value) { pixel[c] = value; }
};
template <class T>
inline constexpr bool is_8bit = std::is_same_v<typename Channels<T>::Type, uint8_t>;

// The two pixels between which an output pixel lies, and the share of the second: weight / total.
struct Between {
    int first, second;
    int64_t weight, total;
};
// The pixels [first, last] that an output pixel covers. The first and the last may be covered in part; all others count
// `inner`. The weights sum to `total`.
struct Covered {
    int first, last;
    int64_t first_weight, last_weight, inner, total;

    CINEBOKEH_HD int64_t weight(int i) const { return i == first ? first_weight : i == last ? last_weight : inner; }
};

// One axis: lengths in pixels, divided by their greatest common divisor where only the ratio matters.
struct ResizeAxis {
    int in, in_ratio, out_ratio;

    ResizeAxis(int in_, int out_) : in(in_) {
        const int divisor = std::gcd(in_, out_);
        in_ratio = in_ / divisor, out_ratio = out_ / divisor;
    }
    CINEBOKEH_HD int nearest(int i) const { return int((2 * int64_t(i) + 1) * in_ratio / (2 * out_ratio)); }
    CINEBOKEH_HD Between between(int i) const {
        const int64_t total = 2 * int64_t(out_ratio);
        const int64_t position = (2 * int64_t(i) + 1) * in_ratio - out_ratio;  // of the centre, in units of 1 / total
        if (position <= 0) return {0, 0, 0, total};
        const int first = int(position / total);
        return {first, first + 1 < in ? first + 1 : first, position % total, total};
    }
    CINEBOKEH_HD Covered covered(int i) const {
        if (in_ratio < out_ratio) {
            const Between b = between(i);
            return {b.first, b.second, b.first == b.second ? b.total : b.total - b.weight, b.weight, 0, b.total};
        }
        const int64_t begin = int64_t(i) * in_ratio, end = begin + in_ratio;  // in units of 1 / out_ratio of a pixel
        const int first = int(begin / out_ratio), last = int((end - 1) / out_ratio);
        const int64_t first_end = (int64_t(first) + 1) * out_ratio;
        return {first,     last,    (end < first_end ? end : first_end) - begin, end - int64_t(last) * out_ratio,
                out_ratio, in_ratio};
    }
};

inline constexpr int weight_bits = 11;  // of the share of the second pixel, for 8-bit images
CINEBOKEH_HD inline int weight_of_8bit(const Between& b) {
    return int((b.weight * (2 << weight_bits) + b.total) / (2 * b.total));
}
CINEBOKEH_HD inline int bilinear_8bit(int a, int b, int c, int d, int wx, int wy) {
    const int one = 1 << weight_bits;
    const int top = a * (one - wx) + b * wx, bottom = c * (one - wx) + d * wx;
    return (top * (one - wy) + bottom * wy + (1 << (2 * weight_bits - 1))) >> (2 * weight_bits);
}
CINEBOKEH_HD inline float bilinear_float(float a, float b, float c, float d, float wx, float wy) {
    // Where a weight is zero the second pixel is not read: an infinity there must not become a NaN.
    const float top = wx > 0 ? a + (b - a) * wx : a, bottom = wx > 0 ? c + (d - c) * wx : c;
    return wy > 0 ? top + (bottom - top) * wy : top;
}
// Rounded to nearest, upwards in the middle: the quotient of two doubles is exact there.
CINEBOKEH_HD inline uint8_t rounded_mean(uint64_t sum, double total) { return uint8_t(double(sum) / total + 0.5); }

inline void check_resize(Size in, Size out) {
    require(!in.empty() || out.empty(), "resize: the input is empty");
    require(in.width <= 65535 && in.height <= 65535 && out.width <= 65535 && out.height <= 65535,
            "resize: a side is longer than 65535 pixels: ", in.width, " x ", in.height, " to ", out.width, " x ",
            out.height);
}
}  // namespace detail
}  // namespace cinebokeh
