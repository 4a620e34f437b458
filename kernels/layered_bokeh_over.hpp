// The layered renderer: layers added to each other, and the picture made of them.
#pragma once
#include "cinebokeh/disk_blur.hpp"
#include "kernels/layered_bokeh_fill.hpp"

namespace cinebokeh::detail {

// Adds what is behind a sum: as much of it as the sum, and what else is before it, leave free. The layers of one
// surface share the light of its pixels, so they add up to the whole of it; laid over each other as if they were
// strangers they would not.
CINEBOKEH_HD inline void add_behind(const Float4& layer, Float4& sum, float before = 0) {
    const float free = 1 - before - sum[3];
    sum = sum + layer * (layer[3] > free ? free / layer[3] : 1.f);
}

// What the layers of each group add up to, in the cells of their level.
template <class Space>
struct BokehSums {
    TileMasks<Space> tiles;
    Image<Float4, Space> sum[bokeh_groups];
    BokehGroup group[bokeh_groups];
    int groups, near_groups;
    int own_groups;  // those that hold what is about in focus

    CINEBOKEH_HD LayerSet seen(int level, int x, int y) const {
        return tiles.seen((x << level) / bokeh_tile, (y << level) / bokeh_tile);
    }
    CINEBOKEH_HD CellImage<Space> cells(int g) const { return {sum[g], 1 << group[g].level}; }

    // Whether nothing is in the sum of group g yet when layer k comes, in tiles with the layers `set`.
    CINEBOKEH_HD bool is_first(int g, int k, LayerSet set) const {
        return !(group[g].set & set & ~((LayerSet(2) << k) - 1));
    }
    // The sum of the nearer layers of the level of group g and its side of the focal plane, where they are another
    // group: a surface that reaches across from one to the other has nothing behind it in between. Empty where a tile
    // has none.
    CINEBOKEH_HD Image<const Float4, Space> before(int g, LayerSet set) const {
        const bool any = group[g].slot % 2 && (group[g - 1].set & set);
        return any ? Image<const Float4, Space>(sum[g - 1]) : Image<const Float4, Space>();
    }
    // Adds layer k to group g at a cell; layers come from near to far.
    CINEBOKEH_HD void add(int g, int k, int x, int y, LayerSet set, const Float4& layer) const {
        const Image<const Float4, Space> nearer = before(g, set);
        Float4 own = is_first(g, k, set) ? Float4{} : sum[g](x, y);
        add_behind(layer, own, nearer.data ? nearer(x, y)[3] : 0.f);
        sum[g](x, y) = own;
    }
};

// All layers, in the cells of one level.
template <int level, class Space, class Pixel>
struct LevelLayers {
    BokehPyramid<Space, Pixel> pyramid;
    BokehStack stack;
    Stacked<FillCell, Space> fill;
    float fill_inverse;  // cells of the fill per pixel
    BokehSums<Space> sums;

    CINEBOKEH_HD LayerCell<level, Space, Pixel> of(int k) const {
        return {pyramid, stack.layer[k], {fill.of(k), fill_inverse}, sums.tiles.radii};
    }
    Size cells() const { return cells_of(pyramid.pixels.frame.size, 1 << level); }
};

// Layers of one level that are blurred with runs, from near to far.
template <class Space>
struct LayersOfRuns {
    Image<const DiskRun, Space> runs;  // a row for each layer of the stack
    const Disk* disks;
    int count = 0;
    int index[bokeh_layers]{};
};

// Adds a layer to the sum of its group.
template <class Space>
struct AddLayer {
    BokehSums<Space> sums;
    int group, index;  // of the layer

    CINEBOKEH_HD int level() const { return sums.group[group].level; }
    CINEBOKEH_HD const Image<Float4, Space>& sum() const { return sums.sum[group]; }
};

CINEBOKEH_HD inline void store_light(const Float4& linear, const Rgba8& frame, Rgba8& out) {
    const SrgbTables& tables = srgb_tables();
    out = {uint8_t(srgb_code(tables, linear[0])), uint8_t(srgb_code(tables, linear[1])),
           uint8_t(srgb_code(tables, linear[2])), frame[3]};
}
CINEBOKEH_HD inline void store_light(const Float4& linear, const Float4& frame, Float4& out) {
    out = {linear[0], linear[1], linear[2], frame[3]};
}

// The picture: what is before the focal plane, the layer in focus at full resolution, what is behind it. Pixels that
// nothing else reaches are those of the frame, bit for bit.
template <class Space, class Pixel>
struct FinishBokeh {
    BokehSums<Space> sums;
    LayerCell<0, Space, Pixel> focused;
    int focus;
    Image<Pixel, Space> out;

    CINEBOKEH_HD LayerSet own() const { return focus < 0 ? 0 : LayerSet(1) << focus; }

    // Where the radius steps from about nothing to about a pixel, what neighbours get of each other does not add up to
    // one. The pixel itself makes it up, lest what is behind shine through.
    CINEBOKEH_HD Float4 kept(int x, int y) const {
        const BokehPixel p = focused.pyramid.pixels.at(x, y);
        const float size = p.front[3] < 0 ? -p.front[3] : p.front[3];
        const float share = p.alpha < 1 || size >= 2 ? 0.f : size <= 1 ? 1.f : 2 - size;
        return {p.front[0] * share, p.front[1] * share, p.front[2] * share, share};
    }

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Image<const Pixel, Space>& frame = focused.pyramid.pixels.frame;
        const LayerSet set = sums.seen(0, x, y);
        const Pixel pixel = frame(x, y);
        if (set == own()) {
            out(x, y) = pixel;
            return;
        }
        Float4 sum{};
        for (int g = 0; g <= sums.groups && sum[3] < 1; ++g) {
            if (g == sums.near_groups && (set & own())) add_behind(focused.at(x, y), sum);
            if (g == sums.own_groups && (set & own())) add_behind(kept(x, y), sum);
            if (g < sums.groups && (set & sums.group[g].set)) add_behind(sums.cells(g).at(x, y), sum);
        }
        const Highlights& highlights = focused.pyramid.pixels.highlights;
        if (sum[3] > 1e-6f && sum[3] != 1) sum = sum * (1 / sum[3]);
        if (highlights.gain > 1) sum = HighlightCurve{highlights, true}(sum);
        if (sum[3] > 1e-6f)
            store_light(sum, pixel, out(x, y));
        else
            out(x, y) = pixel;  // nothing is known of this place
    }
};
}  // namespace cinebokeh::detail
