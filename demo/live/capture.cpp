#include "capture.hpp"

#include <atomic>
#include <future>
#include <mutex>

#include "cinebokeh/core/error.hpp"
#include "disparity_source.hpp"
#include "recording.hpp"
#include "signals.hpp"

namespace cinebokeh::demo {
namespace {
std::unique_ptr<FrameSource> open_any(const std::string& input) {
    return is_recording(input) ? open_recording(input) : open_source(input);
}
}  // namespace

// What the thread works on. It outlives the Capture where a device does not answer.
class Capture::Worker {
public:
    explicit Worker(const CaptureParams& params)
        : params_(params),
          source_(open_any(params.input)),
          info_(source_->info()),
          disparity_(params.disparity, info_) {}

    void run();
    // After this nobody is called any more.
    void stop() {
        std::lock_guard lock(calls_);
        stop_ = true;
    }

    const SourceInfo& info() const { return info_; }
    std::chrono::steady_clock::time_point start_;
    Wanted wanted_;
    Deliver deliver_;
    Tell tell_;
    std::promise<void> done_;
    std::atomic<bool> paused_{false}, ended_{false};
    std::atomic<long> captured_{0}, stalls_{0};
    std::atomic<double> waiting_since_{-1};  // for the next frame of a camera; negative: not waiting
    double now() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
    bool deliver_next();
    bool hand_over(FramePointer frame);
    bool is_wanted_in_time();
    bool is_wanted() {
        std::lock_guard lock(calls_);
        return info_.live || stop_ || wanted_();
    }
    void keep_pace(int64_t frame_time);
    bool reopen();
    void sleep(double seconds) const;
    bool stopped() const { return stop_ || stop_requested(); }
    bool read(Frame& frame);
    void tell(const std::string& text) {
        std::lock_guard lock(calls_);
        if (!stop_) tell_(text);
    }

    CaptureParams params_;
    std::unique_ptr<FrameSource> source_;
    SourceInfo info_;
    DisparitySource disparity_;
    int index_ = 0;  // of the frame in this round
    FramePool pool_;
    std::mutex calls_;
    std::atomic<bool> stop_{false};
    double begun_at_ = 0;  // when the first frame of this round was due
    double due_ = 0;       // when the next frame is
    bool first_of_round_ = true;
};

Capture::Capture(const CaptureParams& params) : worker_(std::make_shared<Worker>(params)) {}

Capture::~Capture() { stop(); }

void Capture::start(std::chrono::steady_clock::time_point start, Wanted wanted, Deliver deliver, Tell tell) {
    worker_->start_ = start, worker_->wanted_ = std::move(wanted);
    worker_->deliver_ = std::move(deliver), worker_->tell_ = std::move(tell);
    thread_ = std::thread([worker = worker_] { worker->run(); });
}

void Capture::stop() {
    worker_->stop();
    if (!thread_.joinable()) return;
    if (worker_->done_.get_future().wait_for(std::chrono::seconds(2)) == std::future_status::ready)
        thread_.join();
    else
        thread_.detach();
}

const SourceInfo& Capture::info() const { return worker_->info(); }
void Capture::pause(bool on) { worker_->paused_ = on; }
bool Capture::paused() const { return worker_->paused_; }
bool Capture::ended() const { return worker_->ended_; }
long Capture::captured() const { return worker_->captured_; }
long Capture::stalls() const { return worker_->stalls_ + (stalled_for() > 0); }
double Capture::stalled_for() const {
    const double since = worker_->waiting_since_, waited = worker_->now() - since;
    return since >= 0 && waited > silence ? waited : 0;
}

void Capture::Worker::run() {
    while (!stopped()) {
        if (paused_) {
            sleep(0.01);
            first_of_round_ = true;
            continue;
        }
        try {
            if (deliver_next()) continue;
        } catch (const std::exception& error) {
            tell(error.what());
            source_.reset();
        }
        if (params_.max_frames > 0 && captured_ >= params_.max_frames) break;
        if (!reopen()) break;
    }
    ended_ = true;
    done_.set_value();
}

// False where the source has no more frames.
bool Capture::Worker::deliver_next() {
    if (!source_ || (params_.max_frames > 0 && captured_ >= params_.max_frames)) return false;
    if (!is_wanted_in_time()) {
        int64_t time = 0;
        if (!source_->skip(time)) return false;
        ++index_;
        keep_pace(time);
        return hand_over(nullptr);
    }
    FramePointer next = pool_.take();
    const double before = now();
    if (!read(next->frame)) return false;
    next->frame.index = index_++;
    disparity_.fill(next->frame);
    next->times = {};
    next->times.ms[size_t(LiveStage::capture)] =
        float(info_.live ? 0 : (now() - before) * 1000);  // waiting for a camera is no work
    keep_pace(next->frame.time);
    next->frame.index = int(captured_);
    next->captured_at = now();
    return hand_over(std::move(next));
}

bool Capture::Worker::read(Frame& frame) {
    if (!info_.live) return source_->next(frame);
    const double begun = now();
    waiting_since_ = begun;
    const bool there = source_->next(frame);
    waiting_since_ = -1;
    if (now() - begun > silence) ++stalls_;
    return there;
}

bool Capture::Worker::hand_over(FramePointer frame) {
    std::lock_guard lock(calls_);
    if (stop_) return false;
    ++captured_;
    deliver_(std::move(frame));
    return true;
}

// A file that was slow to read does not hurry afterwards: its time goes on from there.
void Capture::Worker::keep_pace(int64_t frame_time) {
    if (info_.live || !params_.paced) return;
    const double time = double(frame_time) * info_.time_base.num / info_.time_base.den, moment = now();
    if (first_of_round_ || moment - begun_at_ - time > 0.25) begun_at_ = moment - time;
    first_of_round_ = false;
    due_ = begun_at_ + time + (info_.fps > 0 ? 1 / info_.fps : 0);
    sleep(begun_at_ + time - moment);
}

// A frame of a file is gone over only if nobody wants it until it is due: the stages need not wait for the one after.
bool Capture::Worker::is_wanted_in_time() {
    while (!is_wanted()) {
        if (!params_.paced || first_of_round_ || paused_ || stopped() || now() >= due_) return false;
        sleep(0.001);
    }
    return true;
}

bool Capture::Worker::reopen() {
    if (info_.still || (!info_.live && !params_.loop)) return false;
    first_of_round_ = true, index_ = 0;
    if (info_.live) tell(info_.name + " is gone: waiting for it to come back");
    while (!stopped()) {
        try {
            source_.reset();  // a device can be opened once
            source_ = open_any(params_.input);
            if (source_->info().size == info_.size) {
                if (info_.live) tell("");
                return true;
            }
            tell(info_.name + " came back with another picture size: start again");
            return false;
        } catch (const std::exception& error) {
            if (!info_.live) {
                tell(error.what());
                return false;
            }
        }
        sleep(0.5);
    }
    return false;
}

void Capture::Worker::sleep(double seconds) const {
    const double until = now() + seconds;
    for (double left = seconds; left > 0 && !stopped(); left = until - now())
        std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, 0.05)));
}
}  // namespace cinebokeh::demo
