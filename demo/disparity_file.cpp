#include "disparity_file.hpp"

#include <cmath>

#include "cinebokeh/core/error.hpp"
#include "image_file.hpp"
#include "pfm_file.hpp"
#include "png_writer.hpp"

namespace cinebokeh::demo {
namespace {
FloatPicture read_any(const std::filesystem::path& file) {
    if (is_pfm_file(file)) {
        FloatPicture picture = read_pfm(file);
        require(picture.channels == 1, "the disparity '", file.string(),
                "' is a PFM of three channels: it must be of one channel");
        return picture;
    }
    const Grey16Picture grey = read_grey16(file);
    FloatPicture picture{grey.size, std::vector<float>(grey.pixels.size())};
    for (size_t i = 0; i < grey.pixels.size(); ++i) picture.pixels[i] = float(double(grey.pixels[i]) / 65535);
    return picture;
}
}  // namespace

std::vector<float> read_disparity(const std::filesystem::path& file, Size expected) {
    FloatPicture picture = read_any(file);
    require(picture.size == expected, "the disparity '", file.string(), "' is ", picture.size.width, " x ",
            picture.size.height, ", but the frame is ", expected.width, " x ", expected.height,
            ": give one of the size of the frame");
    for (size_t i = 0; i < picture.pixels.size(); ++i) {
        const float value = picture.pixels[i];
        require(std::isfinite(value) && value >= 0, "the disparity '", file.string(), "' is ", value, " at pixel (",
                i % size_t(expected.width), ", ", i / size_t(expected.width),
                "): it must be 0 (infinitely far) or a positive number");
    }
    return std::move(picture.pixels);
}

void write_disparity_png(const std::filesystem::path& file, HostImage<const float> disparity) {
    write_png_file(
        file, disparity.size, 1,
        [&](int y, unsigned char* row) {
            for (int x = 0; x < disparity.size.width; ++x) {
                const unsigned code = unsigned(double(clamp(disparity(x, y), 0.f, 1.f)) * 65535 + 0.5);
                row[2 * x] = static_cast<unsigned char>(code >> 8), row[2 * x + 1] = static_cast<unsigned char>(code);
            }
        },
        16);
}
}  // namespace cinebokeh::demo
