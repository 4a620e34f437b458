// Renderers to compare with: what others do, as they do it, on the same inputs as ours. None of them knows what hides
// what: colours of a sharp subject get into the blur around it.
//
// All take a frame in linear light and the signed defocus map in pixels (defocus.hpp), cut to the largest radius of the
// plan; NaN counts as 0. All work at full size. Border pixels are continued, except where it says so.
#pragma once
#include <array>
#include <optional>
#include <vector>

#include "cinebokeh/disk_blur.hpp"
#include "cinebokeh/gaussian_blur.hpp"

namespace cinebokeh {

/// Every pixel is the mean of the disks that reach it: the classical renderer of Peng et al., "BokehMe: when neural
/// rendering meets classical rendering" (CVPR 2022). A pixel with radius r has the weight
/// (1/2 + tanh(4 (r - distance)) / 2) / (r^2 + 0.2) at pixels up to int(r) + 1 away along both axes. Light that leaves
/// the frame is lost. Costs the area of the largest disk per pixel; as a gather it gives the same bits in every run.
///
///   frame    [h, w]  linear light
///   defocus  [h, w]  pixels; cut to +-max_radius
///   out      [h, w]  out, another image
///
/// Throws Error if the sizes differ, max_radius is outside [0, 200] or `out` is the frame. Allocates nothing.
/// Asynchronous on Cuda. Deterministic; between backends up to rounding.
template <class Exec>
void plain_scatter(Exec& exec, View<const Float4, Exec> frame, View<const float, Exec> defocus, float max_radius,
                   View<Float4, Exec> out);

/// Layers of equal width in radius, each blurred with the disk of its middle and laid over the farther ones: Busam et
/// al., "SteReFo: efficient image refocusing with stereo vision" (ICCV workshops 2019). A pixel is in one layer; what
/// the layers do not cover together is divided out.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic; equal between backends up to rounding.
template <class Exec>
class FixedLayersBokeh {
public:
    /// 2 * half_layers + 1 layers from -max_radius to max_radius. Throws Error if max_radius is outside [0, 200] or
    /// half_layers outside [1, 64].
    FixedLayersBokeh(Exec& exec, Size max_size, float max_radius, int half_layers = 8);

    ///   frame    [h, w]  linear light
    ///   defocus  [h, w]  pixels
    ///   out      [h, w]  out, another image
    /// Throws Error if the sizes differ or exceed the plan, or if `out` is the frame.
    void operator()(View<const Float4, Exec> frame, View<const float, Exec> defocus, View<Float4, Exec> out);

private:
    using Space = typename Exec::Space;
    float radius_of(int layer) const { return max_radius_ * float(layer - half_layers_) / float(half_layers_); }
    static detail::Disk checked(float max_radius, int half_layers);

    Exec* exec_;
    Size max_size_;
    float max_radius_;
    int half_layers_;
    std::vector<detail::Disk> disks_;  // by |radius|
    std::vector<Buffer<detail::DiskRun, Exec>> runs_;
    detail::DiskScratch<Space> scratch_;
    Buffer<Float4, Exec> layer_, blurred_;
};

/// Depth in buckets and an ever stronger Gaussian, as in portrait modes made of a depth net and a portrait net: the
/// picture blurred as much as the bucket of each pixel asks for, and the portrait pasted on top.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic; equal between backends up to rounding.
template <class Exec>
class BucketedBlur {
public:
    static constexpr int buckets = 5;  // of |defocus|, each a fifth of max_radius; the first is sharp

    /// Throws Error if max_radius is outside [1, 200].
    BucketedBlur(Exec& exec, Size max_size, float max_radius);

    ///   frame    [h, w]  linear light, finite
    ///   defocus  [h, w]  pixels
    ///   matte    [h, w]  of what is pasted on top, cut to [0, 1]; an empty view: nothing
    ///   out      [h, w]  out, another image
    /// Throws Error if the sizes differ or exceed the plan, or if `out` is the frame.
    void operator()(View<const Float4, Exec> frame, View<const float, Exec> defocus, View<const float, Exec> matte,
                    View<Float4, Exec> out);

private:
    Exec* exec_;
    Size max_size_;
    float max_radius_;
    Buffer<Float4, Exec> blurred_;
    std::vector<GaussianBlur<Float4, Exec>> steps_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation

#include "kernels/bokeh_baselines.hpp"

namespace cinebokeh {

namespace detail {
template <class Exec>
void check_baseline(View<const Float4, Exec> frame, View<const float, Exec> defocus, View<Float4, Exec> out,
                    Size max_size, const char* name) {
    require(frame.size == defocus.size && frame.size == out.size, name, ": the images differ in size");
    require(frame.size.width <= max_size.width && frame.size.height <= max_size.height, name, ": a frame of ",
            frame.size.width, " x ", frame.size.height, " is larger than the plan");
    require(frame.size.empty() || frame.data != out.data, name, ": the input and the output are the same image");
}
}  // namespace detail

template <class Exec>
void plain_scatter(Exec& exec, View<const Float4, Exec> frame, View<const float, Exec> defocus, float max_radius,
                   View<Float4, Exec> out) {
    require(max_radius >= 0 && max_radius <= 200, "plain_scatter: max_radius ", max_radius, " is outside [0, 200]");
    detail::check_baseline<Exec>(frame, defocus, out, frame.size, "plain_scatter");
    for_each_pixel(exec, frame.size, detail::PlainScatter<typename Exec::Space>{frame, defocus, max_radius, out});
}

template <class Exec>
detail::Disk FixedLayersBokeh<Exec>::checked(float max_radius, int half_layers) {
    require(max_radius >= 0 && max_radius <= 200, "FixedLayersBokeh: max_radius ", max_radius, " is outside [0, 200]");
    require(half_layers >= 1 && half_layers <= 64, "FixedLayersBokeh: half_layers ", half_layers,
            " is outside [1, 64]");
    return detail::make_disk(double(max_radius), 1);
}

template <class Exec>
FixedLayersBokeh<Exec>::FixedLayersBokeh(Exec& exec, Size max_size, float max_radius, int half_layers)
    : exec_(&exec),
      max_size_(max_size),
      max_radius_(max_radius),
      half_layers_(half_layers),
      scratch_(exec, max_size, checked(max_radius, half_layers)),
      layer_(exec, max_size),
      blurred_(exec, max_size) {
    for (int i = 0; i <= half_layers; ++i) {
        disks_.push_back(detail::make_disk(double(radius_of(half_layers + i)), 1));
        runs_.emplace_back(exec, Size{int(disks_.back().runs.size()), 1}, disks_.back().runs);
    }
}

template <class Exec>
void FixedLayersBokeh<Exec>::operator()(View<const Float4, Exec> frame, View<const float, Exec> defocus,
                                        View<Float4, Exec> out) {
    detail::check_baseline<Exec>(frame, defocus, out, max_size_, "FixedLayersBokeh");
    if (frame.size.empty()) return;
    const auto layer = layer_.view().crop(0, 0, frame.size), blurred = blurred_.view().crop(0, 0, frame.size);
    for (int i = 0; i <= 2 * half_layers_; ++i) {
        const size_t size = size_t(std::abs(i - half_layers_));
        for_each_pixel(*exec_, frame.size,
                       detail::CutLayer<Space>{frame, defocus, max_radius_, half_layers_, i, layer});
        detail::disk_blur(*exec_, layer, disks_[size], runs_[size].span(), scratch_, blurred);
        for_each_pixel(*exec_, frame.size,
                       detail::LayLayerOver<Space>{blurred, frame, i == 0, i == 2 * half_layers_, out});
    }
}

template <class Exec>
BucketedBlur<Exec>::BucketedBlur(Exec& exec, Size max_size, float max_radius)
    : exec_(&exec),
      max_size_(max_size),
      max_radius_((require(max_radius >= 1 && max_radius <= 200, "BucketedBlur: max_radius ", max_radius,
                           " is outside [1, 200]"),
                   max_radius)),
      blurred_(exec, max_size) {
    // The middle of bucket i is at (i + 1/2) / 5 of the largest radius; a disk of radius r spreads like a Gaussian of
    // sigma r / 2. Blurs that follow each other add up in sigma squared.
    const auto sigma = [&](int i) { return i ? (float(i) + 0.5f) / buckets * max_radius / 2 : 0.f; };
    for (int i = 1; i < buckets; ++i)
        steps_.emplace_back(exec, max_size, std::sqrt(sigma(i) * sigma(i) - sigma(i - 1) * sigma(i - 1)));
}

template <class Exec>
void BucketedBlur<Exec>::operator()(View<const Float4, Exec> frame, View<const float, Exec> defocus,
                                    View<const float, Exec> matte, View<Float4, Exec> out) {
    using Space = typename Exec::Space;
    detail::check_baseline<Exec>(frame, defocus, out, max_size_, "BucketedBlur");
    require(!matte.data || matte.size == frame.size, "BucketedBlur: the images differ in size");
    if (frame.size.empty()) return;
    const auto blurred = blurred_.view().crop(0, 0, frame.size);
    copy(*exec_, frame, out);
    for (int i = 1; i < buckets; ++i) {
        steps_[size_t(i - 1)](i == 1 ? frame : View<const Float4, Exec>(blurred), blurred);
        for_each_pixel(*exec_, frame.size,
                       detail::TakeBucket<Space>{blurred, defocus, max_radius_ / buckets * float(i), out});
    }
    if (matte.data) for_each_pixel(*exec_, frame.size, detail::PastePortrait<Space>{frame, matte, out});
}
}  // namespace cinebokeh
