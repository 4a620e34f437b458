// What the guided filter shares between its backends: the linear function of one window, and the subsampling.
#pragma once
#include <cmath>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

inline void check_guided(const char* name, Size max_size, int radius, float epsilon) {
    require(max_size.width >= 0 && max_size.height >= 0, name, ": negative size");
    require(radius >= 0 && radius <= 127, name, ": radius ", radius, " is outside [0, 127]");
    require(epsilon >= 1e-8f && epsilon <= 1e12f, name, ": epsilon ", epsilon, " is outside [1e-8, 1e12]");
}

// Squares and products of the guide fit 32 bits in a window of 255 x 255: 255^4 < 2^32.
template <class Pixel>
struct Guide;
template <>
struct Guide<Rgba8> {
    static constexpr int channels = 3, products = 6;  // products of channels: 00 01 02 11 12 22
    using Value = int;
    using Sum = uint32_t;
    CINEBOKEH_HD static Value value(const Rgba8& p, int channel) { return p[channel]; }
};
template <>
struct Guide<float> {
    static constexpr int channels = 1, products = 1;
    using Value = double;
    using Sum = double;
    CINEBOKEH_HD static Value value(const float& p, int) { return p - p == 0 ? double(p) : 0; }
};

CINEBOKEH_HD inline double finite_or_zero(float v) { return v - v == 0 ? double(v) : 0; }

// a and b of eq. 14-15 (colour) from the sums over one window of n pixels: of the guide (g), of its products (gg), of
// the input (p) and of their products (gp). Everything is multiplied by n^2, which saves the divisions of the means and
// keeps differences of integers exact. L D L^T of the 3 x 3 matrix is stable because the matrix is positive definite.
CINEBOKEH_HD inline void window_function(double n, double epsilon, const double (&g)[3], const double (&gg)[6],
                                         double p, const double (&gp)[3], float (&coefficients)[4]) {
    const double ridge = n * n * epsilon;
    const double m00 = n * gg[0] - g[0] * g[0] + ridge, m01 = n * gg[1] - g[0] * g[1], m02 = n * gg[2] - g[0] * g[2];
    const double m11 = n * gg[3] - g[1] * g[1] + ridge, m12 = n * gg[4] - g[1] * g[2];
    const double m22 = n * gg[5] - g[2] * g[2] + ridge;
    const double c0 = n * gp[0] - g[0] * p, c1 = n * gp[1] - g[1] * p, c2 = n * gp[2] - g[2] * p;

    const double i0 = 1 / m00, l10 = m01 * i0, l20 = m02 * i0;
    const double i1 = 1 / (m11 - l10 * m01), t = m12 - l10 * m02, l21 = t * i1;
    const double i2 = 1 / (m22 - l20 * m02 - l21 * t);
    const double y1 = c1 - l10 * c0, y2 = c2 - l20 * c0 - l21 * y1;
    const double a2 = y2 * i2, a1 = y1 * i1 - l21 * a2, a0 = c0 * i0 - l10 * a1 - l20 * a2;
    coefficients[0] = float(a0), coefficients[1] = float(a1), coefficients[2] = float(a2);
    coefficients[3] = float((p - a0 * g[0] - a1 * g[1] - a2 * g[2]) / n);
}
// The same for a grey guide, eq. 5-6.
CINEBOKEH_HD inline void window_function(double n, double epsilon, const double (&g)[1], const double (&gg)[1],
                                         double p, const double (&gp)[1], float (&coefficients)[2]) {
    const double a = (n * gp[0] - g[0] * p) / (n * gg[0] - g[0] * g[0] + n * n * epsilon);
    coefficients[0] = float(a), coefficients[1] = float((p - a * g[0]) / n);
}

inline Size subsampled(Size s, int step) { return {ceil_div(s.width, step), ceil_div(s.height, step)}; }
template <class Params>
int subsampled_radius(const Params& p) {
    return p.subsample == 1 ? p.radius : (p.radius + p.subsample / 2) / p.subsample;
}

// Means over squares of step x step pixels; the last ones may be cut off.
template <class Pixel, class Space>
struct Subsample {
    Image<const Pixel, Space> guide;
    Image<const float, Space> in;
    int step;
    Image<Pixel, Space> small_guide;
    Image<float, Space> small_in;

    CINEBOKEH_HD void operator()(int x, int y) const {
        constexpr int channels = Guide<Pixel>::channels;
        const int x1 = (x + 1) * step < in.size.width ? (x + 1) * step : in.size.width;
        const int y1 = (y + 1) * step < in.size.height ? (y + 1) * step : in.size.height;
        const int n = (x1 - x * step) * (y1 - y * step);
        typename Guide<Pixel>::Value sum[channels] = {};
        double in_sum = 0;
        for (int v = y * step; v < y1; ++v)
            for (int u = x * step; u < x1; ++u) {
                for (int c = 0; c < channels; ++c) sum[c] += Guide<Pixel>::value(guide(u, v), c);
                in_sum += finite_or_zero(in(u, v));
            }
        if constexpr (channels == 3)
            for (int c = 0; c < 3; ++c) small_guide(x, y)[c] = uint8_t((sum[c] + n / 2) / n);
        else
            small_guide(x, y) = float(sum[0] / n);
        small_in(x, y) = float(in_sum / n);
    }
};

// How the means of small images become an output of the guide's resolution.
template <class Space>
struct GuidedScale {
    float x, y;                         // pixels of the guide per pixel of the small images
    Image<const Float2, Space> bounds;  // lowest and highest output, interpolated too; or null
};
// Where a coordinate of the guide lies between the centres of small pixels.
struct SmallNeighbours {
    int first, second;
    float fraction;  // of the second
};
CINEBOKEH_HD inline SmallNeighbours between(int position, float scale, int count) {
    const float at = (float(position) + 0.5f) / scale - 0.5f;
    const int first = at < 0 ? 0 : int(at);
    const float fraction = at < 0 ? 0.f : at - float(first);
    return {first < count ? first : count - 1, first + 1 < count ? first + 1 : count - 1, fraction};
}
// The output at a pixel of the guide, from the means there: a, then b.
template <class Pixel>
CINEBOKEH_HD float apply_means(const Float4& means, const Pixel& guide) {
    constexpr int channels = Guide<Pixel>::channels;
    float value = means[channels];
    for (int c = 0; c < channels; ++c) value += means[c] * float(Guide<Pixel>::value(guide, c));
    return value;
}
// The lowest and the highest of the nine values around a pixel.
template <class Space>
struct LocalBounds {
    Image<const float, Space> in;
    Image<Float2, Space> bounds;

    CINEBOKEH_HD void operator()(int x, int y) const {
        float low = INFINITY, high = -INFINITY;
        for (int v = y - 1; v <= y + 1; ++v)
            for (int u = x - 1; u <= x + 1; ++u) {
                const float value = float(finite_or_zero(in.clamped(u, v)));
                low = value < low ? value : low, high = value > high ? value : high;
            }
        bounds(x, y) = {low, high};
    }
};
}  // namespace cinebokeh::detail
