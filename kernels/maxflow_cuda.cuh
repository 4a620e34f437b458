// Grid max-flow on Cuda: tile-resident push-relabel.
//
// Goldberg and Tarjan, "A new approach to the maximum-flow problem" (1988), first phase only. A round labels all pixels
// with their exact distance to the sink (breadth-first search backwards), and then discharges the pixels that have
// something and can reach it. When none is left the preflow is maximal and the distances say which side a pixel is on.
// Pushes of other tiles may use heights that are a little old; that can cost work, but not the result, which depends on
// the last search alone.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#if CINEBOKEH_GRID
#include "kernels/maxflow_discharge_cuda.cuh"

namespace cinebokeh {
namespace kernels {
using detail::MaxflowProgress;
inline constexpr int maxflow_relax_blocks = 4, maxflow_discharge_blocks = 2;  // on an SM: all the threads, or registers
inline constexpr int maxflow_visits = 8;  // of each tile, on average, before distances are made exact again

static __global__ void maxflow_begin(MaxflowProgress* progress, long long* flow) {
    for (int i = int(threadIdx.x); i <= MaxflowProgress::rounds; i += int(blockDim.x))
        progress->active[i] = i == 0, progress->highest[i] = progress->visits[i] = 0;
    if (threadIdx.x == 0) *flow = 0;
}

// ---- the launches of a round ----

template <int directions>
static __global__ void maxflow_seed(MaxflowGrid grid, const MaxflowProgress* progress, int round) {
    if (progress->active[round] == 0) return;
    seed_heights<directions>(grid, int(blockIdx.x));
}

template <int directions>
__device__ void relax_all(const MaxflowGrid& grid, MaxflowTile<directions>& shared) {
    for (int tile; (tile = next_tile(grid, shared)) >= 0;) {
        relax_heights(grid, shared, tile);
        leave_tile(grid, shared, tile, false);
    }
}
template <int directions>
static __global__ void __launch_bounds__(maxflow_threads, maxflow_relax_blocks)
    maxflow_relax(MaxflowGrid grid, const MaxflowProgress* progress, int round) {
    if (progress->active[round] == 0) return;
    relax_all(grid, static_shared<MaxflowTile<directions>>());
}

template <int directions>
static __global__ void maxflow_count(MaxflowGrid grid, MaxflowProgress* progress, int round) {
    if (progress->active[round] == 0) return;
    count_active<directions>(grid, int(blockIdx.x), &progress->active[round + 1], &progress->highest[round]);
}

// A pixel that is lifted above every distance there was waits for the next search, which finds its distance or shows
// that it is cut off: the gap heuristic, without the counting that other blocks would disturb.
template <int directions>
__device__ void discharge_all(const MaxflowGrid& grid, MaxflowTile<directions>& shared, int highest, int* visits) {
    const int most = maxflow_visits * grid.tiles.width * grid.tiles.height;
    for (int tile; (tile = next_tile(grid, shared)) >= 0;) {
        const bool active = discharge(grid, shared, tile, highest + 1);
        // Tiles that wait when the visits are used up are visited by the next search, for nothing, and leave the set.
        const bool enough = __syncthreads_or(threadIdx.x == 0 && atomicAdd(visits, 1) >= most);
        leave_tile(grid, shared, tile, active);
        if (enough) break;
    }
}
template <int directions>
static __global__ void __launch_bounds__(maxflow_threads, maxflow_discharge_blocks)
    maxflow_discharge(MaxflowGrid grid, MaxflowProgress* progress, int round) {
    if (progress->active[round + 1] == 0) return;
    discharge_all(grid, static_shared<MaxflowTile<directions>>(), progress->highest[round], &progress->visits[round]);
}

// For maxflow_finish, whose own registers would not suffice for it.
template <int directions>
static __device__ CINEBOKEH_NOINLINE void discharge_apart(const MaxflowGrid& grid, MaxflowTile<directions>& shared,
                                                          int highest, int* visits) {
    discharge_all(grid, shared, highest, visits);
}

// One block that goes on until the flow is maximal: makes the result exact whatever the number of rounds was.
template <int directions>
static __global__ void __launch_bounds__(maxflow_threads, 1)
    maxflow_finish(MaxflowGrid grid, MaxflowProgress* progress, int last) {
    MaxflowTile<directions>& shared = static_shared<MaxflowTile<directions>>();
    const int tiles = grid.tiles.width * grid.tiles.height;
    bool active = progress->active[last] != 0;
    while (active) {
        for (int tile = 0; tile < tiles; ++tile) seed_heights<directions>(grid, tile);
        __syncthreads();  // all tiles are queued
        relax_all(grid, shared);
        if (threadIdx.x == 0) progress->active[last] = progress->highest[last] = progress->visits[last] = 0;
        __syncthreads();  // the counters are reset
        for (int tile = 0; tile < tiles; ++tile)
            count_active<directions>(grid, tile, &progress->active[last], &progress->highest[last]);
        __threadfence();
        __syncthreads();  // everything is counted
        active = __ldcg(&progress->active[last]) != 0;
        if (active) discharge_apart(grid, shared, __ldcg(&progress->highest[last]), &progress->visits[last]);
        __syncthreads();  // all have read the counters
    }
}

// ---- before and after ----

// The sum over a warp of what its lanes have, added by lane 0.
static __device__ inline void add_over_warp(long long value, long long* sum) {
    for (int d = 16; d > 0; d /= 2) value += __shfl_xor_sync(~0u, value, d);
    if (threadIdx.x % 32 == 0 && value != 0)
        atomicAdd(reinterpret_cast<unsigned long long*>(sum), (unsigned long long)(value));
}

template <int directions>
static __global__ void maxflow_load(GridCapacities<DeviceSpace> capacities, MaxflowGrid grid, long long* flow) {
    const int tile = int(blockIdx.x);
    if (threadIdx.x == 0 && tile < grid.words()) grid.queued[tile] = grid.running[tile] = 0;
    long long to_sink = 0;
    for (int i = 0; i < maxflow_per_thread; ++i) {
        const MaxflowPixel p(grid, tile, i);
        if (!p.inside) continue;
        const int terminal = max(capacities.terminal(p.x, p.y), -INT_MAX);
        long long base = terminal;
        CINEBOKEH_UNROLL
        for (int k = 0; k < directions; ++k) {
            const auto& edges = k < 2   ? capacities.right
                                : k < 4 ? capacities.down
                                : k < 6 ? capacities.down_right
                                        : capacities.down_left;
            const int x = p.x + MaxflowGrid::dx(k), y = p.y + MaxflowGrid::dy(k);
            int capacity = 0;
            if (grid.size.contains(x, y)) capacity = k % 2 ? edges(x, y) : edges(p.x, p.y);
            capacity = clamp(capacity, 0, int(max_capacity));
            grid.residual[k * grid.pixels() + p.global] = capacity;
            base -= capacity;
        }
        grid.base[p.global] = base;
        grid.height[p.global] = MaxflowGrid::unreachable;
        to_sink += terminal < 0 ? -(long long)(terminal) : 0;
    }
    add_over_warp(to_sink, flow);
}

// The flow is what could go to the sink at first, without what still can.
template <int directions>
static __global__ void maxflow_labels(MaxflowGrid grid, Image<uint8_t, DeviceSpace> labels, long long* flow) {
    long long unused = 0;
    for (int i = 0; i < maxflow_per_thread; ++i) {
        const MaxflowPixel p(grid, int(blockIdx.x), i);
        if (!p.inside) continue;
        labels(p.x, p.y) = grid.height[p.global] == MaxflowGrid::unreachable;
        unused += min(excess<directions>(grid, p.global), 0ll);
    }
    add_over_warp(unused, flow);
}
}  // namespace kernels

inline detail::GridMaxflowCuda::GridMaxflowCuda(Cuda& exec, Size size, Connectivity connectivity, int rounds)
    : exec_(&exec),
      rounds_(clamp(rounds, 0, int(MaxflowProgress::rounds))),
      size_((require(!size.empty() && size.area() <= (1u << 27), "GridMaxflow: impossible size ", size.width, " x ",
                     size.height),
             size)),
      connectivity_(connectivity),
      tiles_{ceil_div(size.width, kernels::maxflow_tile), ceil_div(size.height, kernels::maxflow_tile)},
      residual_(exec, {int(size.area()) * (connectivity == Connectivity::four ? 4 : 8), 1}),
      height_(exec, {int(size.area()), 1}),
      base_(exec, {int(size.area()), 1}),
      flow_(exec, {1, 1}),
      sets_(exec, {2 * ceil_div(int(tiles_.area()), 32), 1}),
      progress_(exec, {1, 1}) {}

template <int directions>
void detail::GridMaxflowCuda::solve(const GridCapacities<DeviceSpace>& capacities, Image<uint8_t, DeviceSpace> labels) {
    // Persistent launches: as many blocks as run at once; fewer where there are fewer tiles.
    const unsigned tiles = unsigned(tiles_.area()), processors = unsigned(exec_->multiprocessors());
    const dim3 all(tiles), block(kernels::maxflow_threads);
    const dim3 relaxing(std::min(tiles, processors * kernels::maxflow_relax_blocks));
    const dim3 discharging(std::min(tiles, processors * kernels::maxflow_discharge_blocks));
    detail::MaxflowGrid grid{size_,   tiles_, residual_.view().data, base_.view().data, height_.view().data,
                             nullptr, nullptr};
    grid.queued = sets_.view().data, grid.running = grid.queued + grid.words();
    detail::MaxflowProgress* progress = progress_.view().data;
    exec_->launch(dim3(1), dim3(32), 0, kernels::maxflow_begin, progress, flow_.view().data);
    exec_->launch(all, block, 0, kernels::maxflow_load<directions>, capacities, grid, flow_.view().data);
    for (int round = 0; round < rounds_; ++round) {
        exec_->launch(all, block, 0, kernels::maxflow_seed<directions>, grid, progress, round);
        exec_->launch(relaxing, block, 0, kernels::maxflow_relax<directions>, grid, progress, round);
        exec_->launch(all, block, 0, kernels::maxflow_count<directions>, grid, progress, round);
        exec_->launch(discharging, block, 0, kernels::maxflow_discharge<directions>, grid, progress, round);
    }
    exec_->launch(dim3(1), block, 0, kernels::maxflow_finish<directions>, grid, progress, rounds_);
    exec_->launch(all, block, 0, kernels::maxflow_labels<directions>, grid, labels, flow_.view().data);
}

inline void detail::GridMaxflowCuda::operator()(const GridCapacities<DeviceSpace>& capacities,
                                                Image<uint8_t, DeviceSpace> labels) {
    detail::require_grid(capacities, labels.size, size_, connectivity_);
    connectivity_ == Connectivity::four ? solve<4>(capacities, labels) : solve<8>(capacities, labels);
}
}  // namespace cinebokeh
#endif
