// Compositing: the sharp subject over a background that was blurred without it.
//
// All colours are linear light. With the matte alpha, its widened copy alpha' >= alpha (Feather) and the frame
// I = alpha F + (1 - alpha) B, the background is blurred from (1 - alpha') B with weight 1 - alpha', so no colour of
// the subject gets into it, and the picture is
//
//   alpha F + (1 - alpha) (w B + (1 - w) blurred),  w = (alpha' - alpha) / (1 - alpha):
//
// the subject as it is, and around it, within the feather, the sharp background that passes into the blurred one.
#pragma once
#include <optional>

#include "cinebokeh/foreground.hpp"
#include "cinebokeh/morphology.hpp"

namespace cinebokeh {

/// Widens a matte outward: what it covers stays covered, and around it the value falls smoothly to 0 within `feather`
/// pixels along rows and columns. Values are cut to [0, 1], NaN counts as 0.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic on each backend.
template <class Exec>
class Feather {
public:
    /// `feather` in pixels, in [0, 500]; 0 only cuts the values. Throws Error if it is outside.
    Feather(Exec& exec, Size max_size, int feather);

    ///   matte   [h, w]
    ///   widened [h, w]  out, another image; >= matte
    /// Throws Error if the sizes differ or exceed the plan, or if the images are the same.
    void operator()(View<const float, Exec> matte, View<float, Exec> widened);

private:
    Exec* exec_;
    Size max_size_;
    Buffer<float, Exec> cut_;
    std::optional<Morphology<float, Exec>> disk_;
    std::optional<GaussianBlur<float, Exec>> blur_;
};

/// Writes the background without the subject, premultiplied with how much of it may be used: ((1 - alpha') B, 1 -
/// alpha').
///
///   frame, matte, widened  [h, w]
///   local                          from a ForegroundEstimator for the same frame and matte
///   background             [ceil(h / step), ceil(w / step)]  out; means over step x step pixels
///
/// Throws Error if the sizes do not fit. Allocates nothing. Asynchronous on Cuda.
template <class Exec>
void premultiplied_background(Exec& exec, View<const Rgba8, Exec> frame, View<const float, Exec> matte,
                              View<const float, Exec> widened, const LocalColours<Exec>& local, int step,
                              View<Float4, Exec> background);

/// Writes the picture of the formula above; where the widened matte is 1 it is the frame, bit for bit. Alpha is that of
/// the frame.
///
///   frame, matte, widened  [h, w]
///   local                          from a ForegroundEstimator for the same frame and matte
///   blurred                [ceil(h / step), ceil(w / step)]  what the blur made of premultiplied_background: it
///                          is divided by its alpha; where that is 0 the local colour of the background is taken
///   out                    [h, w]  out; may be the frame
///
/// Throws Error if the sizes do not fit. Allocates nothing. Asynchronous on Cuda. Finite for every input.
template <class Exec>
void composite(Exec& exec, View<const Rgba8, Exec> frame, View<const float, Exec> matte,
               View<const float, Exec> widened, const LocalColours<Exec>& local, View<const Float4, Exec> blurred,
               int step, View<Rgba8, Exec> out);

/// Lays a cut-out subject over another picture: alpha F + (1 - alpha) B in linear light. Where alpha is 0 it is the
/// picture, bit for bit.
///
///   foreground  [h, w]  linear, straight, as foreground_colour writes it; alpha is cut to [0, 1], NaN counts as 0
///   background  [h, w]  sRGB
///   out         [h, w]  out; sRGB, with the alpha of the background; may be the background
///
/// Throws Error if the sizes differ. Allocates nothing. Asynchronous on Cuda.
template <class Exec>
void lay_over(Exec& exec, View<const Float4, Exec> foreground, View<const Rgba8, Exec> background,
              View<Rgba8, Exec> out);
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation

#include "kernels/compositing.hpp"

namespace cinebokeh {

template <class Exec>
Feather<Exec>::Feather(Exec& exec, Size max_size, int feather) : exec_(&exec), max_size_(max_size) {
    require(max_size.width >= 0 && max_size.height >= 0, "Feather: negative size");
    require(feather >= 0 && feather <= 500, "Feather: ", feather, " pixels are outside [0, 500]");
    const int grown = feather / 2, smoothed = feather - grown;  // together the reach
    if (feather == 0) return;
    cut_ = Buffer<float, Exec>(exec, max_size);
    disk_.emplace(exec, max_size, float(grown));
    blur_.emplace(exec, max_size, 0.4f * float(smoothed), smoothed);
}

template <class Exec>
void Feather<Exec>::operator()(View<const float, Exec> matte, View<float, Exec> widened) {
    using Space = typename Exec::Space;
    require(matte.size == widened.size, "Feather: the images differ in size");
    require(matte.size.width <= max_size_.width && matte.size.height <= max_size_.height, "Feather: an image of ",
            matte.size.width, " x ", matte.size.height, " is larger than the plan");
    if (matte.size.empty()) return;
    require(matte.data != widened.data, "Feather: the input and the output are the same image");
    if (!disk_) {
        for_each_pixel(*exec_, matte.size, detail::CutMatte<Space>{matte, widened});
        return;
    }
    const auto cut = cut_.view().crop(0, 0, matte.size);
    for_each_pixel(*exec_, matte.size, detail::CutMatte<Space>{matte, cut});
    disk_->dilate(cut, widened);
    (*blur_)(widened, widened);
    for_each_pixel(*exec_, matte.size, detail::NeverBelow<Space>{cut, widened});
}

template <class Exec>
void premultiplied_background(Exec& exec, View<const Rgba8, Exec> frame, View<const float, Exec> matte,
                              View<const float, Exec> widened, const LocalColours<Exec>& local, int step,
                              View<Float4, Exec> background) {
    using Space = typename Exec::Space;
    require(step >= 1, "premultiplied_background: step ", step, " is below 1");
    require(frame.size == matte.size && frame.size == widened.size &&
                background.size == detail::cells_of(frame.size, step) &&
                local.background.size == detail::cells_of(frame.size, local.step),
            "premultiplied_background: the sizes do not fit");
    const detail::Separate<Space> separate{{local.foreground, local.step}, {local.background, local.step}};
    for_each_pixel(exec, background.size,
                   detail::PremultiplyBackground<Space>{frame, matte, widened, separate, step, background});
}

template <class Exec>
void composite(Exec& exec, View<const Rgba8, Exec> frame, View<const float, Exec> matte,
               View<const float, Exec> widened, const LocalColours<Exec>& local, View<const Float4, Exec> blurred,
               int step, View<Rgba8, Exec> out) {
    using Space = typename Exec::Space;
    require(step >= 1, "composite: step ", step, " is below 1");
    require(frame.size == matte.size && frame.size == widened.size && frame.size == out.size &&
                blurred.size == detail::cells_of(frame.size, step) &&
                local.background.size == detail::cells_of(frame.size, local.step),
            "composite: the sizes do not fit");
    const detail::Separate<Space> separate{{local.foreground, local.step}, {local.background, local.step}};
    detail::run_composite(exec, detail::Composite<Space>{frame, matte, widened, separate, {blurred, step}, out});
}

template <class Exec>
void lay_over(Exec& exec, View<const Float4, Exec> foreground, View<const Rgba8, Exec> background,
              View<Rgba8, Exec> out) {
    require(foreground.size == background.size && foreground.size == out.size, "lay_over: the images differ in size");
    for_each_pixel(exec, out.size, detail::LayOverPicture<typename Exec::Space>{foreground, background, out});
}
}  // namespace cinebokeh
