#include "capture.hpp"

#include <chrono>

#include "cinebokeh/core/error.hpp"
#include "signals.hpp"

namespace cinebokeh::demo {

Capture::Capture(const CaptureParams& params)
    : params_(params),
      source_(open_source(params.input)),
      info_(source_->info()),
      disparity_(params.disparity, info_) {}

Capture::~Capture() { stop(); }

void Capture::start(Clock clock, Deliver deliver, Tell tell) {
    clock_ = std::move(clock), deliver_ = std::move(deliver), tell_ = std::move(tell);
    thread_ = std::thread([this] { run(); });
}

void Capture::stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
}

void Capture::run() {
    while (!stop_ && !stop_requested()) {
        if (paused_) {
            sleep(0.01);
            first_of_round_ = true;
            continue;
        }
        try {
            if (deliver_next()) continue;
        } catch (const std::exception& error) {
            tell_(error.what());
            source_.reset();
        }
        if (params_.max_frames > 0 && captured_ >= params_.max_frames) break;
        if (!reopen()) break;
    }
    ended_ = true;
}

// False where the source has no more frames.
bool Capture::deliver_next() {
    if (!source_ || (params_.max_frames > 0 && captured_ >= params_.max_frames)) return false;
    FramePointer next = pool_.take();
    const double before = clock_();
    if (!source_->next(next->frame)) return false;
    next->frame.index = index_++;
    disparity_.fill(next->frame);
    next->times = {};
    next->times.ms[size_t(LiveStage::capture)] =
        float(info_.live ? 0 : (clock_() - before) * 1000);  // waiting for a camera is no work
    keep_pace(next->frame);
    next->frame.index = int(captured_++);
    next->captured_at = clock_();
    deliver_(std::move(next));
    return true;
}

// A file that was slow to read does not hurry afterwards: its time goes on from there.
void Capture::keep_pace(const Frame& frame) {
    if (info_.live || !params_.paced) return;
    const double time = double(frame.time) * info_.time_base.num / info_.time_base.den, now = clock_();
    if (first_of_round_ || now - begun_at_ - time > 0.25) begun_at_ = now - time;
    first_of_round_ = false;
    sleep(begun_at_ + time - now);
}

bool Capture::reopen() {
    if (info_.still || (!info_.live && !params_.loop)) return false;
    first_of_round_ = true, index_ = 0;
    if (info_.live) tell_(info_.name + " is gone: waiting for it to come back");
    while (!stop_ && !stop_requested()) {
        try {
            source_.reset();  // a device can be opened once
            source_ = open_source(params_.input);
            if (source_->info().size == info_.size) {
                if (info_.live) tell_("");
                return true;
            }
            tell_(info_.name + " came back with another picture size: start again");
            return false;
        } catch (const std::exception& error) {
            if (!info_.live) {
                tell_(error.what());
                return false;
            }
        }
        sleep(0.5);
    }
    return false;
}

void Capture::sleep(double seconds) const {
    const double until = clock_() + seconds;
    for (double left = seconds; left > 0 && !stop_ && !stop_requested(); left = until - clock_())
        std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, 0.05)));
}
}  // namespace cinebokeh::demo
