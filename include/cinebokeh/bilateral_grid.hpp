// Bilateral grid: what was foreground at about this place with about this colour?
//
// Chen, Paris and Durand, "Real-time edge-aware image processing with the bilateral grid" (SIGGRAPH 2007), in the five
// dimensions x, y, red, green, blue, as in Maerki, Perazzi, Wang, Sorkine-Hornung, "Bilateral Space Video Segmentation"
// (CVPR 2016). Every cell holds how much foreground and how much at all was splatted into it.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/error.hpp"
#include "cinebokeh/core/similarity.hpp"

namespace cinebokeh {

struct BilateralGridParams {
    float cell_x = 20;       // pixels, >= 1
    float cell_y = 20;       // pixels, >= 1
    float cell_colour = 16;  // levels of 0 .. 255, >= 8
    float blur_side = 0.5f;  // weight of the two neighbours in every dimension; the cell itself has 1. 0 .. 1
};
}  // namespace cinebokeh

#include "kernels/bilateral_grid.hpp"
#include "kernels/bilateral_grid_cpu.hpp"
#if CINEBOKEH_GRID
#include "kernels/bilateral_grid_cuda.cuh"
#endif

namespace cinebokeh {

/// A plan for images of one size. The grid covers the image and half a cell around it.
///
/// Samples are added with linear weights in x and y and to the nearest cell in colour, as integers: neither their order
/// nor the number of threads matters. Weights are exact to 1 / (2 units()) per sample.
template <class Exec>
class BilateralGrid {
public:
    /// Throws Error if the size is empty or a parameter is out of its range. Allocates everything: 16 bytes for each of
    /// (width / cell_x) (height / cell_y) (256 / cell_colour)^3 cells. The grid starts empty.
    BilateralGrid(Exec& exec, Size image_size, const BilateralGridParams& params = {});

    /// Empties the grid.
    void clear();

    /// Adds the pixels of an image where they moved to.
    ///
    ///   image   [h, w]  the alpha is not looked at
    ///   matte   [h, w]  foreground, 0 .. 1; clamped, NaN counts as 0
    ///   region  [h, w]  0: the pixel is left out
    ///   flow    [h, w]  pixels; the sample goes to (x, y) + flow. Samples that leave the grid, or NaN, are dropped
    ///   weight          of every sample, 0 .. 4
    ///
    /// Throws Error if a size is not that of the plan, or if the weights of all splats since clear() exceed 4, where
    /// the integers could overflow. Allocates nothing; asynchronous on Cuda.
    /// Deterministic: bit-equal between runs.
    void splat(View<const Rgba8, Exec> image, View<const float, Exec> matte, View<const uint8_t, Exec> region,
               View<const Float2, Exec> flow, float weight);
    /// The same, moved by a similarity, of scale > 0 (else throws Error).
    void splat(View<const Rgba8, Exec> image, View<const float, Exec> matte, View<const uint8_t, Exec> region,
               const Similarity& motion, float weight);
    /// The same for all pixels.
    void splat(View<const Rgba8, Exec> image, View<const float, Exec> matte, const Similarity& motion, float weight);

    /// Blurs what was splatted since clear() for slice(). The sums stay: more may be added, and blurred again.
    /// Deterministic: bit-equal between runs, and between backends where blur_side is a power of two.
    void blur();

    /// Reads the log odds of foreground, linear in all five dimensions of the blurred grid:
    /// clamp(log((foreground + epsilon) / (background + epsilon)), -limit, limit).
    ///
    ///   image     [h, w]
    ///   active    [h, w]  0: the pixel is skipped and gets 0
    ///   epsilon           weight, > 0: what an empty cell holds of both
    ///   limit             > 0
    ///   log_odds  [h, w]  out
    ///
    /// Throws Error if a size is not that of the plan, or epsilon or limit is not positive. Allocates nothing.
    /// Deterministic: bit-equal between runs; between backends but for the rounding of the interpolation and of log.
    void slice(View<const Rgba8, Exec> image, View<const uint8_t, Exec> active, float epsilon, float limit,
               View<float, Exec> log_odds);

    Size image_size() const { return size_; }
    /// What a weight of 1 is in the integers.
    float units() const { return geometry_.units; }

private:
    template <class... Views>
    void check(const char* what, const Views&... views) const {
        require(((views.size == size_) && ...), "BilateralGrid::", what, ": an image is not ", size_.width, " x ",
                size_.height);
    }
    void count_weight(float weight);

    Size size_;
    detail::BilateralGeometry geometry_;
    detail::BilateralCells<typename Exec::Space> cells_;
    float splatted_ = 0;  // weights since clear()
};

// ---------------------------------------------------------------------------- implementation

template <class Exec>
BilateralGrid<Exec>::BilateralGrid(Exec& exec, Size image_size, const BilateralGridParams& params) : size_(image_size) {
    require(!image_size.empty(), "BilateralGrid: empty size ", image_size.width, " x ", image_size.height);
    require(params.cell_x >= 1 && params.cell_y >= 1 && params.cell_colour >= 8 && params.cell_colour <= 256,
            "BilateralGrid: cells of ", params.cell_x, " x ", params.cell_y, " pixels, ", params.cell_colour,
            " levels");
    require(params.blur_side >= 0 && params.blur_side <= 1, "BilateralGrid: blur_side is ", params.blur_side);
    geometry_ = detail::bilateral_geometry(image_size, params);
    cells_ = detail::BilateralCells<typename Exec::Space>(exec, image_size, geometry_, params.blur_side);
}

template <class Exec>
void BilateralGrid<Exec>::clear() {
    cells_.clear();
    splatted_ = 0;
}

template <class Exec>
void BilateralGrid<Exec>::count_weight(float weight) {
    require(weight >= 0 && splatted_ + weight <= detail::bilateral_weight_limit, "BilateralGrid::splat: weight ",
            weight, " after ", splatted_, "; all together may be ", detail::bilateral_weight_limit);
    splatted_ += weight;
}

template <class Exec>
void BilateralGrid<Exec>::splat(View<const Rgba8, Exec> image, View<const float, Exec> matte,
                                View<const uint8_t, Exec> region, View<const Float2, Exec> flow, float weight) {
    check("splat", image, matte, region, flow);
    count_weight(weight);
    cells_.splat(detail::bilateral_samples(geometry_, image, matte, region,
                                           detail::MotionByFlow<View<const Float2, Exec>>{flow}, weight));
}

template <class Exec>
void BilateralGrid<Exec>::splat(View<const Rgba8, Exec> image, View<const float, Exec> matte,
                                View<const uint8_t, Exec> region, const Similarity& motion, float weight) {
    check("splat", image, matte, region);
    require(motion.scale > 0, "BilateralGrid::splat: a similarity of scale ", motion.scale);
    count_weight(weight);
    cells_.splat(
        detail::bilateral_samples(geometry_, image, matte, region, detail::MotionBySimilarity(motion), weight));
}

template <class Exec>
void BilateralGrid<Exec>::splat(View<const Rgba8, Exec> image, View<const float, Exec> matte, const Similarity& motion,
                                float weight) {
    check("splat", image, matte);
    require(motion.scale > 0, "BilateralGrid::splat: a similarity of scale ", motion.scale);
    count_weight(weight);
    cells_.splat(detail::bilateral_samples(geometry_, image, matte, View<const uint8_t, Exec>{},
                                           detail::MotionBySimilarity(motion), weight));
}

template <class Exec>
void BilateralGrid<Exec>::blur() {
    cells_.blur();
}

template <class Exec>
void BilateralGrid<Exec>::slice(View<const Rgba8, Exec> image, View<const uint8_t, Exec> active, float epsilon,
                                float limit, View<float, Exec> log_odds) {
    check("slice", image, active, log_odds);
    require(epsilon > 0 && limit > 0, "BilateralGrid::slice: epsilon ", epsilon, ", limit ", limit);
    using Space = typename Exec::Space;
    cells_.slice(detail::BilateralSlice<Space>{geometry_, cells_.blurred(), image, active, epsilon, limit, log_odds});
}
}  // namespace cinebokeh
