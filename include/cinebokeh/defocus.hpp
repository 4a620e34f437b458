// The defocus map: the signed radius of the circle of confusion of every pixel.
//
// S = K (d - d_f), eq. 2 of video bokeh rendering: positive is nearer than the focal plane, whose disparity is d_f.
#pragma once
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/lens.hpp"

namespace cinebokeh {

/// The largest radius that a defocus map holds, pixels: wider circles are cut to it.
inline constexpr float largest_defocus = 2048;

/// Where the focal plane is, and how fast things blur away from it.
struct Focus {
    float strength = 0;   // K, pixels of radius per unit of disparity, >= 0; 0 blurs nothing
    float disparity = 0;  // d_f, of what is in focus; any finite number
};

/// The focus of a lens, for a picture `image_width` pixels wide and disparity of the stated scale.
/// Throws Error as blur_strength does, or if the scale is not of finite numbers with a > 0.
inline Focus focus_of(const Lens& lens, int image_width, DisparityScale scale = {}) {
    require(scale.a > 0 && std::isfinite(scale.a) && std::isfinite(scale.b),
            "focus_of: the disparity scale a = ", scale.a, ", b = ", scale.b, " is not of finite numbers with a > 0");
    return {float(blur_strength(lens, image_width) * double(scale.a)),
            float(scale.disparity(double(lens.focus_distance)))};
}

/// The same lens focused on a disparity: its focus distance is replaced by that of the disparity. What is as far as
/// infinity, or farther by the scale, is focused at infinity. Throws Error as focus_of does.
inline Focus focus_of_disparity(Lens lens, int image_width, DisparityScale scale, float disparity) {
    const double inverse = scale.inverse_distance(double(disparity));
    lens.focus_distance = inverse > 0 ? float(1 / inverse) : INFINITY;
    return {focus_of(lens, image_width, scale).strength, disparity};
}

/// Writes S = K (d - d_f), cut to +-largest_defocus.
///
///   disparity  [h, w]  larger is nearer; negative numbers count as they are
///   defocus    [h, w]  out, pixels, never NaN; may be the disparity
///
/// An infinite disparity gives the largest radius of its sign (0 where K = 0); NaN, of which nothing is known, gives 0:
/// the pixel stays sharp. Throws Error if the sizes differ, K is negative or K or d_f is not finite.
/// Allocates nothing. Asynchronous on Cuda. Deterministic, and bit-equal between backends.
template <class Exec>
void defocus_map(Exec& exec, View<const float, Exec> disparity, Focus focus, View<float, Exec> defocus);

/// Writes S = K (1/Z - 1/s) of a depth map, cut to +-largest_defocus.
///
///   depth    [h, w]  metres from the lens, larger is farther, infinity is legal
///   defocus  [h, w]  out, pixels, never NaN; may be the depth
///
/// Z <= 0 counts as touching the lens: the largest radius. NaN gives 0. Throws Error if the sizes differ, or as
/// blur_strength does (K is that of a picture as wide as the map). Otherwise like defocus_map.
template <class Exec>
void defocus_of_depth(Exec& exec, View<const float, Exec> depth, const Lens& lens, View<float, Exec> defocus);
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/defocus.hpp"
