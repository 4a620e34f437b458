// Guided upsampling: brings an image of a lower resolution to that of a guide, whose edges it then follows: the matte
// or the disparity that a network makes of a small frame.
//
// K. He, J. Sun, "Fast guided filter", arXiv 1505.00996: in every window of the small image, the input is a linear
// function of the colours of the reduced guide; the means of these functions are interpolated and applied to the large
// one. What the colours of textures would add is cut off: nothing goes beyond the values of the input nearby.
#pragma once
#include "cinebokeh/guided_filter.hpp"
#include "cinebokeh/resize.hpp"

namespace cinebokeh {

struct GuidedUpsamplingParams {
    int radius = 2;       // of the square window, pixels of the small image, in [0, 127]
    float epsilon = 6.5;  // what counts as an edge: a variance, in squared codes of the guide, >= 1e-8
};

/// Upsamples images of at most one size under a guide of any size that is not smaller.
///
/// Windows are clipped at the border. A value that is not finite counts as 0. Precision as for GuidedFilter. Allocates
/// in the constructor only. Asynchronous on Cuda, and may be captured in a CUDA graph. Deterministic: yes on each
/// backend, whatever the threads; between backends up to rounding.
template <class Exec>
class GuidedUpsampling {
public:
    /// Plans for inputs of at most `max_size`. Throws Error if a parameter is outside its range.
    GuidedUpsampling(Exec& exec, Size max_size, GuidedUpsamplingParams params = {})
        : exec_(&exec),
          max_size_(max_size),
          params_((detail::check_guided("GuidedUpsampling", max_size, params.radius, params.epsilon), params)),
          scratch_(exec, max_size, params.radius),
          small_guide_(exec, max_size),
          bounds_(exec, max_size) {}

    ///   in     [h, w]  any unit
    ///   guide  [H, W]  colours (alpha is not used); H >= h, W >= w
    ///   out    [H, W]  of the unit of `in`; between the lowest and the highest of the 3 x 3 values around
    /// Throws Error if sizes do not fit or exceed the plan, or if one is empty and the other is not.
    void operator()(View<const float, Exec> in, View<const Rgba8, Exec> guide, View<float, Exec> out) {
        using Space = typename Exec::Space;
        const Size small = in.size, large = out.size;
        require(guide.size == large, "GuidedUpsampling: the output and the guide differ in size");
        require(small.width <= max_size_.width && small.height <= max_size_.height, "GuidedUpsampling: an image of ",
                small.width, " x ", small.height, " is larger than the plan");
        require(small.width <= large.width && small.height <= large.height && small.empty() == large.empty(),
                "GuidedUpsampling: from ", small.width, " x ", small.height, " to ", large.width, " x ", large.height);
        if (large.empty()) return;
        const View<Rgba8, Exec> small_guide = small_guide_.view().crop(0, 0, small);
        const View<Float2, Exec> bounds = bounds_.view().crop(0, 0, small);
        resize(*exec_, guide, ResizeFilter::area, small_guide);
        for_each_pixel(*exec_, small, detail::LocalBounds<Space>{in, bounds});
        const detail::GuidedScale<Space> scale{float(large.width) / float(small.width),
                                               float(large.height) / float(small.height), bounds};
        detail::guided_filter_upsampled<Rgba8>(*exec_, small_guide, in, params_.radius, params_.epsilon, scratch_,
                                               guide, scale, out);
    }

private:
    Exec* exec_;
    Size max_size_;
    GuidedUpsamplingParams params_;
    detail::GuidedScratch<typename Exec::Space> scratch_;
    Buffer<Rgba8, Exec> small_guide_;
    Buffer<Float2, Exec> bounds_;
};
}  // namespace cinebokeh
