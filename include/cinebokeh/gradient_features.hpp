// Colour and gradient orientation of every pixel: what the patch memory and the pixel classifier see of a frame.
#pragma once
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
/// runs; backends differ by less than 1e-5 relative.
template <class Exec>
void gradient_features(Exec& exec, View<const Float3, Exec> lab, View<const uint8_t, Exec> luma,
                       View<Float4, Exec> colour, View<Float4, Exec> orientation);
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/gradient_features.hpp"
