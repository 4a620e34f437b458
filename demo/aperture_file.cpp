#include "aperture_file.hpp"

#include <algorithm>

#include "image_file.hpp"

namespace cinebokeh::demo {

ApertureImage read_aperture(const std::filesystem::path& file) {
    const Grey16Picture grey = read_grey16(file);
    ApertureImage picture{grey.size, std::vector<float>(grey.pixels.begin(), grey.pixels.end())};
    require(std::any_of(grey.pixels.begin(), grey.pixels.end(), [](uint16_t v) { return v > 0; }), "the aperture '",
            file.string(), "' is black: no light passes");
    for (float& v : picture.light) v /= 65535;
    return picture;
}
}  // namespace cinebokeh::demo
