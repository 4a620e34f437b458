// What the two backends of slic.hpp share: the grid, the units, the distance, and the update of a centre.
#pragma once
#include <cmath>

#include "cinebokeh/color.hpp"
#include "cinebokeh/slic.hpp"

namespace cinebokeh::detail {
inline constexpr int slic_units = 8;  // per Lab unit: keeps every score below 2^24, see SlicCandidate

inline SlicGrid::SlicGrid(Size image_, const SlicParams& params) : image(image_) {
    require(!image.empty(), "Slic: empty image");
    require(image.width <= 65535 && image.height <= 65535 && image.area() <= (size_t(1) << 28), "Slic: an image of ",
            image.width, " x ", image.height, " is too large");
    require(params.superpixels >= 1, "Slic: fewer than one superpixel");
    require(params.compactness >= 0 && params.compactness <= 50, "Slic: compactness ", params.compactness,
            " is not in [0, 50]");
    require(params.iterations >= 1, "Slic: fewer than one iteration");
    require(params.interlace >= 1, "Slic: interlace ", params.interlace);
    require(params.least_share >= 0 && params.least_share <= 1, "Slic: least_share is not in [0, 1]");
    const double w = image.width, h = image.height;
    double side = std::sqrt(w * h / params.superpixels);
    if (side > h) side = w / params.superpixels;  // one row of cells
    if (side > w) side = h / params.superpixels;  // one column
    side = std::max(side, 1.0);
    cells = {clamp(int(std::lround(w / side)), 1, image.width), clamp(int(std::lround(h / side)), 1, image.height)};
    step = std::llround(slic_units * double(params.compactness) / side * 65536);
    least_pixels = int(params.least_share * (w * h / (double(cells.width) * cells.height)));
}

inline constexpr int slic_stretch = 32;  // pixels of a cell, row by row, that are assigned in the same iterations

// Which stretches of a cell an iteration assigns: those whose number is `first` in steps of `step`.
struct SlicTurn {
    int first, step;

    static SlicTurn of(int iteration, const SlicParams& params) {
        const bool last = iteration + 1 == params.iterations;
        return last ? SlicTurn{0, 1} : SlicTurn{iteration % params.interlace, params.interlace};
    }
};

// Lab in units of distance.
CINEBOKEH_HD inline int slic_round(int lab) {
    constexpr int shift = lab_fraction_bits - 3, half = 1 << (shift - 1);
    return (lab + half) >> shift;
}
CINEBOKEH_HD inline Vec<int16_t, 4> slic_color(Rgba8 p) {
    const Vec<int, 3> lab = lab_fixed(lab_tables(), p[0], p[1], p[2]);
    return {int16_t(slic_round(lab[0])), int16_t(slic_round(lab[1])), int16_t(slic_round(lab[2])), 0};
}

// One of the nine clusters around a cell. Of |p - c|^2 only c.c - 2 p.c depends on the cluster. All numbers are whole
// and, with positions relative to the cell, stay below 2^24 for every compactness up to 50: floats are exact,
// whatever the order of the sum and whether multiplications and additions are fused or not.
struct SlicCandidate {
    float factor[5], norm;

    CINEBOKEH_HD static SlicCandidate none() { return {{0, 0, 0, 0, 0}, 0x1p25f}; }
    CINEBOKEH_HD static SlicCandidate of(const SlicCentre& centre, int cell_x, int cell_y) {
        const int c[5] = {centre.value[0], centre.value[1], centre.value[2], centre.value[3] - cell_x,
                          centre.value[4] - cell_y};
        SlicCandidate candidate{{}, 0};
        for (int i = 0; i < 5; ++i) {
            candidate.factor[i] = float(-2 * c[i]);
            candidate.norm += float(c[i] * c[i]);
        }
        return candidate;
    }
    CINEBOKEH_HD float score(float l, float a, float b, float x, float y) const {
        return norm + factor[0] * l + factor[1] * a + factor[2] * b + factor[3] * x + factor[4] * y;
    }
};

// The k-th candidate of a cell, k in [0, 9) in scan order.
CINEBOKEH_HD inline SlicCandidate slic_candidate(const SlicGrid& grid, const SlicCentre* centres, int column, int row,
                                                 int k) {
    const int c = column + k % 3 - 1, r = row + k / 3 - 1;
    if (!grid.cells.contains(c, r)) return SlicCandidate::none();
    return SlicCandidate::of(centres[r * grid.cells.width + c], grid.units(grid.column_begin(column)),
                             grid.units(grid.row_begin(row)));
}

CINEBOKEH_HD inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

// The mean of the members, rounded to nearest.
CINEBOKEH_HD inline int slic_mean(int64_t sum, int64_t count) { return int(floor_div(2 * sum + count, 2 * count)); }

// A cluster without members stays where it is.
CINEBOKEH_HD inline void slic_update(SlicCentre& centre, const SlicSums& sums) {
    if (sums.count == 0) return;
    for (int i = 0; i < 5; ++i) centre.value[i] = slic_mean(sums.value[i], sums.count);
}
}  // namespace cinebokeh::detail
