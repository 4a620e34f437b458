// Disparity stabiliser: relative disparity of a video on one scale. Nets that know depth up to scale and shift choose
// both anew in every frame, and the blur pumps; here every frame is brought to the scale of the one before it.
//
// a d + b is fitted to the stabilised frame before, at the same pixels: reduced major axis regression, which unlike
// least squares does not shrink from frame to frame, on what Tukey's biweight keeps (what has moved counts for
// nothing).
#pragma once
#include <vector>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct DisparityStabilizerParams {
    int memory = 250;  // frames after which the scale has mostly gone back to that of the net, in [1, 1000000]
};

/// What was done to a frame: out = scale * in + shift.
struct DisparityScaleShift {
    float scale = 1, shift = 0;
    bool is_new = true;  // nothing in common with the frame before: a first frame or a cut, left as it is
};

/// Stabilises the frames of one video in their order; causal. Looks at no more than 4,096 pixels, on a regular grid.
/// Every call waits for these pixels: the fit is made on the host. Pixels that are not finite count for nothing.
/// Allocates in the constructor only. Deterministic, and equal between backends.
template <class Exec>
class DisparityStabilizer {
public:
    /// Throws Error if the size is empty or a parameter is outside its range.
    DisparityStabilizer(Exec& exec, Size size, DisparityStabilizerParams params = {});

    ///   disparity  [h, w]  of the next frame, up to scale and shift
    ///   out        [h, w]  out; may be the disparity
    /// Throws Error if a size differs from that of the plan.
    DisparityScaleShift operator()(View<const float, Exec> disparity, View<float, Exec> out);

    /// Forgets the video: the next frame is a first one.
    void reset() { has_frame_ = false; }

private:
    Exec* exec_;
    Size size_;
    DisparityStabilizerParams params_;
    int step_;
    bool has_frame_ = false;
    Buffer<float, Exec> samples_;
    std::vector<float> now_, before_, sorted_;  // before_: stabilised
    DisparityScaleShift last_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation

#include "kernels/disparity_stabilizer.hpp"

namespace cinebokeh {

template <class Exec>
DisparityStabilizer<Exec>::DisparityStabilizer(Exec& exec, Size size, DisparityStabilizerParams params)
    : exec_(&exec), size_(size), params_(params), step_(1) {
    require(!size.empty(), "DisparityStabilizer: a size of ", size.width, " x ", size.height);
    require(params.memory >= 1 && params.memory <= 1000000, "DisparityStabilizer: memory ", params.memory,
            " is outside [1, 1000000]");
    Size grid = size;
    while (grid.area() > 4096) ++step_, grid = {ceil_div(size.width, step_), ceil_div(size.height, step_)};
    samples_ = Buffer<float, Exec>(exec, grid);
    now_.resize(grid.area()), before_.resize(grid.area()), sorted_.reserve(grid.area());
}

template <class Exec>
DisparityScaleShift DisparityStabilizer<Exec>::operator()(View<const float, Exec> disparity, View<float, Exec> out) {
    require(disparity.size == size_ && out.size == size_,
            "DisparityStabilizer: an image is not of the size of the plan");
    using Space = typename Exec::Space;
    for_each_pixel(*exec_, samples_.size(), detail::SampleDisparity<Space>{disparity, step_, samples_.view()});
    copy(*exec_, View<const float, Exec>(samples_.view()), HostImage<float>(now_.data(), samples_.size()));
    exec_->synchronize();
    last_ = has_frame_ ? detail::fit_scale_shift(now_, before_, sorted_) : DisparityScaleShift{};
    const float forget = 1 / float(params_.memory);
    last_.scale += (1 - last_.scale) * forget, last_.shift -= last_.shift * forget;
    for (size_t i = 0; i < now_.size(); ++i) before_[i] = last_.scale * now_[i] + last_.shift;
    has_frame_ = true;
    for_each_pixel(*exec_, size_, detail::ScaleAndShift<Space>{disparity, last_.scale, last_.shift, out});
    return last_;
}
}  // namespace cinebokeh
