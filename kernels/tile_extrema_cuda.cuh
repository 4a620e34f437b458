// tile_extrema on Cuda: one block per tile, one thread per pixel.
#pragma once
#include "cinebokeh/tile_extrema.hpp"
#if CINEBOKEH_GRID
#include "kernels/tile_extrema_cpu.hpp"

namespace cinebokeh {
namespace kernels {
inline constexpr int extrema_warps = extrema_tile * extrema_tile / 32;

struct ExtremaShared {
    float least[extrema_warps], largest[extrema_warps];
};

// Shuffles reduce a warp, shared memory the eight warps. fminf and fmaxf return the other argument for a NaN.
static __global__ void tile_extrema(Image<const float, DeviceSpace> in, Image<float, DeviceSpace> minimum,
                                    Image<float, DeviceSpace> maximum) {
    ExtremaShared& shared = static_shared<ExtremaShared>();
    const int x = int(blockIdx.x) * extrema_tile + int(threadIdx.x);
    const int y = int(blockIdx.y) * extrema_tile + int(threadIdx.y);
    const int thread = int(threadIdx.y) * extrema_tile + int(threadIdx.x);

    // Threads outside the image stay, with nothing: every thread must reach the shuffles and the barrier.
    detail::Extrema extrema;
    if (in.size.contains(x, y)) {
        extrema.least = fminf(extrema.least, in(x, y));
        extrema.largest = fmaxf(extrema.largest, in(x, y));
    }
    for (int d = 16; d > 0; d /= 2) {
        extrema.least = fminf(extrema.least, __shfl_xor_sync(~0u, extrema.least, d));
        extrema.largest = fmaxf(extrema.largest, __shfl_xor_sync(~0u, extrema.largest, d));
    }
    if (thread % 32 == 0) shared.least[thread / 32] = extrema.least, shared.largest[thread / 32] = extrema.largest;
    __syncthreads();  // the extrema of all warps are there

    if (thread == 0) {
        for (int warp = 1; warp < extrema_warps; ++warp) {
            extrema.least = fminf(extrema.least, shared.least[warp]);
            extrema.largest = fmaxf(extrema.largest, shared.largest[warp]);
        }
        minimum(int(blockIdx.x), int(blockIdx.y)) = extrema.minimum();
        maximum(int(blockIdx.x), int(blockIdx.y)) = extrema.maximum();
    }
}
}  // namespace kernels

inline void tile_extrema(Cuda& exec, View<const float, Cuda> in, View<float, Cuda> minimum, View<float, Cuda> maximum) {
    const Size tiles = extrema_size(in.size);
    require(minimum.size == tiles && maximum.size == tiles, "tile_extrema: the outputs must be ", tiles.width, " x ",
            tiles.height);
    if (tiles.empty()) return;
    exec.launch(dim3(unsigned(tiles.width), unsigned(tiles.height)), dim3(extrema_tile, extrema_tile), 0,
                kernels::tile_extrema, in, minimum, maximum);
}
}  // namespace cinebokeh
#endif
