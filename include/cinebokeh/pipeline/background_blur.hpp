// Background blur: a frame and its matte in, the frame with a blurred background out.
#pragma once
#include "cinebokeh/compositing.hpp"
#include "cinebokeh/disk_blur.hpp"

namespace cinebokeh {

enum class BackgroundRenderer {
    disk,      // a round aperture: highlights become disks
    gaussian,  // a smooth blur
};

/// Lengths are in pixels of the frame. The automatic values scale with the height of the frame, so that a clip looks
/// alike at every resolution.
struct BackgroundBlurParams {
    BackgroundRenderer renderer = BackgroundRenderer::disk;
    float radius = 0;  // of the disk, in [0, 200]; 0: height / 45
    int kernel = 0;    // size of the Gaussian filter, odd, up to 8191; 0: 25 at a height of 480
    float sigma = 0;   // of the Gaussian; 0: 0.3 ((kernel - 1) / 2 - 1) + 0.8
    int feather = -1;  // how far the sharp background passes into the blurred one around the subject; -1: height / 120
    int decimation = 0;  // the background is blurred at 1 / decimation of the size, in [1, 8]; 0: see decimation_for
};

/// How much smaller a background may be for a blur of this reach: 1 below 8 pixels, then 2, and 4 from 32 on.
/// Photographs rendered at radius 10 to 16 with decimation 2 and 1 agree to 56-60 dB; the largest differences, about 10
/// codes, are single pixels where the outline of the subject crosses a cell.
inline int decimation_for(float reach) { return reach < 8 ? 1 : reach < 32 ? 2 : 4; }

/// Renders frames of one size.
///
/// The subject (matte 1) keeps its pixels bit for bit; its colour does not bleed into the background; see
/// compositing.hpp. Allocates in the constructor only. Asynchronous on Cuda. Deterministic on each backend, whatever
/// the threads.
template <class Exec>
class BackgroundBlur {
public:
    /// Throws Error if the size is empty or a parameter is outside its range.
    BackgroundBlur(Exec& exec, Size size, BackgroundBlurParams params = {});

    ///   frame  [h, w]  sRGB
    ///   matte  [h, w]  1 on the subject; cut to [0, 1], NaN counts as 0
    ///   out    [h, w]  out; may be the frame
    /// Throws Error if a size differs from that of the plan.
    void operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte, View<Rgba8, Exec> out);

    /// The parameters in use, automatic values replaced.
    const BackgroundBlurParams& params() const { return params_; }

private:
    static BackgroundBlurParams completed(Size size, BackgroundBlurParams params);

    Exec* exec_;
    Size size_;
    BackgroundBlurParams params_;
    Buffer<float, Exec> widened_;
    Buffer<Float4, Exec> background_, blurred_;
    Feather<Exec> feather_;
    ForegroundEstimator<Exec> estimate_;
    std::optional<DiskBlur<Exec>> disk_;
    std::optional<GaussianBlur<Float4, Exec>> gaussian_;
};

// ---------------------------------------------------------------------------- implementation

template <class Exec>
BackgroundBlurParams BackgroundBlur<Exec>::completed(Size size, BackgroundBlurParams p) {
    require(size.width > 0 && size.height > 0, "BackgroundBlur: a size of ", size.width, " x ", size.height);
    require(p.radius >= 0 && p.radius <= 200, "BackgroundBlur: radius ", p.radius, " is outside [0, 200]");
    require(p.kernel == 0 || (p.kernel >= 1 && p.kernel <= 8191 && p.kernel % 2 == 1), "BackgroundBlur: kernel ",
            p.kernel, " is not an odd number up to 8191");
    require(p.sigma >= 0 && p.sigma <= 1000, "BackgroundBlur: sigma ", p.sigma, " is outside [0, 1000]");
    require(p.feather >= -1 && p.feather <= 500, "BackgroundBlur: feather ", p.feather, " is outside [-1, 500]");
    require(p.decimation >= 0 && p.decimation <= 8, "BackgroundBlur: decimation ", p.decimation, " is outside [0, 8]");
    const float height = float(size.height);
    if (p.radius == 0) p.radius = std::min(height / 45, 200.f);
    if (p.kernel == 0) p.kernel = std::min(2 * int(12 * height / 480 + 0.5f) + 1, 8191);
    if (p.sigma == 0) p.sigma = std::min(0.3f * (float(p.kernel - 1) / 2 - 1) + 0.8f, 1000.f);
    if (p.feather == -1) p.feather = std::min((size.height + 60) / 120, 500);
    const float reach = p.renderer == BackgroundRenderer::disk ? p.radius : std::min(2 * p.sigma, float(p.kernel / 2));
    if (p.decimation == 0) p.decimation = decimation_for(reach);
    return p;
}

template <class Exec>
BackgroundBlur<Exec>::BackgroundBlur(Exec& exec, Size size, BackgroundBlurParams params)
    : exec_(&exec),
      size_(size),
      params_(completed(size, params)),
      widened_(exec, size),
      background_(exec, detail::cells_of(size, params_.decimation)),
      blurred_(exec, background_.size()),
      feather_(exec, size, params_.feather),
      estimate_(exec, size, {.step = std::clamp(size.height / 120, 1, 64), .near_sigma = 1, .far_sigma = 6}) {
    const float scale = 1 / float(params_.decimation);
    if (params_.renderer == BackgroundRenderer::disk)
        disk_.emplace(exec, background_.size(), DiskBlurParams{.radius = params_.radius * scale});
    else
        gaussian_.emplace(exec, background_.size(), params_.sigma * scale,
                          std::max(1, ceil_div(params_.kernel / 2, params_.decimation)));
}

template <class Exec>
void BackgroundBlur<Exec>::operator()(View<const Rgba8, Exec> frame, View<const float, Exec> matte,
                                      View<Rgba8, Exec> out) {
    require(frame.size == size_ && matte.size == size_ && out.size == size_,
            "BackgroundBlur: an image is not of the size of the plan, ", size_.width, " x ", size_.height);
    feather_(matte, widened_.view());
    const LocalColours<Exec> local = estimate_(frame, matte);
    premultiplied_background<Exec>(*exec_, frame, matte, widened_.view(), local, params_.decimation,
                                   background_.view());
    if (disk_)
        (*disk_)(background_.view(), blurred_.view());
    else
        (*gaussian_)(background_.view(), blurred_.view());
    composite<Exec>(*exec_, frame, matte, widened_.view(), local, blurred_.view(), params_.decimation, out);
}
}  // namespace cinebokeh
