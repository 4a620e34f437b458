#include "frame_source.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "builtin_clip.hpp"
#include "cinebokeh/core/error.hpp"
#include "image_file.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
class BuiltinClipSource : public FrameSource {
public:
    BuiltinClipSource() {
        info_.name = "demo";
        info_.size = BuiltinClip::size;
        info_.frames = BuiltinClip::frames;
        info_.fps = BuiltinClip::fps;
        info_.time_base = {1, BuiltinClip::fps};
        info_.has_matte = info_.has_disparity = true;
    }
    bool next(Frame& frame) override {
        if (index_ == BuiltinClip::frames) return false;
        frame.resize(info_.size);
        frame.given_matte.resize(info_.size.area());
        frame.given_disparity.resize(info_.size.area());
        clip_.draw(exec_, index_, {frame.pixels.data(), info_.size}, {frame.given_matte.data(), info_.size},
                   {frame.given_disparity.data(), info_.size});
        frame.drawn = true;
        frame.time = index_;
        char stem[16];
        std::snprintf(stem, sizeof stem, "%05d", index_++);
        frame.stem = stem;
        return true;
    }
    bool skip(int64_t& time) override {
        time = index_;
        return index_++ < BuiltinClip::frames;
    }

private:
    Cpu exec_;
    BuiltinClip clip_;
    int index_ = 0;
};
}  // namespace

std::unique_ptr<FrameSource> open_builtin_clip() { return std::make_unique<BuiltinClipSource>(); }

std::unique_ptr<FrameSource> open_source(const std::string& input, bool any_size) {
    if (input == "demo") return open_builtin_clip();
    if (input == "camera") return open_camera("0");
    if (input.rfind("camera:", 0) == 0) return open_camera(input.substr(7));
    std::error_code error;
    const fs::file_status status = fs::status(input, error);
    require(fs::exists(status), "the input '", input,
            "' does not exist: give a video, a picture, a folder of pictures, ", "camera[:N] or demo");
    if (fs::is_directory(status)) return open_folder(input, any_size);
    require(!fs::is_regular_file(status) || fs::file_size(input, error) > 0, "the input '", input, "' is empty");
    return fs::is_regular_file(status) && is_image_file(input) ? open_picture(input) : open_video(input);
}
}  // namespace cinebokeh::demo
