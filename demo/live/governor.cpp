#include "governor.hpp"

#include <algorithm>

namespace cinebokeh::demo {
namespace {
constexpr int frames_of_change = 4;  // three under way, and the first of the new quality
}  // namespace

void Governor::pin(int step) {
    pinned_ = step >= 0;
    if (pinned_) step_ = std::min(step, int(qualities.size()) - 1);
    slow_since_ = fast_since_ = -1;
}

bool Governor::frame(double now, float slowest_stage_ms) {
    if (not_counted_ > 0) {
        --not_counted_;
        return false;
    }
    mean_ms_ = mean_ms_ == 0 ? slowest_stage_ms : mean_ms_ * 0.9f + slowest_stage_ms * 0.1f;
    if (pinned_) return false;
    const float budget = 1000 / target_fps_;
    const bool slow = mean_ms_ > budget, fast = mean_ms_ < budget * 0.67f;
    if (!slow) slow_since_ = -1;
    if (!fast) fast_since_ = -1;
    if (slow && slow_since_ < 0) slow_since_ = now;
    if (fast && fast_since_ < 0) fast_since_ = now;

    const double patience = mean_ms_ > 1.5f * budget ? 0.2 : 0.5;
    if (slow && now - slow_since_ >= patience && step_ + 1 < int(qualities.size())) {
        if (rising_ && now - moved_at_ < 5) {  // the last step up was too much
            no_rise_before_ = now + patience_;
            patience_ = std::min(patience_ * 2, 300.0);
        }
        rising_ = false;
        move(std::min(step_ + (mean_ms_ > 2 * budget ? 2 : 1), int(qualities.size()) - 1), now);
        return true;
    }
    if (fast && now - fast_since_ >= 2 && step_ > 0 && now >= no_rise_before_) {
        rising_ = true;
        move(step_ - 1, now);
        return true;
    }
    return false;
}

void Governor::move(int step, double now) {
    step_ = step;
    moved_at_ = now;
    slow_since_ = fast_since_ = -1;
    mean_ms_ = 0;  // what comes was computed at another quality
    not_counted_ = frames_of_change;
}
}  // namespace cinebokeh::demo
