// The layered renderer: who works on a tile. One thread of the CPU does it alone, the lanes of a CUDA warp together. A
// functor run by for_each_tile(exec, tiles, f) has f(tx, ty, team): a team's members take every `columns`-th column and
// `rows`-th row from their own, put together what they found, and the first one writes it.
#pragma once
#include <cstdint>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh::detail {

struct Alone {
    static constexpr int columns = 1, rows = 1, column = 0, row = 0;
    static constexpr bool is_first = true;

    CINEBOKEH_HD uint64_t any(uint64_t bits) const { return bits; }
    CINEBOKEH_HD float least(float v) const { return v; }
    CINEBOKEH_HD float most(float v) const { return v; }
};

template <class F>
void for_each_tile(Cpu& exec, Size tiles, const F& f) {
    for_each_pixel(exec, tiles, [&](int tx, int ty) { f(tx, ty, Alone{}); });
}

#if CINEBOKEH_GRID
struct Together {
    static constexpr int columns = 8, rows = 4;
    int column, row;
    bool is_first;

    __device__ uint64_t any(uint64_t bits) const {
        for (int d = 16; d > 0; d /= 2) bits |= __shfl_xor_sync(~0u, (unsigned long long)(bits), d);
        return bits;
    }
    __device__ float least(float v) const {
        for (int d = 16; d > 0; d /= 2) {
            const float other = __shfl_xor_sync(~0u, v, d);
            v = other < v ? other : v;
        }
        return v;
    }
    __device__ float most(float v) const { return -least(-v); }
};
}  // namespace cinebokeh::detail

namespace cinebokeh::kernels {
constexpr int tile_warps = 4;  // of a block, side by side

template <class F>
static __global__ void for_each_tile(Size tiles, F f) {
    const int lane = int(threadIdx.x), tx = int(blockIdx.x) * tile_warps + int(threadIdx.y), ty = int(blockIdx.y);
    if (tx < tiles.width) f(tx, ty, detail::Together{lane % 8, lane / 8, lane == 0});  // all lanes of the warp
}
}  // namespace cinebokeh::kernels

namespace cinebokeh::detail {
template <class F>
void for_each_tile(Cuda& exec, Size tiles, const F& f) {
    exec.launch(dim3(unsigned(ceil_div(tiles.width, kernels::tile_warps)), unsigned(tiles.height)),
                dim3(32, kernels::tile_warps), 0, kernels::for_each_tile<F>, tiles, f);
}
#endif
}  // namespace cinebokeh::detail
