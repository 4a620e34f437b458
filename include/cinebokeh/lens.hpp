// The thin lens: from what is written on a camera to how many pixels wide a point out of focus becomes.
//
// The circle of confusion of Potmesil and Chakravarty, "A lens and aperture camera model for synthetic image
// generation" (SIGGRAPH 1981). In units of inverse distance it is linear, S = K (1/Z - 1/s), which is the defocus map
// of video bokeh rendering with the disparity 1/Z; K depends on the focus distance s. Plain functions in double.
#pragma once
#include <cmath>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh {

struct Lens {
    float focal_length = 0.05f;   // metres
    float f_number = 1.8f;        // focal length / diameter of the aperture: the "current aperture"
    float focus_distance = 2;     // metres from the lens to the focal plane; infinity is legal
    float sensor_width = 0.036f;  // metres, across the width of the picture
};

/// What relative disparity d means: 1 / Z = a d + b, Z in metres. The default says that d is 1 / Z itself.
/// Disparity of unknown scale has no f-number: use Focus::strength with it.
struct DisparityScale {
    float a = 1;  // 1 / metre per unit of disparity, not 0
    float b = 0;  // 1 / metre at disparity 0

    double inverse_distance(double disparity) const { return double(a) * disparity + double(b); }
    /// The disparity of a distance in metres; infinity is legal.
    double disparity(double distance) const { return (1 / distance - double(b)) / double(a); }
};

/// Throws Error unless all lengths are positive and the focal plane lies beyond the focal length.
inline void check(const Lens& lens) {
    require(lens.focal_length > 0 && std::isfinite(lens.focal_length), "Lens: focal length ", lens.focal_length,
            " m is not a positive number");
    require(lens.f_number > 0 && std::isfinite(lens.f_number), "Lens: f-number ", lens.f_number,
            " is not a positive number");
    require(lens.sensor_width > 0 && std::isfinite(lens.sensor_width), "Lens: sensor width ", lens.sensor_width,
            " m is not a positive number");
    require(lens.focus_distance > lens.focal_length, "Lens: focus distance ", lens.focus_distance,
            " m is not beyond the focal length, ", lens.focal_length, " m");
}

/// Diameter of the aperture in metres.
inline double aperture_diameter(const Lens& lens) { return double(lens.focal_length) / double(lens.f_number); }

/// K: the radius of the circle of confusion in pixels, per 1 / metre away from the focal plane, of a picture
/// `image_width` pixels wide. A lens that is focused nearer magnifies more: K = (A / 2) f s / (s - f) pixels / metre.
/// Throws Error on a lens that fails check() or a width below 1.
inline double blur_strength(const Lens& lens, int image_width) {
    check(lens);
    require(image_width >= 1, "blur_strength: an image ", image_width, " pixels wide");
    const double f = double(lens.focal_length), pixels_per_metre = image_width / double(lens.sensor_width);
    const double extension = f / (1 - f / double(lens.focus_distance));  // lens to sensor; f when focused at infinity
    return aperture_diameter(lens) / 2 * extension * pixels_per_metre;
}

/// The signed radius in pixels of the circle of confusion of a point `distance` metres away: positive when it is nearer
/// than the focal plane. Throws Error as blur_strength does.
inline double circle_of_confusion(const Lens& lens, int image_width, double distance) {
    return blur_strength(lens, image_width) * (1 / distance - 1 / double(lens.focus_distance));
}
}  // namespace cinebokeh
