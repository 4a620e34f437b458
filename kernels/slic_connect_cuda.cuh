// Makes regions connected on Cuda, and numbers them as kernels/slic_connect_cpu.hpp does.
//
// Union-find over pixels with atomicMin (Playne and Hawick, "A new algorithm for parallel connected-component labelling
// on GPUs", 2018): the root of a piece is its first pixel in scan order. Tiles find their own pieces in shared memory,
// and what follows visits these few only: joining them across the borders of tiles, counting, choosing where small ones
// go. Numbers come from a scan over the regions' first pixels.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cuda_block.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
inline constexpr int slic_tile = 32;                            // pixels on a side
inline constexpr int slic_tile_pixels = slic_tile * slic_tile;  // and in a segment of the scan

CINEBOKEH_HD inline int slic_find(const int* parent, int p) {
    while (parent[p] != p) p = parent[p];
    return p;
}

// Arrays over the pixels of an image of the given width, indexed in scan order; those of pieces hold values at the
// first pixel of each tile's pieces. Tiles are numbered in scan order too.
struct SlicPieces {
    Image<int, DeviceSpace> labels;
    int* parent;                    // of a pixel, the first of its piece in its tile; of that, on the way to the root
    int *pixels, *home, *number;    // of pieces: their size; of roots, the piece they go to; the new label
    int *firsts, *first_count;      // [tiles, slic_tile_pixels] the first pixels of a tile's pieces; [tiles]
    unsigned* starts;               // [segments, slic_tile] bits: pixels with which a region starts
    int *segment_counts, segments;  // [segments] regions that start in each, and then before each

    CINEBOKEH_HD int index(int x, int y) const { return y * labels.size.width + x; }
};

// What is done to the pieces of tiles, given by their first pixel.
struct SlicMergePieces : SlicPieces {
    // Other threads shorten the same chains meanwhile: every value they write is an ancestor too.
    __device__ void operator()(int p) const {
        const int root = slic_find(parent, p);
        if (root == p) return;
        parent[p] = root;
        atomicAdd(&pixels[root], pixels[p]);
    }
};
// Where a piece goes: itself, or the piece before its first pixel if it is small.
struct SlicChooseHome : SlicPieces {
    int least_pixels;

    __device__ void operator()(int p) const {
        if (parent[p] != p) return;
        const bool stays = p == 0 || pixels[p] >= least_pixels;
        home[p] = stays ? p : parent[parent[p % labels.size.width > 0 ? p - 1 : p - labels.size.width]];
        if (!stays) return;
        atomicOr(&starts[p / 32], 1u << p % 32);
        atomicAdd(&segment_counts[p / slic_tile_pixels], 1);
    }
};
struct SlicNumberPieces : SlicPieces {
    __device__ void operator()(int p) const {
        int region = parent[p];
        while (home[region] != region) region = home[region];
        const int segment = region / slic_tile_pixels, word = region / 32;
        int before = segment_counts[segment];
        for (int i = segment * slic_tile; i < word; ++i) before += __popc(starts[i]);
        number[p] = before + __popc(starts[word] & ((1u << region % 32) - 1));
    }
};
struct SlicRelabel : SlicPieces {
    CINEBOKEH_HD void operator()(int x, int y) const { labels(x, y) = number[parent[index(x, y)]]; }
};
}  // namespace detail

namespace kernels {
// Joins the pieces of two pixels: the later root hangs on the earlier one.
static __device__ inline void slic_join(int* parent, int a, int b) {
    a = detail::slic_find(parent, a), b = detail::slic_find(parent, b);
    while (a != b) {
        if (a < b) {
            const int t = a;
            a = b, b = t;
        }
        const int before = atomicMin(&parent[a], b);  // if a was no root any more, what it hung on is joined too
        if (before == a) break;
        a = detail::slic_find(parent, before), b = detail::slic_find(parent, b);
    }
}

struct SlicTileShared {
    int labels[detail::slic_tile_pixels], parent[detail::slic_tile_pixels], pixels[detail::slic_tile_pixels];
    int pieces;
};
inline constexpr int slic_tile_warps = 8;  // each takes every eighth row

// One block per tile: finds its pieces and their sizes, and clears one segment of the scan.
static __global__ void slic_find_pieces(detail::SlicPieces pieces) {
    constexpr int side = detail::slic_tile, rows = slic_tile_warps, steps = side / rows;
    SlicTileShared& shared = static_shared<SlicTileShared>();
    const int lane = int(threadIdx.x), warp = int(threadIdx.y);
    const int tile = int(blockIdx.y * gridDim.x + blockIdx.x);
    const int left = int(blockIdx.x) * side, top = int(blockIdx.y) * side;
    const auto& labels = pieces.labels;
    if (tile < pieces.segments && warp == 0) pieces.starts[tile * side + lane] = 0;
    if (lane == 0 && warp == 0) {
        shared.pieces = 0;
        if (tile < pieces.segments) pieces.segment_counts[tile] = 0;
    }
    unsigned heads[steps];  // the lanes with which runs of equal labels begin
    // Threads outside the image stay: their pieces, of label -1, are their own.
    for (int i = 0; i < steps; ++i) {
        const int row = warp + i * rows, at = row * side + lane;
        const int label = labels.size.contains(left + lane, top + row) ? labels(left + lane, top + row) : -1;
        const int before = __shfl_up_sync(~0u, label, 1);
        heads[i] = __ballot_sync(~0u, lane == 0 || before != label);
        shared.labels[at] = label, shared.pixels[at] = 0;
        shared.parent[at] = row * side + 31 - __clz(int(heads[i] & (~0u >> (31 - lane))));
    }
    __syncthreads();  // all runs are there
    for (int at = warp * side + lane + (warp == 0 ? rows * side : 0); at < side * side; at += rows * side) {
        const int label = shared.labels[at];
        if (label != shared.labels[at - side]) continue;
        // The pixel to the left makes the same link where it belongs to the same two runs.
        if (lane > 0 && shared.labels[at - 1] == label && shared.labels[at - side - 1] == label) continue;
        slic_join(shared.parent, at, at - side);
    }
    __syncthreads();  // all runs are joined
    for (int i = 0; i < steps; ++i) {
        const int row = warp + i * rows, at = row * side + lane, root = detail::slic_find(shared.parent, at);
        if (labels.size.contains(left + lane, top + row))
            pieces.parent[pieces.index(left + lane, top + row)] = pieces.index(left + root % side, top + root / side);
        if (heads[i] >> lane & 1) {
            const unsigned later = heads[i] & ~(~0u >> (31 - lane));
            atomicAdd(&shared.pixels[root], (later ? __ffs(int(later)) - 1 : side) - lane);
        }
    }
    __syncthreads();  // all pixels are counted
    for (int i = 0; i < steps; ++i) {
        const int row = warp + i * rows, at = row * side + lane;
        if (shared.parent[at] != at || !labels.size.contains(left + lane, top + row)) continue;
        const int first = pieces.index(left + lane, top + row);
        pieces.pixels[first] = shared.pixels[at];
        pieces.firsts[tile * detail::slic_tile_pixels + atomicAdd(&shared.pieces, 1)] = first;
    }
    __syncthreads();  // all pieces are listed
    if (lane == 0 && warp == 0) pieces.first_count[tile] = shared.pieces;
}

// One block per tile, of two warps: the first joins it to the tile above, the second to the one on the left.
static __global__ void slic_join_tiles(detail::SlicPieces pieces) {
    constexpr int side = detail::slic_tile;
    const bool up = threadIdx.x < side;
    const int i = int(threadIdx.x) % side, dx = up ? 0 : 1, dy = up ? 1 : 0;
    const int x = int(blockIdx.x) * side + (up ? i : 0), y = int(blockIdx.y) * side + (up ? 0 : i);
    const auto& labels = pieces.labels;
    if (!labels.size.contains(x, y) || !labels.size.contains(x - dx, y - dy)) return;
    const int label = labels(x, y);
    if (labels(x - dx, y - dy) != label) return;
    // The pixel before makes the same link where it lies in the same two tiles and pieces.
    if (i > 0 && labels(x - dy, y - dx) == label && labels(x - dy - dx, y - dx - dy) == label) return;
    slic_join(pieces.parent, pieces.index(x, y), pieces.index(x - dx, y - dy));
}

inline constexpr int slic_piece_warps = 8;  // per block
// One warp per tile: calls f for the first pixel of each of its pieces.
template <class F>
static __global__ void slic_for_each_piece(int tiles, F f) {
    const int tile = int(blockIdx.x) * slic_piece_warps + int(threadIdx.x) / 32;
    if (tile >= tiles) return;
    for (int i = int(threadIdx.x) % 32; i < f.first_count[tile]; i += 32)
        f(f.firsts[tile * detail::slic_tile_pixels + i]);
}

inline constexpr int slic_scan_threads = 1024;
struct SlicScanShared {
    BlockSum<int, slic_scan_threads> sum;
};
// One block: replaces counts by the sums of the counts before, and writes the total.
static __global__ void slic_scan_segments(detail::SlicPieces pieces, Span<int, DeviceSpace> count) {
    SlicScanShared& shared = static_shared<SlicScanShared>();
    int sum = 0;
    for (int first = 0; first < pieces.segments; first += slic_scan_threads) {
        const int i = first + int(threadIdx.x);
        int total = 0;
        const int before = shared.sum.before(i < pieces.segments ? pieces.segment_counts[i] : 0, total);
        if (i < pieces.segments) pieces.segment_counts[i] = sum + before;
        sum += total;
    }
    if (threadIdx.x == 0) count[0] = sum;
}
}  // namespace kernels

namespace detail {
class SlicConnectCuda {
public:
    SlicConnectCuda(Cuda& exec, Size size, int least_pixels)
        : exec_(exec),
          least_pixels_(std::max(least_pixels, 1)),
          segments_(ceil_div(int(size.area()), slic_tile_pixels)),
          tiles_{ceil_div(size.width, slic_tile), ceil_div(size.height, slic_tile)},
          parent_(exec, {int(size.area()), 1}),
          pixels_(exec, {int(size.area()), 1}),
          home_(exec, {int(size.area()), 1}),
          number_(exec, {int(size.area()), 1}),
          firsts_(exec, {slic_tile_pixels, int(tiles_.area())}),
          first_count_(exec, {int(tiles_.area()), 1}),
          segment_counts_(exec, {segments_, 1}),
          starts_(exec, {segments_ * slic_tile, 1}) {}

    int max_labels() const { return int(parent_.size().area() / size_t(least_pixels_)) + 1; }

    void operator()(View<int, Cuda> labels, SpanView<int, Cuda> count) {
        const SlicPieces pieces{labels,
                                parent_.span().data,
                                pixels_.span().data,
                                home_.span().data,
                                number_.span().data,
                                firsts_.view().data,
                                first_count_.span().data,
                                starts_.span().data,
                                segment_counts_.span().data,
                                segments_};
        const dim3 tiles(unsigned(tiles_.width), unsigned(tiles_.height));
        exec_.launch(tiles, dim3(slic_tile, kernels::slic_tile_warps), 0, kernels::slic_find_pieces, pieces);
        exec_.launch(tiles, dim3(2 * slic_tile), 0, kernels::slic_join_tiles, pieces);
        for_each_piece(SlicMergePieces{pieces});
        for_each_piece(SlicChooseHome{pieces, least_pixels_});
        exec_.launch(dim3(1), dim3(kernels::slic_scan_threads), 0, kernels::slic_scan_segments, pieces, count);
        for_each_piece(SlicNumberPieces{pieces});
        for_each_pixel(exec_, labels.size, SlicRelabel{pieces});
    }

private:
    template <class F>
    void for_each_piece(const F& f) {
        const int tiles = int(tiles_.area());
        exec_.launch(dim3(unsigned(ceil_div(tiles, kernels::slic_piece_warps))), dim3(32 * kernels::slic_piece_warps),
                     0, kernels::slic_for_each_piece<F>, tiles, f);
    }

    Cuda& exec_;
    int least_pixels_, segments_;
    Size tiles_;
    Buffer<int, Cuda> parent_, pixels_, home_, number_, firsts_, first_count_, segment_counts_;
    Buffer<unsigned, Cuda> starts_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
