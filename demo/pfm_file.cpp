#include "pfm_file.hpp"

#include <bit>
#include <cstring>
#include <fstream>
#include <sstream>

#include "cinebokeh/core/error.hpp"
#include "image_file.hpp"

namespace cinebokeh::demo {
namespace {
float swapped(float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    bits = bits >> 24 | (bits >> 8 & 0xff00) | (bits << 8 & 0xff0000) | bits << 24;
    std::memcpy(&value, &bits, sizeof bits);
    return value;
}
}  // namespace

bool is_pfm_file(const std::filesystem::path& file) {
    char head[2] = {};
    std::ifstream stream(file, std::ios::binary);
    stream.read(head, sizeof head);
    return head[0] == 'P' && (head[1] == 'f' || head[1] == 'F');
}

FloatPicture read_pfm(const std::filesystem::path& file) {
    const std::vector<unsigned char> bytes = read_bytes(file);
    const std::string head(bytes.begin(), bytes.begin() + std::min<ptrdiff_t>(128, ptrdiff_t(bytes.size())));
    std::istringstream words(head);
    std::string kind;
    Size size;
    double scale = 0;
    words >> kind >> size.width >> size.height >> scale;
    require(
        (kind == "Pf" || kind == "PF") && bool(words) && !size.empty() && scale != 0, "'", file.string(),
        "' cannot be read as a PFM: it must begin with 'Pf' (one channel) or 'PF' (three), width, height and scale");
    const int channels = kind == "PF" ? 3 : 1;
    const size_t row = size_t(size.width) * size_t(channels) * sizeof(float);
    const size_t begin = size_t(words.tellg()) + 1, wanted = row * size_t(size.height);
    require(begin <= bytes.size() && bytes.size() - begin >= wanted, "'", file.string(), "' is cut off: ", size.width,
            " x ", size.height, " pixels need ", wanted, " bytes");
    FloatPicture picture{size, std::vector<float>(wanted / sizeof(float)), channels};
    for (int y = 0; y < size.height; ++y)  // the last row comes first
        std::memcpy(&picture.pixels[size_t(size.height - 1 - y) * (row / sizeof(float))],
                    bytes.data() + begin + size_t(y) * row, row);
    const bool little = scale < 0;
    if (little != (std::endian::native == std::endian::little))
        for (float& value : picture.pixels) value = swapped(value);
    return picture;
}

void write_pfm(const std::filesystem::path& file, HostImage<const float> picture) {
    std::ofstream stream(file, std::ios::binary);
    const bool little = std::endian::native == std::endian::little;
    stream << "Pf\n" << picture.size.width << ' ' << picture.size.height << (little ? "\n-1.0\n" : "\n1.0\n");
    for (int y = picture.size.height; y-- > 0;)
        stream.write(reinterpret_cast<const char*>(picture.row(y)),
                     std::streamsize(sizeof(float)) * picture.size.width);
    stream.close();
    require(bool(stream), "'", file.string(), "' cannot be written: ", std::strerror(errno));
}
}  // namespace cinebokeh::demo
