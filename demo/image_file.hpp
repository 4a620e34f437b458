// Still pictures on disk: PNG of 8 and 16 bit, JPEG and BMP.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

struct Picture {
    Size size;
    std::vector<Rgba8> pixels;
};
struct GreyPicture {
    Size size;
    std::vector<uint8_t> pixels;
};
struct Grey16Picture {
    Size size;
    std::vector<uint16_t> pixels;
};
struct Rgb16Picture {
    Size size;
    std::vector<Vec<uint16_t, 3>> pixels;
    int bits = 8;  // of the file
};

/// The bytes of a file. Throws Error where it is missing, empty, a folder, or larger than 2 GB.
std::vector<unsigned char> read_bytes(const std::filesystem::path& file);

/// Whether the file begins like a PNG, a JPEG or a BMP; its name does not matter.
bool is_image_file(const std::filesystem::path& file);

/// Reads a picture. Throws Error with the name and the reason.
Picture read_picture(const std::filesystem::path& file);
/// Reads a picture as one channel: the largest of red, green and blue, so that no colour of a label map is lost.
GreyPicture read_grey(const std::filesystem::path& file);
/// The same with 16 bits; those of an 8-bit picture are its value * 257.
Grey16Picture read_grey16(const std::filesystem::path& file);
/// Reads a picture with 16 bits; those of an 8-bit picture are its value * 257.
Rgb16Picture read_rgb16(const std::filesystem::path& file);
/// Reads an 8-bit matte as alpha in [0, 1].
std::vector<float> read_matte(const std::filesystem::path& file, Size expected);

/// Write 8-bit PNG files. Throw Error where the file cannot be written.
void write_png(const std::filesystem::path& file, HostImage<const Rgba8> picture);
void write_matte_png(const std::filesystem::path& file, HostImage<const float> matte);
}  // namespace cinebokeh::demo
