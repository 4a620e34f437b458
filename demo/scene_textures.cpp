#include "scene_textures.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/resize.hpp"
#include "frame_source.hpp"
#include "image_file.hpp"

namespace cinebokeh::demo {
namespace {
double decode(double s) { return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4); }

// Reduced or enlarged as premultiplied sRGB values, so that what is transparent does not colour the edge.
Layer resized(const Picture& picture, Size size) {
    std::vector<Float4> values(picture.pixels.size());
    for (size_t i = 0; i < values.size(); ++i) {
        const Rgba8 p = picture.pixels[i];
        const float a = float(p[3]) / 255;
        values[i] = Float4{float(p[0]) * a / 255, float(p[1]) * a / 255, float(p[2]) * a / 255, a};
    }
    Cpu exec(1);
    Layer layer(0, 0, size);
    const bool smaller = size.width < picture.size.width;
    resize<Float4>(exec, HostImage<const Float4>{values.data(), picture.size},
                   smaller ? ResizeFilter::area : ResizeFilter::bilinear, HostImage<Float4>{layer.pixels.data(), size});
    return layer;
}

// The part of a picture that is not transparent.
Picture trimmed(const Picture& picture) {
    int left = picture.size.width, top = picture.size.height, right = 0, bottom = 0;
    for (int y = 0; y < picture.size.height; ++y)
        for (int x = 0; x < picture.size.width; ++x)
            if (picture.pixels[size_t(y) * size_t(picture.size.width) + size_t(x)][3]) {
                left = std::min(left, x), right = std::max(right, x + 1);
                top = std::min(top, y), bottom = std::max(bottom, y + 1);
            }
    if (left >= right) return picture;
    Picture part{{right - left, bottom - top}, {}};
    for (int y = top; y < bottom; ++y) {
        const auto row = picture.pixels.begin() + ptrdiff_t(y) * picture.size.width;
        part.pixels.insert(part.pixels.end(), row + left, row + right);
    }
    return part;
}
}  // namespace

Texture to_linear(const Layer& layer) {
    Texture texture{layer.size, std::vector<Double4>(layer.pixels.size())};
    for (size_t i = 0; i < layer.pixels.size(); ++i) {
        const Float4 p = layer.pixels[i];
        const double a = clamp(double(p[3]), 0., 1.);
        if (a <= 0) continue;
        Double4& out = texture.texels[i];
        for (int c = 0; c < 3; ++c) out[c] = a * decode(clamp(double(p[c]) / double(p[3]), 0., 1.));
        out[3] = a;
    }
    return texture;
}

SceneTextures::SceneTextures(const std::string& folder) {
    if (folder.empty()) return;
    require(std::filesystem::is_directory(folder), "the folder of textures '", folder, "' does not exist");
    const std::vector<std::string> files = pictures_in(folder);
    require(!files.empty(), "the folder of textures '", folder, "' holds no picture");
    for (const std::string& file : files) {
        const Picture picture = read_picture(file);
        const bool cut_out =
            std::any_of(picture.pixels.begin(), picture.pixels.end(), [](Rgba8 p) { return p[3] < 255; });
        (cut_out ? objects_ : backgrounds_).push_back(file);
    }
}

Texture SceneTextures::background(Size size, Random& random) const {
    if (backgrounds_.empty()) return to_linear(paint_scenery(size, random));
    const Picture picture = read_picture(backgrounds_[random.below(uint32_t(backgrounds_.size()))]);
    const double scale = std::max(double(size.width) / picture.size.width, double(size.height) / picture.size.height);
    const Size covering{std::max(size.width, int(std::lround(picture.size.width * scale))),
                        std::max(size.height, int(std::lround(picture.size.height * scale)))};
    const Layer whole = resized(picture, covering);
    Layer part(0, 0, size);
    const int left = (covering.width - size.width) / 2, top = (covering.height - size.height) / 2;
    for (int y = 0; y < size.height; ++y) std::copy_n(&whole.at(left, top + y), size.width, &part.at(0, y));
    return to_linear(part);
}

SceneTextures::Object SceneTextures::object(int height, Random& random) const {
    if (objects_.empty()) {
        const Painted painted = paint_thing(height, random);
        return {to_linear(painted.picture), painted.stand};
    }
    const Picture picture = trimmed(read_picture(objects_[random.below(uint32_t(objects_.size()))]));
    const int width = std::max(1, int(std::lround(double(height) * picture.size.width / picture.size.height)));
    return {to_linear(resized(picture, {width, height})), Stand::ground};
}
}  // namespace cinebokeh::demo
