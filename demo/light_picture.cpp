#include "light_picture.hpp"

#include <cmath>

#include "cinebokeh/core/error.hpp"
#include "image_file.hpp"
#include "pfm_file.hpp"
#include "png_writer.hpp"

namespace cinebokeh::demo {
namespace {
double decoded(double code) { return code <= 0.04045 ? code / 12.92 : std::pow((code + 0.055) / 1.055, 2.4); }
double encoded(double light) {
    light = light > 0 ? std::min(light, 1.0) : 0;  // NaN counts as 0
    return light <= 0.0031308 ? light * 12.92 : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

LightPicture read_pfm_light(const std::filesystem::path& file) {
    const FloatPicture picture = read_pfm(file);
    const size_t channels = size_t(picture.channels);
    LightPicture light{picture.size, {}, 32};
    light.pixels.reserve(light.size.area());
    for (size_t i = 0; i < light.size.area(); ++i) {
        const float* values = &picture.pixels[i * channels];
        for (size_t c = 0; c < channels; ++c)
            require(values[c] >= 0 && values[c] <= 65504, "the picture '", file.string(), "' is ", values[c],
                    " at pixel (", i % size_t(light.size.width), ", ", i / size_t(light.size.width),
                    "): light must be a number in [0, 65504]");
        light.pixels.push_back({values[0], values[channels > 1 ? 1 : 0], values[channels > 1 ? 2 : 0], 1});
    }
    return light;
}
}  // namespace

LightPicture read_light(const std::filesystem::path& file) {
    if (is_pfm_file(file)) return read_pfm_light(file);
    const Rgb16Picture picture = read_rgb16(file);
    const int codes = picture.bits == 16 ? 65535 : 255;
    std::vector<float> table;
    for (int i = 0; i <= codes; ++i) table.push_back(float(decoded(double(i) / codes)));
    LightPicture light{picture.size, std::vector<Float4>(picture.size.area()), picture.bits};
    const int step = 65535 / codes;
    for (size_t i = 0; i < light.pixels.size(); ++i) {
        const Vec<uint16_t, 3>& p = picture.pixels[i];
        light.pixels[i] = {table[size_t(p[0] / step)], table[size_t(p[1] / step)], table[size_t(p[2] / step)], 1};
    }
    return light;
}

void write_light_png(const std::filesystem::path& file, HostImage<const Float4> picture, int bits) {
    const double codes = bits == 16 ? 65535 : 255;
    write_png_file(
        file, picture.size, 3,
        [&](int y, unsigned char* row) {
            for (int x = 0; x < picture.size.width; ++x)
                for (int c = 0; c < 3; ++c) {
                    const unsigned code = unsigned(encoded(double(picture(x, y)[c])) * codes + 0.5);
                    if (bits == 16) *row++ = static_cast<unsigned char>(code >> 8);
                    *row++ = static_cast<unsigned char>(code);
                }
        },
        bits);
}
}  // namespace cinebokeh::demo
