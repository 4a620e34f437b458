// PermutohedralLattice on Cuda.
#pragma once
#include "kernels/lattice_filter_cuda.cuh"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace kernels {

// Floats as integers of the same order.
static __device__ inline int ordered_bits(float v) {
    const int bits = __float_as_int(v);
    return bits ^ ((bits >> 31) & 0x7fffffff);
}
static __device__ inline float from_ordered_bits(int bits) {
    return __int_as_float(bits ^ ((bits >> 31) & 0x7fffffff));
}

template <int D>
struct LatticeRows {
    Image<const float, DeviceSpace> features;  // [D, n]

    __device__ float at(int p, int i) const {
        constexpr float most = detail::max_lattice_feature;
        const float v = features(p, i);
        return v >= -most ? v <= most ? v : most : -most;  // a NaN becomes -most
    }
    __device__ void operator()(int p, int, float (&f)[D]) const {
        CINEBOKEH_UNROLL
        for (int i = 0; i < D; ++i) f[i] = at(p, i);
    }
};

// bounds [2, D]: the least and the largest, ordered.
template <int D>
static __global__ void lattice_bounds(LatticeRows<D> rows, int* bounds) {
    for (int i = 0; i < D; ++i) {
        int low = INT_MAX, high = INT_MIN;
        for (int p = int(blockIdx.x * blockDim.x + threadIdx.x); p < rows.features.size.width;
             p += int(gridDim.x * blockDim.x)) {
            const int bits = ordered_bits(rows.at(p, i));
            low = min(low, bits), high = max(high, bits);
        }
        low = __reduce_min_sync(~0u, low), high = __reduce_max_sync(~0u, high);
        if (threadIdx.x % 32 == 0) atomicMin(&bounds[i], low), atomicMax(&bounds[D + i], high);
    }
}
template <int D>
static __global__ void lattice_reset_bounds(int* bounds) {
    for (int i = 0; i < D; ++i) bounds[i] = INT_MAX, bounds[D + i] = INT_MIN;
}
template <int D>
static __global__ void lattice_frame(LatticeDevice<D> lattice, const int* bounds) {
    detail::FeatureBounds<D> floats;
    for (int i = 0; i < D; ++i)
        floats.low[i] = from_ordered_bits(bounds[i]), floats.high[i] = from_ordered_bits(bounds[D + i]);
    *lattice.frame = detail::LatticeFrame<D>(floats);
}

static __device__ inline float finite_or_none(float v) { return fabsf(v) <= 3e38f ? v : 0.f; }

// The largest |value| of a row, as the bits of a float: for numbers that are not negative these are ordered.
template <int D>
static __global__ void lattice_largest(const float* values, int count, int* largest) {
    int most = 0;
    for (int p = int(blockIdx.x * blockDim.x + threadIdx.x); p < count; p += int(gridDim.x * blockDim.x))
        most = max(most, __float_as_int(fabsf(finite_or_none(values[p]))));
    most = __reduce_max_sync(~0u, most);
    if (threadIdx.x % 32 == 0) atomicMax(largest, most);
}
// Fits the fixed point to values of up to 2.7 times the largest: symmetric normalisation enlarges them by at most
// sqrt(D + 1), because a point is its own neighbour. Forgets the largest.
template <int D>
static __global__ void lattice_unit(LatticeDevice<D> lattice, int* largest, bool of_ones) {
    const float most = of_ones ? 1 : __int_as_float(*largest);
    lattice.unit[0] = most > 1e-30f ? 0x1p18f / most : 0;
    lattice.unit[1] = most > 1e-30f ? most * 0x1p-18f : 0;
    *largest = 0;
}

struct LatticeOnes {
    static constexpr bool slices = false, splats = true;
    __device__ float operator()(int, int, float) const { return 1; }
};
struct LatticeKeep {
    static constexpr bool slices = true, splats = false;
    float* norm;
    __device__ float operator()(int p, int, float sliced) const {
        norm[p] = sliced;
        return 0;
    }
};
struct LatticeScatter {
    static constexpr bool slices = false, splats = true;
    const float *values, *norm;  // norm is null where nothing is divided
    __device__ float operator()(int p, int, float) const {
        const float v = finite_or_none(values[p]);
        return norm ? v / sqrtf(norm[p]) : v;
    }
};
struct LatticeGather {
    static constexpr bool slices = true, splats = false;
    float* out;
    const float* norm;
    bool root;
    __device__ float operator()(int p, int, float sliced) const {
        out[p] = !norm ? sliced : sliced / (root ? sqrtf(norm[p]) : norm[p]);
        return 0;
    }
};
}  // namespace kernels

namespace detail {
template <int D>
class LatticeOnCuda {
    static_assert(D >= 2 && D <= 6, "the lattice has 2 to 6 dimensions");

public:
    static constexpr float max_feature = max_lattice_feature;

    LatticeOnCuda(Cuda& exec, int max_points, int max_vertices = 0)
        : exec_(&exec),
          max_points_(
              (require(max_points > 0 && max_points <= (1 << 25), "PermutohedralLattice: max_points is ", max_points),
               max_points)),
          lattice_(exec, layout(max_points), max_vertices > 0 ? max_vertices : (D + 1) * max_points),
          norm_(exec, {max_points, 1}),
          bounds_(exec, {2 * D + 1, 1}) {}

    void build(Image<const float, DeviceSpace> features) {
        const int n = features.size.width;
        require(features.size.height == D, "PermutohedralLattice: ", features.size.height, " rows of features, not ",
                D);
        require(n > 0 && n <= max_points_, "PermutohedralLattice: ", n, " points in a lattice for ", max_points_);
        points_ = n, norm_orders_ = 0;
        int* bounds = bounds_.view().data;
        const kernels::LatticeRows<D> rows{features};
        exec_->launch(dim3(1), dim3(1), 0, kernels::lattice_reset_bounds<D>, bounds);
        exec_->launch(some_blocks(), dim3(256), 0, kernels::lattice_bounds<D>, rows, bounds);
        lattice_.begin(FeatureBounds<D>{});
        exec_->launch(dim3(1), dim3(1), 0, kernels::lattice_frame<D>, lattice_.device(), (const int*)(bounds));
        lattice_.build(layout(n), rows);
    }

    void filter(Image<const float, DeviceSpace> values, Image<float, DeviceSpace> out,
                const LatticeFilterParams& params = {}) {
        require(values.size == out.size, "PermutohedralLattice: values and out differ in size");
        require(points_ > 0 && values.size.width == points_, "PermutohedralLattice: ", values.size.width,
                " values for ", points_, " points");
        const bool normalized = params.normalization != LatticeNormalization::none;
        const bool symmetric = params.normalization == LatticeNormalization::symmetric;
        if (normalized) normalize(params.both_axis_orders);
        const float* norm = normalized ? norm_.view().data : nullptr;
        for (int c = 0; c < values.size.height; ++c) {
            int* largest = bounds_.view().data + 2 * D;
            exec_->launch(dim3(1), dim3(1), 0, kernels::lattice_unit<D>, lattice_.device(), largest, true);
            exec_->launch(some_blocks(), dim3(256), 0, kernels::lattice_largest<D>, values.row(c), points_, largest);
            exec_->launch(dim3(1), dim3(1), 0, kernels::lattice_unit<D>, lattice_.device(), largest, false);
            lattice_.pass(layout(points_), kernels::LatticeScatter{values.row(c), symmetric ? norm : nullptr});
            lattice_.blur(params.both_axis_orders);
            lattice_.pass(layout(points_), kernels::LatticeGather{out.row(c), norm, symmetric});
        }
    }

    int points() const { return points_; }
    Span<const int, DeviceSpace> vertices() const { return lattice_.count(); }  // [1]

private:
    static LatticeLayout layout(int points) { return {{points, 1}, lattice_cuda_tile}; }
    dim3 some_blocks() const { return dim3(unsigned(std::min(132, ceil_div(points_, 256)))); }
    void normalize(bool both_axis_orders) {
        const int orders = both_axis_orders ? 2 : 1;
        if (norm_orders_ == orders) return;
        exec_->launch(dim3(1), dim3(1), 0, kernels::lattice_unit<D>, lattice_.device(), bounds_.view().data + 2 * D,
                      true);
        lattice_.pass(layout(points_), kernels::LatticeOnes{});
        lattice_.blur(both_axis_orders);
        lattice_.pass(layout(points_), kernels::LatticeKeep{norm_.view().data});
        norm_orders_ = orders;
    }

    Cuda* exec_;
    int max_points_, points_ = 0, norm_orders_ = 0;
    LatticeCuda<D> lattice_;
    Buffer<float, Cuda> norm_;
    Buffer<int, Cuda> bounds_;  // of the features, ordered; behind them the largest value
};
}  // namespace detail
}  // namespace cinebokeh
#endif
