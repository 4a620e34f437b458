// Guided filter: smooths an image while it follows the edges of another one, the guide. It turns the rough outline of a
// matte into one that lies on the edges of the frame.
//
// K. He, J. Sun, X. Tang, "Guided image filtering", ECCV 2010 and PAMI 35(6), 2013: the output is a linear function of
// the guide in every window (eq. 19 for colour). Subsampled after K. He, J. Sun, "Fast guided filter", arXiv
// 1505.00996.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct GuidedFilterParams {
    int radius = 8;  // of the square window, pixels, in [0, 127]
    float epsilon =
        20;             // what counts as an edge: a variance, in squared units of the guide (0..255 for Rgba8), >= 1e-8
    int subsample = 1;  // compute the linear functions on images 1 / subsample as wide: faster, less exact; in [1, 64]
};
}  // namespace cinebokeh

#include "kernels/guided_filter_cpu.hpp"
#if CINEBOKEH_GRID
#include "kernels/guided_filter_cuda.cuh"
#endif

namespace cinebokeh {

/// Filters images of one size or smaller under a guide.
///
/// Windows are clipped at the border and divided by their true number of pixels. A value that is not finite counts as
/// 0. Sums are exact integers (Rgba8 guide) or double, so a flat guide gives no cancellation; the error against exact
/// arithmetic is below 1e-5 of the range of `in` for epsilon >= 0.01. Values of magnitude up to 1e9.
/// Allocates in the constructor only; 39 bytes a pixel of the subsampled image on Cpu. Asynchronous on Cuda.
/// Deterministic: yes on each backend, whatever the threads; between backends up to that error.
template <class Exec>
class GuidedFilter {
public:
    /// Throws Error if a parameter is outside its range.
    GuidedFilter(Exec& exec, Size max_size, GuidedFilterParams params = {})
        : exec_(&exec),
          max_size_(max_size),
          params_(checked(max_size, params)),
          scratch_(exec, detail::subsampled(max_size, params.subsample), detail::subsampled_radius(params)),
          small_guide_(exec, subsampling_size()),
          small_grey_(exec, subsampling_size()),
          small_in_(exec, subsampling_size()) {}

    /// Filters `in` [h, w] under the colours of `guide` [h, w] (alpha is not used) into `out` [h, w], which may be
    /// `in`. Throws Error if the sizes differ or exceed the plan.
    void operator()(View<const Rgba8, Exec> guide, View<const float, Exec> in, View<float, Exec> out) {
        run(guide, in, out, small_guide_);
    }
    /// The same under a grey guide of any range.
    void operator()(View<const float, Exec> guide, View<const float, Exec> in, View<float, Exec> out) {
        run(guide, in, out, small_grey_);
    }

private:
    static GuidedFilterParams checked(Size max_size, GuidedFilterParams p) {
        detail::check_guided("GuidedFilter", max_size, p.radius, p.epsilon);
        require(p.subsample >= 1 && p.subsample <= 64, "GuidedFilter: subsample ", p.subsample, " is outside [1, 64]");
        return p;
    }
    Size subsampling_size() const {
        return params_.subsample > 1 ? detail::subsampled(max_size_, params_.subsample) : Size{};
    }
    template <class Pixel>
    void run(View<const Pixel, Exec> guide, View<const float, Exec> in, View<float, Exec> out,
             Buffer<Pixel, Exec>& small_guide) {
        require(guide.size == in.size && in.size == out.size, "GuidedFilter: the images differ in size");
        require(in.size.width <= max_size_.width && in.size.height <= max_size_.height, "GuidedFilter: an image of ",
                in.size.width, " x ", in.size.height, " is larger than the plan");
        if (in.size.empty()) return;
        if (params_.subsample == 1) {
            detail::guided_filter(*exec_, guide, in, params_.radius, params_.epsilon, scratch_, out);
            return;
        }
        const Size small = detail::subsampled(in.size, params_.subsample);
        const auto guide_part = small_guide.view().crop(0, 0, small);
        const auto in_part = small_in_.view().crop(0, 0, small);
        for_each_pixel(
            *exec_, small,
            detail::Subsample<Pixel, typename Exec::Space>{guide, in, params_.subsample, guide_part, in_part});
        const float step = float(params_.subsample);
        detail::guided_filter_upsampled<Pixel>(*exec_, guide_part, in_part, detail::subsampled_radius(params_),
                                               params_.epsilon, scratch_, guide, {step, step, {}}, out);
    }

    Exec* exec_;
    Size max_size_;
    GuidedFilterParams params_;
    detail::GuidedScratch<typename Exec::Space> scratch_;
    Buffer<Rgba8, Exec> small_guide_;
    Buffer<float, Exec> small_grey_, small_in_;
};
}  // namespace cinebokeh
