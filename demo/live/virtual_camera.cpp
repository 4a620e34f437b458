#include "virtual_camera.hpp"

#include <cerrno>
#include <cstring>

#include "cinebokeh/core/error.hpp"
#include "yuv.hpp"

#if defined(__linux__)
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace cinebokeh::demo {

#if defined(__linux__)
namespace {
constexpr int longest_wait_ms = 50;
}

VirtualCamera::VirtualCamera(const std::string& device, Size size) : device_(device), size_(even_size(size)) {
    struct stat status {};
    require(stat(device.c_str(), &status) == 0, "there is no virtual camera '", device,
            "': load the module with 'sudo modprobe v4l2loopback card_label=cinebokeh' (Debian: apt-get install "
            "v4l2loopback-dkms)");
    require(S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode), "'", device,
            "' is no virtual camera: give a v4l2loopback device or a named pipe");
    file_ = open(device.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);  // a pipe then needs no reader to open
    require(file_ >= 0, "the virtual camera '", device, "' cannot be opened: ", std::strerror(errno));
    if (S_ISCHR(status.st_mode)) set_format();
    planes_.resize(size_.area() * 3 / 2);
    sent_ = planes_.size();
}

void VirtualCamera::set_format() {
    v4l2_format format{};
    format.type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
    v4l2_pix_format& pixels = format.fmt.pix;
    pixels.width = uint32_t(size_.width), pixels.height = uint32_t(size_.height);
    pixels.pixelformat = V4L2_PIX_FMT_YUV420, pixels.field = V4L2_FIELD_NONE;
    pixels.bytesperline = pixels.width, pixels.sizeimage = uint32_t(size_.area() * 3 / 2);
    pixels.colorspace = V4L2_COLORSPACE_REC709, pixels.quantization = V4L2_QUANTIZATION_LIM_RANGE;
    if (ioctl(file_, VIDIOC_S_FMT, &format) == 0) return;
    const std::string reason = std::strerror(errno);
    close(file_);
    fail("'" + device_ + "' takes no pictures (" + reason +
         "): it is a real camera, or busy; give a v4l2loopback device");
}

VirtualCamera::~VirtualCamera() { close(file_); }

// A frame that was begun must be finished, or all that follow are out of step.
bool VirtualCamera::send_rest() {
    while (sent_ < planes_.size()) {
        const ssize_t count = ::write(file_, planes_.data() + sent_, planes_.size() - sent_);
        if (count > 0) {
            sent_ += size_t(count);
        } else if (errno == EAGAIN) {
            pollfd ready{file_, POLLOUT, 0};
            if (poll(&ready, 1, longest_wait_ms) <= 0) return false;
        } else if (errno != EINTR) {
            fail("the virtual camera '" + device_ + "' is gone: " + std::strerror(errno));
        }
    }
    return true;
}

void VirtualCamera::write(HostImage<const Rgba8> frame) {
    require(even_size(frame.size) == size_, "VirtualCamera: a frame of another size");
    if (!send_rest()) return;
    uint8_t* y = planes_.data();
    uint8_t *u = y + size_.area(), *v = u + size_.area() / 4;
    const Size half{size_.width / 2, size_.height / 2};
    rgba_to_yuv420(exec_, frame, {{y, size_}, {u, half}, {v, half}});
    sent_ = 0;
    send_rest();
}
#else
VirtualCamera::VirtualCamera(const std::string&, Size) {
    fail("virtual cameras are written on Linux only, through v4l2loopback");
}
VirtualCamera::~VirtualCamera() = default;
void VirtualCamera::write(HostImage<const Rgba8>) {}
bool VirtualCamera::send_rest() { return false; }
void VirtualCamera::set_format() {}
#endif
}  // namespace cinebokeh::demo
