// Distance transform: how far every pixel is from a region.
//
// P. Felzenszwalb, D. Huttenlocher, "Distance transforms of sampled functions", Theory of Computing 8, 2012: distances
// along columns, then the lower envelope of one parabola per column along each row. Linear in the number of pixels.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Exact Euclidean distances between pixel centres, for images of one size or smaller.
///
/// Squared distances are integers; the square root is rounded once. Where the region is empty, every distance is
/// width + height of the image, which is more than any distance within it.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes, and equal between backends bit for bit.
template <class Exec>
class DistanceTransform {
public:
    /// Throws Error if a side is negative or above 30000.
    DistanceTransform(Exec& exec, Size max_size);

    /// Writes the distance in pixels of each pixel to the nearest one of the region, 0 inside it.
    ///
    ///   region    [h, w]  != 0 where a pixel belongs to the region
    ///   distance  [h, w]  out
    ///
    /// Throws Error if the sizes differ or exceed the plan.
    void operator()(View<const uint8_t, Exec> region, View<float, Exec> distance);

    /// Writes the signed distance to the outline of a subject: of pixels of the subject (matte > 0.5) the distance to
    /// the nearest pixel outside it, positive; of all others minus the distance to the nearest pixel of the subject. It
    /// is never between -1 and 1. A matte value that is NaN is outside.
    ///
    ///   matte     [h, w]  in [0, 1]
    ///   distance  [h, w]  out, another image
    ///
    /// Throws Error if the sizes differ or exceed the plan.
    void signed_distance(View<const float, Exec> matte, View<float, Exec> distance);

private:
    void check(Size in, Size out) const;
    template <class Region>
    void run(Region region, bool subtract, View<float, Exec> distance);

    Exec* exec_;
    Size max_size_;
    Buffer<int, Exec> column_distance_;
    Buffer<int, Exec> envelopes_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation

#include "kernels/distance_transform.hpp"

namespace cinebokeh {

template <class Exec>
DistanceTransform<Exec>::DistanceTransform(Exec& exec, Size max_size)
    : exec_(&exec),
      max_size_(
          (require(max_size.width >= 0 && max_size.height >= 0 && max_size.width <= 30000 && max_size.height <= 30000,
                   "DistanceTransform: a size of ", max_size.width, " x ", max_size.height, " is outside [0, 30000]"),
           max_size)),
      column_distance_(exec, max_size),
      envelopes_(exec, detail::envelope_size(exec, max_size)) {}

template <class Exec>
void DistanceTransform<Exec>::check(Size in, Size out) const {
    require(in == out, "DistanceTransform: the input and the output differ in size");
    require(in.width <= max_size_.width && in.height <= max_size_.height, "DistanceTransform: an image of ", in.width,
            " x ", in.height, " is larger than the plan");
}

template <class Exec>
template <class Region>
void DistanceTransform<Exec>::run(Region region, bool subtract, View<float, Exec> distance) {
    if (distance.size.empty()) return;
    const auto columns = column_distance_.view().crop(0, 0, distance.size);
    detail::distance_transform(*exec_, region, subtract, columns, envelopes_.view(), distance);
}

template <class Exec>
void DistanceTransform<Exec>::operator()(View<const uint8_t, Exec> region, View<float, Exec> distance) {
    check(region.size, distance.size);
    run(detail::NonZero<typename Exec::Space>{region}, false, distance);
}

template <class Exec>
void DistanceTransform<Exec>::signed_distance(View<const float, Exec> matte, View<float, Exec> distance) {
    check(matte.size, distance.size);
    run(detail::Subject<typename Exec::Space>{matte, false}, false, distance);
    run(detail::Subject<typename Exec::Space>{matte, true}, true, distance);
}
}  // namespace cinebokeh
