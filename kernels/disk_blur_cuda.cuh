// Disk blur on CUDA. A block owns 128 columns and 16 rows of the output, held in registers. It goes through the input
// rows that reach them: the threads scan one row into prefix sums in shared memory, then every thread adds the run of
// each of its 16 pixels. The input is read once per block and nothing is written but the result.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "kernels/disk_blur.hpp"

namespace cinebokeh {
namespace detail {
template <>
struct DiskScratch<DeviceSpace> {
    DiskScratch(Cuda&, Size, const Disk&) {}
};

struct DiskShape {  // what the kernel needs of a Disk
    int rows, reach;
    float to_fixed, largest, to_value;
};
inline DiskShape disk_shape(const Disk& disk) {
    return {int(disk.runs.size()) - 1, disk.reach, disk.to_fixed, disk.largest, disk.to_value};
}
}  // namespace detail

namespace kernels {
constexpr int disk_columns = 128;  // four warps; one output column a thread
constexpr int disk_rows = 16;      // 64 registers of sums a thread

struct DiskWarpTotals {
    detail::Uint4 of[disk_columns / 32];
};

// Writes prefix[i] = the sum of the i first of `count` pixels of a row from x0 on, in fixed point. All threads call it.
static __device__ __forceinline__ void scan_row(const Float4* row, int width, int x0, int count,
                                                const detail::DiskShape& disk, detail::Uint4* prefix) {
    DiskWarpTotals& totals = static_shared<DiskWarpTotals>();
    const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32;
    const int each = ceil_div(count, disk_columns), begin = clamp(thread * each, 0, count),
              end = clamp(begin + each, 0, count);

    detail::Uint4 own{};
    for (int i = begin; i < end; ++i) {
        const Float4 pixel = row[clamp(x0 + i, 0, width - 1)];
        for (int c = 0; c < 4; ++c) own[c] += detail::to_fixed_point(pixel[c], disk.to_fixed, disk.largest);
        prefix[i + 1] = own;
    }
    detail::Uint4 up_to = own;  // of the lanes up to this one
    for (int d = 1; d < 32; d *= 2)
        for (int c = 0; c < 4; ++c) {
            const uint32_t other = __shfl_up_sync(~0u, up_to[c], unsigned(d));
            if (lane >= d) up_to[c] += other;
        }
    if (lane == 31) totals.of[warp] = up_to;
    __syncthreads();  // the totals of all warps are there

    detail::Uint4 before = up_to - own;
    for (int w = 0; w < warp; ++w) before = before + totals.of[w];
    for (int i = begin; i < end; ++i) prefix[i + 1] = prefix[i + 1] + before;
    if (thread == 0) prefix[0] = detail::Uint4{};
    __syncthreads();  // the prefix sums are there
}

static __global__ void disk_blur(Image<const Float4, DeviceSpace> in, Span<const detail::DiskRun, DeviceSpace> runs,
                                 detail::DiskShape disk, Image<Float4, DeviceSpace> out) {
    detail::Uint4* prefix = dynamic_shared<detail::Uint4>();
    const int x0 = int(blockIdx.x) * disk_columns, y0 = int(blockIdx.y) * disk_rows, x = x0 + int(threadIdx.x);
    const detail::Uint4* centre = prefix + threadIdx.x + disk.reach;  // the sum before the pixel of this thread

    detail::Uint4 sums[disk_rows] = {};
    for (int from = y0 - disk.rows; from < y0 + disk_rows + disk.rows; ++from) {
        const int inside = clamp(from, 0, in.size.height - 1);
        scan_row(in.row(inside), in.size.width, x0 - disk.reach, disk_columns + 2 * disk.reach, disk, prefix);
        // Threads beyond the right border add as well: they hold pixels that are not written.
        for (int j = 0; j < disk_rows; ++j) {
            const int dy = from > y0 + j ? from - (y0 + j) : y0 + j - from;
            if (dy > disk.rows) continue;
            const detail::DiskRun run = runs[size_t(dy)];
            const detail::Uint4 a = centre[-run.full - 1], b = centre[-run.full];
            const detail::Uint4 p = centre[run.full + 1], q = centre[run.full + 2];
            for (int c = 0; c < 4; ++c) sums[j][c] += detail::run_sum(run, a[c], b[c], p[c], q[c]);
        }
        __syncthreads();  // the next row overwrites the prefix sums
    }
    for (int j = 0; j < disk_rows; ++j) {
        if (!out.size.contains(x, y0 + j)) continue;
        Float4 value;
        for (int c = 0; c < 4; ++c) value[c] = float(sums[j][c]) * disk.to_value;
        out(x, y0 + j) = value;
    }
}
}  // namespace kernels

namespace detail {
inline void disk_blur(Cuda& exec, Image<const Float4, DeviceSpace> in, const Disk& disk,
                      Span<const DiskRun, DeviceSpace> runs, DiskScratch<DeviceSpace>&,
                      Image<Float4, DeviceSpace> out) {
    const dim3 grid(unsigned(ceil_div(in.size.width, kernels::disk_columns)),
                    unsigned(ceil_div(in.size.height, kernels::disk_rows)));
    const size_t shared = sizeof(Uint4) * size_t(kernels::disk_columns + 2 * disk.reach + 1);
    exec.launch(grid, dim3(kernels::disk_columns), shared, kernels::disk_blur, in, runs, disk_shape(disk), out);
}
}  // namespace detail
}  // namespace cinebokeh
