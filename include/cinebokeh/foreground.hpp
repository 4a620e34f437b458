// Foreground estimation: which colour the subject has, and which the background, where a pixel of the frame is both.
//
// Blur fusion after M. Forte, "Approximate fast foreground colour estimation", ICIP 2021: colours averaged over a
// neighbourhood, weighted by the matte (eq. 4-5), then corrected by what they fail to explain (eq. 6). Where Forte
// blurs twice at full resolution, because the first averages still hold both colours, here the averages of small images
// on two scales are unmixed: the two colours are those that explain the neighbourhood best, by least squares.
#pragma once
#include "cinebokeh/color.hpp"
#include "cinebokeh/gaussian_blur.hpp"

namespace cinebokeh {

struct ForegroundParams {
    int step = 4;             // cells of step x step pixels are averaged first, in [1, 64]
    float near_sigma = 1.5f;  // of the finer neighbourhood, cells
    float far_sigma = 8;      // of the coarser one, which serves where the finer one is empty, cells
};

/// The colours around each cell: linear red, green, blue, and 1, or 0 where there is no such colour anywhere near.
/// Views into a ForegroundEstimator, valid until its next call.
template <class Exec>
struct LocalColours {
    View<const Float4, Exec> foreground, background;
    int step = 1;  // pixels per cell
};

/// Estimates local colours of the subject and of the background, for frames of one size or smaller.
///
/// Matte values are cut to [0, 1], NaN counts as 0. Allocates in the constructor only. Asynchronous on Cuda.
/// Deterministic: yes on each backend; between backends up to rounding.
template <class Exec>
class ForegroundEstimator {
public:
    /// Throws Error if a parameter is outside its range.
    ForegroundEstimator(Exec& exec, Size max_size, ForegroundParams params = {});

    ///   frame  [h, w]  sRGB
    ///   matte  [h, w]  how much of a pixel is subject
    /// Throws Error if the sizes differ or exceed the plan.
    LocalColours<Exec> operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte);

private:
    Exec* exec_;
    Size max_size_;
    int step_;
    Buffer<Float4, Exec> foreground_, background_, near_foreground_, near_background_, far_foreground_, far_background_;
    GaussianBlur<Float4, Exec> near_blur_, far_blur_;
};

/// Writes the colour of the subject at every pixel: linear, straight, with the matte as alpha. Where the matte is 1 it
/// is the colour of the frame.
///
///   frame, matte   [h, w]  as given to the estimator
///   local                  what it returned
///   foreground     [h, w]  out
///
/// Throws Error if the sizes differ. Allocates nothing. Asynchronous on Cuda.
template <class Exec>
void foreground_colour(Exec& exec, View<const Rgba8, Exec> frame, View<const float, Exec> matte,
                       const LocalColours<Exec>& local, View<Float4, Exec> foreground);
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation

#include "kernels/foreground.hpp"

namespace cinebokeh {

template <class Exec>
ForegroundEstimator<Exec>::ForegroundEstimator(Exec& exec, Size max_size, ForegroundParams params)
    : exec_(&exec),
      max_size_(max_size),
      step_((require(params.step >= 1 && params.step <= 64 && max_size.width >= 0 && max_size.height >= 0,
                     "ForegroundEstimator: step ", params.step, " is outside [1, 64], or the size is negative"),
             params.step)),
      foreground_(exec, detail::cells_of(max_size, step_)),
      background_(exec, detail::cells_of(max_size, step_)),
      near_foreground_(exec, detail::cells_of(max_size, step_)),
      near_background_(exec, detail::cells_of(max_size, step_)),
      far_foreground_(exec, detail::cells_of(max_size, step_)),
      far_background_(exec, detail::cells_of(max_size, step_)),
      near_blur_(exec, detail::cells_of(max_size, step_), params.near_sigma),
      far_blur_(exec, detail::cells_of(max_size, step_), params.far_sigma) {}

template <class Exec>
LocalColours<Exec> ForegroundEstimator<Exec>::operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte) {
    using Space = typename Exec::Space;
    require(frame.size == matte.size, "ForegroundEstimator: the frame and the matte differ in size");
    require(frame.size.width <= max_size_.width && frame.size.height <= max_size_.height,
            "ForegroundEstimator: a frame of ", frame.size.width, " x ", frame.size.height, " is larger than the plan");
    const Size cells = detail::cells_of(frame.size, step_);
    const auto part = [cells](Buffer<Float4, Exec>& buffer) { return buffer.view().crop(0, 0, cells); };
    const auto foreground = part(foreground_), background = part(background_);
    for_each_pixel(*exec_, cells, detail::AverageCell<Space>{frame, matte, step_, foreground, background});
    near_blur_(foreground, part(near_foreground_));
    near_blur_(background, part(near_background_));
    far_blur_(foreground, part(far_foreground_));
    far_blur_(background, part(far_background_));
    for_each_pixel(*exec_, cells,
                   detail::SolveColours<Space>{part(near_foreground_), part(near_background_), part(far_foreground_),
                                               part(far_background_), foreground, background});
    return {foreground, background, step_};
}

template <class Exec>
void foreground_colour(Exec& exec, View<const Rgba8, Exec> frame, View<const float, Exec> matte,
                       const LocalColours<Exec>& local, View<Float4, Exec> foreground) {
    using Space = typename Exec::Space;
    require(frame.size == matte.size && matte.size == foreground.size, "foreground_colour: the images differ in size");
    require(local.foreground.size == detail::cells_of(frame.size, local.step),
            "foreground_colour: the local colours are those of another size");
    const detail::Separate<Space> separate{{local.foreground, local.step}, {local.background, local.step}};
    for_each_pixel(exec, frame.size, detail::ForegroundColour<Space>{frame, matte, separate, foreground});
}
}  // namespace cinebokeh
