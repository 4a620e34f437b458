// Scribbles: strokes that mark a subject and its background, as a label image.
//
// Labels are 0 where nothing was drawn, 1 for the subject and 2 for the background.
#pragma once
#include <cmath>

#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh {

inline constexpr uint8_t subject_scribble = 1, background_scribble = 2;

/// Reads a picture of strokes: red ones mark the subject, blue ones the background.
///
///   picture  [h, w]  red: R > 200, G < 80, B < 80; blue: B > 200, R < 80, G < 80; both with alpha >= 128. All other
///                    colours mean nothing, so strokes may be drawn on a transparent picture, or on the frame itself
///                    if it has no such pure colours.
///   labels   [h, w]  out
///
/// Throws Error if the sizes differ, saying both, or if either colour is missing. Allocates nothing.
void read_scribbles(Cpu& exec, HostImage<const Rgba8> picture, HostImage<uint8_t> labels);

/// Draws a stroke: all pixels whose centre is within `radius` of the line through the points, and the pixels the points
/// themselves are in.
///
///   points  [n]     pixels, (0, 0) is the centre of the first pixel; may lie outside
///   radius          of the brush, pixels, in [0, 1e4]
///   label           subject_scribble, background_scribble, or 0 to erase
///   labels  [h, w]  in and out
///
/// Throws Error if a point is not finite or beyond +-1e6, or the radius or label is out of range. Allocates nothing.
void draw_scribble(Cpu& exec, HostSpan<const Float2> points, float radius, uint8_t label, HostImage<uint8_t> labels);

/// Throws Error if the labels do not mark both a subject and a background.
void check_scribbles(Cpu& exec, HostImage<const uint8_t> labels);

}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/scribbles_cpu.hpp"
