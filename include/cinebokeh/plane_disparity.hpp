// Plane disparity: the disparity of a scene of which only the matte is known. Subject and background are two planes
// that face the camera; both may lean, as a tilted lens makes them.
#pragma once
#include <cmath>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/core/error.hpp"

namespace cinebokeh {

/// Disparities in any one unit, such as 1 / metre; larger is nearer.
struct PlaneDisparity {
    float subject = 1;
    float background = 0;
    float tilt = 0;  // how much nearer the bottom of the picture is than its top
};

/// Writes the disparity of every pixel: that of the subject where the matte is at least one half, else that of the
/// background, plus tilt ((y + 1/2) / h - 1/2). Disparities are not mixed at soft edges: no surface lies between.
///
///   matte      [h, w]  NaN counts as background
///   disparity  [h, w]  out; may be the matte
///
/// Throws Error if the sizes differ or a parameter is not finite. Allocates nothing. Asynchronous on Cuda.
/// Deterministic, and bit-equal between backends.
template <class Exec>
void plane_disparity(Exec& exec, View<const float, Exec> matte, const PlaneDisparity& planes,
                     View<float, Exec> disparity);

// ---------------------------------------------------------------------------- implementation

namespace detail {
template <class Space>
struct WritePlaneDisparity {
    Image<const float, Space> matte;
    PlaneDisparity planes;
    float step, first;  // of the tilt: one row, the first row
    Image<float, Space> disparity;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float lean = fmaf(float(y), step, first);
        disparity(x, y) = (matte(x, y) >= 0.5f ? planes.subject : planes.background) + lean;
    }
};
}  // namespace detail

template <class Exec>
void plane_disparity(Exec& exec, View<const float, Exec> matte, const PlaneDisparity& planes,
                     View<float, Exec> disparity) {
    require(matte.size == disparity.size, "plane_disparity: the images differ in size");
    require(std::isfinite(planes.subject) && std::isfinite(planes.background) && std::isfinite(planes.tilt),
            "plane_disparity: the planes ", planes.subject, ", ", planes.background, ", tilt ", planes.tilt,
            " are not finite");
    if (matte.size.empty()) return;
    const float step = planes.tilt / float(matte.size.height);
    for_each_pixel(
        exec, matte.size,
        detail::WritePlaneDisparity<typename Exec::Space>{matte, planes, step, (step - planes.tilt) / 2, disparity});
}
}  // namespace cinebokeh
