#include "disparity_source.hpp"

#include <filesystem>

#include "cinebokeh/core/error.hpp"
#include "disparity_file.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {

DisparitySource::DisparitySource(const std::string& path, const SourceInfo& source, bool stabilize)
    : path_(path), known_(source.has_disparity) {
    if (path.empty()) return;
    require(fs::exists(path), "the disparity '", path, "' does not exist");
    if (!fs::is_directory(path)) {
        require(!stabilize, "--stabilize needs a disparity for each frame, a folder; '", path, "' is one for all");
        still_ = read_disparity(path, source.size);
        return;
    }
    files_ = files_in(path, {".png", ".jpg", ".jpeg", ".bmp", ".pfm"});
    require(!files_.empty(), "the folder of disparity '", path, "' holds no picture and no PFM");
    if (stabilize) stabilizer_.emplace(exec_, source.size);
}

std::string DisparitySource::file_of(const Frame& frame) const {
    for (const char* extension : {".png", ".pfm", ".jpg"}) {
        const fs::path named = fs::path(path_) / (frame.stem + extension);
        if (fs::exists(named)) return named.string();
    }
    require(size_t(frame.index) < files_.size(), "there is no disparity for frame ", frame.index, ": '", path_,
            "' holds ", files_.size(), " and none is called ", frame.stem, ".png");
    return files_[size_t(frame.index)];
}

void DisparitySource::fill(Frame& frame) {
    if (path_.empty()) {
        frame.disparity = frame.given_disparity;
        return;
    }
    frame.drawn = false;
    if (!still_.empty()) {
        frame.disparity = still_;
        return;
    }
    frame.disparity = read_disparity(file_of(frame), frame.size);
    const HostImage<float> disparity{frame.disparity.data(), frame.size};
    if (stabilizer_) (*stabilizer_)(disparity, disparity);
}
}  // namespace cinebokeh::demo
