#include "queued_output.hpp"

namespace cinebokeh::demo {

void QueuedOutput::start() {
    thread_ = std::thread([this] { run(); });
}

void QueuedOutput::take(const SharedFrame& frame) {
    std::lock_guard lock(mutex_);
    if (frames_.size() >= room_) {
        ++left_out_;
        return;
    }
    frames_.push_back(frame);
    changed_.notify_one();
}

void QueuedOutput::finish() {
    {
        std::lock_guard lock(mutex_);
        finished_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

long QueuedOutput::left_out() const {
    std::lock_guard lock(mutex_);
    return left_out_;
}

std::string QueuedOutput::problem() const {
    std::lock_guard lock(mutex_);
    return problem_;
}

void QueuedOutput::run() {
    while (true) {
        SharedFrame frame;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] { return !frames_.empty() || finished_; });
            if (frames_.empty()) return;
            frame = std::move(frames_.front());
            frames_.pop_front();
            if (!problem_.empty()) continue;
        }
        try {
            handle(*frame);
        } catch (const std::exception& error) {
            std::lock_guard lock(mutex_);
            problem_ = error.what();
        }
    }
}
}  // namespace cinebokeh::demo
