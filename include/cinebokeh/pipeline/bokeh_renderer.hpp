// Bokeh renderer: the one call for everything that blurs a frame by its depth. A frame, its disparity or matte or both,
// where the focal plane is and how strong the blur: the frame as a wide aperture would have taken it.
#pragma once
#include <optional>

#include "cinebokeh/aperture_image.hpp"
#include "cinebokeh/bokeh_baselines.hpp"
#include "cinebokeh/color.hpp"
#include "cinebokeh/defocus.hpp"
#include "cinebokeh/disparity_snap.hpp"
#include "cinebokeh/highlights.hpp"
#include "cinebokeh/layered_bokeh.hpp"
#include "cinebokeh/plane_disparity.hpp"
#include "cinebokeh/scatter_bokeh.hpp"

namespace cinebokeh {

enum class BokehMethod {
    layered,        // disks in layers, what is hidden is filled in: layered_bokeh.hpp, the fast tier
    exact,          // every pixel over its own aperture: scatter_bokeh.hpp, the reference tier
    bucketed,       // depth in buckets, each with a stronger Gaussian, the portrait pasted on top
    fixed_layers,   // layers of equal width without occlusion (SteReFo)
    plain_scatter,  // every disk on every other (the classical part of BokehMe)
};

struct BokehRendererParams {
    BokehMethod method = BokehMethod::layered;
    float max_radius = 40;   // larger radii are cut to it, pixels, in [1, 200], of `exact` in [1, largest_defocus]; the
                             // cost of a plan grows with it
    Aperture aperture = {};  // of `exact`; the other methods know the circle alone
    ApertureImage picture = {};  // of the aperture, for `layered`; without one it is a circle
    Highlights highlights = {};  // of `exact` and `layered`
    float max_value = 1;         // of linear light, see render_linear

    friend bool operator==(const BokehRendererParams&, const BokehRendererParams&) = default;
};

/// What is known of a frame. At least one of disparity and matte must be given; a view without data is not given.
///
///   frame      [h, w]  sRGB
///   disparity  [h, w]  larger is nearer; see defocus_map for what is not finite
///   matte      [h, w]  how much of a pixel is the subject; cut to [0, 1], NaN counts as 0
///
///   subject            the disparity of the subject, such as Autofocus::on_matte. Given with disparity and matte, the
///                      matte is believed where they disagree, see DisparitySnap; without it the disparity is
///
/// With a matte alone the subject is a plane at disparity 1 and the background one at disparity 0.
template <class Exec>
struct BokehInput {
    View<const Rgba8, Exec> frame;
    View<const float, Exec> disparity{};
    View<const float, Exec> matte{};
    std::optional<float> subject{};
};

/// Renders frames of one size. Everything but the method and the largest radius may change from frame to frame.
///
/// A strength of 0 returns the frame bit for bit, with every method. Only `layered` parts mixed pixels with a matte
/// that is believed; `bucketed` pastes the subject on top; to the others a pixel has the one disparity of what has the
/// larger share in it.
///
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes on each backend, whatever the threads.
template <class Exec>
class BokehRenderer {
public:
    /// Throws Error if the size is empty, max_radius is outside its range, or a picture of the aperture is given that
    /// is none, see check, or that the method does not take.
    BokehRenderer(Exec& exec, Size size, BokehRendererParams params = {});

    ///   input  see BokehInput
    ///   focus  see defocus.hpp
    ///   out    [h, w]  out; may be the frame
    /// Throws Error if a size differs from that of the plan, neither disparity nor matte is given, or as defocus_map.
    void operator()(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out);

    /// The same for a picture of more than 8 bit, in linear light, with `exact` alone.
    ///   linear             [h, w]  in [0, max_value]; alpha must be 1
    ///   depth              disparity, matte and subject as in BokehInput; its frame is not looked at
    ///   out                [h, w]  out; may be `linear`
    /// Throws Error as above, or with another method.
    void render_linear(View<const Float4, Exec> linear, const BokehInput<Exec>& depth, Focus focus,
                       View<Float4, Exec> out);

    const BokehRendererParams& params() const { return params_; }
    /// The renderer of the method `layered`; null with another one.
    const LayeredBokeh<Exec>* layered() const { return layered_ ? &*layered_ : nullptr; }

private:
    void render_layered(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out);
    void render_baseline(const BokehInput<Exec>& input, View<Rgba8, Exec> out);
    void render_opaque(View<const Rgba8, Exec> frame);
    void find_defocus(const BokehInput<Exec>& input, Focus focus);
    bool believes_matte(const BokehInput<Exec>& input) const {
        return input.disparity.data && input.matte.data && input.subject.has_value();
    }
    void scatter(View<const Float4, Exec> linear, View<Float4, Exec> out);

    Exec* exec_;
    Size size_;
    BokehRendererParams params_;
    Buffer<float, Exec> defocus_;
    Buffer<Float4, Exec> linear_, rendered_;          // of the baselines
    Buffer<float, Exec> of_subject_, of_background_;  // disparity that follows a matte
    DisparitySnap<Exec> snap_;
    std::optional<LayeredBokeh<Exec>> layered_;
    std::optional<ScatterBokeh<Exec>> exact_;
    std::optional<BucketedBlur<Exec>> bucketed_;
    std::optional<FixedLayersBokeh<Exec>> fixed_layers_;
};

// ---------------------------------------------------------------------------- implementation

namespace detail {
template <class Space>
struct SetOpaque {
    Image<Float4, Space> picture;
    CINEBOKEH_HD void operator()(int x, int y) const { picture(x, y)[3] = 1; }
};
template <class Space>
struct TakeAlpha {
    Image<const Rgba8, Space> frame;
    Image<Float4, Space> picture;
    CINEBOKEH_HD void operator()(int x, int y) const { picture(x, y)[3] = float(frame(x, y)[3]) / 255.f; }
};
// One map of two: at each pixel that of what has the larger share in it.
template <class Space>
struct LargerShare {
    Image<const float, Space> matte, of_subject, of_background;
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const {
        out(x, y) = matte(x, y) >= 0.5f ? of_subject(x, y) : of_background(x, y);
    }
};
template <class Exec>
void require_depth(const BokehInput<Exec>& input, Size planned) {
    require(input.disparity.data || input.matte.data, "Bokeh: neither a disparity nor a matte");
    require((!input.disparity.data || input.disparity.size == planned) &&
                (!input.matte.data || input.matte.size == planned),
            "Bokeh: the disparity or the matte is not of the size of the plan, ", planned.width, " x ", planned.height);
}
// The defocus of the disparity, or of the two planes of a matte alone.
template <class Exec>
void defocus_of(Exec& exec, const BokehInput<Exec>& input, Focus focus, View<float, Exec> out) {
    if (!input.disparity.data) plane_disparity<Exec>(exec, input.matte, {.subject = 1, .background = 0}, out);
    defocus_map<Exec>(exec, input.disparity.data ? input.disparity : View<const float, Exec>(out), focus, out);
}
}  // namespace detail

template <class Exec>
BokehRenderer<Exec>::BokehRenderer(Exec& exec, Size size, BokehRendererParams params)
    : exec_(&exec),
      size_((require(!size.empty(), "BokehRenderer: a size of ", size.width, " x ", size.height), size)),
      params_(params),
      defocus_(exec, size),
      of_subject_(exec, size),
      of_background_(exec, size),
      snap_(exec, size) {
    const float widest = params.method == BokehMethod::exact ? largest_defocus : 200;
    require(params.max_radius >= 1 && params.max_radius <= widest, "BokehRenderer: max_radius ", params.max_radius,
            " is outside [1, ", int(widest), "]");
    require(params.picture.empty() || params.method == BokehMethod::layered,
            "BokehRenderer: only the layered method takes a picture of the aperture");
    if (params.method == BokehMethod::layered) {
        LayeredBokehParams layers{.max_radius = params.max_radius, .growth = 0.2f, .highlights = params.highlights};
        if (size.height >= 720) layers.growth = 0.25f, layers.half_from = 4, layers.quarter_from = 12;  // for speed
        layered_.emplace(exec, size, layers, params.picture);
        return;
    }
    linear_ = Buffer<Float4, Exec>(exec, size);
    rendered_ = Buffer<Float4, Exec>(exec, size);
    if (params.method == BokehMethod::exact)
        exact_.emplace(exec, size,
                       ScatterBokehParams{.aperture = params.aperture,
                                          .max_radius = params.max_radius,
                                          .max_value = params.max_value * params.highlights.gain});
    if (params.method == BokehMethod::bucketed) bucketed_.emplace(exec, size, params.max_radius);
    if (params.method == BokehMethod::fixed_layers) fixed_layers_.emplace(exec, size, params.max_radius);
}

template <class Exec>
void BokehRenderer<Exec>::operator()(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out) {
    require(input.frame.size == size_ && out.size == size_, "BokehRenderer: a frame is not of the size of the plan, ",
            size_.width, " x ", size_.height);
    find_defocus(input, focus);
    if (focus.strength == 0) {
        if (out.data != input.frame.data) copy(*exec_, input.frame, out);
    } else if (layered_) {
        render_layered(input, focus, out);
    } else {
        render_baseline(input, out);
    }
}

template <class Exec>
void BokehRenderer<Exec>::find_defocus(const BokehInput<Exec>& input, Focus focus) {
    detail::require_depth(input, size_);
    const View<const float, Exec> disparity = input.disparity, matte = input.matte;
    const auto defocus = defocus_.view();
    if (believes_matte(input)) {
        const auto subject = of_subject_.view(), background = of_background_.view();
        snap_(disparity, matte, *input.subject, subject, background);
        if (layered_) {
            defocus_map<Exec>(*exec_, subject, focus, subject);
            defocus_map<Exec>(*exec_, background, focus, background);
            return;
        }
        for_each_pixel(*exec_, size_, detail::LargerShare<typename Exec::Space>{matte, subject, background, defocus});
        defocus_map<Exec>(*exec_, defocus, focus, defocus);
    } else {
        detail::defocus_of(*exec_, input, focus, defocus);
    }
}

template <class Exec>
void BokehRenderer<Exec>::render_layered(const BokehInput<Exec>& input, Focus focus, View<Rgba8, Exec> out) {
    const auto radius = [&](float disparity) { return focus.strength * (disparity - focus.disparity); };
    if (believes_matte(input))
        (*layered_)(input.frame, input.matte, of_subject_.view(), of_background_.view(), out);
    else if (input.disparity.data)
        (*layered_)(input.frame, defocus_.view(), out);
    else
        (*layered_)(input.frame, input.matte, radius(1), radius(0), out);
}

template <class Exec>
void BokehRenderer<Exec>::render_baseline(const BokehInput<Exec>& input, View<Rgba8, Exec> out) {
    const View<const float, Exec> defocus = defocus_.view();
    srgb_to_linear<Exec>(*exec_, input.frame, linear_.view());
    const View<const Float4, Exec> linear = linear_.view();
    if (exact_)
        render_opaque(input.frame);
    else if (bucketed_)
        (*bucketed_)(linear, defocus, input.matte, rendered_.view());
    else if (fixed_layers_)
        (*fixed_layers_)(linear, defocus, rendered_.view());
    else
        plain_scatter<Exec>(*exec_, linear, defocus, params_.max_radius, rendered_.view());
    linear_to_srgb<Exec>(*exec_, rendered_.view(), out);
}

// A pixel gives as much light however transparent it is said to be: alpha belongs to the frame, not to the lens.
template <class Exec>
void BokehRenderer<Exec>::render_opaque(View<const Rgba8, Exec> frame) {
    using Space = typename Exec::Space;
    for_each_pixel(*exec_, size_, detail::SetOpaque<Space>{linear_.view()});
    scatter(linear_.view(), rendered_.view());
    for_each_pixel(*exec_, size_, detail::TakeAlpha<Space>{frame, rendered_.view()});
}

template <class Exec>
void BokehRenderer<Exec>::render_linear(View<const Float4, Exec> linear, const BokehInput<Exec>& depth, Focus focus,
                                        View<Float4, Exec> out) {
    require(exact_.has_value(), "BokehRenderer: only the exact method renders linear light");
    require(linear.size == size_ && out.size == size_, "BokehRenderer: a picture is not of the size of the plan, ",
            size_.width, " x ", size_.height);
    find_defocus(depth, focus);
    if (focus.strength > 0)
        scatter(linear, out);
    else if (out.data != linear.data)
        copy(*exec_, linear, out);
}

template <class Exec>
void BokehRenderer<Exec>::scatter(View<const Float4, Exec> linear, View<Float4, Exec> out) {
    const Highlights& highlights = params_.highlights;
    if (highlights.gain > 1) {
        expand_highlights<Exec>(*exec_, linear, highlights, linear_.view());
        linear = linear_.view();
    }
    (*exact_)(linear, defocus_.view(), out);
    if (highlights.gain > 1) compress_highlights<Exec>(*exec_, out, highlights, out);
}
}  // namespace cinebokeh
