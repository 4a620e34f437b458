// Who turns the focus ring: the focus distance of each moment, on its way from where it was to where it is wanted.
#pragma once
#include "settings.hpp"

namespace cinebokeh::demo {

/// How far a movement of duration 1 is at t in [0, 1]: 0 at its beginning, 1 at its end.
float eased(LiveEasing easing, float t);

/// Distances in metres, times in seconds. The ring turns evenly in 1 / distance, as the blur grows.
class FocusRing {
public:
    explicit FocusRing(float distance) : from_(1 / distance), to_(1 / distance), target_(distance) {}

    /// Moves the focus to `distance` within `seconds`, from wherever it is.
    void rack(float distance, double now, float seconds, LiveEasing easing);
    /// Follows a distance that changes a little from frame to frame: within about a third of a second, without jitter.
    void follow(float distance, double now);
    /// The focus distance.
    float at(double now) const;
    bool moving(double now) const { return now < begin_ + double(seconds_); }
    /// Where the last rack ends.
    float target() const { return target_; }

private:
    float diopters(double now) const;

    float from_, to_;  // 1 / metres
    float target_;     // metres
    float seconds_ = 0;
    double begin_ = -1, followed_at_ = -1;
    LiveEasing easing_ = LiveEasing::smooth;
};
}  // namespace cinebokeh::demo
