// Moments and bounding boxes on Cuda: sums over warps in registers, then integer atomics, so their order does not
// matter; the few numbers that come out go to the host.
#pragma once
#include "cinebokeh/moments.hpp"
#if CINEBOKEH_GRID
#include <climits>

namespace cinebokeh {
namespace detail {
struct MomentSums {
    unsigned long long area, x, y;  // in units of 2^-16
};
struct BoxBounds {
    int left, top, right, bottom;
};
}  // namespace detail

namespace kernels {
static __global__ void begin_moments(detail::MomentSums* sums) { *sums = {0, 0, 0}; }
static __global__ void begin_box(detail::BoxBounds* box) { *box = {INT_MAX, INT_MAX, -1, -1}; }

// A block takes rows of the image in turn, a thread its columns: a few hundred blocks serve any size.
static __global__ void sum_moments(Image<const float, DeviceSpace> matte, detail::MomentSums* sums) {
    unsigned long long sum[3] = {0, 0, 0};
    for (int y = int(blockIdx.x); y < matte.size.height; y += int(gridDim.x))
        for (int x = int(threadIdx.x); x < matte.size.width; x += int(blockDim.x)) {
            const float alpha = matte(x, y);
            const unsigned long long units = alpha > 0 ? (unsigned long long)(fminf(alpha, 256.f) * 65536 + .5f) : 0;
            sum[0] += units, sum[1] += units * unsigned(x), sum[2] += units * unsigned(y);
        }
    for (int i = 0; i < 3; ++i) {
        for (int d = 16; d > 0; d /= 2) sum[i] += __shfl_xor_sync(~0u, sum[i], d);
        if (threadIdx.x % 32 == 0 && sum[i] != 0)
            atomicAdd(i == 0 ? &sums->area : i == 1 ? &sums->x : &sums->y, sum[i]);
    }
}

static __global__ void bound_box(Image<const uint8_t, DeviceSpace> region, detail::BoxBounds* box) {
    detail::BoxBounds mine{INT_MAX, INT_MAX, -1, -1};
    for (int y = int(blockIdx.x); y < region.size.height; y += int(gridDim.x))
        for (int x = int(threadIdx.x); x < region.size.width; x += int(blockDim.x))
            if (region(x, y) != 0)
                mine = {min(mine.left, x), min(mine.top, y), max(mine.right, x), max(mine.bottom, y)};
    mine = {__reduce_min_sync(~0u, mine.left), __reduce_min_sync(~0u, mine.top), __reduce_max_sync(~0u, mine.right),
            __reduce_max_sync(~0u, mine.bottom)};
    if (threadIdx.x % 32 != 0 || mine.right < 0) return;
    atomicMin(&box->left, mine.left), atomicMin(&box->top, mine.top);
    atomicMax(&box->right, mine.right), atomicMax(&box->bottom, mine.bottom);
}
}  // namespace kernels

inline Moments moments(Cuda& exec, Image<const float, DeviceSpace> matte) {
    detail::MomentSums* sums = exec.results<detail::MomentSums>();
    exec.launch(dim3(1), dim3(1), 0, kernels::begin_moments, sums);
    exec.launch(dim3(unsigned(std::min(matte.size.height, 264))), dim3(256), 0, kernels::sum_moments, matte, sums);
    const detail::MomentSums s = fetch_results<detail::MomentSums>(exec);
    if (s.area == 0) return {{float(matte.size.width - 1) / 2, float(matte.size.height - 1) / 2}, 0};
    const double area = double(s.area);
    return {{float(double(s.x) / area), float(double(s.y) / area)}, float(std::sqrt(area / 65536))};
}

inline Box bounding_box(Cuda& exec, Image<const uint8_t, DeviceSpace> region) {
    detail::BoxBounds* bounds = exec.results<detail::BoxBounds>();
    exec.launch(dim3(1), dim3(1), 0, kernels::begin_box, bounds);
    exec.launch(dim3(unsigned(std::min(region.size.height, 264))), dim3(256), 0, kernels::bound_box, region, bounds);
    const detail::BoxBounds b = fetch_results<detail::BoxBounds>(exec);
    return b.bottom < 0 ? Box{} : Box{b.left, b.top, {b.right - b.left + 1, b.bottom - b.top + 1}};
}
}  // namespace cinebokeh
#endif
