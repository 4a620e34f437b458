// Slic on Cuda. One block per cell and part of its pixels: the nine candidates are the same for all its threads. The
// sums of the clusters stay in memory, and only what changes its cluster moves from one to another: in shared memory
// first, then with integer atomics, so the order does not matter.
#pragma once
#include "kernels/slic.hpp"
#if CINEBOKEH_GRID
#include "kernels/slic_connect_cuda.cuh"

namespace cinebokeh {
namespace kernels {
inline constexpr int slic_threads = 128;  // four warps: the ten cells per multiprocessor of 1080p are all resident
inline constexpr int slic_part = 2048;    // pixels of a cell per block; positions below 2^11 keep its sums below 2^23

// The pixels of a cell that a block looks at, row by row.
struct SlicPart {
    int cell, left, top, width, begin, end;  // begin, end: of the pixels, counted in the cell

    static __device__ SlicPart of_block(const detail::SlicGrid& grid) {
        const int clusters = grid.cells.width * grid.cells.height;
        SlicPart part;
        part.cell = int(blockIdx.x) % clusters;
        const int column = part.cell % grid.cells.width, row = part.cell / grid.cells.width;
        part.left = grid.column_begin(column), part.top = grid.row_begin(row);
        part.width = grid.column_begin(column + 1) - part.left;
        part.begin = int(blockIdx.x) / clusters * slic_part;
        part.end = min(part.begin + slic_part, part.width * (grid.row_begin(row + 1) - part.top));
        return part;
    }
    __device__ int x(int pixel) const { return left + int(unsigned(pixel) % unsigned(width)); }
    __device__ int y(int pixel) const { return top + int(unsigned(pixel) / unsigned(width)); }
};

struct SlicLoadShared {
    int sums[5];
};
// Converts the colours, puts every pixel into the cluster of its own cell, and seeds that with the pixel in the middle.
static __global__ void slic_load(detail::SlicGrid grid, Image<const Rgba8, DeviceSpace> image,
                                 Image<Vec<int16_t, 4>, DeviceSpace> colors,
                                 Span<detail::SlicCentre, DeviceSpace> centres,
                                 Span<unsigned long long, DeviceSpace> sums) {
    SlicLoadShared& shared = static_shared<SlicLoadShared>();
    const int thread = int(threadIdx.x);
    const SlicPart part = SlicPart::of_block(grid);
    if (thread < 5) shared.sums[thread] = 0;
    __syncthreads();  // the zeros are there
    const int cell_x = grid.units(part.left), cell_y = grid.units(part.top);
    int sum[5] = {};
    for (int pixel = part.begin + thread; pixel < part.end; pixel += slic_threads) {
        const int x = part.x(pixel), y = part.y(pixel);
        const Vec<int16_t, 4> color = detail::slic_color(image(x, y));
        colors(x, y) = color;
        for (int i = 0; i < 3; ++i) sum[i] += color[i];
        sum[3] += grid.units(x) - cell_x, sum[4] += grid.units(y) - cell_y;
    }
    for (int i = 0; i < 5; ++i) {
        const int total = __reduce_add_sync(~0u, sum[i]);
        if (thread % 32 == 0) atomicAdd(&shared.sums[i], total);
    }
    __syncthreads();  // the sums of all warps are in
    const long long count = max(part.end - part.begin, 0);
    if (thread < 6) {
        const long long corner = thread == 3 ? cell_x : thread == 4 ? cell_y : 0;
        const long long total = thread < 5 ? shared.sums[thread] + count * corner : count;
        atomicAdd(&sums[size_t(6) * size_t(part.cell) + size_t(thread)], (unsigned long long)(total));
    }
    if (thread == 0 && part.begin == 0) {
        const int column = part.cell % grid.cells.width, row = part.cell / grid.cells.width;
        const int x = (part.left + grid.column_begin(column + 1)) / 2, y = (part.top + grid.row_begin(row + 1)) / 2;
        const Vec<int16_t, 4> color = detail::slic_color(image(x, y));
        centres[size_t(part.cell)] = {{color[0], color[1], color[2], grid.units(x), grid.units(y)}};
    }
}

struct SlicShared {
    detail::SlicCandidate candidates[9];
    int moved[9][6];  // into each candidate less out of it: L, a, b, x, y relative to the cell, and the pixels
};

// What an assignment is for: the first time that a pixel has its turn it comes from the cluster of its own cell, and
// the last iteration needs no sums.
enum class SlicPass { first, middle, last };

// Pixels whose turn it is choose their cluster, a warp taking a stretch at a time.
static __global__ void slic_assign(detail::SlicGrid grid, detail::SlicTurn turn, SlicPass pass,
                                   Image<const Vec<int16_t, 4>, DeviceSpace> colors,
                                   Span<const detail::SlicCentre, DeviceSpace> centres,
                                   Span<unsigned long long, DeviceSpace> sums, Image<int, DeviceSpace> labels) {
    SlicShared& shared = static_shared<SlicShared>();
    const SlicPart part = SlicPart::of_block(grid);
    const int cell = part.cell, column = cell % grid.cells.width, row = cell / grid.cells.width;
    const int thread = int(threadIdx.x);
    if (thread < 9) shared.candidates[thread] = detail::slic_candidate(grid, centres.data, column, row, thread);
    if (thread < 54) shared.moved[thread / 6][thread % 6] = 0;
    __syncthreads();  // candidates and zeros are there

    constexpr int stretch = detail::slic_stretch, warps = slic_threads / 32;
    static_assert(stretch == 32 && slic_part % stretch == 0);
    const int cell_x = grid.units(part.left), cell_y = grid.units(part.top);
    const int begin = part.begin / stretch, before = begin % turn.step;
    const int first = begin + turn.first - before + (turn.first < before ? turn.step : 0);
    for (int s = first + thread / 32 * turn.step; s * stretch < part.end; s += warps * turn.step) {
        const int pixel = s * stretch + thread % 32;
        if (pixel >= part.end) continue;
        const int x = part.x(pixel), y = part.y(pixel);
        const Vec<int16_t, 4> color = colors(x, y);
        const int label = pass == SlicPass::middle ? labels(x, y) : cell;
        const int value[6] = {color[0], color[1], color[2], grid.units(x) - cell_x, grid.units(y) - cell_y, 1};
        int chosen = 0;
        float least = 0x1p26f;
        for (int k = 0; k < 9; ++k) {
            const float score = shared.candidates[k].score(float(value[0]), float(value[1]), float(value[2]),
                                                           float(value[3]), float(value[4]));
            if (score < least) least = score, chosen = k;
        }
        const int choice = cell + (chosen / 3 - 1) * grid.cells.width + chosen % 3 - 1;
        if (pass != SlicPass::middle || choice != label) labels(x, y) = choice;
        if (pass == SlicPass::last || choice == label) continue;
        const int left = 3 * (label / grid.cells.width - row + 1) + label % grid.cells.width - column + 1;
        for (int i = 0; i < 6; ++i)
            atomicAdd(&shared.moved[chosen][i], value[i]), atomicAdd(&shared.moved[left][i], -value[i]);
    }
    if (pass == SlicPass::last) return;
    __syncthreads();  // the moves of all warps are in

    if (thread < 54) {
        const int k = thread / 6, i = thread % 6, cluster = cell + (k / 3 - 1) * grid.cells.width + k % 3 - 1;
        const long long corner = i == 3 ? cell_x : i == 4 ? cell_y : 0;
        const long long moved = shared.moved[k][i] + shared.moved[k][5] * corner;
        if (moved != 0) atomicAdd(&sums[size_t(6) * size_t(cluster) + size_t(i)], (unsigned long long)(moved));
    }
}
}  // namespace kernels

namespace detail {
struct SlicUpdate {
    Span<SlicCentre, DeviceSpace> centres;
    Span<const unsigned long long, DeviceSpace> sums;

    // One of the five means of a cluster.
    CINEBOKEH_HD void operator()(int index, int) const {
        const size_t cluster = size_t(index / 5), i = size_t(index % 5);
        const int64_t count = int64_t(sums[6 * cluster + 5]);
        if (count > 0) centres[cluster].value[i] = slic_mean(int64_t(sums[6 * cluster + i]), count);
    }
};

template <class Exec>
class Slic<Exec, DeviceSpace> {
public:
    Slic(Exec& exec, Size size, const SlicParams& params = {})
        : exec_(exec),
          grid_(size, params),
          params_(params),
          colors_(exec, size),
          centres_(exec, {clusters(), 1}),
          sums_(exec, {6 * clusters(), 1}),
          connect_(exec, size, grid_.least_pixels) {}

    int max_labels() const { return connect_.max_labels(); }
    View<const Vec<int16_t, 4>, Cuda> colors() const { return colors_.view(); }

    void operator()(View<const Rgba8, Cuda> image, View<int, Cuda> labels, SpanView<int, Cuda> count) {
        require(image.size == grid_.image && labels.size == grid_.image, "Slic: the plan is for ", grid_.image.width,
                " x ", grid_.image.height);
        require(count.count == 1, "Slic: count has one element");
        const Size cell{ceil_div(grid_.image.width, grid_.cells.width),
                        ceil_div(grid_.image.height, grid_.cells.height)};
        const dim3 blocks(unsigned(clusters()) * unsigned(ceil_div(int(cell.area()), kernels::slic_part)));
        const dim3 threads(kernels::slic_threads);
        CINEBOKEH_CUDA(cudaMemsetAsync(sums_.span().data, 0, sums_.bytes(), exec_.stream()));
        exec_.launch(blocks, threads, 0, kernels::slic_load, grid_, image, colors_.view(), centres_.span(),
                     sums_.span());
        for (int i = 0; i < params_.iterations; ++i) {
            using Pass = kernels::SlicPass;
            const bool first = i < params_.interlace, last = i + 1 == params_.iterations;
            if (i > 0) for_each_pixel(exec_, {5 * clusters(), 1}, SlicUpdate{centres_.span(), sums_.span()});
            exec_.launch(blocks, threads, 0, kernels::slic_assign, grid_, SlicTurn::of(i, params_),
                         last    ? Pass::last
                         : first ? Pass::first
                                 : Pass::middle,
                         View<const Vec<int16_t, 4>, Cuda>(colors_.view()),
                         SpanView<const SlicCentre, Cuda>(centres_.span()), sums_.span(), labels);
        }
        connect_(labels, count);
    }

private:
    int clusters() const { return grid_.cells.width * grid_.cells.height; }

    Cuda& exec_;
    SlicGrid grid_;
    SlicParams params_;
    Buffer<Vec<int16_t, 4>, Cuda> colors_;
    Buffer<SlicCentre, Cuda> centres_;
    Buffer<unsigned long long, Cuda> sums_;  // [clusters, 6] of signed numbers: unsigned sums wrap to the same bits
    SlicConnectCuda connect_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
