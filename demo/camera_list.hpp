// The cameras of this machine, what they can do, and how they are known again after they were unplugged.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

/// A way in which a camera delivers pictures. `fps` is the rate that the driver states for this size.
struct CameraMode {
    std::string format;  // as FFmpeg calls it: "mjpeg", "yuyv422"
    Size size;
    double fps = 0;
};

struct Camera {
    std::string device;  // /dev/videoN: N can change from one start to the next
    std::string name;    // as its maker calls it
    std::string id;      // stays the same where the device is known by more than its number; else the device
    std::vector<CameraMode> modes;
};

/// The cameras of this machine, on Linux: devices that capture. Virtual cameras that this program writes to are left
/// out. Opens each device for a moment; allocates.
std::vector<Camera> list_cameras();

/// The camera that `which` names: a number, a device, an id or a part of a name, or "" for the first one. Nothing where
/// there is none.
std::optional<Camera> find_camera(const std::vector<Camera>& cameras, const std::string& which);

/// The mode for a picture of about `wanted`: among those that reach `fps`, the size nearest to it, uncompressed only
/// where that costs no speed; if none reaches it, the fastest. (Over USB 2, uncompressed 720p comes at 10 frames a
/// second and compressed at 30.) Nothing where there are no modes.
std::optional<CameraMode> choose_mode(const std::vector<CameraMode>& modes, Size wanted, double fps);

/// Whether a text names a camera by its number.
inline bool is_number(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The name under which this program's own virtual camera is known; a camera of this name is never opened.
inline constexpr const char* virtual_camera_name = "cinebokeh";
}  // namespace cinebokeh::demo
