// Draft bokeh: layered bokeh at half size, for previews that must keep up with a camera. What is in focus gets the
// detail back that half the size has no room for.
#pragma once
#include "cinebokeh/pipeline/bokeh_renderer.hpp"
#include "cinebokeh/resize.hpp"
#include "kernels/draft_bokeh.hpp"

namespace cinebokeh {

/// Plan: renders frames of one size, in about half of the time of BokehMethod::layered.
///
///   DraftBokeh<Exec> draft(exec, size, max_radius);
///   draft(input, focus, out);
///
///   input  see BokehInput
///   focus  see defocus.hpp
///   out    [h, w]  out; may be the frame
///
/// Frame, matte and disparity are halved, rendered as by BokehRenderer, and enlarged. Where a pixel is within half a
/// pixel of focus and the rendering left it alone, the frame is returned bit for bit; up to one and a half pixels of
/// blur its detail fades. The outline of a subject in focus is as soft as half the size makes it: hair loses its
/// finest strands. The alpha of the frame is kept. A strength of 0 returns the frame.
///
/// The constructor throws Error if the size is empty or max_radius is outside [1, 200], and allocates; the call throws
/// Error as BokehRenderer does and allocates nothing. Asynchronous on Cuda. Deterministic on each backend.
template <class Exec>
class DraftBokeh {
public:
    DraftBokeh(Exec& exec, Size size, float max_radius);
    void operator()(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out);

    float max_radius() const { return max_radius_; }
    /// What renders at half size.
    const BokehRenderer<Exec>& renderer() const { return renderer_; }

private:
    static Size half(Size size) { return {(size.width + 1) / 2, (size.height + 1) / 2}; }

    Exec* exec_;
    Size size_;
    float max_radius_;
    BokehRenderer<Exec> renderer_;
    Buffer<Rgba8, Exec> small_, rendered_;              // at half size
    Buffer<Rgba8, Exec> enlarged_, enlarged_rendered_;  // and what becomes of them at full size
    Buffer<float, Exec> small_disparity_, small_matte_, defocus_;
};

// ---------------------------------------------------------------------------- implementation

template <class Exec>
DraftBokeh<Exec>::DraftBokeh(Exec& exec, Size size, float max_radius)
    : exec_(&exec),
      size_((require(!size.empty(), "DraftBokeh: a size of ", size.width, " x ", size.height), size)),
      max_radius_(
          (require(max_radius >= 1 && max_radius <= 200, "DraftBokeh: max_radius ", max_radius, " is outside [1, 200]"),
           max_radius)),
      renderer_(exec, half(size), {.max_radius = max_radius > 2 ? max_radius / 2 : 1}),
      small_(exec, half(size)),
      rendered_(exec, half(size)),
      small_disparity_(exec, half(size)),
      small_matte_(exec, half(size)),
      defocus_(exec, size) {}

template <class Exec>
void DraftBokeh<Exec>::operator()(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out) {
    const View<const float, Exec> disparity = input.disparity, matte = input.matte;
    require(input.frame.size == size_ && out.size == size_, "DraftBokeh: a frame is not of the size of the plan, ",
            size_.width, " x ", size_.height);
    detail::require_depth(input, size_);
    if (focus.strength == 0) {
        if (out.data != input.frame.data) copy(*exec_, input.frame, out);
        return;
    }
    detail::defocus_of(*exec_, input, focus, defocus_.view());
    BokehInput<Exec> small{.frame = small_.view(), .subject = input.subject};
    resize<Rgba8>(*exec_, input.frame, ResizeFilter::area, small_.view());
    if (disparity.data) {  // the mean of two surfaces would be a third
        resize<float>(*exec_, disparity, ResizeFilter::nearest, small_disparity_.view());
        small.disparity = small_disparity_.view();
    }
    if (matte.data) {
        resize<float>(*exec_, matte, ResizeFilter::area, small_matte_.view());
        small.matte = small_matte_.view();
    }
    renderer_(small, {focus.strength / 2, focus.disparity}, rendered_.view());
    detail::enlarge_draft(*exec_, detail::EnlargeDraft<typename Exec::Space>{input.frame, small_.view(),
                                                                             rendered_.view(), defocus_.view(), out});
}
}  // namespace cinebokeh
