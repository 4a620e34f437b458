// Views: a pointer, a size and a signed pitch, passed by value. A view never owns what it shows, and carries the memory
// space it points into in its type, so a host image given to a Cuda call does not compile.
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cinebokeh/core/config.hpp"

namespace cinebokeh {

struct HostSpace {};    // memory the CPU can read
struct DeviceSpace {};  // memory a CUDA device can read

/// Columns and rows of an image, in pixels.
struct Size {
    int width = 0;
    int height = 0;

    CINEBOKEH_HD constexpr bool empty() const { return width <= 0 || height <= 0; }
    CINEBOKEH_HD constexpr size_t area() const { return empty() ? 0 : size_t(width) * size_t(height); }
    CINEBOKEH_HD constexpr bool contains(int x, int y) const { return x >= 0 && y >= 0 && x < width && y < height; }
    friend CINEBOKEH_HD constexpr bool operator==(Size a, Size b) { return a.width == b.width && a.height == b.height; }
};

/// A short vector of numbers: a colour, an offset.
template <class T, int N>
struct alignas(N == 2 || N == 4 ? sizeof(T) * N : alignof(T)) Vec {
    T v[N];

    CINEBOKEH_HD constexpr T& operator[](int i) { return v[i]; }
    CINEBOKEH_HD constexpr const T& operator[](int i) const { return v[i]; }
    friend CINEBOKEH_HD constexpr bool operator==(const Vec& a, const Vec& b) {
        for (int i = 0; i < N; ++i)
            if (!(a[i] == b[i])) return false;
        return true;
    }
    friend CINEBOKEH_HD constexpr Vec operator+(Vec a, const Vec& b) {
        for (int i = 0; i < N; ++i) a[i] = T(a[i] + b[i]);
        return a;
    }
    friend CINEBOKEH_HD constexpr Vec operator-(Vec a, const Vec& b) {
        for (int i = 0; i < N; ++i) a[i] = T(a[i] - b[i]);
        return a;
    }
    friend CINEBOKEH_HD constexpr Vec operator*(Vec a, T s) {
        for (int i = 0; i < N; ++i) a[i] = T(a[i] * s);
        return a;
    }
    friend CINEBOKEH_HD constexpr Vec operator*(T s, Vec a) { return a * s; }
};
using Rgba8 = Vec<uint8_t, 4>;  // sRGB, straight alpha
using Float2 = Vec<float, 2>;   // a displacement (x, y) in pixels
using Float3 = Vec<float, 3>;   // CIE Lab, or a colour
using Float4 = Vec<float, 4>;   // linear light red, green, blue and alpha

/// A view of an image: `data` is the first pixel of the first row, `pitch` the bytes from one row to the next, negative
/// for bottom-up images. Rows are contiguous.
template <class T, class Space>
struct Image {
    using Byte = std::conditional_t<std::is_const_v<T>, const unsigned char, unsigned char>;

    T* data = nullptr;
    Size size;
    ptrdiff_t pitch = 0;  // bytes

    constexpr Image() = default;
    CINEBOKEH_HD constexpr Image(T* data_, Size size_, ptrdiff_t pitch_) : data(data_), size(size_), pitch(pitch_) {}
    /// Rows that follow each other without a gap.
    CINEBOKEH_HD constexpr Image(T* data_, Size size_)
        : Image(data_, size_, ptrdiff_t(size_.width) * ptrdiff_t(sizeof(T))) {}

    CINEBOKEH_HD T* row(int y) const { return reinterpret_cast<T*>(reinterpret_cast<Byte*>(data) + y * pitch); }
    CINEBOKEH_HD T& operator()(int x, int y) const { return row(y)[x]; }

    /// The pixel at (x, y), or at the nearest border pixel where that is outside: the replicate border rule.
    CINEBOKEH_HD T& clamped(int x, int y) const {
        x = x < 0 ? 0 : x >= size.width ? size.width - 1 : x;
        y = y < 0 ? 0 : y >= size.height ? size.height - 1 : y;
        return row(y)[x];
    }
    /// The part of the image at (x, y) of the given size, which must lie inside.
    CINEBOKEH_HD Image crop(int x, int y, Size part) const { return {row(y) + x, part, pitch}; }

    template <class U>
    CINEBOKEH_HD operator Image<U, Space>() const requires(std::is_same_v<U, const T> && !std::is_const_v<T>) {
        return {data, size, pitch};
    }
};

/// A view of a plain array of `count` elements.
template <class T, class Space>
struct Span {
    T* data = nullptr;
    size_t count = 0;

    CINEBOKEH_HD T& operator[](size_t i) const { return data[i]; }
    CINEBOKEH_HD T* begin() const { return data; }
    CINEBOKEH_HD T* end() const { return data + count; }
    template <class U>
    CINEBOKEH_HD operator Span<U, Space>() const requires(std::is_same_v<U, const T> && !std::is_const_v<T>) {
        return {data, count};
    }
};

/// How signatures spell an image, or an array, in the memory of an executor.
template <class T, class Exec>
using View = Image<T, typename Exec::Space>;
template <class T, class Exec>
using SpanView = Span<T, typename Exec::Space>;

namespace detail {
template <class Space, class OnHost, class OnDevice>
struct ForSpace {
    using type = OnHost;
};
template <class OnHost, class OnDevice>
struct ForSpace<DeviceSpace, OnHost, OnDevice> {
    using type = OnDevice;
};
}  // namespace detail
/// The one of two classes that works in the memory of an executor: how a plan that is written twice gets one name.
template <class Exec, class OnHost, class OnDevice>
using ForSpace = typename detail::ForSpace<typename Exec::Space, OnHost, OnDevice>::type;

template <class T>
using HostImage = Image<T, HostSpace>;
template <class T>
using HostSpan = Span<T, HostSpace>;

CINEBOKEH_HD constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }
CINEBOKEH_HD constexpr size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }
template <class T>
CINEBOKEH_HD constexpr T clamp(T value, T low, T high) {
    return value < low ? low : high < value ? high : value;
}
}  // namespace cinebokeh
