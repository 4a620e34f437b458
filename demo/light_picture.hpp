// Pictures of any depth, as linear light.
#pragma once
#include <filesystem>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

struct LightPicture {
    Size size;
    std::vector<Float4> pixels;  // linear light, alpha 1
    int bits = 8;                // of each colour in the file: 8, 16, or 32 (a PFM)
};

/// Reads a PNG of 8 or 16 bit, a JPEG or a BMP (sRGB), or a PFM of one or three channels (linear light). Throws Error
/// with the name, the reason, and the pixel where a value is negative, not finite, or above 65504.
LightPicture read_light(const std::filesystem::path& file);

/// Writes an sRGB PNG of 8 or 16 bit; values are cut to [0, 1]. What read_light decoded from such a PNG becomes the
/// same codes. Throws Error where the file cannot be written.
void write_light_png(const std::filesystem::path& file, HostImage<const Float4> picture, int bits);
}  // namespace cinebokeh::demo
