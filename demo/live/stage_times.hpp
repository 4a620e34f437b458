// What the stages of the live pipeline took over the last seconds.
#pragma once
#include <array>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "report.hpp"

namespace cinebokeh::demo {

enum class LiveStage { capture, subject, render, display, count };
const char* name_of(LiveStage stage);

/// One frame that was shown.
struct FrameTimes {
    std::array<float, size_t(LiveStage::count)> ms{};
    float latency_ms = 0;  // from the capture to the display
    double shown_at = 0;   // seconds since the start
};

/// What frames of the interface took over the last seconds: those of the window, whether or not the picture is a new
/// one. Of one thread.
class InterfaceTimes {
public:
    struct Summary {
        float fps = 0, median_ms = 0, p95_ms = 0;
    };
    void add(double now, float ms);
    long frames() const { return frames_; }
    Summary summary() const;

private:
    std::deque<std::pair<double, float>> last_;
    long frames_ = 0;
};

/// Measures from here to the end of the block.
class StageClock {
public:
    explicit StageClock(float& ms) : ms_(ms) {}
    ~StageClock() { ms_ = float(watch_.ms()); }

private:
    float& ms_;
    Stopwatch watch_;
};

/// The frames of the last seconds. Safe to use from every thread.
class StageTimes {
public:
    static constexpr double window = 4;  // seconds that are remembered

    void add(const FrameTimes& frame);
    /// Frames that were captured and never shown.
    void add_dropped(long frames = 1);

    /// What the interface shows. Allocates.
    struct Summary {
        struct Part {
            float median = 0, p95 = 0;
        };
        std::array<Part, size_t(LiveStage::count)> stages;
        Part latency;
        float fps = 0;
        long shown = 0, dropped = 0;  // since the start
    };
    Summary summary() const;
    /// The remembered frames, oldest first.
    std::vector<FrameTimes> frames() const;

private:
    mutable std::mutex mutex_;
    std::vector<FrameTimes> frames_;  // oldest first
    long shown_ = 0, dropped_ = 0;
};
}  // namespace cinebokeh::demo
