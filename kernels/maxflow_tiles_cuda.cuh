// A grid on the device in tiles of 32 x 32 pixels, and the set of tiles that wait to be visited.
//
// One launch visits tiles until the set is empty: each block takes a tile, works on it in shared memory, adds the
// neighbours it has changed, and looks for the next one. No block ever waits for another: a tile that is added while it
// is being visited is taken again by its visitor. So a launch does all the work however few blocks run at once.
#pragma once
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/maxflow.hpp"

namespace cinebokeh {
namespace detail {

// The state of a problem. What a pixel has received is written nowhere: it is `base` plus the residual capacities of
// its arcs, because a unit that comes in over an edge makes the arc back larger. So nothing but residuals is ever
// updated, each push touches two of them, and only one side can push over an edge at a time.
struct MaxflowGrid {
    Size size, tiles;
    int* residual;               // [directions, pixels] of the arc that leaves the pixel in that direction
    long long* base;             // [pixels] the terminal minus the capacities of all edges of the pixel
    int* height;                 // [pixels] distance to the sink, or a lower bound of it
    unsigned *queued, *running;  // [words] sets of tiles: to be visited, being visited

    static constexpr int unreachable = INT_MAX / 2;
    CINEBOKEH_HD int pixels() const { return size.width * size.height; }
    CINEBOKEH_HD int words() const { return (tiles.width * tiles.height + 31) / 32; }

    // Directions as on the CPU: right, left, down, up, down-right, up-left, down-left, up-right; the opposite differs
    // in bit 0.
    CINEBOKEH_HD static constexpr int dx(int k) {
        return k == 0 || k == 4 || k == 7 ? 1 : k == 1 || k == 5 || k == 6 ? -1 : 0;
    }
    CINEBOKEH_HD static constexpr int dy(int k) { return k < 2 ? 0 : k % 2 ? -1 : 1; }
};
}  // namespace detail

namespace kernels {
inline constexpr int maxflow_tile = 32;      // a warp reads a row of the tile in one transaction
inline constexpr int maxflow_threads = 512;  // two pixels each: 64 registers hold what a sweep needs of them
inline constexpr int maxflow_per_thread = maxflow_tile * maxflow_tile / maxflow_threads;
inline constexpr int maxflow_pitch = maxflow_tile + 2;  // heights have a ring of the neighbours' pixels

template <int directions>
struct MaxflowTile {
    long long base[maxflow_tile * maxflow_tile];  // here rather than in registers, of which a push needs many
    int height[maxflow_pitch * maxflow_pitch];
    int residual[directions][maxflow_tile * maxflow_tile];
    unsigned touched;  // neighbouring tiles whose pixels saw a change, bit 3 (dy + 1) + dx + 1
    int taken;         // the tile that is visited, -1 for none
};

// Pixel i of a thread: a warp has whole rows, so that neither global nor shared accesses ever conflict.
struct MaxflowPixel {
    int x, y, local, ring, global;  // in the image; index in the tile, among the heights, in the image
    bool inside;

    __device__ MaxflowPixel(const detail::MaxflowGrid& grid, int tile, int i) {
        const int lx = int(threadIdx.x) % maxflow_tile;
        const int ly = int(threadIdx.x) / maxflow_tile + i * (maxflow_threads / maxflow_tile);
        x = tile % grid.tiles.width * maxflow_tile + lx, y = tile / grid.tiles.width * maxflow_tile + ly;
        local = ly * maxflow_tile + lx, ring = (ly + 1) * maxflow_pitch + lx + 1;
        inside = x < grid.size.width && y < grid.size.height;
        global = y * grid.size.width + x;
    }
    __device__ int column() const { return local % maxflow_tile; }
    __device__ int row() const { return local / maxflow_tile; }
    // The tile, relative to this one, of the neighbour in direction k, as in MaxflowTile::touched; 4 for this one.
    __device__ int tile_towards(int k) const {
        const int nx = column() + detail::MaxflowGrid::dx(k), ny = row() + detail::MaxflowGrid::dy(k);
        return 3 * ((ny >= maxflow_tile) - (ny < 0) + 1) + (nx >= maxflow_tile) - (nx < 0) + 1;
    }
    // The tiles of all neighbours, as in MaxflowTile::touched.
    template <int directions>
    __device__ unsigned tiles_around() const {
        unsigned tiles = 0;
        CINEBOKEH_UNROLL
        for (int k = 0; k < directions; ++k) tiles |= 1u << tile_towards(k);
        return tiles;
    }
};

// Adds a tile or one of its neighbours, numbered as the bits of MaxflowTile::touched; 4 is the tile itself.
static __device__ inline void queue_tile(const detail::MaxflowGrid& grid, int tile, int neighbour = 4) {
    const int x = tile % grid.tiles.width + neighbour % 3 - 1, y = tile / grid.tiles.width + neighbour / 3 - 1;
    if (!grid.tiles.contains(x, y)) return;
    const int there = y * grid.tiles.width + x;
    atomicOr(&grid.queued[there / 32], 1u << (there % 32));
}

// Called by one warp: takes a tile that waits and that nobody visits, or returns -1.
static __device__ inline int take_tile(const detail::MaxflowGrid& grid) {
    const int lane = int(threadIdx.x) % 32, words = grid.words();
    __threadfence();  // what this block has added before comes before the look at what runs
    for (int first = 0; first < words; first += 32) {
        // Blocks begin at different words, so that they seldom want the same tile.
        const int word = first + lane < words ? int((unsigned(first + lane) + blockIdx.x) % unsigned(words)) : -1;
        unsigned waiting = word >= 0 ? __ldcg(&grid.queued[word]) & ~__ldcg(&grid.running[word]) : 0;
        for (unsigned lanes = __ballot_sync(~0u, waiting != 0); lanes; lanes = __ballot_sync(~0u, waiting != 0)) {
            const int leader = __ffs(int(lanes)) - 1;
            int tile = -1;
            if (lane == leader) {
                const unsigned bit = waiting & -waiting;
                waiting ^= bit;
                if (!(atomicOr(&grid.running[word], bit) & bit)) {  // else its visitor looks again when it is done
                    if (atomicAnd(&grid.queued[word], ~bit) & bit) {
                        tile = word * 32 + __ffs(int(bit)) - 1;
                    } else {  // another block was quicker; it may have been added again since
                        atomicAnd(&grid.running[word], ~bit);
                        __threadfence();
                        waiting |= __ldcg(&grid.queued[word]) & bit;
                    }
                }
            }
            tile = __shfl_sync(~0u, tile, leader);
            if (tile >= 0) return tile;
        }
    }
    return -1;
}

// Takes the next tile for the block; -1 when there is none. All threads call it.
template <int directions>
__device__ int next_tile(const detail::MaxflowGrid& grid, MaxflowTile<directions>& shared) {
    if (threadIdx.x < 32) {
        const int tile = take_tile(grid);
        if (threadIdx.x == 0) shared.taken = tile, shared.touched = 0;
    }
    __syncthreads();  // the tile is known, and all have left the one before
    return shared.taken;
}

// Ends a visit: adds the tiles that were touched, and lets others visit this one. All threads call it.
template <int directions>
__device__ void leave_tile(const detail::MaxflowGrid& grid, MaxflowTile<directions>& shared, int tile, bool again) {
    __syncthreads();  // everything is written, `touched` too
    const int thread = int(threadIdx.x);
    if (thread < 9 && (thread == 4 ? again : shared.touched >> thread & 1)) {
        __threadfence();  // the block's writes come before the news of them
        queue_tile(grid, tile, thread);
    }
    __syncthreads();  // the additions come before the release: this block may be the last that looks
    if (thread == 0) {
        __threadfence();
        atomicAnd(&grid.running[tile / 32], ~(1u << (tile % 32)));
    }
}

// Fills the heights of the tile and of the ring around it. Read past the first-level cache: other blocks write them
// during the launch. A neighbour's height that is a little old is lower than it should be, which only costs work.
template <int directions>
__device__ void load_heights(const detail::MaxflowGrid& grid, MaxflowTile<directions>& shared, int tile) {
    const int left = tile % grid.tiles.width * maxflow_tile - 1, top = tile / grid.tiles.width * maxflow_tile - 1;
    for (int i = int(threadIdx.x); i < maxflow_pitch * maxflow_pitch; i += maxflow_threads) {
        const int x = left + i % maxflow_pitch, y = top + i / maxflow_pitch;
        shared.height[i] =
            grid.size.contains(x, y) ? __ldcg(&grid.height[y * grid.size.width + x]) : detail::MaxflowGrid::unreachable;
    }
}

// What the pixel has received and not passed on; negative: what it can still pass to the sink.
template <int directions>
__device__ long long excess(const detail::MaxflowGrid& grid, int p) {
    long long sum = __ldcg(&grid.base[p]);
    CINEBOKEH_UNROLL
    for (int k = 0; k < directions; ++k) sum += __ldcg(&grid.residual[k * grid.pixels() + p]);
    return sum;
}
}  // namespace kernels
}  // namespace cinebokeh
