// Frames to a virtual camera that other programs can open: a v4l2loopback device on Linux.
#pragma once
#include <string>
#include <vector>

#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::demo {

class VirtualCamera {
public:
    /// Opens the device for frames of one size; odd sides are padded. A named pipe takes the bare frames.
    /// Throws Error where there is no such device, saying what to load.
    VirtualCamera(const std::string& device, Size size);
    ~VirtualCamera();
    VirtualCamera(const VirtualCamera&) = delete;
    VirtualCamera& operator=(const VirtualCamera&) = delete;

    /// Writes one frame as planar YUV 4:2:0, BT.709, limited range. Never waits long: while the reader has not taken
    /// the frame before, this one is left out. Throws Error where the device is gone.
    void write(HostImage<const Rgba8> frame);
    /// Bytes of one frame.
    size_t frame_bytes() const { return planes_.size(); }

private:
    void set_format();
    bool send_rest();

    std::string device_;
    Size size_;
    int file_ = -1;
    Cpu exec_{1};
    std::vector<uint8_t> planes_;
    size_t sent_ = 0;  // bytes of the planes
};
}  // namespace cinebokeh::demo
