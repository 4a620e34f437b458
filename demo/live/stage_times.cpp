#include "stage_times.hpp"

#include <algorithm>

namespace cinebokeh::demo {

const char* name_of(LiveStage stage) {
    constexpr const char* names[] = {"capture", "subject", "render", "display"};
    return names[size_t(stage)];
}

void InterfaceTimes::add(double now, float ms) {
    while (!last_.empty() && last_.front().first < now - StageTimes::window) last_.pop_front();
    last_.emplace_back(now, ms);
    ++frames_;
}

InterfaceTimes::Summary InterfaceTimes::summary() const {
    std::vector<double> times;
    for (const auto& frame : last_) times.push_back(double(frame.second));
    Summary summary{0, float(percentile(times, 0.5)), float(percentile(times, 0.95))};
    const double seconds = last_.empty() ? 0 : last_.back().first - last_.front().first;
    if (seconds > 0) summary.fps = float(double(last_.size() - 1) / seconds);
    return summary;
}

void StageTimes::add(const FrameTimes& frame) {
    std::lock_guard lock(mutex_);
    const auto old = [&](const FrameTimes& f) { return f.shown_at < frame.shown_at - window; };
    frames_.erase(frames_.begin(), std::find_if_not(frames_.begin(), frames_.end(), old));
    frames_.push_back(frame);
    ++shown_;
}

void StageTimes::add_dropped(long frames) {
    std::lock_guard lock(mutex_);
    dropped_ += frames;
}

std::vector<FrameTimes> StageTimes::frames() const {
    std::lock_guard lock(mutex_);
    return frames_;
}

StageTimes::Summary StageTimes::summary() const {
    Summary summary;
    std::vector<FrameTimes> frames;
    {
        std::lock_guard lock(mutex_);
        frames = frames_;
        summary.shown = shown_, summary.dropped = dropped_;
    }
    const auto part = [&](auto value) {
        std::vector<double> values;
        for (const FrameTimes& frame : frames) values.push_back(double(value(frame)));
        return Summary::Part{float(percentile(values, 0.5)), float(percentile(values, 0.95))};
    };
    for (size_t stage = 0; stage < summary.stages.size(); ++stage)
        summary.stages[stage] = part([stage](const FrameTimes& frame) { return frame.ms[stage]; });
    summary.latency = part([](const FrameTimes& frame) { return frame.latency_ms; });
    if (frames.size() > 1) {
        const double seconds = frames.back().shown_at - frames.front().shown_at;
        if (seconds > 0) summary.fps = float(double(frames.size() - 1) / seconds);
    }
    return summary;
}
}  // namespace cinebokeh::demo
