// Scene cuts: where a video goes on with another picture, and what is remembered of the frames before is of no use.
#pragma once
#include <algorithm>
#include <cstdlib>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct SceneCutParams {
    float colours = 0.8f;  // sum of differences of the shares of 512 colours, in (0, 2]
    float change = 18;     // mean difference of the cells of a coarse grid, codes
    float surprise = 3;    // times what that was of late
};

/// Plan: says of each frame whether it begins a new scene.
///
/// A cut changes what colours there are (the sum of differences of two histograms of 512 colours), where they are (the
/// mean difference of a grid of 16 x 9 mean colours), and does so at once: more than the frames before it. Movement and
/// pans keep the colours, fades and flickering light are slow or small.
/// Reads every pixel once. Allocates in the constructor only. Deterministic, whatever the threads.
class SceneCut {
public:
    explicit SceneCut(Cpu& exec, const SceneCutParams& params = {})
        : exec_(&exec), params_(params), now_(exec, {1, 1}), before_(exec, {1, 1}), parts_(exec, {parts, 1}) {
        require(params.colours > 0 && params.change > 0 && params.surprise > 0,
                "SceneCut: a parameter is not positive");
    }

    /// The next frame [h, w], of any size. False for the first frame; true for one of another size.
    /// Throws Error if the frame is empty.
    bool operator()(HostImage<const Rgba8> frame);

private:
    static constexpr int columns = 16, rows = 9, bins = 512, parts = 32;
    struct Summary {
        uint32_t histogram[bins];
        uint64_t sums[rows * columns][3];
        uint32_t counts[rows * columns];
    };
    void summarise(HostImage<const Rgba8> frame);

    Cpu* exec_;
    SceneCutParams params_;
    Buffer<Summary, Cpu> now_, before_, parts_;
    Size size_;
    float usual_ = 0;  // mean difference of late
};

// ---------------------------------------------------------------------------- implementation

inline void SceneCut::summarise(HostImage<const Rgba8> frame) {
    const int grain = ceil_div(frame.size.height, parts), used = ceil_div(frame.size.height, grain);
    exec_->for_each_range(frame.size.height, grain, [&](int begin, int end) {
        Summary& part = parts_.span()[size_t(begin / grain)];
        part = {};
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < frame.size.width; ++x) {
                const Rgba8 p = frame(x, y);
                ++part.histogram[p[0] >> 5 << 6 | p[1] >> 5 << 3 | p[2] >> 5];
                const auto cell =
                    size_t(int64_t(y) * rows / frame.size.height * columns + int64_t(x) * columns / frame.size.width);
                for (int c = 0; c < 3; ++c) part.sums[cell][c] += p[c];
                ++part.counts[cell];
            }
    });
    Summary& total = now_.span()[0];
    total = {};
    for (int i = 0; i < used; ++i) {
        const Summary& part = parts_.span()[size_t(i)];
        for (int b = 0; b < bins; ++b) total.histogram[b] += part.histogram[b];
        for (int cell = 0; cell < rows * columns; ++cell) {
            for (int c = 0; c < 3; ++c) total.sums[cell][c] += part.sums[cell][c];
            total.counts[cell] += part.counts[cell];
        }
    }
}

inline bool SceneCut::operator()(HostImage<const Rgba8> frame) {
    require(!frame.size.empty(), "SceneCut: an empty frame");
    std::swap(now_, before_);
    summarise(frame);
    const bool first = size_.empty(), same_size = size_ == frame.size;
    size_ = frame.size;
    if (!same_size) {
        usual_ = 0;
        return !first;
    }
    const Summary &a = before_.span()[0], &b = now_.span()[0];
    int64_t moved = 0;
    for (int i = 0; i < bins; ++i) moved += std::abs(int64_t(a.histogram[i]) - int64_t(b.histogram[i]));
    const float colours = float(moved) / float(frame.size.area());
    double sum = 0;
    int cells = 0;
    for (int cell = 0; cell < rows * columns; ++cell) {
        if (b.counts[cell] == 0) continue;
        ++cells;
        for (int c = 0; c < 3; ++c)
            sum += std::abs(double(a.sums[cell][c]) - double(b.sums[cell][c])) / (3.0 * b.counts[cell]);
    }
    const float change = float(sum / cells);
    const bool cut = colours > params_.colours && change > params_.change && change > params_.surprise * usual_;
    usual_ = cut ? 0 : 0.8f * usual_ + 0.2f * change;
    return cut;
}
}  // namespace cinebokeh
