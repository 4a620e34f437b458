// Bokeh renderer: the one call for everything that blurs a frame by its depth. A frame, its disparity or matte or both,
// where the focal plane is and how strong the blur: the frame as a wide aperture would have taken it.
#pragma once
#include <optional>

#include "cinebokeh/bokeh_baselines.hpp"
#include "cinebokeh/color.hpp"
#include "cinebokeh/defocus.hpp"
#include "cinebokeh/layered_bokeh.hpp"
#include "cinebokeh/plane_disparity.hpp"

namespace cinebokeh {

enum class BokehMethod {
    layered,        // disks in layers, what is hidden is filled in: layered_bokeh.hpp, the fast tier
    bucketed,       // depth in buckets, each with a stronger Gaussian, the portrait pasted on top
    fixed_layers,   // layers of equal width without occlusion (SteReFo)
    plain_scatter,  // every disk on every other (the classical part of BokehMe)
};

struct BokehRendererParams {
    BokehMethod method = BokehMethod::layered;
    float max_radius = 40;  // larger radii are cut to it, pixels, in [1, 200]; the cost of a plan grows with it
};

/// What is known of a frame. At least one of disparity and matte must be given; a view without data is not given.
///
///   frame      [h, w]  sRGB
///   disparity  [h, w]  larger is nearer; see defocus_map for what is not finite
///   matte      [h, w]  how much of a pixel is the subject; cut to [0, 1], NaN counts as 0
///
/// With a matte alone the subject is a plane at disparity 1 and the background one at disparity 0.
template <class Exec>
struct BokehInput {
    View<const Rgba8, Exec> frame;
    View<const float, Exec> disparity{};
    View<const float, Exec> matte{};
};

/// Renders frames of one size. Everything but the method and the largest radius may change from frame to frame.
///
/// A strength of 0 returns the frame bit for bit, with every method. Only `layered` parts mixed pixels with a matte;
/// `bucketed` pastes the subject on top; the others see a matte only where there is no disparity.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes on each backend, whatever the threads.
template <class Exec>
class BokehRenderer {
public:
    /// Throws Error if the size is empty or max_radius is outside its range.
    BokehRenderer(Exec& exec, Size size, BokehRendererParams params = {});

    ///   input  see BokehInput
    ///   focus  see defocus.hpp
    ///   out    [h, w]  out; may be the frame
    /// Throws Error if a size differs from that of the plan, neither disparity nor matte is given, or as defocus_map.
    void operator()(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out);

    const BokehRendererParams& params() const { return params_; }

private:
    void render_layered(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out);
    void render_baseline(const BokehInput<Exec>& input, View<Rgba8, Exec> out);

    Exec* exec_;
    Size size_;
    BokehRendererParams params_;
    Buffer<float, Exec> defocus_;
    Buffer<Float4, Exec> linear_, rendered_;  // of the baselines
    std::optional<LayeredBokeh<Exec>> layered_;
    std::optional<BucketedBlur<Exec>> bucketed_;
    std::optional<FixedLayersBokeh<Exec>> fixed_layers_;
};

// ---------------------------------------------------------------------------- implementation

template <class Exec>
BokehRenderer<Exec>::BokehRenderer(Exec& exec, Size size, BokehRendererParams params)
    : exec_(&exec), size_(size), params_(params) {
    require(!size.empty(), "BokehRenderer: a size of ", size.width, " x ", size.height);
    require(params.max_radius >= 1 && params.max_radius <= 200, "BokehRenderer: max_radius ", params.max_radius,
            " is outside [1, 200]");
    defocus_ = Buffer<float, Exec>(exec, size);
    if (params.method == BokehMethod::layered) {
        layered_.emplace(exec, size, LayeredBokehParams{.max_radius = params.max_radius});
        return;
    }
    linear_ = Buffer<Float4, Exec>(exec, size);
    rendered_ = Buffer<Float4, Exec>(exec, size);
    if (params.method == BokehMethod::bucketed) bucketed_.emplace(exec, size, params.max_radius);
    if (params.method == BokehMethod::fixed_layers) fixed_layers_.emplace(exec, size, params.max_radius);
}

template <class Exec>
void BokehRenderer<Exec>::operator()(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out) {
    require(input.disparity.data || input.matte.data, "BokehRenderer: neither a disparity nor a matte");
    require(input.frame.size == size_ && out.size == size_ &&
                (!input.disparity.data || input.disparity.size == size_) &&
                (!input.matte.data || input.matte.size == size_),
            "BokehRenderer: an image is not of the size of the plan, ", size_.width, " x ", size_.height);
    const auto defocus = defocus_.view();
    if (input.disparity.data) {
        defocus_map<Exec>(*exec_, input.disparity, focus, defocus);
    } else {
        plane_disparity<Exec>(*exec_, input.matte, {.subject = 1, .background = 0}, defocus);
        defocus_map<Exec>(*exec_, defocus, focus, defocus);
    }
    if (focus.strength == 0) {
        if (out.data != input.frame.data) copy(*exec_, input.frame, out);
    } else if (layered_) {
        render_layered(input, focus, out);
    } else {
        render_baseline(input, out);
    }
}

template <class Exec>
void BokehRenderer<Exec>::render_layered(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out) {
    const auto radius = [&](float disparity) { return focus.strength * (disparity - focus.disparity); };
    if (!input.matte.data)
        (*layered_)(input.frame, defocus_.view(), out);
    else if (input.disparity.data)
        (*layered_)(input.frame, input.matte, defocus_.view(), defocus_.view(), out);
    else
        (*layered_)(input.frame, input.matte, radius(1), radius(0), out);
}

template <class Exec>
void BokehRenderer<Exec>::render_baseline(const BokehInput<Exec>& input, View<Rgba8, Exec> out) {
    const View<const float, Exec> defocus = defocus_.view();
    srgb_to_linear<Exec>(*exec_, input.frame, linear_.view());
    const View<const Float4, Exec> linear = linear_.view();
    if (bucketed_)
        (*bucketed_)(linear, defocus, input.matte, rendered_.view());
    else if (fixed_layers_)
        (*fixed_layers_)(linear, defocus, rendered_.view());
    else
        plain_scatter<Exec>(*exec_, linear, defocus, params_.max_radius, rendered_.view());
    linear_to_srgb<Exec>(*exec_, rendered_.view(), out);
}
}  // namespace cinebokeh
