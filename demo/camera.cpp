// Frames from a camera.
#include <algorithm>
#include <filesystem>
#include <fstream>

extern "C" {
#include <libavdevice/avdevice.h>
}

#include "camera.hpp"
#include "cinebokeh/core/error.hpp"
#include "video_reader.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
bool is_number(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

const AVInputFormat* input_format(const std::string& name) {
    avdevice_register_all();
    const AVInputFormat* format = av_find_input_format(name.c_str());
    require(format != nullptr, "capture from '", name, "' is not built into FFmpeg here");
    return format;
}

#if defined(__linux__)
void require_free(const std::string& device) {
    std::error_code error;
    if (!fs::exists(device, error)) {
        const std::vector<std::string> cameras = camera_devices();
        std::string there = cameras.empty() ? "no camera is connected (no /dev/video*)" : "there is";
        for (const std::string& camera : cameras) there += " " + camera;
        fail("the camera " + device + " does not exist: " + there);
    }
    const std::string holder = process_holding(device);
    require(holder.empty(), "the camera ", device, " is busy: ", holder, " uses it; close that first");
}
#endif

// The usual modes of webcams: compressed, since uncompressed ones are slow at this size.
StreamRequest camera_request(const std::string& which) {
#if defined(__linux__)
    const std::string device = is_number(which) ? "/dev/video" + which : which;
    require_free(device);
    return {device,
            "the camera " + device,
            input_format("v4l2"),
            {{"input_format", "mjpeg"}, {"video_size", "1280x720"}, {"framerate", "30"}},
            true};
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

std::vector<std::string> camera_devices() {
    std::vector<std::string> devices;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator("/dev", error))
        if (entry.path().filename().string().rfind("video", 0) == 0 &&
            is_number(entry.path().filename().string().substr(5)))
            devices.push_back(entry.path().string());
    std::sort(devices.begin(), devices.end());
    return devices;
}

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
