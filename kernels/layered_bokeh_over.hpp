// The layered renderer: layers laid over each other, and the picture made of them.
#pragma once
#include "kernels/layered_bokeh_fill.hpp"

namespace cinebokeh::detail {

// What the layers behind the focal plane add up to, and those before it, in the cells of each level. The coarse levels
// are the farthest and the nearest ones, so far[0] lies over far[1] lies over far[2].
template <class Space>
struct BokehSums {
    TileMasks<Space> tiles;
    Image<Float4, Space> far[bokeh_levels], near[bokeh_levels];
    LayerSet far_set[bokeh_levels], near_set[bokeh_levels];

    CINEBOKEH_HD LayerSet seen(int level, int x, int y) const {
        constexpr int side = bokeh_tile;
        return tiles.seen((x << level) / side, (y << level) / side);
    }
    // What lies behind the layers of `level` in cell (x, y); opaque, or 0 where there is nothing.
    CINEBOKEH_HD Float4 background(int level, LayerSet set, int x, int y) const {
        for (int coarser = level + 1; coarser < bokeh_levels; ++coarser)
            if (set & far_set[coarser]) return opaque(CellImage<Space>{far[coarser], 1 << (coarser - level)}.at(x, y));
        return {};
    }
    CINEBOKEH_HD static Float4 opaque(const Float4& v) { return v[3] > 1e-6f ? v * (1 / v[3]) : Float4{}; }
};

// Sums are 0 in tiles without layers of their level: cells are read between their centres.
template <class Space>
struct ClearSums {
    BokehSums<Space> sums;
    int level;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const LayerSet set = sums.seen(level, x, y);
        if (!(set & sums.far_set[level])) sums.far[level](x, y) = {};
        if (!(set & sums.near_set[level])) sums.near[level](x, y) = {};
    }
};

template <class Space>
struct LayerOver {
    BokehSums<Space> sums;
    int level, index;  // of the layer

    CINEBOKEH_HD LayerSet bit() const { return LayerSet(1) << index; }
    CINEBOKEH_HD bool is_far() const { return sums.far_set[level] & bit(); }
    // Whether nothing is in the sum yet, in tiles with these layers.
    CINEBOKEH_HD bool is_first(LayerSet set) const {
        return !((is_far() ? sums.far_set[level] : sums.near_set[level]) & set & (bit() - 1));
    }
    CINEBOKEH_HD const Image<Float4, Space>& sum() const { return is_far() ? sums.far[level] : sums.near[level]; }

    CINEBOKEH_HD void operator()(int x, int y, LayerSet set, const Float4& layer) const {
        Float4& own = sum()(x, y);
        const Float4 under = !is_first(set) ? own : is_far() ? sums.background(level, set, x, y) : Float4{};
        own = layer + under * (1 - layer[3]);
    }
};

CINEBOKEH_HD inline void store_light(const Float4& linear, const Rgba8& frame, Rgba8& out) {
    const SrgbTables& tables = srgb_tables();
    out = {uint8_t(srgb_code(tables, linear[0])), uint8_t(srgb_code(tables, linear[1])),
           uint8_t(srgb_code(tables, linear[2])), frame[3]};
}
CINEBOKEH_HD inline void store_light(const Float4& linear, const Float4& frame, Float4& out) {
    out = {linear[0], linear[1], linear[2], frame[3]};
}

// The picture: what is behind, the layer in focus at full resolution, what is before it. Pixels that nothing else
// reaches are those of the frame, bit for bit.
template <class Space, class Pixel>
struct FinishBokeh {
    BokehSums<Space> sums;
    LayerCell<0, Space, Pixel> focused;
    int focus;
    Image<Pixel, Space> out;

    CINEBOKEH_HD LayerSet own() const { return focus < 0 ? 0 : LayerSet(1) << focus; }

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Image<const Pixel, Space>& frame = focused.pyramid.pixels.frame;
        const LayerSet set = sums.seen(0, x, y);
        const Pixel pixel = frame(x, y);
        if (set == own()) {
            out(x, y) = pixel;
            return;
        }
        Float4 sum =
            set & sums.far_set[0] ? BokehSums<Space>::opaque(sums.far[0](x, y)) : sums.background(0, set, x, y);
        if (set & own()) {
            const Float4 sharp = focused.at(x, y);
            sum = sharp + sum * (1 - sharp[3]);
        }
        for (int level = 0; level < bokeh_levels; ++level)
            if (set & sums.near_set[level]) {
                const Float4 near = CellImage<Space>{sums.near[level], 1 << level}.at(x, y);
                sum = near + sum * (1 - near[3]);
            }
        if (sum[3] > 1e-6f)
            store_light(sum[3] == 1 ? sum : sum * (1 / sum[3]), pixel, out(x, y));
        else
            out(x, y) = pixel;  // nothing is known of this place
    }
};
}  // namespace cinebokeh::detail
