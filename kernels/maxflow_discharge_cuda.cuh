// What is done to one tile of a grid: distances to the sink by relaxation, and pushes in sweeps over shared memory.
#pragma once
#include "kernels/maxflow_tiles_cuda.cuh"

namespace cinebokeh::kernels {
using detail::MaxflowGrid;
inline constexpr int maxflow_sweeps = 16;  // pushes of all pixels of a tile in one visit

// Starts a search: pixels that can pass something to the sink are one step from it.
template <int directions>
__device__ void seed_heights(const MaxflowGrid& grid, int tile) {
    unsigned tiles = 0;  // whose pixels are, or see, a seed
    for (int i = 0; i < maxflow_per_thread; ++i) {
        const MaxflowPixel p(grid, tile, i);
        if (!p.inside) continue;
        const bool seed = excess<directions>(grid, p.global) < 0;
        grid.height[p.global] = seed ? 1 : MaxflowGrid::unreachable;
        if (seed) tiles |= p.tiles_around<directions>();
    }
    for (int n = 0; n < 9; ++n)
        if (__any_sync(~0u, tiles >> n & 1) && threadIdx.x % 32 == 0) queue_tile(grid, tile, n);
}

// Lowers the heights of a tile until each is at most one above every pixel that can be reached from it.
template <int directions>
__device__ void relax_heights(const MaxflowGrid& grid, MaxflowTile<directions>& shared, int tile) {
    load_heights(grid, shared, tile);
    unsigned arcs[maxflow_per_thread] = {};
    int before[maxflow_per_thread];
    __syncthreads();  // the heights are there
    CINEBOKEH_UNROLL
    for (int i = 0; i < maxflow_per_thread; ++i) {
        const MaxflowPixel p(grid, tile, i);
        before[i] = shared.height[p.ring];
        if (!p.inside) continue;
        CINEBOKEH_UNROLL
        for (int k = 0; k < directions; ++k)
            arcs[i] |= unsigned(__ldcg(&grid.residual[k * grid.pixels() + p.global]) > 0) << k;
    }
    for (;;) {
        int lower[maxflow_per_thread];
        bool changed = false;
        CINEBOKEH_UNROLL
        for (int i = 0; i < maxflow_per_thread; ++i) {
            const MaxflowPixel p(grid, tile, i);
            lower[i] = shared.height[p.ring];
            CINEBOKEH_UNROLL
            for (int k = 0; k < directions; ++k)
                if (arcs[i] >> k & 1)
                    lower[i] = min(lower[i],
                                   shared.height[p.ring + MaxflowGrid::dy(k) * maxflow_pitch + MaxflowGrid::dx(k)] + 1);
            changed |= lower[i] < shared.height[p.ring];
        }
        if (!__syncthreads_or(changed)) break;  // all have read
        CINEBOKEH_UNROLL
        for (int i = 0; i < maxflow_per_thread; ++i) shared.height[MaxflowPixel(grid, tile, i).ring] = lower[i];
        __syncthreads();  // all have written
    }
    CINEBOKEH_UNROLL
    for (int i = 0; i < maxflow_per_thread; ++i) {
        const MaxflowPixel p(grid, tile, i);
        if (!p.inside || shared.height[p.ring] == before[i]) continue;
        grid.height[p.global] = shared.height[p.ring];
        const unsigned touched = p.tiles_around<directions>();
        if (touched != 1u << 4) atomicOr(&shared.touched, touched);
    }
}

// Counts the pixels of a tile that have something and can reach the sink, and queues the tile if there are any.
template <int directions>
__device__ void count_active(const MaxflowGrid& grid, int tile, int* active, int* highest) {
    int mine = 0, top = 0;
    CINEBOKEH_UNROLL
    for (int i = 0; i < maxflow_per_thread; ++i) {
        const MaxflowPixel p(grid, tile, i);
        if (!p.inside) continue;
        const int height = __ldcg(&grid.height[p.global]);
        if (height == MaxflowGrid::unreachable) continue;
        top = max(top, height);
        mine += excess<directions>(grid, p.global) > 0;
    }
    mine = __reduce_add_sync(~0u, mine), top = __reduce_max_sync(~0u, top);
    if (threadIdx.x % 32 != 0 || top == 0) return;
    atomicMax(highest, top);
    if (mine > 0) atomicAdd(active, mine), queue_tile(grid, tile);
}

// What a pixel does in a sweep, decided while heights and residuals stand still.
struct MaxflowPlan {
    int amount = 0;      // to push, 0 for pixels that rest
    unsigned lower = 0;  // arcs to lower neighbours
    int height = 0;      // afterwards
};
template <int directions>
__device__ MaxflowPlan plan_push(const MaxflowTile<directions>& shared, const MaxflowPixel& p, int limit) {
    MaxflowPlan plan;
    plan.height = shared.height[p.ring];
    if (plan.height > limit) return plan;
    long long sum = shared.base[p.local];
    int residual[directions];
    CINEBOKEH_UNROLL
    for (int k = 0; k < directions; ++k) sum += residual[k] = shared.residual[k][p.local];
    if (sum <= 0) return plan;
    plan.amount = int(min(sum, (long long)(INT_MAX)));
    int lifted = MaxflowGrid::unreachable;
    CINEBOKEH_UNROLL
    for (int k = 0; k < directions; ++k) {
        const int there = shared.height[p.ring + MaxflowGrid::dy(k) * maxflow_pitch + MaxflowGrid::dx(k)];
        if (there < plan.height) {
            if (residual[k] > 0) plan.lower |= 1u << k;
        } else if (residual[k] > 0 || there > plan.height) {
            // A higher neighbour may be pushing to this pixel right now, and the arc back to it must not be steep:
            // so it bounds the new height even if that arc is not there yet.
            lifted = min(lifted, there + 1);
        }
    }
    if (plan.lower == 0) plan.height = min(lifted, int(MaxflowGrid::unreachable));
    return plan;
}

// Carries out a plan. Over an edge only the higher end pushes, so the two residuals of an edge have one writer.
template <int directions>
__device__ void push(const MaxflowGrid& grid, MaxflowTile<directions>& shared, const MaxflowPixel& p,
                     const MaxflowPlan& plan) {
    int left = plan.amount;
    CINEBOKEH_UNROLL
    for (int k = 0; k < directions; ++k) {
        if (!(plan.lower >> k & 1) || left == 0) continue;
        const int amount = min(left, shared.residual[k][p.local]), to = p.tile_towards(k);
        left -= amount;
        shared.residual[k][p.local] -= amount;
        if (to == 4) {
            shared.residual[k ^ 1][p.local + MaxflowGrid::dy(k) * maxflow_tile + MaxflowGrid::dx(k)] += amount;
        } else {  // the arcs between tiles live in global memory, where either side may change them at any time
            const int target = p.global + MaxflowGrid::dy(k) * grid.size.width + MaxflowGrid::dx(k);
            atomicSub(&grid.residual[k * grid.pixels() + p.global], amount);
            atomicAdd(&grid.residual[(k ^ 1) * grid.pixels() + target], amount);
            atomicOr(&shared.touched, 1u << to);
        }
    }
    shared.height[p.ring] = plan.height;
}

// Pushes and lifts the pixels of a tile below `limit`, for some sweeps. Returns whether any was still active.
template <int directions>
__device__ bool discharge(const MaxflowGrid& grid, MaxflowTile<directions>& shared, int tile, int limit) {
    load_heights(grid, shared, tile);
    CINEBOKEH_ROLLED
    for (int i = 0; i < maxflow_per_thread; ++i) {
        const MaxflowPixel p(grid, tile, i);
        shared.base[p.local] = p.inside ? grid.base[p.global] : 0;
        CINEBOKEH_UNROLL
        for (int k = 0; k < directions; ++k)
            shared.residual[k][p.local] = p.inside ? __ldcg(&grid.residual[k * grid.pixels() + p.global]) : 0;
    }
    __syncthreads();  // the tile is there
    bool active = true;
    for (int sweep = 0; sweep < maxflow_sweeps && active; ++sweep) {
        MaxflowPlan plan[maxflow_per_thread];
        bool mine = false;
        CINEBOKEH_UNROLL
        for (int i = 0; i < maxflow_per_thread; ++i) {
            plan[i] = plan_push(shared, MaxflowPixel(grid, tile, i), limit);
            mine |= plan[i].amount > 0;
        }
        active = __syncthreads_or(mine);  // all have read
        CINEBOKEH_UNROLL
        for (int i = 0; i < maxflow_per_thread; ++i)
            if (plan[i].amount > 0) push(grid, shared, MaxflowPixel(grid, tile, i), plan[i]);
        __syncthreads();  // all have written
    }
    CINEBOKEH_ROLLED
    for (int i = 0; i < maxflow_per_thread; ++i) {
        const MaxflowPixel p(grid, tile, i);
        if (!p.inside) continue;
        grid.height[p.global] = shared.height[p.ring];
        CINEBOKEH_UNROLL
        for (int k = 0; k < directions; ++k)  // arcs out of the tile are in place already
            if (p.tile_towards(k) == 4) grid.residual[k * grid.pixels() + p.global] = shared.residual[k][p.local];
    }
    return active;
}
}  // namespace cinebokeh::kernels
