// Highlights: the light that was lost when a bright point was recorded as white.
//
// A lamp and a sheet of paper are both recorded as 1; blurred, the lamp should still be seen and the paper should not
// change. So the top of the range is stretched before the blur and pressed together again after it: what is not
// blurred, and what is equally bright all around, comes out as it was; a point that is blurred keeps the energy it was
// given.
#pragma once
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/core/error.hpp"

namespace cinebokeh {

/// The brightest of the three colours, m, becomes m up to the threshold t, and above it t + (1 - t) s / (1 - a s) with
/// s = (m - t) / (1 - t) and a such that 1 becomes `gain`; beyond 1 it grows in proportion. Hue stays.
struct Highlights {
    float gain = 1;          // how bright white becomes, in [1, 64]; 1 changes nothing
    float threshold = 0.5f;  // in linear light, in [0, 0.99]; below it nothing changes

    friend bool operator==(const Highlights&, const Highlights&) = default;
};

/// Stretches the highlights of linear light; alpha is kept, and premultiplied pixels need alpha 1.
///
///   in, out  [h, w]  >= 0; may be the same image
/// Throws Error if the sizes differ or a parameter is outside its range. Allocates nothing. Asynchronous on Cuda.
template <class Exec>
void expand_highlights(Exec& exec, View<const Float4, Exec> in, const Highlights& highlights, View<Float4, Exec> out);

/// The inverse of expand_highlights, to within rounding.
template <class Exec>
void compress_highlights(Exec& exec, View<const Float4, Exec> in, const Highlights& highlights, View<Float4, Exec> out);

// ---------------------------------------------------------------------------- implementation

/// Throws Error if a parameter is outside its range.
inline void check(const Highlights& h) {
    require(h.gain >= 1 && h.gain <= 64, "Highlights: gain ", h.gain, " is outside [1, 64]");
    require(h.threshold >= 0 && h.threshold <= 0.99f, "Highlights: threshold ", h.threshold, " is outside [0, 0.99]");
}

namespace detail {
struct HighlightCurve {
    Highlights highlights;
    bool inverse = false;

    CINEBOKEH_HD Float4 operator()(const Float4& p) const {
        const float g = p[1] > p[2] ? p[1] : p[2], m = p[0] > g ? p[0] : g;
        const float scale = m > highlights.threshold ? stretched(m) / m : 1.f;
        return {p[0] * scale, p[1] * scale, p[2] * scale, p[3]};
    }
    CINEBOKEH_HD float stretched(float m) const {  // m > threshold
        const float t = highlights.threshold, top = highlights.gain, a = 1 - (1 - t) / (top - t);
        if (m >= (inverse ? top : 1.f)) return inverse ? m / top : m * top;
        const float s = (m - t) / (1 - t);
        return t + (1 - t) * (inverse ? s / (1 + a * s) : s / (1 - a * s));
    }
};
template <class Space>
struct StretchHighlights {
    Image<const Float4, Space> in;
    HighlightCurve curve;
    Image<Float4, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = curve(in(x, y)); }
};

template <class Exec>
void stretch_highlights(Exec& exec, View<const Float4, Exec> in, const Highlights& h, bool inverse,
                        View<Float4, Exec> out) {
    require(in.size == out.size, "Highlights: the images differ in size");
    check(h);
    for_each_pixel(exec, in.size, StretchHighlights<typename Exec::Space>{in, {h, inverse}, out});
}
}  // namespace detail

template <class Exec>
void expand_highlights(Exec& exec, View<const Float4, Exec> in, const Highlights& highlights, View<Float4, Exec> out) {
    detail::stretch_highlights(exec, in, highlights, false, out);
}
template <class Exec>
void compress_highlights(Exec& exec, View<const Float4, Exec> in, const Highlights& highlights,
                         View<Float4, Exec> out) {
    detail::stretch_highlights(exec, in, highlights, true, out);
}
}  // namespace cinebokeh
