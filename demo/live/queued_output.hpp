// An output with a thread of its own: a few frames wait for it, more are left out and counted.
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "pipeline.hpp"

namespace cinebokeh::demo {

class QueuedOutput : public LiveOutput {
public:
    explicit QueuedOutput(size_t room) : room_(room) {}

    void take(const SharedFrame& frame) override;
    /// Works through what waits, and ends. To be called by the destructor of the class that implements handle().
    void finish();
    long left_out() const;
    /// What went wrong; nothing more is written then. Empty while all is well.
    std::string problem() const;

protected:
    /// Begins the thread: to be called by the constructor of the class that implements handle().
    void start();
    /// Called with each frame on the thread of the output. What it throws becomes the problem.
    virtual void handle(const LiveFrame& frame) = 0;

private:
    void run();

    const size_t room_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<SharedFrame> frames_;
    std::string problem_;
    long left_out_ = 0;
    bool finished_ = false;
    std::thread thread_;
};
}  // namespace cinebokeh::demo
