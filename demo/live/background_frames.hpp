// The picture behind the subject: a colour, a picture, or a video that begins again at its end.
#pragma once
#include <memory>
#include <string>

#include "cinebokeh/core/buffer.hpp"
#include "frame_source.hpp"
#include "settings.hpp"

namespace cinebokeh::demo {

class BackgroundFrames {
public:
    BackgroundFrames(Cpu& exec, Size size) : exec_(exec), size_(size) {}

    /// The background of the next frame; the view is valid until the next call. Throws Error where the file of the
    /// settings cannot be read.
    HostImage<const Rgba8> next(const LiveSettings& settings);

private:
    void open(const std::string& file);
    void fill(Float3 colour);
    void read_frame();

    Cpu& exec_;
    Size size_;
    std::string file_;
    std::unique_ptr<FrameSource> source_;
    Frame frame_;
    std::vector<Rgba8> pixels_;
};
}  // namespace cinebokeh::demo
