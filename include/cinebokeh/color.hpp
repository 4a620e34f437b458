// Colour: sRGB to linear light and back, CIE Lab, luma.
//
// sRGB is IEC 61966-2-1; Lab is CIE 1976 L*a*b* relative to the D65 white, so neutral colours have a = b = 0 exactly.
// 8-bit inputs are converted with integers and tables (kernels/color_tables.hpp): every result on 8-bit pixels is
// bit-equal between runs and between backends, whatever floating point flags the program is compiled with, except
// for lab_to_srgb, which may differ by one code where a value lies on the edge between two.
//
// Every function: Throws Error if the sizes differ. Allocates nothing. Asynchronous on Cuda. Empty images are legal.
#pragma once
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh {

/// Decodes sRGB to linear light: each colour channel in [0, 1], alpha / 255, straight (not premultiplied).
///
///   in   [h, w]  sRGB
///   out  [h, w]  linear red, green, blue, alpha; correctly rounded, so bit-equal between backends
template <class Exec>
void srgb_to_linear(Exec& exec, View<const Rgba8, Exec> in, View<Float4, Exec> out);

/// Encodes linear light as sRGB. Values are clamped to [0, 1] and rounded to the nearest code; NaN becomes 0.
/// Exact: no other code is nearer. Decoding and encoding an 8-bit image gives the same image.
///
///   in   [h, w]  linear red, green, blue, alpha (straight)
///   out  [h, w]  sRGB
template <class Exec>
void linear_to_srgb(Exec& exec, View<const Float4, Exec> in, View<Rgba8, Exec> out);

/// Converts sRGB to CIE Lab; alpha is not used. Within 0.01 of the exact value in each channel.
///
///   in   [h, w]  sRGB
///   out  [h, w]  L in [0, 100], a and b within +-110
template <class Exec>
void srgb_to_lab(Exec& exec, View<const Rgba8, Exec> in, View<Float3, Exec> out);

/// Converts CIE Lab to sRGB with alpha 255. Colours outside sRGB are clamped channel by channel; NaN becomes 0.
template <class Exec>
void lab_to_srgb(Exec& exec, View<const Float3, Exec> in, View<Rgba8, Exec> out);

/// Writes the BT.601 luma .299 R + .587 G + .114 B of the sRGB codes, rounded to the nearest integer.
template <class Exec>
void luma(Exec& exec, View<const Rgba8, Exec> in, View<uint8_t, Exec> out);

}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/color.hpp"
