// SLIC superpixels: k-means in colour and position, seeded on a grid, and made connected.
//
// Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods" (PAMI 2012), with the candidates
// of Ren, Prisacariu and Reid's gSLICr: a pixel chooses among the 3 x 3 clusters around its cell of the grid. As in
// scikit-image, the distance is |Lab difference|^2 + (compactness / S)^2 |offset|^2 with S the side of a cell, and
// pieces smaller than a share of the mean size join a neighbour.
//
// Most iterations only serve to move the centres, for which a share of the pixels does: the pixels of a cell take
// turns, and only the last iteration assigns all (with interlace 1 every iteration does, as published).
//
// All arithmetic is on whole numbers (Lab and position in eighths of a unit), so both backends give the same labels.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct SlicParams {
    int superpixels = 1300;    // asked for; the grid and the connectivity make it a few more or less
    float compactness = 10;    // Lab units that weigh as much as one side of a cell, in [0, 50]
    int iterations = 10;       // of assignment and update, >= 1
    int interlace = 3;         // turns that the pixels of a cell take in all iterations but the last, >= 1
    float least_share = 0.5f;  // pieces with fewer pixels than this share of a cell's join a neighbour, in [0, 1]
};

namespace detail {
// The grid of cells, and the units of distance. A cell is the part of the image nearest to one seed.
struct SlicGrid {
    Size image, cells;
    int64_t step;      // units of distance per pixel, with 16 fractional bits
    int least_pixels;  // of a connected piece that stays on its own

    SlicGrid(Size image, const SlicParams& params);
    // Sides below 2^16 keep the products in 32 bits.
    CINEBOKEH_HD int column_begin(int c) const {
        return int(unsigned(c) * unsigned(image.width) / unsigned(cells.width));
    }
    CINEBOKEH_HD int row_begin(int r) const {
        return int(unsigned(r) * unsigned(image.height) / unsigned(cells.height));
    }
    CINEBOKEH_HD int units(int pixel) const { return int((pixel * step + (1 << 15)) >> 16); }
};
struct SlicCentre {
    int value[5];  // L, a, b, x, y in units of distance
};
struct SlicSums {
    int64_t value[5], count;
};
template <class Exec, class Space>
class Slic;
}  // namespace detail

/// Plan: superpixels of images of one size.
///
///   Slic<Exec> slic(exec, size, params);
///   slic(image, labels, count);
///
///   image   [h, w]  sRGB, alpha not used
///   labels  [h, w]  out; 0 .. count - 1, numbered by the first pixel of each region in scan order
///   count   [1]     out; the number of labels, at most max_labels()
///
/// slic.colors() are the pixels of the last call in Lab, [h, w] of (L, a, b, 0) in eighths of a unit, for RegionGraph.
///
/// Every region is connected (through edges, not corners). Only the region of the first pixel can be smaller than
/// least_share of a cell. The constructor throws Error for an empty image, more than 2^28 pixels or 65535 on a side, or
/// parameters out of range, and allocates: about 39 bytes a pixel and 630 a superpixel. The call throws Error if a size
/// differs; it allocates nothing, and is asynchronous on Cuda. Deterministic: bit-equal between runs and between
/// backends.
template <class Exec>
using Slic = detail::Slic<Exec, typename Exec::Space>;

}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/slic_cpu.hpp"
#include "kernels/slic_cuda.cuh"
