// Colour and gradient orientation of every pixel: what the patch memory and the pixel classifier see of a frame.
#pragma once
#include <cmath>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Writes the colour and gradient of every pixel.
///
///   lab          [h, w]  CIE Lab
///   luma         [h, w]  0..255
///   colour       [h, w]  out: L, a, b, and the gradient magnitude in grey levels a pixel (Sobel / 8)
///   orientation  [h, w]  out: the magnitude spread over four double-angle bins, |g| max(0, cos(2 (angle - k pi/4)))
///
/// The border replicates. Throws Error if sizes differ. Allocates nothing; asynchronous on Cuda. Deterministic between
/// runs.
template <class Exec>
void gradient_features(Exec& exec, View<const Float3, Exec> lab, View<const uint8_t, Exec> luma,
                       View<Float4, Exec> colour, View<Float4, Exec> orientation);

// ---------------------------------------------------------------------------- implementation

namespace detail {
template <class Space>
struct GradientFeatures {
    Image<const Float3, Space> lab;
    Image<const uint8_t, Space> luma;
    Image<Float4, Space> colour, orientation;

    CINEBOKEH_HD float difference(int x0, int y0, int x1, int y1) const {
        return float(int(luma.clamped(x1, y1)) - int(luma.clamped(x0, y0)));
    }
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float gx = (difference(x - 1, y - 1, x + 1, y - 1) + 2 * difference(x - 1, y, x + 1, y) +
                          difference(x - 1, y + 1, x + 1, y + 1)) /
                         8;
        const float gy = (difference(x - 1, y - 1, x - 1, y + 1) + 2 * difference(x, y - 1, x, y + 1) +
                          difference(x + 1, y - 1, x + 1, y + 1)) /
                         8;
        const float squared = gx * gx + gy * gy, magnitude = sqrtf(squared);
        // |g| cos(2 angle) and |g| sin(2 angle), without an angle.
        const float inverse = magnitude > 0 ? 1 / magnitude : 0.f;
        const float cosine = (gx * gx - gy * gy) * inverse, sine = 2 * gx * gy * inverse;
        const Float3 c = lab(x, y);
        colour(x, y) = {c[0], c[1], c[2], magnitude};
        orientation(x, y) = {cosine > 0 ? cosine : 0, sine > 0 ? sine : 0, cosine < 0 ? -cosine : 0,
                             sine < 0 ? -sine : 0};
    }
};
}  // namespace detail

template <class Exec>
void gradient_features(Exec& exec, View<const Float3, Exec> lab, View<const uint8_t, Exec> luma,
                       View<Float4, Exec> colour, View<Float4, Exec> orientation) {
    require(lab.size == luma.size && lab.size == colour.size && lab.size == orientation.size,
            "gradient_features: the images differ in size");
    for_each_pixel(exec, lab.size, detail::GradientFeatures<typename Exec::Space>{lab, luma, colour, orientation});
}
}  // namespace cinebokeh
