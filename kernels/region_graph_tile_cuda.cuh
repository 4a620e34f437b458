// The sums of regions and their pairs on Cuda, for one tile of the image per block: in shared memory first, for the few
// regions that a tile usually has, then in the image's.
#pragma once
#include "cinebokeh/region_graph.hpp"
#if CINEBOKEH_GRID
#include "cinebokeh/color.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh {
namespace detail {
/// A hash table of pairs of regions, at most half full as long as there is room.
struct RegionPairs {
    static constexpr unsigned long long empty = ~0ull;
    unsigned long long* keys;  // [mask + 1] smaller region, larger region
    int* border;               // [mask + 1]
    int* used;                 // [room] slots
    int* degrees;              // [regions] the pairs that each is in
    RegionGraphState* state;
    int mask, room;

    __device__ int filled() const { return state->pairs < room ? state->pairs : room; }
    static __device__ unsigned long long key_of(int a, int b) {
        return (unsigned long long)(unsigned(a < b ? a : b)) << 32 | unsigned(a < b ? b : a);
    }
    /// Adds to the border of a pair. Where there is no room, state->pairs becomes larger than room.
    __device__ void add(int a, int b, int length) const {
        const unsigned long long key = key_of(a, b);
        unsigned slot = unsigned(key >> 32) * 0x9e3779b1u ^ unsigned(key) * 0x85ebca6bu;
        slot = (slot ^ slot >> 15) & unsigned(mask);
        for (int probe = 0; probe <= mask; ++probe, slot = (slot + 1) & unsigned(mask)) {
            unsigned long long found = keys[slot];
            if (found == empty) {
                found = atomicCAS(&keys[slot], empty, key);
                if (found == empty) {
                    const int number = atomicAdd(&state->pairs, 1);
                    if (number < room) {
                        used[number] = int(slot);
                        atomicAdd(&degrees[key >> 32], 1), atomicAdd(&degrees[key & 0xffffffffu], 1);
                    }
                    found = key;
                }
            }
            if (found == key) {
                atomicAdd(&border[slot], length);
                return;
            }
        }
    }
};
}  // namespace detail

namespace kernels {
static __device__ inline Vec<int, 3> lab_units(Rgba8 p) {
    return detail::lab_fixed(detail::lab_tables(), p[0], p[1], p[2]);
}
static __device__ inline Vec<int, 3> lab_units(Vec<int16_t, 4> p) { return {p[0], p[1], p[2]}; }

inline constexpr int region_tile = 32, region_tile_warps = 4, region_tile_rows = region_tile / region_tile_warps;

/// What some pixels of one region in a tile add up to.
struct RegionPart {
    long long lab[3];
    int x, y, pixels;  // x, y relative to the tile
};

struct RegionTileShared {
    // Hash tables: what finds no slot goes to the image's right away.
    static constexpr int regions = 64, pairs = 128, empty = -1;
    int label[regions];
    unsigned long long lab[regions][3];
    int x[regions], y[regions], pixels[regions];
    unsigned long long key[pairs];
    int border[pairs];
    int touching[region_tile_warps][2 * 32 * region_tile_rows][2];  // by warp: the regions on both sides of pixel sides

    __device__ void clear(int thread) {
        if (thread < regions) {
            label[thread] = empty, x[thread] = y[thread] = pixels[thread] = 0;
            for (int c = 0; c < 3; ++c) lab[thread][c] = 0;
        }
        if (thread < pairs) key[thread] = detail::RegionPairs::empty, border[thread] = 0;
    }
    /// Adds to a region; false if there is no slot for it.
    __device__ bool add(int region, const RegionPart& part) {
        unsigned slot = unsigned(region) % regions;
        for (int probe = 0; probe < 8; ++probe, slot = (slot + 1) % regions) {
            const int found = atomicCAS(&label[slot], empty, region);
            if (found != empty && found != region) continue;
            for (int c = 0; c < 3; ++c) atomicAdd(&lab[slot][c], (unsigned long long)(part.lab[c]));
            atomicAdd(&x[slot], part.x), atomicAdd(&y[slot], part.y), atomicAdd(&pixels[slot], part.pixels);
            return true;
        }
        return false;
    }
    /// Adds a pixel side to the border of a pair; false if there is no slot for it.
    __device__ bool touch(int a, int b) {
        const unsigned long long pair = detail::RegionPairs::key_of(a, b);
        unsigned slot = (unsigned(a) ^ unsigned(b) * 5) % pairs;
        if (a > b) slot = (unsigned(b) ^ unsigned(a) * 5) % pairs;
        for (int probe = 0; probe < 8; ++probe, slot = (slot + 1) % pairs) {
            const unsigned long long found = atomicCAS(&key[slot], detail::RegionPairs::empty, pair);
            if (found != detail::RegionPairs::empty && found != pair) continue;
            atomicAdd(&border[slot], 1);
            return true;
        }
        return false;
    }
};

/// Adds a part of a tile with this corner to the sums of the image.
static __device__ inline void add_region_part(detail::RegionSums& sum, const RegionPart& part, int left, int top) {
    const auto add = [](long long& to, long long value) {
        atomicAdd(reinterpret_cast<unsigned long long*>(&to), (unsigned long long)(value));
    };
    for (int c = 0; c < 3; ++c) add(sum.lab[c], part.lab[c]);
    add(sum.x, part.x + (long long)(part.pixels) * left), add(sum.y, part.y + (long long)(part.pixels) * top);
    atomicAdd(&sum.pixels, part.pixels);
}

/// A warp takes 32 columns of a tile, row after row: a lane adds up as long as it stays in the same region.
template <class Color>
static __global__ void measure_regions(Image<const Color, DeviceSpace> image, Image<const int, DeviceSpace> labels,
                                       int count, detail::RegionSums* sums, detail::RegionPairs pairs) {
    RegionTileShared& s = static_shared<RegionTileShared>();
    const int lane = int(threadIdx.x), warp = int(threadIdx.y), thread = warp * 32 + lane;
    const int left = int(blockIdx.x) * region_tile, top = int(blockIdx.y) * region_tile, x = left + lane;
    const Size size = labels.size;
    s.clear(thread);
    __syncthreads();  // the tables are empty
    // Labels that are illegal, or outside the image, are -1. All lanes stay for the collectives.
    int illegal = 0;
    const auto label_at = [&](int column, int y) {
        if (!size.contains(column, y)) return -1;
        const int label = labels(column, y);
        return label >= 0 && label < count ? label : -1;
    };
    const auto put = [&](int region, const RegionPart& part) {
        if (region >= 0 && part.pixels > 0 && !s.add(region, part)) add_region_part(sums[region], part, left, top);
    };
    int touches = 0;
    const auto touch = [&](int a, int b) {
        const bool touching = a >= 0 && b >= 0 && a != b;
        const unsigned lanes = __ballot_sync(~0u, touching);
        if (touching) {
            int* at = s.touching[warp][touches + __popc(lanes & ((1u << lane) - 1))];
            at[0] = a, at[1] = b;
        }
        touches += __popc(lanes);
    };

    const int first = top + warp * region_tile_rows;
    int label = label_at(x, first), region = label;
    RegionPart part = {};
    for (int row = 0; row < region_tile_rows; ++row) {
        const int y = first + row, below = label_at(x, y + 1);
        int right = __shfl_down_sync(~0u, label, 1);
        if (lane == 31) right = label_at(x + 1, y);
        touch(label, right), touch(label, below);
        if (label != region) {
            put(region, part);
            region = label, part = {};
        }
        if (label >= 0) {
            const Vec<int, 3> units = lab_units(image(x, y));
            for (int c = 0; c < 3; ++c) part.lab[c] += units[c];
            part.x += lane, part.y += y - top, ++part.pixels;
            if (x == 0) atomicAdd(&sums[label].left, 1);
            if (y == 0) atomicAdd(&sums[label].top, 1);
            if (x == size.width - 1) atomicAdd(&sums[label].right, 1);
            if (y == size.height - 1) atomicAdd(&sums[label].bottom, 1);
        } else if (size.contains(x, y)) {
            ++illegal;
        }
        label = below;
    }
    if (illegal > 0) atomicAdd(&pairs.state->illegal, illegal);

    // Lanes side by side in the same region add up first.
    const int before = __shfl_up_sync(~0u, region, 1);
    const unsigned heads = __ballot_sync(~0u, lane == 0 || before != region);
    const unsigned later = lane == 31 ? 0 : heads & (~0u << (lane + 1));
    const int end = later ? __ffs(int(later)) - 1 : 32;  // of the run that the lane is in
    for (int d = 1; d < 32; d *= 2) {
        RegionPart other;
        for (int c = 0; c < 3; ++c) other.lab[c] = __shfl_down_sync(~0u, part.lab[c], unsigned(d));
        other.x = __shfl_down_sync(~0u, part.x, unsigned(d)), other.y = __shfl_down_sync(~0u, part.y, unsigned(d));
        other.pixels = __shfl_down_sync(~0u, part.pixels, unsigned(d));
        if (lane + d >= end) continue;
        for (int c = 0; c < 3; ++c) part.lab[c] += other.lab[c];
        part.x += other.x, part.y += other.y, part.pixels += other.pixels;
    }
    if (heads >> lane & 1) put(region, part);
    __syncwarp();  // the warp's list of sides is complete
    for (int i = lane; i < touches; i += 32) {
        const int a = s.touching[warp][i][0], b = s.touching[warp][i][1];
        if (!s.touch(a, b)) pairs.add(a, b, 1);
    }
    __syncthreads();  // the tables are complete
    if (thread < RegionTileShared::regions && s.label[thread] != RegionTileShared::empty) {
        RegionPart total{{}, s.x[thread], s.y[thread], s.pixels[thread]};
        for (int c = 0; c < 3; ++c) total.lab[c] = (long long)(s.lab[thread][c]);
        add_region_part(sums[s.label[thread]], total, left, top);
    }
    if (thread < RegionTileShared::pairs && s.key[thread] != detail::RegionPairs::empty)
        pairs.add(int(s.key[thread] >> 32), int(s.key[thread] & 0xffffffffu), s.border[thread]);
}
}  // namespace kernels
}  // namespace cinebokeh
#endif
