// Frames from a camera.
#include <algorithm>
#include <filesystem>
#include <fstream>

extern "C" {
#include <libavdevice/avdevice.h>
}

#include "camera.hpp"
#include "camera_list.hpp"
#include "cinebokeh/core/error.hpp"
#include "video_reader.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
const AVInputFormat* input_format(const std::string& name) {
    avdevice_register_all();
    const AVInputFormat* format = av_find_input_format(name.c_str());
    require(format != nullptr, "capture from '", name, "' is not built into FFmpeg here");
    return format;
}

#if defined(__linux__)
void require_free(const std::string& device) {
    const std::string holder = process_holding(device);
    require(holder.empty(), "the camera ", device, " is busy: ", holder, " uses it; close that first");
}

Camera require_camera(const std::string& which) {
    const std::vector<Camera> cameras = list_cameras();
    if (const std::optional<Camera> camera = find_camera(cameras, which)) return *camera;
    std::string there = cameras.empty() ? "no camera is connected (no /dev/video* that captures)" : "there is";
    for (const Camera& camera : cameras) there += " " + camera.device + " (" + camera.name + ")";
    fail("the camera " + (is_number(which) ? "/dev/video" + which : which) + " does not exist: " + there);
}
#endif

StreamRequest camera_request(const std::string& which) {
#if defined(__linux__)
    const Camera camera = require_camera(which);
    require_free(camera.device);
    StreamRequest request{camera.device, "the camera " + camera.device, input_format("v4l2"), {}, true};
    if (const std::optional<CameraMode> mode = choose_mode(camera.modes, {1280, 720}, 30))
        request.options = {{"input_format", mode->format},
                           {"video_size", std::to_string(mode->size.width) + "x" + std::to_string(mode->size.height)},
                           {"framerate", std::to_string(mode->fps > 0 ? mode->fps : 30)}};
    return request;
#elif defined(__APPLE__)
    return {which,
            "the camera " + which,
            input_format("avfoundation"),
            {{"video_size", "1280x720"}, {"framerate", "30"}, {"pixel_format", "nv12"}},
            true};
#else
    return {"video=" + which, "the camera " + which, input_format("dshow"), {{"video_size", "1280x720"}}, true};
#endif
}
}  // namespace

std::string process_holding(const std::string& device) {
    std::error_code error;
    const fs::path wanted = fs::canonical(device, error);
    const fs::path self = fs::read_symlink("/proc/self", error);
    for (const fs::directory_entry& process : fs::directory_iterator("/proc", error)) {
        const std::string id = process.path().filename().string();
        if (!is_number(id) || id == self.string()) continue;
        std::error_code no_access;  // of processes of other users
        for (const fs::directory_entry& file : fs::directory_iterator(process.path() / "fd", no_access)) {
            std::error_code gone;
            if (fs::read_symlink(file.path(), gone) != wanted) continue;
            std::string name;
            std::getline(std::ifstream(process.path() / "comm") >> std::ws, name);
            return name + " (process " + id + ")";
        }
    }
    return {};
}

std::unique_ptr<FrameSource> open_camera(const std::string& which) {
    const size_t equals = which.find('=');
    if (equals != std::string::npos)  // any capture device of FFmpeg: "lavfi=testsrc2,realtime", "x11grab=:0"
        return std::make_unique<VideoReader>(StreamRequest{
            which.substr(equals + 1), "the capture device " + which, input_format(which.substr(0, equals)), {}, true});
    StreamRequest request = camera_request(which);
    try {
        return std::make_unique<VideoReader>(request);
    } catch (const Error&) {
        request.options.clear();  // a camera without that mode: take what it offers
        return std::make_unique<VideoReader>(request);
    }
}
}  // namespace cinebokeh::demo
