// Disk blur on CUDA. A block owns 128 columns and 16 rows of the output, a thread 8 of a column, in registers. It goes
// through the input rows that reach them, some at a time: each warp turns one into prefix sums in shared memory, then
// every thread adds the runs of its pixels. There are two sets of these sums: one is read while the other is written.
// The input is read once per block and nothing is written but the result.
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
constexpr int disk_columns = 128, disk_rows = 16;  // of a block
constexpr int disk_each = 8;                       // rows of a thread: 32 registers of sums
constexpr int disk_groups = disk_rows / disk_each, disk_warps = disk_columns / 32 * disk_groups;

struct alignas(16) SharedDiskRun {  // read with one instruction
    detail::DiskRun run;
};

// Writes prefix[i] = the sum of the i first of `count` pixels of a row from x0 on, in fixed point. A warp calls it.
static __device__ __forceinline__ void scan_row(const Float4* row, int width, int x0, int count,
                                                const detail::DiskShape& disk, detail::Uint4* prefix) {
    const int lane = int(threadIdx.x) % 32, each = ceil_div(count, 32) | 1;  // odd: no bank conflicts
    const int begin = clamp(lane * each, 0, count), end = clamp(begin + each, 0, count);
    for (int i = lane; i < count; i += 32) {
        const Float4 pixel = row[clamp(x0 + i, 0, width - 1)];
        detail::Uint4 fixed;
        for (int c = 0; c < 4; ++c) fixed[c] = detail::to_fixed_point(pixel[c], disk.to_fixed, disk.largest);
        prefix[i + 1] = fixed;
    }
    if (lane == 0) prefix[0] = detail::Uint4{};
    __syncwarp();  // the pixels are there
    detail::Uint4 own{};
    for (int i = begin; i < end; ++i) own = own + prefix[i + 1];
    detail::Uint4 sum = own;  // of the lanes up to this one
    for (int d = 1; d < 32; d *= 2)
        for (int c = 0; c < 4; ++c) {
            const uint32_t other = __shfl_up_sync(~0u, sum[c], unsigned(d));
            if (lane >= d) sum[c] += other;
        }
    sum = sum - own;
    for (int i = begin; i < end; ++i) prefix[i + 1] = sum = sum + prefix[i + 1];
}

// `at_once`: rows that are turned into sums together, `stride`: of these in shared memory.
static __global__ void __launch_bounds__(32 * disk_warps, 3)
    disk_blur(Image<const Float4, DeviceSpace> in, Span<const detail::DiskRun, DeviceSpace> all_runs,
              detail::DiskShape disk, int at_once, int stride, Image<Float4, DeviceSpace> out) {
    SharedDiskRun* const runs = dynamic_shared<SharedDiskRun>();
    detail::Uint4* const prefix = reinterpret_cast<detail::Uint4*>(runs + disk.rows + 1);
    const int warp = int(threadIdx.x) / 32, column = int(threadIdx.x) % disk_columns;
    const int x0 = int(blockIdx.x) * disk_columns, top = int(blockIdx.y) * disk_rows, x = x0 + column;
    const int y0 = top + int(threadIdx.x) / disk_columns * disk_each;  // of this thread
    for (int i = int(threadIdx.x); i <= disk.rows; i += 32 * disk_warps) runs[i].run = all_runs[size_t(i)];

    // Threads beyond the right border add as well: they hold pixels that are not written.
    detail::Uint4 sums[disk_each] = {};
    const int end = top + disk_rows + disk.rows;
    for (int first = top - disk.rows, set = 0; first < end; first += at_once, set ^= 1) {
        detail::Uint4* const rows = prefix + set * at_once * stride;
        if (warp < at_once)
            scan_row(in.row(clamp(first + warp, 0, in.size.height - 1)), in.size.width, x0 - disk.reach,
                     disk_columns + 2 * disk.reach, disk, rows + warp * stride);
        __syncthreads();  // the prefix sums, and at first the runs, are there
        for (int i = 0; i < at_once; ++i) {
            const detail::Uint4* const centre = rows + i * stride + column + disk.reach;
            CINEBOKEH_UNROLL for (int j = 0; j < disk_each; ++j) {
                const int dy = first + i > y0 + j ? first + i - (y0 + j) : y0 + j - (first + i);
                if (dy > disk.rows) continue;
                const detail::DiskRun run = runs[dy].run;
                const detail::Uint4 a = centre[-run.full - 1], b = centre[-run.full];
                const detail::Uint4 p = centre[run.full + 1], q = centre[run.full + 2];
                for (int c = 0; c < 4; ++c) sums[j][c] += detail::run_sum(run, a[c], b[c], p[c], q[c]);
            }
        }
    }
    CINEBOKEH_UNROLL for (int j = 0; j < disk_each; ++j) {
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
    constexpr size_t room = 60 * 1024;  // of shared memory: three blocks run at a time on a large device
    const int stride = kernels::disk_columns + 2 * disk.reach + 1;
    const auto bytes = [&](int at_once) { return sizeof(Uint4) * size_t(2 * at_once * stride); };
    int at_once = kernels::disk_warps;
    while (at_once > 1 && bytes(at_once) > room) at_once /= 2;
    const dim3 grid(unsigned(ceil_div(in.size.width, kernels::disk_columns)),
                    unsigned(ceil_div(in.size.height, kernels::disk_rows)));
    exec.launch(grid, dim3(32 * kernels::disk_warps),
                sizeof(kernels::SharedDiskRun) * disk.runs.size() + bytes(at_once), kernels::disk_blur, in, runs,
                disk_shape(disk), at_once, stride, out);
}
}  // namespace detail
}  // namespace cinebokeh
