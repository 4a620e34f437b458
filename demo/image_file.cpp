#include "image_file.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>

#include "cinebokeh/core/error.hpp"
#include "png_writer.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#endif
#include <stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace cinebokeh::demo {

std::vector<unsigned char> read_bytes(const std::filesystem::path& file) {
    std::error_code error;
    require(std::filesystem::exists(file, error), "'", file.string(), "' does not exist");
    require(!std::filesystem::is_directory(file, error), "'", file.string(), "' is a folder, not a picture");
    std::ifstream stream(file, std::ios::binary);
    require(bool(stream), "'", file.string(), "' cannot be opened: ", std::strerror(errno));
    std::vector<unsigned char> bytes(std::istreambuf_iterator<char>(stream), {});
    require(!bytes.empty(), "'", file.string(), "' is empty");
    require(bytes.size() < size_t(1) << 31, "'", file.string(), "' is larger than 2 GB");
    return bytes;
}

bool is_image_file(const std::filesystem::path& file) {
    unsigned char head[4] = {};
    std::ifstream stream(file, std::ios::binary);
    stream.read(reinterpret_cast<char*>(head), sizeof head);
    const bool png = std::memcmp(head, "\x89PNG", 4) == 0;
    const bool jpeg = head[0] == 0xff && head[1] == 0xd8 && head[2] == 0xff;
    const bool bmp = head[0] == 'B' && head[1] == 'M';
    return png || jpeg || bmp;
}

namespace {
std::string unreadable(const std::filesystem::path& file) {
    return "'" + file.string() + "' cannot be read as a picture (" + stbi_failure_reason() +
           "): it must be a whole PNG, JPEG or BMP";
}
}  // namespace

Picture read_picture(const std::filesystem::path& file) {
    const std::vector<unsigned char> bytes = read_bytes(file);
    int width = 0, height = 0, channels = 0;
    const std::unique_ptr<stbi_uc, void (*)(void*)> data(
        stbi_load_from_memory(bytes.data(), int(bytes.size()), &width, &height, &channels, 4), stbi_image_free);
    if (data == nullptr) fail(unreadable(file));
    Picture picture{{width, height}, std::vector<Rgba8>(size_t(width) * size_t(height))};
    std::memcpy(static_cast<void*>(picture.pixels.data()), data.get(), picture.pixels.size() * sizeof(Rgba8));
    return picture;
}

GreyPicture read_grey(const std::filesystem::path& file) {
    const Picture picture = read_picture(file);
    GreyPicture grey{picture.size, std::vector<uint8_t>(picture.pixels.size())};
    std::transform(picture.pixels.begin(), picture.pixels.end(), grey.pixels.begin(), [](Rgba8 p) {
        return std::max({p[0], p[1], p[2]});
    });
    return grey;
}

Rgb16Picture read_rgb16(const std::filesystem::path& file) {
    const std::vector<unsigned char> bytes = read_bytes(file);
    int width = 0, height = 0, channels = 0;
    const std::unique_ptr<stbi_us, void (*)(void*)> data(
        stbi_load_16_from_memory(bytes.data(), int(bytes.size()), &width, &height, &channels, 3), stbi_image_free);
    if (data == nullptr) fail(unreadable(file));
    Rgb16Picture picture{{width, height}, std::vector<Vec<uint16_t, 3>>(size_t(width) * size_t(height))};
    if (stbi_is_16_bit_from_memory(bytes.data(), int(bytes.size()))) picture.bits = 16;
    std::memcpy(static_cast<void*>(picture.pixels.data()), data.get(), picture.pixels.size() * 6);
    return picture;
}

Grey16Picture read_grey16(const std::filesystem::path& file) {
    const Rgb16Picture picture = read_rgb16(file);
    Grey16Picture grey{picture.size, std::vector<uint16_t>(picture.pixels.size())};
    std::transform(picture.pixels.begin(), picture.pixels.end(), grey.pixels.begin(), [](const auto& p) {
        return std::max({p[0], p[1], p[2]});
    });
    return grey;
}

std::vector<float> read_matte(const std::filesystem::path& file, Size expected) {
    const GreyPicture grey = read_grey(file);
    require(grey.size == expected, "the matte '", file.string(), "' is ", grey.size.width, " x ", grey.size.height,
            ", but the frame is ", expected.width, " x ", expected.height, ": give one of the size of the frame");
    std::vector<float> matte(grey.pixels.size());
    std::transform(grey.pixels.begin(), grey.pixels.end(), matte.begin(), [](uint8_t g) { return float(g) / 255.f; });
    return matte;
}

void write_png(const std::filesystem::path& file, HostImage<const Rgba8> picture) {
    write_png_file(file, picture.size, 3, [&](int y, unsigned char* row) {
        for (int x = 0; x < picture.size.width; ++x) std::memcpy(row + 3 * x, &picture(x, y), 3);
    });
}

void write_matte_png(const std::filesystem::path& file, HostImage<const float> matte) {
    write_png_file(file, matte.size, 1, [&](int y, unsigned char* row) {
        for (int x = 0; x < matte.size.width; ++x)
            row[x] = static_cast<unsigned char>(clamp(matte(x, y), 0.f, 1.f) * 255.f + 0.5f);
    });
}
}  // namespace cinebokeh::demo
