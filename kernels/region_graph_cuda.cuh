// RegionGraph on Cuda. Tiles collect their sums and pairs in shared memory and add them to the image's with integer
// atomics; then each end of a pair finds its place in its row by counting, so the order of the atomics leaves no trace.
#pragma once
#include "cinebokeh/region_graph.hpp"
#if CINEBOKEH_GRID
#include "cinebokeh/core/cuda_block.hpp"
#include "kernels/region_graph_tile_cuda.cuh"

namespace cinebokeh {
namespace kernels {
static __global__ void clear_region_graph(detail::RegionSums* sums, int count, detail::RegionPairs pairs) {
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) sums[i] = {}, pairs.degrees[i] = 0;
    if (i <= pairs.mask) pairs.keys[i] = detail::RegionPairs::empty, pairs.border[i] = 0;
    if (i == 0) *pairs.state = {0, 0};
}

inline constexpr int region_row_threads = 1024;
struct RegionRowShared {
    BlockSum<int, region_row_threads> sum;
};
/// One block: where the rows begin; the degrees become that too, to be counted up while the rows are filled.
static __global__ void place_region_rows(int count, int* degrees, int* offsets) {
    RegionRowShared& s = static_shared<RegionRowShared>();
    int sum = 0;
    for (int first = 0; first <= count; first += region_row_threads) {
        const int v = first + int(threadIdx.x);
        int total = 0;
        const int before = sum + s.sum.before(v < count ? degrees[v] : 0, total);
        if (v <= count) offsets[v] = before;
        if (v < count) degrees[v] = before;
        sum += total;
    }
}

/// Lists the neighbours of every region, in no order.
static __global__ void list_region_neighbours(detail::RegionPairs pairs, int* next, int* listed) {
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i >= pairs.filled()) return;
    const unsigned long long key = pairs.keys[pairs.used[i]];
    const int a = int(key >> 32), b = int(key & 0xffffffffu);
    listed[atomicAdd(&next[a], 1)] = b;
    listed[atomicAdd(&next[b], 1)] = a;
}

static __device__ inline void finish_region(const detail::RegionSums& sum, double unit, Region& region) {
    const double n = double(sum.pixels > 0 ? sum.pixels : 1), scale = n * unit;
    region = {sum.pixels,
              {float(double(sum.lab[0]) / scale), float(double(sum.lab[1]) / scale), float(double(sum.lab[2]) / scale)},
              {float(double(sum.x) / n), float(double(sum.y) / n)},
              sum.left,
              sum.top,
              sum.right,
              sum.bottom};
}
/// One thread per end of a pair and per region: writes the neighbour to its place in the row, after those that are
/// smaller; writes the means of the region.
static __global__ void finish_region_graph(const detail::RegionSums* sums, int count, double unit, Region* regions,
                                           detail::RegionPairs pairs, const int* offsets, const int* listed,
                                           int* targets, int* borders) {
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) finish_region(sums[i], unit, regions[i]);
    if (i / 2 >= pairs.filled()) return;
    const int slot = pairs.used[i / 2];
    const unsigned long long key = pairs.keys[slot];
    const int a = int(key >> 32), b = int(key & 0xffffffffu), region = i % 2 ? b : a, neighbour = i % 2 ? a : b;
    int at = offsets[region];
    const int begin = at, end = offsets[region + 1];
    for (int k = begin; k < end; ++k) at += listed[k] < neighbour;
    targets[at] = neighbour, borders[at] = pairs.border[slot];
}
}  // namespace kernels

namespace detail {
inline RegionGraphCuda::RegionGraphCuda(Cuda& exec, Size size, int max_regions)
    : exec_(&exec), size_(size), max_regions_(max_regions) {
    const int pairs = most_region_pairs(size, max_regions);
    sums_ = {exec, {max_regions, 1}}, regions_ = {exec, {max_regions, 1}};
    keys_ = {exec, {region_pair_slots(pairs), 1}}, border_ = {exec, {region_pair_slots(pairs), 1}};
    used_ = {exec, {std::max(pairs, 1), 1}}, state_ = {exec, {1, 1}};
    offsets_ = {exec, {max_regions + 1, 1}}, next_ = {exec, {max_regions, 1}};
    targets_ = {exec, {2 * pairs, 1}}, borders_ = {exec, {2 * pairs, 1}}, listed_ = {exec, {2 * pairs, 1}};
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
    const int slots = keys_.size().width, ends = targets_.size().width;
    const RegionPairs pairs{keys_.view().data,  border_.view().data, used_.view().data, next_.view().data,
                            state_.view().data, slots - 1,           ends / 2};
    const auto blocks = [](int n) { return dim3(unsigned(ceil_div(n, 256))); };
    exec_->launch(blocks(std::max(count, slots)), dim3(256), 0, kernels::clear_region_graph, sums_.view().data, count,
                  pairs);
    const dim3 tiles(unsigned(ceil_div(size_.width, kernels::region_tile)),
                     unsigned(ceil_div(size_.height, kernels::region_tile)));
    exec_->launch(tiles, dim3(32, kernels::region_tile_warps), 0, kernels::measure_regions<Color>, image, labels, count,
                  sums_.view().data, pairs);
    exec_->launch(dim3(1), dim3(kernels::region_row_threads), 0, kernels::place_region_rows, count, next_.view().data,
                  offsets_.view().data);
    exec_->launch(blocks(ends / 2), dim3(256), 0, kernels::list_region_neighbours, pairs, next_.view().data,
                  listed_.view().data);
    exec_->launch(blocks(std::max(count, ends)), dim3(256), 0, kernels::finish_region_graph,
                  std::as_const(sums_).view().data, count, unit, regions_.view().data, pairs,
                  std::as_const(offsets_).view().data, std::as_const(listed_).view().data, targets_.view().data,
                  borders_.view().data);
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
