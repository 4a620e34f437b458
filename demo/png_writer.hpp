// A PNG writer that keeps up with video: quick filters and zlib's quick level, large pictures in stripes on all cores.
#pragma once
#include <filesystem>
#include <functional>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

/// Fills one row of the picture: `channels` samples a pixel, of one byte or of two (the high one first).
using FillRow = std::function<void(int y, unsigned char* row)>;

/// Writes a PNG of 1 (grey) or 3 (sRGB) channels of 8 or 16 bit. `fill` is called for different rows at the same time.
/// Throws Error where the file cannot be written completely; the incomplete file is removed.
void write_png_file(const std::filesystem::path& file, Size size, int channels, const FillRow& fill, int bits = 8);
}  // namespace cinebokeh::demo
