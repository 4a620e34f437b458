// The quality governor: picks the resolution at which the subject is followed, and whether the picture is rendered at
// half size, so that the pipeline holds the frame rate that was asked for.
#pragma once
#include <array>
#include <cstddef>

namespace cinebokeh::demo {

/// One step of quality. The first is the best.
struct Quality {
    int working_height;  // rows of the picture in which the subject is followed
    int network_side;    // longer side of the picture, in pixels, in which a network finds people
    bool draft;          // depth is rendered at half size
    const char* name;
};

constexpr std::array<Quality, 4> qualities{
    {{240, 512, false, "full"}, {200, 416, true, "medium"}, {160, 320, true, "low"}, {120, 256, true, "lowest"}}};

class Governor {
public:
    explicit Governor(float target_fps = 24) : target_fps_(target_fps) {}

    void set_target(float fps) { target_fps_ = fps; }
    /// Holds one step, an index into qualities; -1 lets the governor choose again.
    void pin(int step);
    bool pinned() const { return pinned_; }

    /// Tells what a frame took: the time of its slowest stage. Returns true where the step changes.
    ///
    /// A step down needs half a second of slow frames in the mean, less where they are far too slow, and is then a
    /// double one; a step up needs two seconds with a third to spare. A step up that had to be taken back is not tried
    /// again for ten seconds, then twenty, and so on: no oscillation. The first frame does not count, nor do the first
    /// after a change: they were under way, or waited for what had to be made anew.
    bool frame(double now_seconds, float slowest_stage_ms);

    int step() const { return step_; }
    const Quality& quality() const { return qualities[std::size_t(step_)]; }

private:
    void move(int step, double now);

    float target_fps_, mean_ms_ = 0;
    int step_ = 0;
    bool pinned_ = false, rising_ = false;
    int not_counted_ = 1;  // frames
    double slow_since_ = -1, fast_since_ = -1, moved_at_ = 0, no_rise_before_ = 0, patience_ = 10;
};
}  // namespace cinebokeh::demo
