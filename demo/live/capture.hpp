// The first stage of the live pipeline: frames at the pace of their source, again from the beginning where a file ends,
// and again from the camera where it was unplugged and comes back.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "disparity_source.hpp"
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
    using Clock = std::function<double()>;                 // seconds since the start
    using Deliver = std::function<void(FramePointer)>;     // called on the thread of the capture
    using Tell = std::function<void(const std::string&)>;  // what the user should know; "" = all is well

    /// Opens the source; throws Error where that fails. start() begins to deliver.
    explicit Capture(const CaptureParams& params);
    ~Capture();
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    void start(Clock clock, Deliver deliver, Tell tell);
    void stop();
    const SourceInfo& info() const { return info_; }
    void pause(bool on) { paused_ = on; }
    bool paused() const { return paused_; }
    /// The source has ended, or failed for good.
    bool ended() const { return ended_; }
    long captured() const { return captured_; }

private:
    void run();
    bool deliver_next();
    void keep_pace(const Frame& frame);
    bool reopen();
    void sleep(double seconds) const;

    CaptureParams params_;
    std::unique_ptr<FrameSource> source_;
    SourceInfo info_;
    DisparitySource disparity_;
    int index_ = 0;  // of the frame in this round
    Clock clock_;
    Deliver deliver_;
    Tell tell_;
    FramePool pool_;
    std::thread thread_;
    std::atomic<bool> stop_{false}, paused_{false}, ended_{false};
    std::atomic<long> captured_{0};
    double begun_at_ = 0;  // when the first frame of this round was due
    bool first_of_round_ = true;
};
}  // namespace cinebokeh::demo
