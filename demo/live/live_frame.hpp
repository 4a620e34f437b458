// A frame on its way through the live pipeline, and what comes with it.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "frame.hpp"
#include "gpu_display.hpp"
#include "settings.hpp"
#include "stage_times.hpp"

namespace cinebokeh::demo {

/// What of a frame is out of focus, and by how much.
struct FocusState {
    float distance = 1;                 // in focus, metres
    float strength = 0;                 // K: pixels of radius per 1 / metre
    float largest = 0;                  // radius in the frame, pixels
    float subject = 1, background = 0;  // disparity of the two planes, 1 / metres
    bool planes = true;                 // there is nothing but them
};

/// What is known of every pixel, or of every `step`-th of every `step`-th row where only a person looks at it.
struct PixelMaps {
    int step = 1;
    Size size;                     // of the maps
    std::vector<float> disparity;  // 1 / metres
    std::vector<float> defocus;    // signed radius, pixels; positive = nearer than the focus

    void resize(Size frame, int every) {
        step = every, size = {ceil_div(frame.width, every), ceil_div(frame.height, every)};
        disparity.resize(size.area()), defocus.resize(size.area());
    }
    /// Where a pixel of the frame is found in the maps.
    size_t at(int x, int y) const { return size_t(y / step) * size_t(size.width) + size_t(x / step); }
};

/// What a stage has left of a frame in the memory of the GPU, for the stages after it.
struct FrameOnGpu {
    std::optional<GpuImage> picture;  // Rgba8
    std::optional<GpuImage> matte;    // float
};

struct LiveFrame {
    Frame frame;  // picture, matte and result
    PixelMaps maps;
    FrameOnGpu inputs;
    std::vector<Rgba8> view;  // the picture of an intermediate that was asked for; else empty
    LiveView viewed = LiveView::result;
    std::string note;               // about the view: what there is to see, or why there is nothing
    std::vector<Rgba8> of_subject;  // a view that the side of the subject drew, and its note
    LiveView of_subject_viewed = LiveView::result;
    std::string of_subject_note;
    std::optional<GpuImage> on_gpu;  // what is to be shown (Rgba8), where the rendering kept it for the display
    bool whole_on_host = true;       // result, view and all of the maps are wanted there; set before the rendering
    FocusState focus;
    bool lost = false;       // the subject is: the matte is an old one
    double captured_at = 0;  // seconds since the start
    FrameTimes times;
    std::shared_ptr<void> under_way;  // held from the capture to the display
};
using FramePointer = std::shared_ptr<LiveFrame>;       // while a stage works on it
using SharedFrame = std::shared_ptr<const LiveFrame>;  // finished

/// Frames that come back when nobody holds them any more, with their memory. Frames may outlive the pool.
class FramePool {
public:
    FramePointer take() {
        std::unique_ptr<LiveFrame> frame;
        {
            std::lock_guard lock(free_->mutex);
            if (!free_->frames.empty()) frame = std::move(free_->frames.back()), free_->frames.pop_back();
        }
        if (!frame) frame = std::make_unique<LiveFrame>();
        return {frame.release(), [free = free_](LiveFrame* used) {
                    used->under_way.reset(), used->on_gpu.reset(), used->inputs = {};
                    std::lock_guard lock(free->mutex);
                    free->frames.emplace_back(used);
                }};
    }

private:
    struct Free {
        std::mutex mutex;
        std::vector<std::unique_ptr<LiveFrame>> frames;
    };
    std::shared_ptr<Free> free_ = std::make_shared<Free>();
};
}  // namespace cinebokeh::demo
