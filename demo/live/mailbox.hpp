// Between two stages of the live pipeline: a box for one thing, where the newest wins. A slow reader makes frames drop,
// never wait: latency stays bounded.
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace cinebokeh::demo {

template <class T>
class Mailbox {
public:
    /// Puts a thing into the box and returns the one that nobody has taken, if there was one.
    std::optional<T> put(T thing) {
        std::lock_guard lock(mutex_);
        std::optional<T> dropped = std::exchange(thing_, std::move(thing));
        changed_.notify_all();
        return dropped;
    }
    /// Takes what is in the box, or nothing.
    std::optional<T> take() {
        std::lock_guard lock(mutex_);
        changed_.notify_all();
        return std::exchange(thing_, std::nullopt);
    }
    /// Waits for something. Nothing where the box was closed, or where `patience` is over.
    std::optional<T> wait(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, patience, [&] { return thing_ || closed_; });
        changed_.notify_all();
        return std::exchange(thing_, std::nullopt);
    }
    /// Waits until the box is empty, for up to `patience`. Whether it is.
    bool wait_room(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, patience, [&] { return !thing_ || closed_; });
        return !thing_;
    }
    /// Ends every wait. What is in the box can still be taken.
    void close() {
        std::lock_guard lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }
    bool closed() const {
        std::lock_guard lock(mutex_);
        return closed_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<T> thing_;
    bool closed_ = false;
};
}  // namespace cinebokeh::demo
