// Permutohedral lattice: Gaussian filtering of scattered points in 2 to 6 dimensions, in time linear in the points.
//
// Adams, Baek and Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice" (Eurographics 2010). Values
// are splatted onto the corners of the simplex each point lies in, blurred along the D + 1 axes of the lattice, and
// sliced back at the points. For image features (position and colour) the lattice has far fewer vertices than points.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cpu.hpp"
#include "kernels/lattice_build_cpu.hpp"
#include "kernels/lattice_filter_cpu.hpp"

namespace cinebokeh {

/// What the filtered values are divided by. K is the filter as a matrix, 1 the vector of ones.
enum class LatticeNormalization {
    none,       // K v, scaled so that a vertex whose neighbours all exist answers itself with its own value
    sum,        // K v / K 1: weights sum to one, constants are preserved
    symmetric,  // D^-1/2 K D^-1/2 v with D = K 1: what mean field inference wants
};

struct LatticeFilterParams {
    LatticeNormalization normalization = LatticeNormalization::sum;
    bool both_axis_orders = true;  // average the blur over both orders of the axes: K becomes exactly symmetric
};

namespace detail {
template <int D>
class LatticeOnCpu;
template <int D>
class LatticeOnCuda;
}  // namespace detail

/// Plan for filtering up to max_points points with the Gaussian exp(-|f_i - f_j|^2 / 2) of their features.
///
///   PermutohedralLattice<D, Exec> lattice(exec, max_points, max_vertices);
///   lattice.build(features), lattice.filter(values, out, params);
///
/// D is the number of features, 2 to 6. `max_vertices` bounds the vertices the lattice may have; 0 asks for the most
/// there can be, (D + 1) max_points. The constructor allocates about 150 bytes per point and 80 per vertex (five
/// features; 60 and 100 on Cuda); the calls allocate nothing. Memory beyond what the points need is never touched.
///
/// On Cuda the calls are asynchronous and bad numbers are no error: a feature that is not a number or beyond
/// +-max_feature counts as the nearest legal one, a value that is not finite as 0, and what vertices beyond
/// max_vertices would hold is lost. Sums are whole numbers there, in units of 2^-18 of the largest value, and the same
/// in every run; against Cpu, whose sums are floats, results differ by up to 1e-4 of the largest value.
template <int D, class Exec = Cpu>
using PermutohedralLattice = ForSpace<Exec, detail::LatticeOnCpu<D>, detail::LatticeOnCuda<D>>;

namespace detail {
template <int D>
class LatticeOnCpu {
    static_assert(D >= 2 && D <= 6, "the lattice has 2 to 6 dimensions");

public:
    static constexpr float max_feature = detail::max_lattice_feature;  // in standard deviations

    LatticeOnCpu(Cpu& exec, int max_points, int max_vertices = 0)
        : exec_(&exec),
          max_points_(checked(max_points)),
          lattice_(exec, ceil_div(max_points, tile), max_vertices),
          norm_(exec, {max_points, 1}) {}

    /// Places the points on the lattice.
    ///
    ///   features  [D, n]  one row per feature, in units of its standard deviation
    ///
    /// Throws Error if there are no points or more than max_points, if a feature is not finite or beyond +-max_feature,
    /// if the spans of the features are too large together (lattice cells of the bounding box above 2^(65 - 3 D)), or
    /// if there are more than max_vertices vertices; after an Error the lattice is empty.
    void build(HostImage<const float> features);

    /// Filters the values of the points.
    ///
    ///   values  [channels, n]  one row per channel
    ///   out     [channels, n]  may be the same memory as values
    ///
    /// Throws Error if the sizes differ from each other or from the points of build(), or a value is not finite.
    /// Deterministic: the same bits for any number of threads. Against the exact Gaussian, normalised values differ by
    /// a few percent of their range where the features are spread; see the paper, section 4.
    void filter(HostImage<const float> values, HostImage<float> out, const LatticeFilterParams& params = {});

    int points() const { return points_; }
    int vertices() const { return points_ ? lattice_.vertices() : 0; }

private:
    static constexpr int tile = detail::lattice_tile;

    static int checked(int max_points) {
        require(max_points > 0 && max_points <= (1 << 25), "PermutohedralLattice: max_points is ", max_points);
        return max_points;
    }
    int points_of(int t) const { return std::min(tile, points_ - t * tile); }
    void normalize(bool both_axis_orders);
    void filter_row(const float* values, float* out, const LatticeFilterParams& params);

    Cpu* exec_;
    int max_points_, points_ = 0;
    detail::TiledLattice<D> lattice_;
    Buffer<float, Cpu> norm_;  // [n] K 1
    int norm_orders_ = 0;      // for which norm_ holds: 0 none, 1 one axis order, 2 both
};

// ---------------------------------------------------------------------------------------------------- implementation

template <int D>
void LatticeOnCpu<D>::build(HostImage<const float> features) {
    const int n = features.size.width;
    require(features.size.height == D, "PermutohedralLattice: ", features.size.height, " rows of features, not ", D);
    require(n > 0 && n <= max_points_, "PermutohedralLattice: ", n, " points in a lattice for ", max_points_);
    detail::FeatureBounds<D> bounds;
    for (int i = 0; i < D; ++i) bounds.low[i] = INFINITY, bounds.high[i] = -INFINITY;
    for (int i = 0; i < D; ++i) {
        bool in_range = true;
        float low = INFINITY, high = -INFINITY;
        const float* row = features.row(i);
        for (int p = 0; p < n; ++p) {
            in_range &= row[p] >= -max_feature && row[p] <= max_feature;
            low = row[p] < low ? row[p] : low, high = row[p] > high ? row[p] : high;
        }
        require(in_range, "PermutohedralLattice: feature ", i, " is not within +-", max_feature);
        bounds.low[i] = low, bounds.high[i] = high;
    }
    points_ = 0, norm_orders_ = 0;
    lattice_.build(bounds, ceil_div(n, tile), [&](int t, float(*tile_features)[tile]) {
        const int count = std::min(tile, n - t * tile);
        for (int i = 0; i < D; ++i) std::copy_n(features.row(i) + t * tile, count, tile_features[i]);
        return count;
    });
    points_ = n;
}

template <int D>
void LatticeOnCpu<D>::normalize(bool both_axis_orders) {
    const int orders = both_axis_orders ? 2 : 1;
    if (norm_orders_ == orders) return;
    lattice_.for_each_tile([&](auto& scratch, int t) {
        std::fill_n(scratch.values, points_of(t), 1.f);
        lattice_.splat(scratch, t, scratch.values);
    });
    lattice_.blur(both_axis_orders);
    lattice_.for_each_tile(
        [&](auto& scratch, int t) { lattice_.slice(scratch, t, norm_.view().data + ptrdiff_t(t) * tile); });
    norm_orders_ = orders;
}

template <int D>
void LatticeOnCpu<D>::filter_row(const float* values, float* out, const LatticeFilterParams& params) {
    const bool symmetric = params.normalization == LatticeNormalization::symmetric;
    const bool normalized = params.normalization != LatticeNormalization::none;
    const float* norm = norm_.view().data;
    lattice_.for_each_tile([&](auto& scratch, int t) {
        const float* v = values + ptrdiff_t(t) * tile;
        const float* k1 = norm + ptrdiff_t(t) * tile;
        for (int p = 0; p < points_of(t); ++p) scratch.values[p] = symmetric ? v[p] / std::sqrt(k1[p]) : v[p];
        lattice_.splat(scratch, t, scratch.values);
    });
    lattice_.blur(params.both_axis_orders);
    lattice_.for_each_tile([&](auto& scratch, int t) {
        lattice_.slice(scratch, t, scratch.values);
        float* o = out + ptrdiff_t(t) * tile;
        const float* k1 = norm + ptrdiff_t(t) * tile;
        for (int p = 0; p < points_of(t); ++p)
            o[p] = !normalized ? scratch.values[p] : scratch.values[p] / (symmetric ? std::sqrt(k1[p]) : k1[p]);
    });
}

template <int D>
void LatticeOnCpu<D>::filter(HostImage<const float> values, HostImage<float> out, const LatticeFilterParams& params) {
    require(values.size == out.size, "PermutohedralLattice: values and out differ in size");
    require(points_ > 0 && values.size.width == points_, "PermutohedralLattice: ", values.size.width, " values for ",
            points_, " points");
    for (int c = 0; c < values.size.height; ++c) {
        bool finite = true;
        for (int p = 0; p < points_; ++p) finite &= std::abs(values(p, c)) <= 3e38f;
        require(finite, "PermutohedralLattice: a value of channel ", c, " is not finite");
    }
    if (params.normalization != LatticeNormalization::none) normalize(params.both_axis_orders);
    for (int c = 0; c < values.size.height; ++c) filter_row(values.row(c), out.row(c), params);
}
}  // namespace detail
}  // namespace cinebokeh

#include "kernels/lattice_cuda.cuh"
