// The live result to a virtual camera.
#pragma once
#include "queued_output.hpp"
#include "virtual_camera.hpp"

namespace cinebokeh::demo {

class VirtualCameraOutput : public QueuedOutput {
public:
    VirtualCameraOutput(const std::string& device, Size size) : QueuedOutput(1), camera_(device, size) { start(); }
    ~VirtualCameraOutput() override { finish(); }

private:
    void handle(const LiveFrame& frame) override { camera_.write(frame.frame.result_view()); }

    VirtualCamera camera_;
};
}  // namespace cinebokeh::demo
