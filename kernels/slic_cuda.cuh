// Slic on Cuda. One block per cell and slice of its rows: the nine candidates are the same for all its threads. Sums
// are formed in registers by warps, in shared memory by blocks, and then with integer atomics, so their order does not
// matter.
#pragma once
#include "kernels/slic.hpp"
#if CINEBOKEH_GRID
#include "kernels/slic_connect_cuda.cuh"

namespace cinebokeh {
namespace kernels {
inline constexpr int slic_threads = 256;    // eight warps: a cell of the usual 324 pixels takes two rounds
inline constexpr int slic_slice_rows = 32;  // of a cell per block; keeps its sums below 2^31 for rows of 65535 pixels

struct SlicShared {
    detail::SlicCandidate candidates[9];
    int sums[9][6];  // L, a, b, x, y relative to the cell, and the number of pixels
};

static __device__ inline int slic_warp_sum(int value) {
    for (int d = 16; d > 0; d /= 2) value += __shfl_xor_sync(~0u, value, d);
    return value;
}

// Adds six numbers of every lane to the sums of the candidate that the lane has chosen (9 for none).
static __device__ inline void slic_add(int (&sums)[9][6], const int (&value)[6], int chosen) {
    for (int k = 0; k < 9; ++k) {
        if (__ballot_sync(~0u, chosen == k) == 0) continue;  // the same for the whole warp
        for (int i = 0; i < 6; ++i) {
            const int sum = slic_warp_sum(chosen == k ? value[i] : 0);
            if (threadIdx.x % 32 == 0) atomicAdd(&sums[k][i], sum);
        }
    }
}

// Pixels whose turn it is choose their cluster, the others keep theirs: that of their own cell in the first iteration.
static __global__ void slic_assign(detail::SlicGrid grid, detail::SlicTurn turn, bool first_iteration,
                                   Image<const Vec<int16_t, 4>, DeviceSpace> colors,
                                   Span<const detail::SlicCentre, DeviceSpace> centres,
                                   Span<unsigned long long, DeviceSpace> sums, Image<int, DeviceSpace> labels) {
    SlicShared& shared = static_shared<SlicShared>();
    const int cell = int(blockIdx.x), column = cell % grid.cells.width, row = cell / grid.cells.width;
    const int thread = int(threadIdx.x);
    if (thread < 9) shared.candidates[thread] = detail::slic_candidate(grid, centres.data, column, row, thread);
    if (thread < 54) shared.sums[thread / 6][thread % 6] = 0;
    __syncthreads();  // candidates and zeros are there

    const int left = grid.column_begin(column), width = grid.column_begin(column + 1) - left;
    const int above = int(blockIdx.y) * slic_slice_rows, top = grid.row_begin(row) + above;
    const int bottom = min(top + slic_slice_rows, grid.row_begin(row + 1));
    const int cell_x = grid.units(left), cell_y = grid.units(grid.row_begin(row));
    // Threads beyond the last pixel stay for the sums of their warp, and choose nothing.
    for (int first = 0; first < (bottom - top) * width; first += slic_threads) {
        const int index = first + thread, x = left + index % width, y = top + index / width;
        int chosen = 9, value[6] = {0, 0, 0, 0, 0, 1};
        if (y < bottom) {
            const Vec<int16_t, 4> color = colors(x, y);
            for (int i = 0; i < 3; ++i) value[i] = color[i];
            value[3] = grid.units(x) - cell_x, value[4] = grid.units(y) - cell_y;
            const int label = first_iteration ? cell : labels(x, y);
            chosen = 3 * (label / grid.cells.width - row + 1) + label % grid.cells.width - column + 1;
            float least = 0x1p26f;
            for (int k = 0; k < 9 && turn.has(above * width + index); ++k) {
                const float score = shared.candidates[k].score(float(value[0]), float(value[1]), float(value[2]),
                                                               float(value[3]), float(value[4]));
                if (score < least) least = score, chosen = k;
            }
            labels(x, y) = cell + (chosen / 3 - 1) * grid.cells.width + chosen % 3 - 1;
        }
        slic_add(shared.sums, value, chosen);
    }
    __syncthreads();  // the sums of all warps are in

    if (thread < 9 && shared.sums[thread][5] > 0) {
        const int* sum = shared.sums[thread];
        const int cluster = cell + (thread / 3 - 1) * grid.cells.width + thread % 3 - 1;
        const long long count = sum[5];
        const long long absolute[6] = {sum[0], sum[1], sum[2], sum[3] + count * cell_x, sum[4] + count * cell_y, count};
        for (int i = 0; i < 6; ++i) atomicAdd(&sums[size_t(6) * cluster + i], (unsigned long long)(absolute[i]));
    }
}
}  // namespace kernels

namespace detail {
struct SlicColors {
    Image<const Rgba8, DeviceSpace> image;
    Image<Vec<int16_t, 4>, DeviceSpace> colors;

    CINEBOKEH_HD void operator()(int x, int y) const { colors(x, y) = slic_color(image(x, y)); }
};

struct SlicSeed {
    SlicGrid grid;
    Image<const Vec<int16_t, 4>, DeviceSpace> colors;
    Span<SlicCentre, DeviceSpace> centres;
    Span<unsigned long long, DeviceSpace> sums;

    CINEBOKEH_HD void operator()(int c, int r) const {
        const int x = (grid.column_begin(c) + grid.column_begin(c + 1)) / 2;
        const int y = (grid.row_begin(r) + grid.row_begin(r + 1)) / 2;
        const Vec<int16_t, 4> color = colors(x, y);
        const size_t cell = size_t(r) * size_t(grid.cells.width) + size_t(c);
        centres[cell] = {{color[0], color[1], color[2], grid.units(x), grid.units(y)}};
        for (int i = 0; i < 6; ++i) sums[6 * cell + size_t(i)] = 0;
    }
};

struct SlicUpdate {
    Span<SlicCentre, DeviceSpace> centres;
    Span<unsigned long long, DeviceSpace> sums;

    CINEBOKEH_HD void operator()(int cluster, int) const {
        unsigned long long* sum = &sums[size_t(6) * size_t(cluster)];
        SlicSums total{{}, int64_t(sum[5])};
        for (int i = 0; i < 5; ++i) total.value[i] = int64_t(sum[i]);
        slic_update(centres[size_t(cluster)], total);
        for (int i = 0; i < 6; ++i) sum[i] = 0;
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
        for_each_pixel(exec_, grid_.image, SlicColors{image, colors_.view()});
        for_each_pixel(exec_, grid_.cells, SlicSeed{grid_, colors_.view(), centres_.span(), sums_.span()});
        const int slices = ceil_div(ceil_div(grid_.image.height, grid_.cells.height), kernels::slic_slice_rows);
        for (int i = 0; i < params_.iterations; ++i) {
            if (i > 0) for_each_pixel(exec_, {clusters(), 1}, SlicUpdate{centres_.span(), sums_.span()});
            exec_.launch(dim3(unsigned(clusters()), unsigned(slices)), dim3(kernels::slic_threads), 0,
                         kernels::slic_assign, grid_, SlicTurn::of(i, params_), i == 0,
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
