// Disparity snap: disparity that follows a matte. Nets take hands, hair and what they hold for background, and let the
// subject's depth spill over its outline; blurred by such a map the subject loses its edge. Where matte and disparity
// disagree, the matte is believed.
#pragma once
#include <algorithm>

#include "cinebokeh/foreground.hpp"
#include "cinebokeh/gaussian_blur.hpp"

namespace cinebokeh {

/// Makes two maps of one: the disparity of the subject and that of what is not the subject.
///
/// A pixel of the subject (matte >= 0.95) whose disparity lies a third of the way from the subject to the background
/// around, or an eighth of the way from the subject nearby, takes the mean of the subject nearby; a pixel of the
/// background (matte <= 0.05) close to the subject whose disparity is about the subject's, within a quarter of what
/// lies between both, takes the mean of the background around. All others keep theirs bit for bit. Between, both maps
/// hold the means: the two surfaces of a mixed pixel.
///
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic; between backends up to rounding.
template <class Exec>
class DisparitySnap {
public:
    /// Throws Error if the size is negative.
    DisparitySnap(Exec& exec, Size max_size);

    ///   disparity           [h, w]  what is not finite counts for nothing, and is replaced like a wrong one
    ///   matte               [h, w]  NaN counts as 0
    ///   subject                     the disparity of the subject, such as Autofocus::on_matte; finite
    ///   of_subject          [h, w]  out; to be used where the matte is above 0
    ///   of_background       [h, w]  out; to be used where the matte is below 1
    /// Throws Error if the sizes differ or exceed the plan, `subject` is not finite or an output is an input.
    void operator()(View<const float, Exec> disparity, View<const float, Exec> matte, float subject,
                    View<float, Exec> of_subject, View<float, Exec> of_background);

private:
    Exec* exec_;
    Size max_size_;
    int step_;  // pixels per cell
    Buffer<Float4, Exec> sums_, background_, near_, far_;
    Buffer<float, Exec> most_;
    GaussianBlur<Float4, Exec> near_blur_, far_blur_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation

#include "kernels/disparity_snap.hpp"

namespace cinebokeh {

template <class Exec>
DisparitySnap<Exec>::DisparitySnap(Exec& exec, Size max_size)
    : exec_(&exec),
      max_size_((require(max_size.width >= 0 && max_size.height >= 0, "DisparitySnap: negative size"), max_size)),
      step_(std::clamp(max_size.height / 120, 1, 64)),
      sums_(exec, detail::cells_of(max_size, step_)),
      background_(exec, sums_.size()),
      near_(exec, sums_.size()),
      far_(exec, sums_.size()),
      most_(exec, sums_.size()),
      near_blur_(exec, sums_.size(), 1.5f),
      far_blur_(exec, sums_.size(), 6) {}

template <class Exec>
void DisparitySnap<Exec>::operator()(View<const float, Exec> disparity, View<const float, Exec> matte, float subject,
                                     View<float, Exec> of_subject, View<float, Exec> of_background) {
    using Space = typename Exec::Space;
    const Size s = disparity.size, cells = detail::cells_of(s, step_);
    require(matte.size == s && of_subject.size == s && of_background.size == s,
            "DisparitySnap: the images differ in size");
    require(s.width <= max_size_.width && s.height <= max_size_.height, "DisparitySnap: an image of ", s.width, " x ",
            s.height, " is larger than the plan");
    require(subject - subject == 0, "DisparitySnap: the disparity of the subject, ", subject, ", is not finite");
    if (s.empty()) return;
    const auto is_input = [&](const float* out) { return out == disparity.data || out == matte.data; };
    require(!is_input(of_subject.data) && !is_input(of_background.data), "DisparitySnap: an output is an input");
    const auto part = [cells](Buffer<Float4, Exec>& buffer) { return buffer.view().crop(0, 0, cells); };
    const auto sums = part(sums_), background = part(background_), near = part(near_), far = part(far_);
    const detail::SnapSource<Space> source{disparity, matte, step_, subject, {background, step_}};
    for_each_pixel(*exec_, cells, detail::SumBackground<Space>{source, sums});
    far_blur_(sums, background);
    for_each_pixel(*exec_, cells, detail::SumSubject<Space>{source, sums});
    near_blur_(sums, near);
    far_blur_(sums, far);
    const auto most = most_.view().crop(0, 0, cells);
    for_each_pixel(*exec_, cells, detail::MostOfSubject<Space>{near, most});
    for_each_pixel(*exec_, s,
                   detail::SnapDisparity<Space>{source, {near, step_}, {far, step_}, most, of_subject, of_background});
}
}  // namespace cinebokeh
