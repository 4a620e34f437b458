// Portable float maps: one channel of 32-bit floats, the exact form of disparity and defocus on disk.
#pragma once
#include <filesystem>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

struct FloatPicture {
    Size size;
    std::vector<float> pixels;
};

/// Whether the file begins like a PFM.
bool is_pfm_file(const std::filesystem::path& file);
/// Reads a PFM of one channel ("Pf"), of either byte order; the values are not looked at. Throws Error with the name
/// and the reason.
FloatPicture read_pfm(const std::filesystem::path& file);
/// Writes a PFM, little endian. Throws Error where the file cannot be written.
void write_pfm(const std::filesystem::path& file, HostImage<const float> picture);
}  // namespace cinebokeh::demo
