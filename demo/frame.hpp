// A frame on its way through the program, and the queue that carries it from one thread to the next.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cinebokeh/core/image.hpp"

struct AVPacket;

namespace cinebokeh::demo {

struct FreePacket {
    void operator()(AVPacket* packet) const;  // video_reader.cpp
};
using Packet = std::unique_ptr<AVPacket, FreePacket>;

/// A fraction of a second: the unit of time stamps.
struct TimeBase {
    int num = 1;
    int den = 1000;
};

/// One picture: sRGB, 8 bit, rows without gaps. The fields before `index` come from the source, the rest from the work
/// done on the frame.
struct Frame {
    Size size;
    std::vector<Rgba8> pixels;
    int64_t time = 0;                    // in units of the time base of the source, from its beginning
    std::string stem;                    // how a picture of this frame is called: "00007", or the name of its file
    std::vector<Packet> audio;           // packets that came before this frame in the file
    std::vector<float> given_matte;      // the true matte, where the source knows it
    std::vector<float> given_disparity;  // the true disparity, where the source knows it
    bool drawn = false;                  // the source has drawn the picture by that disparity: it is exact
    double read_ms = 0;                  // what it took to decode or draw

    int index = 0;
    std::vector<float> disparity;  // larger is nearer; empty where it is not known
    std::vector<float> matte;      // empty where none is needed
    std::vector<Rgba8> result;

    HostImage<const Rgba8> picture() const { return {pixels.data(), size}; }
    HostImage<const float> matte_view() const { return {matte.data(), size}; }
    HostImage<const float> disparity_view() const { return {disparity.data(), size}; }
    HostImage<const Rgba8> result_view() const { return {result.data(), size}; }
    void resize(Size to) {
        size = to;
        pixels.resize(to.area());
    }
};

/// A queue between two threads that holds a few frames at most. Frames are handed back after use, so that the memory of
/// a long video is that of a few frames.
class FrameQueue {
public:
    explicit FrameQueue(size_t capacity) : capacity_(capacity) {}

    /// Waits for room. False where nobody reads any more.
    bool push(Frame frame) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return frames_.size() < capacity_ || closed_; });
        if (closed_) return false;
        frames_.push_back(std::move(frame));
        changed_.notify_all();
        return true;
    }
    /// Waits for a frame. Empty where no more will come.
    std::optional<Frame> pop() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !frames_.empty() || finished_ || closed_; });
        if (frames_.empty()) return {};
        Frame frame = std::move(frames_.front());
        frames_.pop_front();
        changed_.notify_all();
        return frame;
    }
    /// Said by the writing side: what is queued is the rest.
    void finish() { set(finished_); }
    /// Said by the reading side: nothing more is wanted.
    void close() { set(closed_); }

private:
    void set(bool& flag) {
        std::lock_guard lock(mutex_);
        flag = true;
        changed_.notify_all();
    }

    size_t capacity_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Frame> frames_;
    bool finished_ = false, closed_ = false;
};

/// Used frames, kept for their memory.
class FrameStore {
public:
    Frame take() {
        std::lock_guard lock(mutex_);
        if (frames_.empty()) return {};
        Frame frame = std::move(frames_.back());
        frames_.pop_back();
        return frame;
    }
    void give_back(Frame frame) {
        frame.audio.clear();
        std::lock_guard lock(mutex_);
        frames_.push_back(std::move(frame));
    }

private:
    std::mutex mutex_;
    std::vector<Frame> frames_;
};
}  // namespace cinebokeh::demo
