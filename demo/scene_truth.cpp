#include "scene_truth.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/core/error.hpp"
#include "disparity_file.hpp"
#include "frame_source.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {

SceneTruth::SceneTruth(const std::string& folder) : folder_(folder) {
    require(fs::is_directory(folder_), "the folder of the truth '", folder, "' does not exist");
    const fs::path script = folder_ / "scene.json";
    const bool is_scene = fs::exists(script);
    pictures_ = pictures_in((is_scene ? folder_ / "bokeh" : folder_).string());
    require(!pictures_.empty(), "the truth '", folder, "' holds no picture");
    size_ = read_picture(pictures_[0]).size;
    if (!is_scene) return;
    try {
        const nlohmann::json json = nlohmann::json::parse(std::ifstream(script));
        for (const auto& frame : json.at("frames"))
            lenses_.push_back({frame.at("strength").get<double>(), frame.at("focus").get<double>()});
    } catch (const nlohmann::json::exception& error) {
        fail("'" + script.string() + "' is not what `scene` wrote: " + error.what());
    }
    require(lenses_.size() == pictures_.size(), "the scene '", folder, "' is incomplete: ", pictures_.size(), " of ",
            lenses_.size(), " frames are there");
}

Picture SceneTruth::picture(int frame) const {
    Picture picture = read_picture(pictures_[size_t(frame)]);
    require(picture.size == size_, "'", pictures_[size_t(frame)], "' is of another size than the pictures before it");
    return picture;
}

std::optional<SceneTruth::Depth> SceneTruth::depth(int frame) const {
    if (lenses_.empty()) return {};
    const fs::path name = fs::path(pictures_[size_t(frame)]).filename();
    Depth depth{read_disparity(folder_ / "disparity" / name, size_), {}};
    const Lens lens = lenses_[size_t(frame)];
    for (const float d : depth.disparity) depth.defocus.push_back(float(lens.strength * (double(d) - lens.focus)));
    return depth;
}
}  // namespace cinebokeh::demo
