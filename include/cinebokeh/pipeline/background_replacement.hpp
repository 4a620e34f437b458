// Background replacement: the subject cut out of its frame, alone or before another picture.
#pragma once
#include "cinebokeh/color.hpp"
#include "cinebokeh/compositing.hpp"

namespace cinebokeh {

/// Works on frames of one size. Soft edges show the colour of the subject alone, not that of the old background.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic on each backend.
template <class Exec>
class BackgroundReplacement {
public:
    /// Throws Error if the size is empty.
    BackgroundReplacement(Exec& exec, Size size)
        : exec_(&exec),
          size_((require(!size.empty(), "BackgroundReplacement: a size of ", size.width, " x ", size.height), size)),
          foreground_(exec, size),
          estimate_(exec, size, {.step = std::clamp(size.height / 120, 1, 64), .near_sigma = 1, .far_sigma = 6}) {}

    /// Puts the subject before a picture.
    ///
    ///   frame       [h, w]  sRGB
    ///   matte       [h, w]  1 on the subject; cut to [0, 1], NaN counts as 0
    ///   background  [h, w]  sRGB
    ///   out         [h, w]  out; may be the background
    /// Throws Error if a size differs from that of the plan.
    void operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte, View<const Rgba8, Exec> background,
                    View<Rgba8, Exec> out) {
        separate(frame, matte);
        require(background.size == size_ && out.size == size_, "BackgroundReplacement: an image is not of the size ",
                size_.width, " x ", size_.height);
        lay_over<Exec>(*exec_, foreground_.view(), background, out);
    }

    /// Writes the subject alone: straight colour, with the matte as alpha.
    void cut_out(View<const Rgba8, Exec> frame, View<const float, Exec> matte, View<Rgba8, Exec> out) {
        separate(frame, matte);
        linear_to_srgb<Exec>(*exec_, foreground_.view(), out);
    }

private:
    void separate(View<const Rgba8, Exec> frame, View<const float, Exec> matte) {
        require(frame.size == size_ && matte.size == size_, "BackgroundReplacement: an image is not of the size ",
                size_.width, " x ", size_.height);
        const LocalColours<Exec> local = estimate_(frame, matte);
        foreground_colour<Exec>(*exec_, frame, matte, local, foreground_.view());
    }

    Exec* exec_;
    Size size_;
    Buffer<Float4, Exec> foreground_;
    ForegroundEstimator<Exec> estimate_;
};
}  // namespace cinebokeh
