#include "recording.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cinebokeh/core/error.hpp"
#include "disparity_file.hpp"
#include "image_file.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
constexpr float nearest = 0.2f;  // metres

class RecordingSource : public FrameSource {
public:
    explicit RecordingSource(const std::string& folder) : folder_(folder), video_(open_video(folder + "/source.mp4")) {
        info_ = video_->info();
        info_.name = folder;
        info_.audio.clear();
        info_.has_matte = true;
        info_.has_disparity = has_recorded_disparity(folder);
    }
    bool next(Frame& frame) override {
        if (!video_->next(frame)) return false;
        char name[32];
        std::snprintf(name, sizeof name, "/%05d.png", index_++);
        frame.given_matte = read_matte(folder_ + "/mattes" + name, frame.size);
        frame.given_disparity.clear();
        if (!info_.has_disparity) return true;
        frame.given_disparity = read_disparity(folder_ + "/disparity" + name, frame.size);
        for (float& disparity : frame.given_disparity) disparity /= nearest;
        return true;
    }

private:
    std::string folder_;
    std::unique_ptr<FrameSource> video_;
    int index_ = 0;
};
}  // namespace

RecordedScale RecordedScale::of(bool with_disparity, const FocusState& focus) {
    if (with_disparity) return {0, 1 / nearest};
    const float apart = focus.subject - focus.background;
    return {focus.background, std::max(apart, 1e-3f)};
}

void RecordedScale::from(const Focus& recorded, FocusState& live) const {
    live.distance = 1 / std::max(zero + recorded.disparity * one, 1e-3f);
    live.strength = recorded.strength / one;
}

bool is_recording(const std::string& folder) {
    std::error_code error;
    return fs::is_regular_file(folder + "/source.mp4", error) && fs::is_directory(folder + "/mattes", error) &&
           fs::is_regular_file(recorded_track(folder), error);
}
bool has_recorded_disparity(const std::string& folder) {
    std::error_code error;
    return fs::is_directory(folder + "/disparity", error);
}
std::string recorded_track(const std::string& folder) { return folder + "/focus.json"; }

std::unique_ptr<FrameSource> open_recording(const std::string& folder) {
    return std::make_unique<RecordingSource>(folder);
}
}  // namespace cinebokeh::demo
