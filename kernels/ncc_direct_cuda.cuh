// The direct path of MaskedNcc on Cuda: exact integer sums.
//
// A block looks at 32 x 32 places of one template; a thread at four of them, eight rows apart. The template goes
// through shared memory in pieces of 32 x 8 pixels, with the part of the patch under them: a pixel of the template is
// then a broadcast that serves four windows, and the lanes of a warp read neighbouring bytes of the patch.
#pragma once
#include "cinebokeh/ncc.hpp"
#if CINEBOKEH_GRID
#include "kernels/ncc_slots_cuda.cuh"

namespace cinebokeh {
namespace kernels {
inline constexpr int ncc_tile = 32, ncc_rows = 8, ncc_per_thread = ncc_tile / ncc_rows;
inline constexpr int ncc_side = 2 * ncc_tile, ncc_height = ncc_tile + ncc_rows;

struct NccShared {
    uint8_t patch[ncc_height][ncc_side];
    short pixels[ncc_rows][ncc_tile];  // luma of the template, -1 where it is not valid
    unsigned long long best;
};

/// The sums of the four places of a thread, at (x, y + 8 i).
static __device__ inline void ncc_sums(const NccTemplate& t, Image<const uint8_t, DeviceSpace> patch, NccShared& s,
                                       int left, int top, detail::NccSums (&total)[ncc_per_thread]) {
    const int lane = int(threadIdx.x), row = int(threadIdx.y), thread = row * ncc_tile + lane;
    const Size part = t.luma.size;
    for (int first_y = 0; first_y < part.height; first_y += ncc_rows)
        for (int first_x = 0; first_x < part.width; first_x += ncc_tile) {
            __syncthreads();  // all have read the piece before
            for (int i = thread; i < ncc_height * ncc_side; i += ncc_tile * ncc_rows)
                s.patch[i / ncc_side][i % ncc_side] =
                    patch.clamped(left + first_x + i % ncc_side, top + first_y + i / ncc_side);
            const int tx = first_x + lane, ty = first_y + row;
            s.pixels[row][lane] = short(part.contains(tx, ty) && t.valid(tx, ty) ? t.luma(tx, ty) : -1);
            __syncthreads();  // the piece is there
            unsigned window[ncc_per_thread] = {}, squares[ncc_per_thread] = {}, products[ncc_per_thread] = {};
            for (int v = 0; v < ncc_rows; ++v)
                for (int u = 0; u < ncc_tile; ++u) {
                    const int pixel = s.pixels[v][u];
                    if (pixel < 0) continue;  // for the whole block alike
                    CINEBOKEH_UNROLL
                    for (int i = 0; i < ncc_per_thread; ++i) {
                        const unsigned seen = s.patch[row + i * ncc_rows + v][lane + u];
                        window[i] += seen, squares[i] += seen * seen, products[i] += seen * unsigned(pixel);
                    }
                }
            CINEBOKEH_UNROLL
            for (int i = 0; i < ncc_per_thread; ++i)
                total[i].window += window[i], total[i].squares += squares[i], total[i].products += products[i];
        }
}

static __global__ void ncc_responses(NccTemplate t, Image<const uint8_t, DeviceSpace> patch, float flat_variance,
                                     Image<float, DeviceSpace> out) {
    NccShared& s = static_shared<NccShared>();
    const int left = int(blockIdx.x) * ncc_tile, top = int(blockIdx.y) * ncc_tile;
    detail::NccSums sums[ncc_per_thread];
    ncc_sums(t, patch, s, left, top, sums);
    CINEBOKEH_UNROLL
    for (int i = 0; i < ncc_per_thread; ++i) {
        const int x = left + int(threadIdx.x), y = top + int(threadIdx.y) + i * ncc_rows;
        if (out.size.contains(x, y)) out(x, y) = ncc_response(*t.slot, sums[i], flat_variance);
    }
}

/// Raises `peak` to the key of the best place.
static __global__ void ncc_peak(NccTemplate t, Image<const uint8_t, DeviceSpace> patch, float flat_variance,
                                NccPlaces places, int width, unsigned long long* peak) {
    NccShared& s = static_shared<NccShared>();
    const int left = places.left + int(blockIdx.x) * ncc_tile, top = places.top + int(blockIdx.y) * ncc_tile;
    if (threadIdx.x == 0 && threadIdx.y == 0) s.best = 0;
    detail::NccSums sums[ncc_per_thread];
    ncc_sums(t, patch, s, left, top, sums);
    unsigned long long best = 0;
    CINEBOKEH_UNROLL
    for (int i = 0; i < ncc_per_thread; ++i) {
        const int x = left + int(threadIdx.x), y = top + int(threadIdx.y) + i * ncc_rows;
        if (x > places.right || y > places.bottom) continue;
        const float response = ncc_response(*t.slot, sums[i], flat_variance);
        best = max(best, ncc_key(response, y * width + x));
    }
    atomicMax(&s.best, best);
    __syncthreads();  // the best of the block is known
    if (threadIdx.x == 0 && threadIdx.y == 0) atomicMax(peak, s.best);
}
}  // namespace kernels
}  // namespace cinebokeh
#endif
