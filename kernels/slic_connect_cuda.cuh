// Makes regions connected on Cuda, and numbers them as kernels/slic_connect_cpu.hpp does.
//
// Union-find over pixels with atomicMin (Playne and Hawick, "A new algorithm for parallel connected-component labelling
// on GPUs", 2018): the root of a piece is its first pixel in scan order. Numbers come from a scan over the roots.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cuda.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {

// Arrays over the pixels of an image of the given width, indexed in scan order.
struct SlicPieces {
    Image<int, DeviceSpace> labels;
    int *parent, *pixels, *home, *number;

    CINEBOKEH_HD int index(int x, int y) const { return y * labels.size.width + x; }
    CINEBOKEH_HD int find(int p) const {
        while (parent[p] != p) p = parent[p];
        return p;
    }
};

struct SlicLinkLeft : SlicPieces {
    CINEBOKEH_HD void operator()(int x, int y) const {
        const int p = index(x, y);
        parent[p] = x > 0 && labels(x - 1, y) == labels(x, y) ? p - 1 : p;
        pixels[p] = 0;
    }
};
struct SlicFlatten : SlicPieces {
    // Other threads shorten the same chains meanwhile: every value they write is an ancestor too.
    CINEBOKEH_HD void operator()(int x, int y) const { parent[index(x, y)] = find(index(x, y)); }
};
// Where a piece goes: itself, or the piece before its first pixel if it is small.
struct SlicChooseHome : SlicPieces {
    int least_pixels;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const int p = index(x, y);
        if (parent[p] != p) return;
        const bool stays = p == 0 || pixels[p] >= least_pixels;
        home[p] = stays ? p : parent[x > 0 ? p - 1 : p - labels.size.width];
    }
};
struct SlicRelabel : SlicPieces {
    CINEBOKEH_HD void operator()(int x, int y) const {
        int p = parent[index(x, y)];
        while (home[p] != p) p = home[p];
        labels(x, y) = number[p];
    }
};
}  // namespace detail

namespace kernels {
static __global__ void slic_link_up(detail::SlicPieces pieces) {
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= pieces.labels.size.width || y >= pieces.labels.size.height || y == 0) return;
    const auto& labels = pieces.labels;
    if (labels(x, y) != labels(x, y - 1)) return;
    // The pixel to the left makes the same link where it belongs to the same two runs.
    if (x > 0 && labels(x - 1, y) == labels(x, y) && labels(x - 1, y - 1) == labels(x, y)) return;
    int a = pieces.find(pieces.index(x, y)), b = pieces.find(pieces.index(x, y - 1));
    while (a != b) {
        if (a < b) {
            const int t = a;
            a = b, b = t;
        }
        const int before = atomicMin(&pieces.parent[a], b);  // if a was no root any more, what it hung on is joined too
        if (before == a) break;
        a = pieces.find(before), b = pieces.find(b);
    }
}

static __global__ void slic_count_pixels(detail::SlicPieces pieces) {
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y * blockDim.y + threadIdx.y);
    if (x < pieces.labels.size.width && y < pieces.labels.size.height)
        atomicAdd(&pieces.pixels[pieces.parent[pieces.index(x, y)]], 1);
}

inline constexpr int slic_scan_threads = 256;
inline constexpr int slic_scan_pixels = 1024;  // per block

struct SlicScanShared {
    int sums[slic_scan_threads];
};
// The sum of `value` over the threads before this one in the block; the total is returned in `total`.
static __device__ inline int slic_block_scan(SlicScanShared& shared, int value, int& total) {
    const int thread = int(threadIdx.x);
    shared.sums[thread] = value;
    __syncthreads();  // all values are there
    for (int d = 1; d < slic_scan_threads; d *= 2) {
        const int before = thread >= d ? shared.sums[thread - d] : 0;
        __syncthreads();  // all have read
        shared.sums[thread] += before;
        __syncthreads();  // all have written
    }
    total = shared.sums[slic_scan_threads - 1];
    const int result = shared.sums[thread] - value;
    __syncthreads();  // the array may be used again
    return result;
}

static __device__ inline bool slic_is_region(const detail::SlicPieces& pieces, int p, int count) {
    return p < count && pieces.parent[p] == p && pieces.home[p] == p;
}

// Writes the number of regions that start in each block's pixels.
static __global__ void slic_count_regions(detail::SlicPieces pieces, int count, int* block_counts) {
    SlicScanShared& shared = static_shared<SlicScanShared>();
    const int first = int(blockIdx.x) * slic_scan_pixels + int(threadIdx.x) * 4;
    int regions = 0, total;
    for (int i = 0; i < 4; ++i) regions += slic_is_region(pieces, first + i, count);
    slic_block_scan(shared, regions, total);
    if (threadIdx.x == 0) block_counts[blockIdx.x] = total;
}

// One block: replaces counts by the sums of the counts before, and writes the total.
static __global__ void slic_scan_counts(int* block_counts, int blocks, Span<int, DeviceSpace> total_count) {
    SlicScanShared& shared = static_shared<SlicScanShared>();
    int sum = 0, total;
    for (int first = 0; first < blocks; first += slic_scan_threads) {
        const int i = first + int(threadIdx.x);
        const int before = slic_block_scan(shared, i < blocks ? block_counts[i] : 0, total);
        if (i < blocks) block_counts[i] = sum + before;
        sum += total;
    }
    if (threadIdx.x == 0) total_count[0] = sum;
}

static __global__ void slic_number_regions(detail::SlicPieces pieces, int count, const int* block_counts) {
    SlicScanShared& shared = static_shared<SlicScanShared>();
    const int first = int(blockIdx.x) * slic_scan_pixels + int(threadIdx.x) * 4;
    int regions = 0, total;
    for (int i = 0; i < 4; ++i) regions += slic_is_region(pieces, first + i, count);
    int number = block_counts[blockIdx.x] + slic_block_scan(shared, regions, total);
    for (int i = 0; i < 4; ++i)
        if (slic_is_region(pieces, first + i, count)) pieces.number[first + i] = number++;
}
}  // namespace kernels

namespace detail {
class SlicConnectCuda {
public:
    SlicConnectCuda(Cuda& exec, Size size, int least_pixels)
        : exec_(exec),
          least_pixels_(std::max(least_pixels, 1)),
          blocks_(ceil_div(int(size.area()), kernels::slic_scan_pixels)),
          parent_(exec, {int(size.area()), 1}),
          pixels_(exec, {int(size.area()), 1}),
          home_(exec, {int(size.area()), 1}),
          number_(exec, {int(size.area()), 1}),
          block_counts_(exec, {blocks_, 1}) {}

    int max_labels() const { return int(parent_.size().area() / size_t(least_pixels_)) + 1; }

    void operator()(View<int, Cuda> labels, SpanView<int, Cuda> count) {
        const SlicPieces pieces{labels, parent_.span().data, pixels_.span().data, home_.span().data,
                                number_.span().data};
        const Size size = labels.size;
        const dim3 block(32, 8), grid(unsigned(ceil_div(size.width, 32)), unsigned(ceil_div(size.height, 8)));
        for_each_pixel(exec_, size, SlicLinkLeft{pieces});
        exec_.launch(grid, block, 0, kernels::slic_link_up, pieces);
        for_each_pixel(exec_, size, SlicFlatten{pieces});
        exec_.launch(grid, block, 0, kernels::slic_count_pixels, pieces);
        for_each_pixel(exec_, size, SlicChooseHome{pieces, least_pixels_});
        const int pixels = int(size.area());
        const dim3 threads(kernels::slic_scan_threads);
        int* const counts = block_counts_.span().data;
        exec_.launch(dim3(unsigned(blocks_)), threads, 0, kernels::slic_count_regions, pieces, pixels, counts);
        exec_.launch(dim3(1), threads, 0, kernels::slic_scan_counts, counts, blocks_, count);
        exec_.launch(dim3(unsigned(blocks_)), threads, 0, kernels::slic_number_regions, pieces, pixels,
                     static_cast<const int*>(counts));
        for_each_pixel(exec_, size, SlicRelabel{pieces});
    }

private:
    Cuda& exec_;
    int least_pixels_, blocks_;
    Buffer<int, Cuda> parent_, pixels_, home_, number_, block_counts_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
