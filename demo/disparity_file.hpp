// Disparity on disk: larger is nearer, 0 is infinitely far.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

/// Reads a disparity map: a PNG, JPEG or BMP of 8 bit (value / 255), a PNG of 16 bit (value / 65535), or a PFM (as it
/// is). Throws Error with the name, and the pixel, where the file cannot be read, has another size than `expected`, or
/// holds a value that is negative or not finite.
std::vector<float> read_disparity(const std::filesystem::path& file, Size expected);

/// Writes a 16-bit PNG: value * 65535, rounded, cut to [0, 1]. Throws Error where the file cannot be written.
void write_disparity_png(const std::filesystem::path& file, HostImage<const float> disparity);
}  // namespace cinebokeh::demo
