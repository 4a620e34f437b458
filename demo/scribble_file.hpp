// Scribbles that mark the subject and the background of the first frame.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

/// Reads scribbles: a PNG of the size of the frame, with red strokes on the subject and blue ones on the background, or
/// JSON: {"strokes": [{"label": "subject"|"background", "radius": 6, "points": [[x, y], ...]}]} in pixels of the frame.
/// Returns one byte a pixel: 1 = subject, 2 = background, 0 = not marked.
///
/// Throws Error, with what to do, where the file cannot be read, has the wrong size or lacks one of the two labels.
std::vector<uint8_t> read_scribbles(const std::string& file, Size frame);
}  // namespace cinebokeh::demo
