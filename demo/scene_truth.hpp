// The truth that `scene` wrote, read again.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "image_file.hpp"

namespace cinebokeh::demo {

class SceneTruth {
public:
    /// A folder that `scene` wrote, or a folder of pictures, of which nothing else is known. Throws Error where it is
    /// neither, or incomplete.
    explicit SceneTruth(const std::string& folder);

    int frames() const { return int(pictures_.size()); }
    Size size() const { return size_; }
    Picture picture(int frame) const;  // the true bokeh

    /// How the depth of a frame is blurred; both [h, w].
    struct Depth {
        std::vector<float> disparity, defocus;
    };
    /// Empty where the folder holds pictures only.
    std::optional<Depth> depth(int frame) const;

private:
    struct Lens {
        double strength, focus;
    };
    std::filesystem::path folder_;
    Size size_;
    std::vector<std::string> pictures_;
    std::vector<Lens> lenses_;
};
}  // namespace cinebokeh::demo
