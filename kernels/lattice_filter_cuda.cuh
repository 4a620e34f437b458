// Splat, blur and slice on Cuda.
//
// What is done at the points between two blurs is one pass over the tiles: slice, the caller's step, splat. Sums are
// integers, so the order of the atomic additions does not matter: in shared memory over a tile, with 32 bits, and then
// once per vertex and tile in global memory, with 64.
#pragma once
#include "kernels/lattice_build_cuda.cuh"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace kernels {

// In turn the blurred values and the sums of the vertices of a tile.
template <int D>
struct LatticeTileValues {
    int bits[LatticeDevice<D>::tile_vertices];
};

/// What was blurred: one array, or two to be added.
struct LatticeBlurred {
    const float *forward, *backward;  // the second may be null
    float scale;

    __device__ float operator()(int vertex) const {
        return (backward ? forward[vertex] + backward[vertex] : forward[vertex]) * scale;
    }
};

/// Adds a point's value to the sums of its corners. The four points of a thread mostly lie in one simplex: their values
/// are added up in registers as long as they do, which saves most of the atomics.
template <int D>
class LatticeSplatter {
public:
    __device__ explicit LatticeSplatter(int* sums) : sums_(sums) {}
    __device__ void add(const detail::Corners<D>& corners, const detail::Corners<D>& weights, float value) {
        bool same = true;
        CINEBOKEH_UNROLL
        for (int j = 0; j <= D; ++j) same &= corners.v[j] == corners_.v[j];
        if (!same) flush();
        corners_ = corners;
        CINEBOKEH_UNROLL
        for (int j = 0; j <= D; ++j) {
            const int added = __float2int_rn(value * (float(weights.v[j]) / detail::lattice_one));
            held_[j] += added;
        }
    }
    __device__ void flush() {
        CINEBOKEH_UNROLL
        for (int j = 0; j <= D; ++j) {
            if (held_[j] != 0) atomicAdd(&sums_[corners_.v[j]], held_[j]);
            held_[j] = 0;
        }
    }

private:
    int* sums_;
    detail::Corners<D> corners_{};
    int held_[D + 1] = {};
};

/// Step offers
///   slices, splats                constants: whether values are read, and written, at the vertices
///   float operator()(x, y, sliced)  what is done at a point, with its blurred value (0 if not `slices`); returns what
///   is
///                                 splatted, within +-4 unless the lattice's unit says otherwise
template <int D, class Step>
static __global__ void __launch_bounds__(detail::lattice_cuda_threads, 4)  // 64 registers
    lattice_pass(LatticeDevice<D> lattice, LatticeLayout layout, LatticeBlurred blurred, Step step) {
    LatticeTileValues<D>& shared = static_shared<LatticeTileValues<D>>();
    const int thread = int(threadIdx.x), tile = int(blockIdx.x), count = lattice.tile_counts[tile];
    const int* entries = lattice.entries + size_t(tile) * LatticeDevice<D>::tile_vertices;
    if constexpr (Step::slices) {
        for (int e = thread; e < count; e += detail::lattice_cuda_threads)
            shared.bits[e] = __float_as_int(blurred(entries[e]));
        __syncthreads();  // the blurred values are there
    }
    constexpr int points = detail::lattice_cuda_per_thread;
    float value[points];
    detail::Corners<D> corners[points] = {}, weights[points] = {};  // read once, and kept from the slice to the splat
    CINEBOKEH_UNROLL
    for (int i = 0; i < points; ++i) {
        const LatticePoint<points> p(layout, tile, i);
        value[i] = 0;
        if (!p.inside) continue;
        corners[i] = lattice.corners.load(p.index), weights[i] = lattice.weights.load(p.index);
        float sliced = 0;
        if constexpr (Step::slices) {
            CINEBOKEH_UNROLL
            for (int j = 0; j <= D; ++j)
                sliced += float(weights[i].v[j]) * __int_as_float(shared.bits[corners[i].v[j]]);
            sliced /= detail::lattice_one;
        }
        value[i] = step(p.x, p.y, sliced);
    }
    if constexpr (Step::splats) {
        __syncthreads();  // all have sliced
        for (int e = thread; e < count; e += detail::lattice_cuda_threads) shared.bits[e] = 0;
        __syncthreads();  // the sums are zero
        LatticeSplatter<D> splatter(shared.bits);
        const float unit = lattice.unit[0];
        CINEBOKEH_UNROLL
        for (int i = 0; i < points; ++i) {
            const LatticePoint<points> p(layout, tile, i);
            if (p.inside) splatter.add(corners[i], weights[i], value[i] * unit);
        }
        splatter.flush();
        __syncthreads();  // the sums of the tile are complete
        for (int e = thread; e < count; e += detail::lattice_cuda_threads)
            if (shared.bits[e] != 0 && entries[e] != 0)
                atomicAdd(&lattice.sums[entries[e]], (unsigned long long)((long long)(shared.bits[e])));
    }
}

/// The blur, as a functor of its phases: an axis each, in ascending order and then, if asked for, in descending order.
template <int D>
struct LatticeBlur {
    static constexpr int axes = D + 1;

    LatticeDevice<D> lattice;
    bool both;

    CINEBOKEH_HD int phases() const { return both ? 2 * axes : axes; }
    /// Where a phase writes: two arrays in turn; the second half leaves the result of the first where it is.
    CINEBOKEH_HD float* out(int phase) const {
        if (phase < axes) return lattice.values[phase % 2];
        return (phase - axes) % 2 ? lattice.values[2] : lattice.values[axes % 2];
    }
    __device__ void operator()(int phase) const {
        const int axis = phase < axes ? phase : 2 * axes - 1 - phase;
        const float one = lattice.unit[1];
        const int *minus = lattice.neighbours_along(axis, 0), *plus = lattice.neighbours_along(axis, 1);
        const float* const in = phase % axes ? out(phase - 1) : nullptr;  // null: the sums
        float* const to = out(phase);
        const bool last = phase + 1 == phases();  // clears the sums for the next splat
        for_vertices(lattice, [&](int v) {
            const int neighbours[3] = {v, minus[v], plus[v]};
            float value[3];
            CINEBOKEH_UNROLL
            for (int i = 0; i < 3; ++i)
                value[i] = in ? in[neighbours[i]] : float((long long)(lattice.sums[neighbours[i]])) * one;
            to[v] = value[0] + 0.5f * (value[1] + value[2]);
            if (last) lattice.sums[v] = 0;
        });
    }
};
}  // namespace kernels

namespace detail {
/// The lattice of a plan: memory and launches.
template <int D>
class LatticeCuda {
public:
    LatticeCuda(Cuda& exec, LatticeLayout largest, int max_vertices)
        : exec_(&exec),
          tiles_(int(largest.tiles().area())),
          max_vertices_(max_vertices),
          frame_(exec, {1, 1}),
          weights_(exec, {tiles_ * lattice_cuda_tile, LatticePlanes<D>::count}),
          corners_(exec, weights_.size()),
          tile_counts_(exec, {tiles_, 1}),
          entries_(exec, {tiles_ * LatticeDevice<D>::tile_vertices, 1}),
          table_(exec, {1 << bits_for(max_vertices), 1}),
          vertex_at_(exec, table_.size()),
          slot_of_(exec, {table_.size().width + 1, 1}),
          neighbours_(exec, {max_vertices + 1, 2 * (D + 1)}),
          sums_(exec, {max_vertices + 1, 1}),
          values_(exec, {max_vertices + 1, 3}),
          count_(exec, {1, 1}),
          unit_(exec, {2, 1}) {
        CINEBOKEH_CUDA(cudaMemsetAsync(table_.view().data, 0, table_.bytes(), exec.stream()));
        exec.launch(dim3(1), dim3(32), 0, kernels::lattice_create<D>, device());
    }

    LatticeDevice<D> device() {
        LatticeDevice<D> d;
        const auto planes = [](Buffer<unsigned, Cuda>& b) {
            return LatticePlanes<D>{b.view().data, size_t(b.view().pitch) / sizeof(unsigned)};
        };
        d.frame = frame_.view().data, d.weights = planes(weights_), d.corners = planes(corners_);
        d.tile_counts = tile_counts_.view().data, d.entries = entries_.view().data;
        d.table = table_.view().data, d.vertex_at = vertex_at_.view().data, d.slot_of = slot_of_.view().data;
        d.neighbours = neighbours_.view().data, d.neighbour_stride = size_t(neighbours_.view().pitch) / sizeof(int);
        d.sums = sums_.view().data;
        for (int i = 0; i < 3; ++i) d.values[i] = values_.view().row(i);
        d.count = count_.view().data, d.unit = unit_.view().data;
        d.max_vertices = max_vertices_, d.slot_mask = unsigned(table_.size().width) - 1;
        return d;
    }
    Span<const int, DeviceSpace> count() const { return count_.span(); }

    /// Starts a lattice: forgets the last one, and takes the bounds of the features.
    void begin(const FeatureBounds<D>& bounds) {
        exec_->launch(over_vertices(), dim3(vertex_threads), 0, kernels::lattice_empty<D>, device());
        exec_->launch(dim3(1), dim3(1), 0, kernels::lattice_begin<D>, device(), bounds);
    }
    template <class Features>
    void build(const LatticeLayout& layout, const Features& features) {
        exec_->launch(tiles(layout), dim3(lattice_place_threads), sizeof(kernels::LatticeTileTable),
                      kernels::lattice_place<D, Features>, device(), layout, features);
        exec_->launch(tiles(layout), dim3(lattice_cuda_threads), 0, kernels::lattice_number<D>, device());
        exec_->launch(dim3(over_vertices().x, 2 * (D + 1)), dim3(vertex_threads), 0, kernels::lattice_connect<D>,
                      device());
    }
    /// One pass over the points; see kernels::lattice_pass.
    template <class Step>
    void pass(const LatticeLayout& layout, const Step& step) {
        exec_->launch(tiles(layout), dim3(lattice_cuda_threads), 0, kernels::lattice_pass<D, Step>, device(), layout,
                      blurred_, step);
    }
    /// Blurs what was splatted since the last blur.
    void blur(bool both_axis_orders) {
        const kernels::LatticeBlur<D> blur{device(), both_axis_orders};
        exec_->launch_phases(blur.phases(), over_vertices(), dim3(vertex_threads), blur);
        // A vertex meets itself with weight 1, and again after half a step along every axis, a way that leads back.
        const float response = 1 + std::ldexp(1.f, -D);
        blurred_ = {blur.out(D), both_axis_orders ? blur.out(2 * D + 1) : nullptr,
                    1 / (response * (both_axis_orders ? 2 : 1))};
    }

private:
    static dim3 tiles(const LatticeLayout& layout) { return dim3(unsigned(layout.tiles().area())); }
    static constexpr int vertex_threads = 256;
    // A block for each SM, or as few as the vertices can need: their number is not known here.
    dim3 over_vertices() const {
        return dim3(unsigned(std::min(exec_->multiprocessors(), ceil_div(max_vertices_, vertex_threads))));
    }

    Cuda* exec_;
    int tiles_, max_vertices_;
    kernels::LatticeBlurred blurred_{};
    Buffer<LatticeFrame<D>, Cuda> frame_;
    Buffer<unsigned, Cuda> weights_, corners_;
    Buffer<int, Cuda> tile_counts_, entries_;
    Buffer<unsigned long long, Cuda> table_;
    Buffer<int, Cuda> vertex_at_, slot_of_, neighbours_;
    Buffer<unsigned long long, Cuda> sums_;
    Buffer<float, Cuda> values_;
    Buffer<int, Cuda> count_;
    Buffer<float, Cuda> unit_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
