// RegionGraph on Cuda: sums and pairs with integer atomics, one per run of equal labels in a warp; then one block makes
// rows of the pairs and sorts each, so that the order of the atomics leaves no trace.
#pragma once
#include "cinebokeh/region_graph.hpp"
#if CINEBOKEH_GRID
#include "cinebokeh/color.hpp"
#include "cinebokeh/core/cuda_block.hpp"

namespace cinebokeh {
namespace detail {
/// A hash table of pairs of regions, at most half full as long as there is room.
struct RegionPairs {
    static constexpr unsigned long long empty = ~0ull;
    unsigned long long* keys;  // [mask + 1] smaller region, larger region
    int* border;               // [mask + 1]
    int* used;                 // [room] slots
    RegionGraphState* state;
    int mask, room;

    static __device__ unsigned long long key_of(int a, int b) {
        return (unsigned long long)(unsigned(a < b ? a : b)) << 32 | unsigned(a < b ? b : a);
    }
    /// Adds to the border of a pair. Where there is no room, state->pairs becomes larger than room.
    __device__ void add(int a, int b, int length) const {
        const unsigned long long key = key_of(a, b);
        unsigned slot = unsigned(key >> 32) * 0x9e3779b1u ^ unsigned(key) * 0x85ebca6bu;
        slot = (slot ^ slot >> 15) & unsigned(mask);
        for (int probe = 0; probe <= mask; ++probe, slot = (slot + 1) & unsigned(mask)) {
            unsigned long long found = keys[slot];
            if (found == empty) {
                found = atomicCAS(&keys[slot], empty, key);
                if (found == empty) {
                    const int number = atomicAdd(&state->pairs, 1);
                    if (number < room) used[number] = int(slot);
                    found = key;
                }
            }
            if (found == key) {
                atomicAdd(&border[slot], length);
                return;
            }
        }
    }
};
}  // namespace detail

namespace kernels {
static __global__ void clear_region_graph(detail::RegionSums* sums, int count, detail::RegionPairs pairs) {
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) sums[i] = {};
    if (i <= pairs.mask) pairs.keys[i] = detail::RegionPairs::empty, pairs.border[i] = 0;
    if (i == 0) *pairs.state = {0, 0};
}

static __device__ inline Vec<int, 3> lab_units(Rgba8 p) {
    return detail::lab_fixed(detail::lab_tables(), p[0], p[1], p[2]);
}
static __device__ inline Vec<int, 3> lab_units(Vec<int16_t, 4> p) { return {p[0], p[1], p[2]}; }

/// A warp takes 32 pixels of a row. The first lane of each run of equal labels adds for the run.
template <class Color>
static __global__ void measure_regions(Image<const Color, DeviceSpace> image, Image<const int, DeviceSpace> labels,
                                       int count, detail::RegionSums* sums, detail::RegionPairs pairs) {
    const int lane = int(threadIdx.x), x = int(blockIdx.x) * 32 + lane;
    const int y = int(blockIdx.y * blockDim.y + threadIdx.y);
    const Size size = labels.size;
    if (y >= size.height) return;  // for the whole warp alike
    const bool inside = x < size.width;
    const int label = inside ? labels(x, y) : -1;
    const bool legal = label >= 0 && label < count;
    if (inside && !legal) atomicAdd(&pairs.state->illegal, 1);

    const int before = __shfl_up_sync(~0u, label, 1);
    const unsigned heads = __ballot_sync(~0u, lane == 0 || before != label);
    const unsigned later = lane == 31 ? 0 : heads & (~0u << (lane + 1));
    const int run_end = later == 0 ? 32 : __ffs(int(later)) - 1;
    long long lab[3] = {0, 0, 0};
    if (legal) {
        const Vec<int, 3> units = lab_units(image(x, y));
        for (int c = 0; c < 3; ++c) lab[c] = units[c];
    }
    for (int d = 1; d < 32; d *= 2)
        for (int c = 0; c < 3; ++c) {
            const long long other = __shfl_down_sync(~0u, lab[c], unsigned(d));
            if (lane + d < run_end) lab[c] += other;
        }
    if (!legal) return;
    detail::RegionSums& sum = sums[label];
    if (heads >> lane & 1) {
        const long long pixels = run_end - lane;
        for (int c = 0; c < 3; ++c)
            atomicAdd(reinterpret_cast<unsigned long long*>(&sum.lab[c]), (unsigned long long)(lab[c]));
        atomicAdd(reinterpret_cast<unsigned long long*>(&sum.x),
                  (unsigned long long)(pixels * (2 * x + pixels - 1) / 2));
        atomicAdd(reinterpret_cast<unsigned long long*>(&sum.y), (unsigned long long)(pixels * y));
        atomicAdd(&sum.pixels, int(pixels));
        if (y == 0) atomicAdd(&sum.top, int(pixels));
        if (y == size.height - 1) atomicAdd(&sum.bottom, int(pixels));
    }
    if (x == 0) atomicAdd(&sum.left, 1);
    if (x == size.width - 1) atomicAdd(&sum.right, 1);
    const auto touch = [&](int other) {
        if (other != label && other >= 0 && other < count) pairs.add(label, other, 1);
    };
    if (x + 1 < size.width) touch(labels(x + 1, y));
    if (y + 1 < size.height) touch(labels(x, y + 1));
}

static __global__ void finish_regions(const detail::RegionSums* sums, int count, double unit, Region* regions) {
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i >= count) return;
    const detail::RegionSums& sum = sums[i];
    const double n = double(sum.pixels > 0 ? sum.pixels : 1), scale = n * unit;
    regions[i] = {
        sum.pixels,
        {float(double(sum.lab[0]) / scale), float(double(sum.lab[1]) / scale), float(double(sum.lab[2]) / scale)},
        {float(double(sum.x) / n), float(double(sum.y) / n)},
        sum.left,
        sum.top,
        sum.right,
        sum.bottom};
}

inline constexpr int region_row_threads = 256;
struct RegionRowShared {
    BlockSum<int, region_row_threads> sum;
};
/// One block: the pairs become rows in compressed form, ascending.
static __global__ void make_region_rows(int count, detail::RegionPairs pairs, int* offsets, int* next, int* targets,
                                        int* borders) {
    RegionRowShared& s = static_shared<RegionRowShared>();
    const int thread = int(threadIdx.x);
    const int filled = pairs.state->pairs < pairs.room ? pairs.state->pairs : pairs.room;
    for (int v = thread; v <= count; v += region_row_threads) next[v] = 0;
    __syncthreads();  // the degrees are zero
    const auto ends = [&](int i, int(&end)[2]) {
        const unsigned long long key = pairs.keys[pairs.used[i]];
        end[0] = int(key >> 32), end[1] = int(key & 0xffffffffu);
        return pairs.border[pairs.used[i]];
    };
    for (int i = thread; i < filled; i += region_row_threads) {
        int end[2];
        ends(i, end);
        atomicAdd(&next[end[0]], 1), atomicAdd(&next[end[1]], 1);
    }
    __syncthreads();  // the degrees are complete
    int sum = 0;
    for (int first = 0; first <= count; first += region_row_threads) {
        const int v = first + thread, degree = v < count ? next[v] : 0;
        int total = 0;
        const int before = sum + s.sum.before(degree, total);
        if (v <= count) offsets[v] = next[v] = before;
        sum += total;
    }
    __syncthreads();  // the offsets are complete
    for (int i = thread; i < filled; i += region_row_threads) {
        int end[2];
        const int border = ends(i, end);
        for (int side = 0; side < 2; ++side) {
            const int at = atomicAdd(&next[end[side]], 1);
            targets[at] = end[1 - side], borders[at] = border;
        }
    }
    __syncthreads();  // the rows are filled
    for (int v = thread; v < count; v += region_row_threads)
        for (int i = offsets[v] + 1; i < offsets[v + 1]; ++i) {
            const int target = targets[i], border = borders[i];
            int at = i;
            for (; at > offsets[v] && targets[at - 1] > target; --at)
                targets[at] = targets[at - 1], borders[at] = borders[at - 1];
            targets[at] = target, borders[at] = border;
        }
}
}  // namespace kernels

namespace detail {
inline RegionGraphCuda::RegionGraphCuda(Cuda& exec, Size size, int max_regions)
    : exec_(&exec), size_(size), max_regions_(max_regions) {
    const int pairs = most_region_pairs(size, max_regions);
    sums_ = {exec, {max_regions, 1}}, regions_ = {exec, {max_regions, 1}};
    keys_ = {exec, {region_pair_slots(pairs), 1}}, border_ = {exec, {region_pair_slots(pairs), 1}};
    used_ = {exec, {std::max(pairs, 1), 1}}, state_ = {exec, {1, 1}};
    offsets_ = {exec, {max_regions + 1, 1}}, next_ = {exec, {max_regions + 1, 1}};
    targets_ = {exec, {2 * pairs, 1}}, borders_ = {exec, {2 * pairs, 1}};
    CINEBOKEH_CUDA(cudaMemsetAsync(state_.view().data, 0, state_.bytes(), exec.stream()));
}

inline void RegionGraphCuda::operator()(Image<const Rgba8, DeviceSpace> image, Image<const int, DeviceSpace> labels,
                                        int count) {
    build(image, labels, count, 1 << lab_fraction_bits);
}
inline void RegionGraphCuda::operator()(Image<const Vec<int16_t, 4>, DeviceSpace> lab_eighths,
                                        Image<const int, DeviceSpace> labels, int count) {
    build(lab_eighths, labels, count, 8);
}

template <class Color>
void RegionGraphCuda::build(Image<const Color, DeviceSpace> image, Image<const int, DeviceSpace> labels, int count,
                            double unit) {
    require_region_images(image.size, labels.size, size_, count, max_regions_);
    count_ = count;
    const int slots = keys_.size().width;
    const RegionPairs pairs{keys_.view().data,  border_.view().data, used_.view().data,
                            state_.view().data, slots - 1,           targets_.size().width / 2};
    const auto blocks = [](int n) { return dim3(unsigned(ceil_div(n, 256))); };
    exec_->launch(blocks(std::max(count, slots)), dim3(256), 0, kernels::clear_region_graph, sums_.view().data, count,
                  pairs);
    exec_->launch(dim3(unsigned(ceil_div(size_.width, 32)), unsigned(ceil_div(size_.height, 8))), dim3(32, 8), 0,
                  kernels::measure_regions<Color>, image, labels, count, sums_.view().data, pairs);
    exec_->launch(blocks(count), dim3(256), 0, kernels::finish_regions, std::as_const(sums_).view().data, count, unit,
                  regions_.view().data);
    exec_->launch(dim3(1), dim3(kernels::region_row_threads), 0, kernels::make_region_rows, count, pairs,
                  offsets_.view().data, next_.view().data, targets_.view().data, borders_.view().data);
}

inline void RegionGraphCuda::check() {
    RegionGraphState state;
    copy(*exec_, std::as_const(state_).view(), HostImage<RegionGraphState>(&state, {1, 1}));
    exec_->synchronize();
    require_region_labels(state.illegal == 0, count_);
    require_region_pairs(state.pairs <= targets_.size().width / 2, targets_.size().width / 2);
}
}  // namespace detail

template <class T>
void paint_regions(Cuda& exec, Image<const int, DeviceSpace> labels,
                   Span<const std::type_identity_t<T>, DeviceSpace> values, Image<T, DeviceSpace> out) {
    require(labels.size == out.size, "paint_regions: the images differ in size");
    for_each_pixel(exec, out.size, detail::PaintRegion<T, DeviceSpace>{labels, values, out});
}
}  // namespace cinebokeh
#endif
