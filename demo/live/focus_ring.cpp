#include "focus_ring.hpp"

#include <algorithm>
#include <cmath>

namespace cinebokeh::demo {

float eased(LiveEasing easing, float t) {
    t = std::clamp(t, 0.f, 1.f);
    switch (easing) {
        case LiveEasing::linear:
            return t;
        case LiveEasing::smooth:
            return t * t * (3 - 2 * t);
        case LiveEasing::ease_in:
            return t * t;
        case LiveEasing::ease_out:
            return t * (2 - t);
    }
    return t;
}

void FocusRing::rack(float distance, double now, float seconds, LiveEasing easing) {
    from_ = diopters(now), to_ = 1 / distance, target_ = distance;
    begin_ = now, seconds_ = seconds, easing_ = easing;
}

void FocusRing::follow(float distance, double now) {
    if (moving(now)) return;
    constexpr double time_constant = 0.12;                                   // seconds
    const double passed = followed_at_ < 0 ? INFINITY : now - followed_at_;  // the first time it is there at once
    followed_at_ = now;
    to_ += float(1 - std::exp(-passed / time_constant)) * (1 / distance - to_);
    from_ = to_, seconds_ = 0;
}

float FocusRing::diopters(double now) const {
    if (!moving(now)) return to_;
    return from_ + (to_ - from_) * eased(easing_, float((now - begin_) / double(seconds_)));
}

float FocusRing::at(double now) const { return 1 / diopters(now); }
}  // namespace cinebokeh::demo
