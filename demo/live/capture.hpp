// The first stage of the live pipeline: frames at the pace of their source, again from the beginning where a file ends,
// and again from the camera where it was unplugged and comes back.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "frame_source.hpp"
#include "live_frame.hpp"

namespace cinebokeh::demo {

struct CaptureParams {
    std::string input;
    std::string disparity = {};  // file or folder, as DisparitySource takes it
    bool loop = true;            // files begin again
    bool paced = true;           // files and folders come at their own speed, not as fast as they can be read
    long max_frames = 0;         // 0: no end
};

class Capture {
public:
    using Deliver = std::function<void(FramePointer)>;     // called on the thread of the capture
    using Wanted = std::function<bool()>;                  // whether the next frame would be looked at
    using Tell = std::function<void(const std::string&)>;  // what the user should know; "" = all is well

    /// Opens the source; throws Error where that fails. start() begins to deliver.
    explicit Capture(const CaptureParams& params);
    ~Capture();
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    /// `start`: when the times of the frames begin. What is not wanted of a file is gone over, and delivered as null.
    void start(std::chrono::steady_clock::time_point start, Wanted wanted, Deliver deliver, Tell tell);
    /// Nothing is delivered any more. Waits up to two seconds for a device: one that never answers again is left
    /// behind.
    void stop();
    const SourceInfo& info() const;
    void pause(bool on);
    bool paused() const;
    /// The source has ended, or failed for good.
    bool ended() const;
    long captured() const;
    /// How often a camera has delivered nothing for `silence` seconds though nobody unplugged it, and how long it is
    /// silent now: 0 where it delivers, or where nothing is expected of it.
    static constexpr double silence = 1.5;
    long stalls() const;
    double stalled_for() const;

private:
    class Worker;
    std::shared_ptr<Worker> worker_;  // shared with its thread
    std::thread thread_;
};
}  // namespace cinebokeh::demo
