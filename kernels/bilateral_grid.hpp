// What the bilateral grids of both backends share: where a pixel lies in the grid, the samples, the interpolation.
#pragma once
#include <cmath>

#include "cinebokeh/core/fast_math.hpp"
#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

inline constexpr float bilateral_weight_limit = 4;  // of all splats together, so that 32 bits hold a cell that gets all
inline constexpr int bilateral_most_levels = 32;

/// Cells are numbered (x, y) and, within such a place, (red, green, blue); blue runs fastest.
struct BilateralGeometry {
    Size cells;                                  // places; the first and last row and column reach beyond the image
    int levels = 1;                              // cells per colour
    float per_x = 1, per_y = 1, per_colour = 1;  // cells per pixel, per level
    Float2 border = {0, 0};                      // pixels from the centre of the first cell to the first pixel
    float units = 1;                             // a weight of 1 as an integer, a power of two

    CINEBOKEH_HD int bins() const { return levels * levels * levels; }
    CINEBOKEH_HD int bin(int red, int green, int blue) const { return (red * levels + green) * levels + blue; }
    // Products of sums: they cannot be contracted to a fused multiply-add, so every compiler rounds them alike.
    CINEBOKEH_HD float place_x(float x) const { return (x + border[0]) * per_x; }
    CINEBOKEH_HD float place_y(float y) const { return (y + border[1]) * per_y; }
    CINEBOKEH_HD int nearest_level(uint8_t value) const { return int(float(value) * per_colour); }
};

inline BilateralGeometry bilateral_geometry(Size image, const BilateralGridParams& params) {
    BilateralGeometry g;
    g.per_x = 1 / params.cell_x, g.per_y = 1 / params.cell_y, g.per_colour = 1 / params.cell_colour;
    g.border = {0.5f + 0.5f * params.cell_x, 0.5f + 0.5f * params.cell_y};
    g.cells = {int(g.place_x(float(image.width - 1))) + 2, int(g.place_y(float(image.height - 1))) + 2};
    g.levels = g.nearest_level(255) + 1;
    const double most = double(bilateral_weight_limit) * double(image.area());
    while (g.units < 65536 && most * 2 * double(g.units) + double(image.area()) < 2147483648.0) g.units *= 2;
    return g;
}

template <class FlowView>
struct MotionByFlow {
    FlowView flow;
    CINEBOKEH_HD Float2 operator()(int x, int y) const {
        const Float2& f = flow(x, y);
        return {float(x) + f[0], float(y) + f[1]};
    }
};

/// A similarity as a product of a sum, rounded alike by every compiler.
struct MotionBySimilarity {
    Float2 offset;
    float scale;
    explicit MotionBySimilarity(const Similarity& s)
        : offset{s.to[0] / s.scale - s.from[0], s.to[1] / s.scale - s.from[1]}, scale(s.scale) {}
    CINEBOKEH_HD Float2 operator()(int x, int y) const { return {(x + offset[0]) * scale, (y + offset[1]) * scale}; }
};

/// All samples of one splat. A sample lies between four places and adds integers to a bin of each.
template <class Space, class Motion>
struct BilateralSamples {
    BilateralGeometry geometry;
    Image<const Rgba8, Space> image;
    Image<const float, Space> matte;
    Image<const uint8_t, Space> region;  // no data: everywhere
    Motion motion;
    float weight;  // in half units

    CINEBOKEH_HD bool wanted(int x, int y) const { return !region.data || region(x, y) != 0; }
    CINEBOKEH_HD Float2 place(int x, int y) const {
        const Float2 moved = motion(x, y);
        return {geometry.place_x(moved[0]), geometry.place_y(moved[1])};
    }
    /// False for NaN.
    CINEBOKEH_HD bool inside(float place_x, float place_y) const {
        return (place_x >= 0) & (place_y >= 0) & (place_x < float(geometry.cells.width - 1)) &
               (place_y < float(geometry.cells.height - 1));
    }
    CINEBOKEH_HD static float foreground(float matte) {
        const float positive = matte > 0 ? matte : 0.f;  // NaN becomes 0
        return positive < 1 ? positive : 1.f;
    }
    /// Half units to units. Rounded after the cast, since a sum before it could be contracted with a product.
    CINEBOKEH_HD static int round(float half_units) { return (int(half_units) + 1) >> 1; }
};
template <class Space, class Motion>
BilateralSamples<Space, Motion> bilateral_samples(const BilateralGeometry& geometry, Image<const Rgba8, Space> image,
                                                  Image<const float, Space> matte, Image<const uint8_t, Space> region,
                                                  const Motion& motion, float weight) {
    return {geometry, image, matte, region, motion, 2 * weight * geometry.units};
}

/// A position between two cells of one dimension.
struct BilateralBracket {
    int first;
    float fraction;  // of the second

    CINEBOKEH_HD BilateralBracket(float position, int count) {
        const float last = float(count - 1);
        position = position > 0 ? (position < last ? position : last) : 0.f;
        first = int(position);
        if (first > 0 && first == count - 1) --first;
        fraction = position - float(first);
    }
};

/// Functor: the log odds of one pixel.
template <class Space>
struct BilateralSlice {
    BilateralGeometry geometry;
    Image<const Float2, Space> blurred;  // [places, bins + 1] (foreground, total) in units
    Image<const Rgba8, Space> image;
    Image<const uint8_t, Space> active;
    float epsilon, limit;
    Image<float, Space> log_odds;

    CINEBOKEH_HD BilateralBracket colour(uint8_t value) const {
        return {float(value) * geometry.per_colour - 0.5f, geometry.levels};
    }
    /// Adds the 2 x 2 x 2 colours around a bin at one place. The two blues are neighbours in memory: (foreground,
    /// total) of the one and of the other.
    CINEBOKEH_HD void add_place(const Float2* bins, float weight, float (&sums)[4][4]) const {
        const int levels = geometry.levels, single = levels == 1;
        const int offsets[4] = {0, single ? 0 : levels, single ? 0 : levels * levels,
                                single ? 0 : levels * levels + levels};
        for (int i = 0; i < 4; ++i) {
            const float* cells = reinterpret_cast<const float*>(bins + offsets[i]);
            for (int lane = 0; lane < 4; ++lane) sums[i][lane] += weight * cells[lane];
        }
    }
    /// The odds of an active pixel.
    CINEBOKEH_HD float odds(int x, int y) const {
        const Rgba8& p = image(x, y);
        const BilateralBracket bx(geometry.place_x(float(x)), geometry.cells.width);
        const BilateralBracket by(geometry.place_y(float(y)), geometry.cells.height);
        const BilateralBracket r = colour(p[0]), g = colour(p[1]), b = colour(p[2]);
        const int bin = (r.first * geometry.levels + g.first) * geometry.levels + b.first;
        float corners[4][4] = {};  // of red and green
        for (int i = 0; i < 4; ++i) {
            const int cell = (by.first + i / 2) * geometry.cells.width + bx.first + i % 2;
            const float w = (i % 2 ? bx.fraction : 1 - bx.fraction) * (i / 2 ? by.fraction : 1 - by.fraction);
            add_place(blurred.row(cell) + bin, w, corners);
        }
        float sums[4];
        for (int lane = 0; lane < 4; ++lane) {
            const float less = corners[0][lane] + g.fraction * (corners[1][lane] - corners[0][lane]);
            const float more = corners[2][lane] + g.fraction * (corners[3][lane] - corners[2][lane]);
            sums[lane] = less + r.fraction * (more - less);
        }
        const float scale = 1 / geometry.units;
        const float foreground = scale * (sums[0] + b.fraction * (sums[2] - sums[0]));
        const float total = scale * (sums[1] + b.fraction * (sums[3] - sums[1]));
        const float background = total > foreground ? total - foreground : 0.f;
        return (foreground + epsilon) / (background + epsilon);
    }
    CINEBOKEH_HD float limited_log(float odds) const {
        const float log = fast_log(odds);
        return log < -limit ? -limit : log > limit ? limit : log;
    }
    CINEBOKEH_HD void operator()(int x, int y) const { log_odds(x, y) = active(x, y) ? limited_log(odds(x, y)) : 0.f; }
};
}  // namespace cinebokeh::detail
