// J and F on Cuda. Boundary maps are packed, one bit a pixel; then a warp takes each boundary pixel and asks, row by
// row of the tolerance disk, whether the other map has a bit there. Counts are integers: their order does not matter.
#pragma once
#include "cinebokeh/measures.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
struct OverlapCounts {
    int both, any;
};
struct ContourCounts {
    int total[2], matched[2];  // boundary pixels of the result and of the truth
};
}  // namespace detail

namespace kernels {
static __global__ void count_overlap(Image<const uint8_t, DeviceSpace> a, Image<const uint8_t, DeviceSpace> b,
                                     detail::OverlapCounts* counts) {
    int both = 0, any = 0;
    for (int y = int(blockIdx.x); y < a.size.height; y += int(gridDim.x))
        for (int x = int(threadIdx.x); x < a.size.width; x += int(blockDim.x)) {
            const bool in_a = a(x, y) != 0, in_b = b(x, y) != 0;
            both += in_a && in_b, any += in_a || in_b;
        }
    both = __reduce_add_sync(~0u, both), any = __reduce_add_sync(~0u, any);
    if (threadIdx.x % 32 != 0 || any == 0) return;
    atomicAdd(&counts->both, both), atomicAdd(&counts->any, any);
}

/// Packs the boundary of a mask: bit x % 32 of word x / 32 says whether the pixel differs from its right, lower or
/// lower right neighbour. A warp makes a word.
static __global__ void pack_boundary(Image<const uint8_t, DeviceSpace> mask, Image<unsigned, DeviceSpace> bits) {
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y * blockDim.y + threadIdx.y);
    bool edge = false;
    if (mask.size.contains(x, y)) {
        const bool here = mask(x, y) != 0, right = x + 1 < mask.size.width, down = y + 1 < mask.size.height;
        if (right) edge |= here != (mask(x + 1, y) != 0);
        if (down) edge |= here != (mask(x, y + 1) != 0);
        if (right && down) edge |= here != (mask(x + 1, y + 1) != 0);
    }
    const unsigned word = __ballot_sync(~0u, edge);
    if (threadIdx.x == 0 && bits.size.contains(x / 32, y)) bits(x / 32, y) = word;
}

/// Whether one of the bits first .. last of a row is set.
static __device__ inline bool any_bit(const unsigned* row, int first, int last) {
    for (int w = first / 32; w <= last / 32; ++w) {
        unsigned word = row[w];
        if (w == first / 32) word &= ~0u << first % 32;
        if (w == last / 32) word &= ~0u >> (31 - last % 32);
        if (word != 0) return true;
    }
    return false;
}

/// Counts the boundary pixels of map blockIdx.z, and those that lie within the disk of one of the other map's.
static __global__ void count_matches(Image<const unsigned, DeviceSpace> a, Image<const unsigned, DeviceSpace> b,
                                     int width, const int* half_width, int radius, detail::ContourCounts* counts) {
    const int which = int(blockIdx.z), lane = int(threadIdx.x);
    const Image<const unsigned, DeviceSpace>&from = which == 0 ? a : b, &other = which == 0 ? b : a;
    const int word = int(blockIdx.x), y = int(blockIdx.y * blockDim.y + threadIdx.y);
    if (y >= from.size.height) return;  // for the whole warp alike
    const unsigned bits = from(word, y);
    int matched = 0;
    for (unsigned rest = bits; rest != 0; rest &= rest - 1) {
        const int x = 32 * word + __ffs(int(rest)) - 1;
        bool found = false;
        for (int first = -radius; first <= radius; first += 32) {
            const int dy = first + lane, row = y + dy;
            if (dy <= radius && row >= 0 && row < other.size.height) {
                const int reach = half_width[dy < 0 ? -dy : dy];
                found = any_bit(other.row(row), max(x - reach, 0), min(x + reach, width - 1));
            }
            if (__any_sync(~0u, found)) {
                ++matched;
                break;
            }
        }
    }
    if (lane != 0 || bits == 0) return;
    atomicAdd(&counts->total[which], __popc(bits));
    if (matched > 0) atomicAdd(&counts->matched[which], matched);
}
}  // namespace kernels

inline double intersection_over_union(Cuda& exec, Image<const uint8_t, DeviceSpace> a,
                                      Image<const uint8_t, DeviceSpace> b) {
    detail::require_masks(a.size, b.size);
    detail::OverlapCounts* counts = exec.results<detail::OverlapCounts>();
    CINEBOKEH_CUDA(cudaMemsetAsync(counts, 0, sizeof *counts, exec.stream()));
    exec.launch(dim3(unsigned(std::min(a.size.height, 264))), dim3(256), 0, kernels::count_overlap, a, b, counts);
    const auto c = fetch_results<detail::OverlapCounts>(exec);
    return c.any == 0 ? 1.0 : double(c.both) / double(c.any);
}

namespace detail {
class ContourAccuracyCuda {
public:
    ContourAccuracyCuda(Cuda& exec, Size size, double tolerance = 0.008)
        : exec_(&exec), size_(size), disk_(size, tolerance) {
        bits_ = {exec, {ceil_div(size.width, 32), 2 * size.height}};
        half_width_ = {exec, {disk_.radius + 1, 1}, disk_.half_widths()};
    }
    ContourScore operator()(Image<const uint8_t, DeviceSpace> result, Image<const uint8_t, DeviceSpace> truth) {
        require_planned_masks(result.size, truth.size, size_);
        const auto map = [&](int mask) {
            return bits_.view().crop(0, mask * size_.height, {bits_.size().width, size_.height});
        };
        const dim3 pixels(unsigned(ceil_div(size_.width, 32)), unsigned(ceil_div(size_.height, 8)));
        exec_->launch(pixels, dim3(32, 8), 0, kernels::pack_boundary, result, map(0));
        exec_->launch(pixels, dim3(32, 8), 0, kernels::pack_boundary, truth, map(1));
        ContourCounts* counts = exec_->results<ContourCounts>();
        CINEBOKEH_CUDA(cudaMemsetAsync(counts, 0, sizeof *counts, exec_->stream()));
        exec_->launch(dim3(pixels.x, pixels.y, 2), dim3(32, 8), 0, kernels::count_matches,
                      Image<const unsigned, DeviceSpace>(map(0)), Image<const unsigned, DeviceSpace>(map(1)),
                      size_.width, std::as_const(half_width_).view().data, disk_.radius, counts);
        const auto c = fetch_results<ContourCounts>(*exec_);
        return contour_score({c.total[0], c.total[1]}, {c.matched[0], c.matched[1]});
    }
    int radius() const { return disk_.radius; }

private:
    Cuda* exec_;
    Size size_;
    ToleranceDisk disk_;
    Buffer<unsigned, Cuda> bits_;   // of each mask: its boundary; 32 pixels to a word
    Buffer<int, Cuda> half_width_;  // of the disk, by row
};
}  // namespace detail
}  // namespace cinebokeh
#endif
