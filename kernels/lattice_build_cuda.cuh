// Building a permutohedral lattice on Cuda. See kernels/lattice_build_cpu.hpp for the geometry.
//
// A block places a tile of 1024 points, 32 x 32 pixels of an image. The vertices of the tile meet in a hash table in
// shared memory first, so the table in global memory sees each of them once a tile; both are filled by compare-and-swap
// on one 64-bit key. Vertices are numbered as they come, which may differ from run to run: nothing that is computed
// depends on the numbers.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "kernels/lattice_build_cpu.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
inline constexpr int lattice_cuda_tile = 1024;    // points
inline constexpr int lattice_cuda_threads = 256;  // four points each
inline constexpr int lattice_cuda_per_thread = lattice_cuda_tile / lattice_cuda_threads;
inline constexpr int lattice_place_threads = 512;     // two points each: the table leaves room for two blocks on an SM
inline constexpr unsigned lattice_cuda_slots = 8192;  // of the table of a tile: at most three quarters full with D = 6

// How points lie in tiles: an image in squares, or an array (an image of one row) in pieces.
struct LatticeLayout {
    Size size;
    int tile_width;  // 32 or 1024

    CINEBOKEH_HD Size tiles() const {
        return {(size.width + tile_width - 1) / tile_width,
                (size.height * tile_width + lattice_cuda_tile - 1) / lattice_cuda_tile};
    }
};
/// One of the points of a thread: those of a thread lie below each other, because neighbours share simplices.
template <int per_thread>
struct LatticePoint {
    int x, y, index;  // index: where its corners are stored, below tiles * lattice_cuda_tile
    bool inside;

    __device__ LatticePoint(const LatticeLayout& layout, int tile, int i) {
        const int local = (int(threadIdx.x) / 32 * per_thread + i) * 32 + int(threadIdx.x) % 32;
        const int columns = layout.tiles().width, tile_height = lattice_cuda_tile / layout.tile_width;
        x = tile % columns * layout.tile_width + local % layout.tile_width;
        y = tile / columns * tile_height + local / layout.tile_width;
        index = tile * lattice_cuda_tile + local;
        inside = x < layout.size.width && y < layout.size.height;
    }
};

// Corners or weights of points, a pair of numbers in each plane: what pads a Corners is neither stored nor read.
template <int D>
struct LatticePlanes {
    static constexpr int count = (D + 2) / 2;

    unsigned* words;
    size_t stride;

    __device__ Corners<D> load(int index) const {
        Corners<D> corners{};
        CINEBOKEH_UNROLL
        for (int i = 0; i < count; ++i) {
            const unsigned word = words[size_t(i) * stride + size_t(index)];
            corners.v[2 * i] = uint16_t(word & 0xffff), corners.v[2 * i + 1] = uint16_t(word >> 16);
        }
        return corners;
    }
    __device__ void store(int index, const Corners<D>& corners) const {
        CINEBOKEH_UNROLL
        for (int i = 0; i < count; ++i)
            words[size_t(i) * stride + size_t(index)] = corners.v[2 * i] | unsigned(corners.v[2 * i + 1]) << 16;
    }
};

// The lattice as kernels see it. Vertex 0 does not exist: its value stays zero.
template <int D>
struct LatticeDevice {
    static constexpr int tile_vertices = (D + 1) * lattice_cuda_tile;  // at most

    LatticeFrame<D>* frame;
    LatticePlanes<D> weights, corners;  // [tile, point]; corners number the vertices of the tile
    int* tile_counts;                   // [tiles] vertices of the tile
    int* entries;                       // [tiles, tile_vertices] slots of the global table, then vertices
    unsigned long long* table;          // [slots] key + 1, 0 for a free slot
    int* vertex_at;                     // [slots]
    int* slot_of;                       // [slots + 1] by vertex, for those beyond max_vertices too
    int* neighbours;                    // [axis, 2, vertices + 1]
    unsigned long long* sums;           // [vertices + 1] fixed point, signed
    float* values[3];                   // [vertices + 1]
    int* count;                         // [1] vertices
    float* unit;                        // [2] fixed point units per 1, and 1 / that
    int max_vertices;
    size_t neighbour_stride;
    unsigned slot_mask;

    CINEBOKEH_HD int* neighbours_along(int axis, int side) const {
        return neighbours + (size_t(axis) * 2 + size_t(side)) * neighbour_stride;
    }
};
}  // namespace detail

namespace kernels {
using detail::LatticeDevice;
using detail::LatticeLayout;
using detail::LatticePoint;

static __device__ inline unsigned lattice_slot(unsigned long long key, unsigned mask) {
    return unsigned((key * 0x9E3779B97F4A7C15u) >> 32) & mask;
}
/// Finds the slot of a key or takes a free one; `fresh` where it was free. Returns mask + 1 where the table is full.
static __device__ inline unsigned claim_slot(unsigned long long* table, unsigned mask, unsigned long long key,
                                             bool& fresh) {
    unsigned slot = lattice_slot(key, mask);
    for (unsigned probes = 0; probes <= mask; ++probes, slot = (slot + 1) & mask) {
        const unsigned long long before = atomicCAS(&table[slot], 0ull, key);
        fresh = before == 0;
        if (fresh || before == key) return slot;
    }
    fresh = false;
    return mask + 1;
}

/// The simplex of a point: its first corner as a key, the axes of the steps to the others, and the weights.
template <int D>
struct LatticeSimplex {
    long long first;
    int axis[D];
    detail::Corners<D> weights;

    __device__ LatticeSimplex(const detail::LatticeFrame<D>& frame, const float (&features)[D]) : first(0), weights{} {
        int sorted[D];  // fraction and axis in one word, descending
        CINEBOKEH_UNROLL
        for (int j = 0; j < D; ++j) {
            float y = frame.offset[j];
            CINEBOKEH_UNROLL
            for (int i = 0; i < D; ++i) y += frame.skew[j][i] * features[i];
            const int fixed = int(y * detail::lattice_one + 0.5f);
            first += (long long)(fixed >> detail::lattice_bits) * frame.stride[j];
            sorted[j] = (fixed & (detail::lattice_one - 1)) * 8 + j;
        }
        CINEBOKEH_UNROLL
        for (int last = D - 1; last > 0; --last) {
            CINEBOKEH_UNROLL
            for (int j = 0; j < last; ++j) {
                const int a = sorted[j], b = sorted[j + 1];
                sorted[j] = max(a, b), sorted[j + 1] = min(a, b);
            }
        }
        weights.v[0] = uint16_t(detail::lattice_one - (sorted[0] >> 3));
        CINEBOKEH_UNROLL
        for (int j = 0; j < D; ++j) {
            axis[j] = sorted[j] & 7;
            weights.v[j + 1] = uint16_t((sorted[j] >> 3) - (j + 1 < D ? sorted[j + 1] >> 3 : 0));
        }
    }
};

/// What a block holds while it places a tile, in dynamic shared memory: 80 KiB, so two blocks run on an SM.
struct LatticeTileTable {
    unsigned long long keys[detail::lattice_cuda_slots];  // key + 1
    uint16_t vertex[detail::lattice_cuda_slots];          // its number in the tile
    int count;
};

/// Places the points. `Features` writes the features of the point at (x, y).
template <int D, class Features>
static __global__ void lattice_place(LatticeDevice<D> lattice, LatticeLayout layout, Features features) {
    constexpr unsigned mask = detail::lattice_cuda_slots - 1;
    LatticeTileTable& table = *dynamic_shared<LatticeTileTable>();
    const int thread = int(threadIdx.x), tile = int(blockIdx.x);
    for (unsigned slot = unsigned(thread); slot <= mask; slot += detail::lattice_place_threads) table.keys[slot] = 0;
    if (thread == 0) table.count = 0;
    __syncthreads();  // the table is empty

    constexpr int per_thread = detail::lattice_cuda_tile / detail::lattice_place_threads;
    int* entries = lattice.entries + size_t(tile) * LatticeDevice<D>::tile_vertices;
    const detail::LatticeFrame<D>& frame = *lattice.frame;
    for (int i = 0; i < per_thread; ++i) {
        const LatticePoint<per_thread> p(layout, tile, i);
        float f[D] = {};
        if (p.inside) features(p.x, p.y, f);
        const LatticeSimplex<D> simplex(frame, f);
        detail::Corners<D> corners{};
        long long key = simplex.first;
        CINEBOKEH_UNROLL
        for (int j = 0; j <= D; ++j) {
            if (j > 0) key += frame.stride[simplex.axis[j - 1]];
            // Neighbours in a warp mostly share the vertex: one of them goes to the table. Points outside have key 0.
            const unsigned long long named = p.inside ? (unsigned long long)(key) + 1 : 0;
            const unsigned peers = __match_any_sync(~0u, named);
            const int leader = __ffs(int(peers)) - 1;
            unsigned slot = 0;
            if (named && leader == thread % 32) {
                bool fresh;
                slot = claim_slot(table.keys, mask, named, fresh);
                if (fresh) {
                    const int local = atomicAdd(&table.count, 1);
                    table.vertex[slot] = uint16_t(local), entries[local] = int(slot);
                }
            }
            corners.v[j] = uint16_t(__shfl_sync(~0u, slot, leader));
        }
        lattice.weights.store(p.index, simplex.weights);
        lattice.corners.store(p.index, corners);
    }
    __syncthreads();  // all vertices of the tile are in its table

    for (int local = thread; local < table.count; local += detail::lattice_place_threads) {
        bool fresh;
        const unsigned global = claim_slot(lattice.table, lattice.slot_mask, table.keys[entries[local]], fresh);
        entries[local] = int(global);
        if (!fresh) continue;
        const int vertex = atomicAdd(lattice.count, 1) + 1;
        lattice.slot_of[vertex] = int(global);
        const bool fits = vertex <= lattice.max_vertices;
        lattice.vertex_at[global] = fits ? vertex : 0;
        if (fits) lattice.sums[vertex] = 0;
    }
    if (thread == 0) lattice.tile_counts[tile] = table.count;
    for (int i = 0; i < per_thread; ++i) {
        const LatticePoint<per_thread> p(layout, tile, i);
        if (!p.inside) continue;
        detail::Corners<D> corners = lattice.corners.load(p.index);
        CINEBOKEH_UNROLL
        for (int j = 0; j <= D; ++j) corners.v[j] = table.vertex[corners.v[j]];
        lattice.corners.store(p.index, corners);
    }
}

/// Replaces the slots that the entries of a tile name by the vertices there.
template <int D>
static __global__ void lattice_number(LatticeDevice<D> lattice) {
    const int tile = int(blockIdx.x);
    int* entries = lattice.entries + size_t(tile) * LatticeDevice<D>::tile_vertices;
    for (int e = int(threadIdx.x); e < lattice.tile_counts[tile]; e += int(blockDim.x))
        entries[e] = unsigned(entries[e]) <= lattice.slot_mask ? lattice.vertex_at[entries[e]] : 0;
}

/// Calls f(v) for all vertices, with a grid of any size: their number is known on the device only.
template <int D, class F>
__device__ void for_vertices(const LatticeDevice<D>& lattice, F&& f) {
    const int count = min(*lattice.count, lattice.max_vertices);
    for (int v = 1 + int(blockIdx.x * blockDim.x + threadIdx.x); v <= count; v += int(gridDim.x * blockDim.x)) f(v);
}

template <int D>
__device__ int find_vertex(const LatticeDevice<D>& lattice, unsigned long long key) {
    unsigned slot = lattice_slot(key, lattice.slot_mask);
    for (unsigned probes = 0; probes <= lattice.slot_mask; ++probes, slot = (slot + 1) & lattice.slot_mask) {
        if (lattice.table[slot] == key) return lattice.vertex_at[slot];
        if (lattice.table[slot] == 0) break;
    }
    return 0;
}
/// Finds the two neighbours of every vertex along every axis, once for all blurs; an axis and side per blockIdx.y.
template <int D>
static __global__ void lattice_connect(LatticeDevice<D> lattice) {
    const int axis = int(blockIdx.y) / 2, side = int(blockIdx.y) % 2;
    const unsigned long long step = (unsigned long long)(lattice.frame->step(axis));
    int* const neighbours = lattice.neighbours_along(axis, side);
    for_vertices(lattice, [&](int v) {
        const unsigned long long key = lattice.table[lattice.slot_of[v]];
        neighbours[v] = find_vertex(lattice, side ? key + step : key - step);
    });
}

/// Empties the global table, which costs only what the last lattice had.
template <int D>
static __global__ void lattice_empty(LatticeDevice<D> lattice) {
    for (int v = 1 + int(blockIdx.x * blockDim.x + threadIdx.x); v <= *lattice.count; v += int(gridDim.x * blockDim.x))
        lattice.table[lattice.slot_of[v]] = 0;
}
/// One thread: starts a lattice for points within the bounds, and values of up to +-4.
template <int D>
static __global__ void lattice_begin(LatticeDevice<D> lattice, detail::FeatureBounds<D> bounds) {
    *lattice.count = 0;
    *lattice.frame = detail::LatticeFrame<D>(bounds);
    lattice.unit[0] = 0x1p18f, lattice.unit[1] = 0x1p-18f;
}
/// One block: what holds for every lattice of a plan.
template <int D>
static __global__ void lattice_create(LatticeDevice<D> lattice) {
    if (threadIdx.x != 0) return;
    *lattice.count = 0, lattice.sums[0] = 0;
    for (float* values : lattice.values) values[0] = 0;
}
}  // namespace kernels
}  // namespace cinebokeh
#endif
