// Finding and following the subject, on the CPU. Behind a pointer: the trackers are compiled once, and not by nvcc.
#pragma once
#include <memory>

#include "cinebokeh/core/cpu.hpp"
#include "session.hpp"

namespace cinebokeh {
template <class Exec>
class TemplateBank;
}

namespace cinebokeh::demo {

/// See Session for what the functions do. What a run does not need is never made.
class Matting {
public:
    Matting(Cpu& exec, Size size, TrackerKind tracker);
    ~Matting();

    void find(HostImage<const Rgba8> frame, HostImage<const uint8_t> strokes, HostImage<float> matte);
    void find_auto(HostImage<const Rgba8> frame, HostImage<float> matte);
    void start(HostImage<const Rgba8> frame, HostImage<const float> matte);
    bool track(HostImage<const Rgba8> frame, HostImage<float> matte);

    /// The looks of the subject that the memory tracker keeps; null where it does not follow one.
    const TemplateBank<Cpu>* looks() const;
    /// About how many pixels the memory tracker works on, from the next start on; 0: its default.
    void set_working_pixels(int pixels) { working_pixels_ = pixels; }

private:
    struct Tracker;
    template <class Kind>
    struct TrackerOf;

    Cpu& exec_;
    Size size_;
    TrackerKind kind_;
    int working_pixels_ = 0;
    std::unique_ptr<Tracker> tracker_;
};
}  // namespace cinebokeh::demo
