// Portable float maps: 32-bit floats, the exact form of disparity, defocus and linear light on disk.
#pragma once
#include <filesystem>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

struct FloatPicture {
    Size size;
    std::vector<float> pixels;  // the channels of a pixel follow each other
    int channels = 1;
};

/// Whether the file begins like a PFM.
bool is_pfm_file(const std::filesystem::path& file);
/// Reads a PFM of one channel ("Pf") or three ("PF"), of either byte order; the values are not looked at. Throws Error
/// with the name and the reason.
FloatPicture read_pfm(const std::filesystem::path& file);
/// Writes a PFM of one channel, little endian. Throws Error where the file cannot be written.
void write_pfm(const std::filesystem::path& file, HostImage<const float> picture);
}  // namespace cinebokeh::demo
