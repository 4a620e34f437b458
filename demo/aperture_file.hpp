// A picture of an aperture on disk.
#pragma once
#include <filesystem>

#include "cinebokeh/aperture_image.hpp"

namespace cinebokeh::demo {

/// Reads a PNG of 8 or 16 bit, a JPEG or a BMP: white lets light through, black does not; of a coloured picture the
/// brightest colour counts, and transparency is not looked at. Throws Error with the name where the file cannot be read
/// or is black.
ApertureImage read_aperture(const std::filesystem::path& file);
}  // namespace cinebokeh::demo
