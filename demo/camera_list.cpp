#include "camera_list.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#if defined(__linux__)
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
#if defined(__linux__)
// A device node, opened without waiting: a camera that is in use still answers questions.
class Device {
public:
    explicit Device(const std::string& path) : file_(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)) {}
    ~Device() {
        if (file_ >= 0) close(file_);
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    template <class Argument>
    bool ask(unsigned long request, Argument& argument) const {
        return file_ >= 0 && ioctl(file_, request, &argument) == 0;
    }

private:
    int file_;
};

std::string format_name(uint32_t fourcc) {
    switch (fourcc) {
        case V4L2_PIX_FMT_MJPEG:
        case V4L2_PIX_FMT_JPEG:
            return "mjpeg";
        case V4L2_PIX_FMT_YUYV:
            return "yuyv422";
        case V4L2_PIX_FMT_NV12:
            return "nv12";
        case V4L2_PIX_FMT_YUV420:
            return "yuv420p";
        case V4L2_PIX_FMT_H264:
            return "h264";
        default:
            return {};  // what FFmpeg does not read from cameras
    }
}

double best_rate(const Device& device, uint32_t fourcc, uint32_t width, uint32_t height) {
    double best = 0;
    v4l2_frmivalenum interval{};
    interval.pixel_format = fourcc, interval.width = width, interval.height = height;
    for (; device.ask(VIDIOC_ENUM_FRAMEINTERVALS, interval); ++interval.index) {
        const v4l2_fract shortest =
            interval.type == V4L2_FRMIVAL_TYPE_DISCRETE ? interval.discrete : interval.stepwise.min;
        if (shortest.numerator > 0) best = std::max(best, double(shortest.denominator) / shortest.numerator);
        if (interval.type != V4L2_FRMIVAL_TYPE_DISCRETE) break;
    }
    return best;
}

std::vector<CameraMode> modes_of(const Device& device) {
    std::vector<CameraMode> modes;
    v4l2_fmtdesc format{};
    format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    for (; device.ask(VIDIOC_ENUM_FMT, format); ++format.index) {
        const std::string name = format_name(format.pixelformat);
        if (name.empty()) continue;
        v4l2_frmsizeenum frame{};
        frame.pixel_format = format.pixelformat;
        for (; device.ask(VIDIOC_ENUM_FRAMESIZES, frame); ++frame.index) {
            const bool discrete = frame.type == V4L2_FRMSIZE_TYPE_DISCRETE;
            const uint32_t width = discrete ? frame.discrete.width : std::min(frame.stepwise.max_width, 1280u);
            const uint32_t height = discrete ? frame.discrete.height : std::min(frame.stepwise.max_height, 720u);
            modes.push_back({name, {int(width), int(height)}, best_rate(device, format.pixelformat, width, height)});
            if (!discrete) break;
        }
    }
    return modes;
}

// The link that udev makes from what the device says of itself.
std::string stable_id(const std::string& device) {
    std::error_code error;
    const fs::path node = fs::canonical(device, error);
    for (const fs::directory_entry& link : fs::directory_iterator("/dev/v4l/by-id", error)) {
        std::error_code broken;
        if (fs::canonical(link.path(), broken) == node) return link.path().string();
    }
    return device;
}
#endif
}  // namespace

std::vector<Camera> list_cameras() {
    std::vector<Camera> cameras;
#if defined(__linux__)
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator("/dev", error)) {
        const std::string name = entry.path().filename().string();
        if (name.rfind("video", 0) != 0 || !is_number(name.substr(5))) continue;
        const Device device(entry.path().string());
        v4l2_capability capability{};
        if (!device.ask(VIDIOC_QUERYCAP, capability)) continue;
        const uint32_t able =
            capability.capabilities & V4L2_CAP_DEVICE_CAPS ? capability.device_caps : capability.capabilities;
        const std::string card = reinterpret_cast<const char*>(capability.card);
        if (!(able & V4L2_CAP_VIDEO_CAPTURE) || card.rfind(virtual_camera_name, 0) == 0) continue;
        cameras.push_back({entry.path().string(), card, stable_id(entry.path().string()), modes_of(device)});
    }
    const auto number = [](const Camera& camera) { return std::stol(camera.device.substr(10)); };
    std::sort(cameras.begin(), cameras.end(), [&](const Camera& a, const Camera& b) { return number(a) < number(b); });
#endif
    return cameras;
}

std::optional<Camera> find_camera(const std::vector<Camera>& cameras, const std::string& which) {
    if (cameras.empty()) return {};
    if (which.empty()) return cameras.front();
    for (const Camera& camera : cameras)
        if (camera.id == which || camera.device == which || (is_number(which) && camera.device == "/dev/video" + which))
            return camera;
    if (is_number(which)) return {};
    for (const Camera& camera : cameras)
        if (camera.name.find(which) != std::string::npos) return camera;
    return {};
}

std::optional<CameraMode> choose_mode(const std::vector<CameraMode>& modes, Size wanted, double fps) {
    // In this order: fast enough, then near in size, then fast, then uncompressed.
    const auto distance = [&](const CameraMode& mode) {
        return std::abs(std::log(double(mode.size.area()) / double(wanted.area()))) +
               std::abs(std::log(double(mode.size.width) / mode.size.height * wanted.height / wanted.width));
    };
    const auto better = [&](const CameraMode& a, const CameraMode& b) {
        const double reached_a = std::min(a.fps, fps), reached_b = std::min(b.fps, fps);
        if (std::abs(reached_a - reached_b) > 0.5) return reached_a > reached_b;
        if (std::abs(distance(a) - distance(b)) > 1e-9) return distance(a) < distance(b);
        const bool raw_a = a.format != "mjpeg" && a.format != "h264", raw_b = b.format != "mjpeg" && b.format != "h264";
        return raw_a && !raw_b;
    };
    std::optional<CameraMode> best;
    for (const CameraMode& mode : modes)
        if (!mode.size.empty() && (!best || better(mode, *best))) best = mode;
    return best;
}
}  // namespace cinebokeh::demo
