// The layered renderer: which tiles a layer is seen in, and what goes on behind what hides it.
//
// Push-pull (Gortler et al., "The lumigraph", SIGGRAPH 1996, section 3.4): what is known is averaged into ever larger
// cells, and cells of which nothing is known take the value of the larger cell. All layers are done at once: their
// images lie below each other.
#pragma once
#include <cmath>

#include "kernels/layered_bokeh.hpp"
#include "kernels/layered_bokeh_tiles.hpp"

namespace cinebokeh::detail {

// Colour and coverage, premultiplied, and how much is known.
using FillCell = Vec<float, 5>;

// Images of all layers, one below the other.
template <class T, class Space>
struct Stacked {
    Image<T, Space> all;
    int height;  // of one

    CINEBOKEH_HD Image<T, Space> of(int layer) const {
        return {all.row(layer * height), {all.size.width, height}, all.pitch};
    }
};

// The radii of what a tile shows.
struct TileRadii {
    float low = 3e38f, high = -3e38f;

    CINEBOKEH_HD void add(float r) { low = r < low ? r : low, high = r > high ? r : high; }
    CINEBOKEH_HD float reach() const { return high > -low ? high : -low; }
    // They are read from means of cells, from which pixels differ (CellMean): by less than this.
    CINEBOKEH_HD float spread() const { return 0.3f + 0.05f * reach(); }
    // Whether everything in the tile hides the layer; whether all of the tile is known, and holds nothing of it.
    CINEBOKEH_HD bool hides(const BokehLayer& layer) const { return low - spread() >= layer.hidden_from; }
    CINEBOKEH_HD bool lacks(const BokehLayer& layer) const {
        const float first = low - spread(), last = high + spread();
        return last <= layer.known_until && (last <= layer.behind || first >= layer.before);
    }
};

template <class Space>
struct TileMasks {
    Image<LayerSet, Space> content;  // the layers that the pixels of a tile are mixtures of
    Image<TileRadii, Space> radii;
    Image<LayerSet, Space> seen;    // the layers that may contribute to the pixels of a tile
    Image<LayerSet, Space> needed;  // the layers that must be there for that
};

template <class Space, class Pixel>
struct ContentOfTile {
    BokehPyramid<Space, Pixel> pyramid;
    BokehStack stack;
    TileMasks<Space> tiles;

    struct Found {
        const BokehStack& stack;
        LayerSet set = 0;
        TileRadii radii{};
        CINEBOKEH_HD void operator()(float r, const Float4&, float) {
            set |= stack.layers_at(r);
            radii.add(r);
        }
    };
    // A warp has lanes for cells of half size, of which four may be one.
    template <class Team>
    CINEBOKEH_HD void operator()(int tx, int ty, const Team& team) const {
        constexpr int level = Team::columns > 1 ? 1 : 2, side = bokeh_tile >> level;
        const Size s = level == 1 ? pyramid.half.size : pyramid.quarter.size;
        Found found{stack};
        for (int j = ty * side + team.row; j < (ty + 1) * side && j < s.height; j += team.rows)
            for (int i = tx * side + team.column; i < (tx + 1) * side && i < s.width; i += team.columns) {
                const float mean = pyramid.quarter(i * (1 << level) / 4, j * (1 << level) / 4)[3];
                if (!(mean == mean))
                    visit_cell<level>(pyramid, i, j, found);
                else if (level == 2 || (i % 2 == 0 && j % 2 == 0))
                    found(mean, {}, 1);
            }
        const LayerSet set = team.any(found.set);
        const TileRadii radii{team.least(found.radii.low), team.most(found.radii.high)};
        if (!team.is_first) return;
        tiles.content(tx, ty) = set;
        tiles.radii(tx, ty) = radii;
    }
};

// The layers whose radius is at least `step` times the index, for a quick look at what reaches a tile from a distance.
struct ReachTable {
    static constexpr float step = 4;   // pixels
    static constexpr int count = 104;  // up to twice the largest radius
    LayerSet layers[count];

    CINEBOKEH_HD LayerSet beyond(float distance) const {
        const int i = distance > 0 ? int(distance / step) : 0;
        return i < count ? layers[i] : 0;
    }
};

// The pixels between two tiles that are n apart along an axis.
CINEBOKEH_HD inline float tile_gap(int dx, int dy) {
    const int x = dx < 0 ? -dx : dx, y = dy < 0 ? -dy : dy, n = x > y ? x : y;
    return n > 1 ? float((n - 1) * bokeh_tile) : 0.f;
}

// A layer is seen where its radius brings it, and behind the blurred edge of what hides it, whose radius adds to that.
// One tile more, because cells are read between their centres.
template <class Space>
struct SeenInTile {
    TileMasks<Space> tiles;
    ReachTable table;
    int window;  // of a blur, tiles

    template <class Team>
    CINEBOKEH_HD void operator()(int tx, int ty, const Team& team) const {
        const Size s = tiles.content.size;
        float hiding = 0;
        for (int y = (ty > window ? ty - window : 0) + team.row; y <= ty + window && y < s.height; y += team.rows)
            for (int x = (tx > window ? tx - window : 0) + team.column; x <= tx + window && x < s.width;
                 x += team.columns) {
                const float reach = tiles.radii(x, y).reach();
                if (reach > hiding && tile_gap(x - tx, y - ty) <= reach) hiding = reach;
            }
        hiding = team.most(hiding);
        LayerSet set = 0;
        const int wide = window + int(hiding) / bokeh_tile + 2;
        for (int y = (ty > wide ? ty - wide : 0) + team.row; y <= ty + wide && y < s.height; y += team.rows)
            for (int x = (tx > wide ? tx - wide : 0) + team.column; x <= tx + wide && x < s.width; x += team.columns)
                if (tiles.content(x, y) & ~set)
                    set |= tiles.content(x, y) & table.beyond(tile_gap(x - tx, y - ty) - hiding - bokeh_tile);
        set = team.any(set);
        if (team.is_first) tiles.seen(tx, ty) = set;
    }
};
template <class Space>
struct NeededInTile {
    TileMasks<Space> tiles;
    ReachTable table;
    int window;

    template <class Team>
    CINEBOKEH_HD void operator()(int tx, int ty, const Team& team) const {
        const Size s = tiles.content.size;
        LayerSet set = 0;
        for (int y = (ty > window ? ty - window : 0) + team.row; y <= ty + window && y < s.height; y += team.rows)
            for (int x = (tx > window ? tx - window : 0) + team.column; x <= tx + window && x < s.width;
                 x += team.columns)
                if (tiles.seen(x, y) & ~set)
                    set |= tiles.seen(x, y) & table.beyond(tile_gap(x - tx, y - ty) - 2 * ReachTable::step);
        set = team.any(set);
        if (team.is_first) tiles.needed(tx, ty) = set;
    }
};

// The finest cells, of side x side quarter cells; 0 in tiles that do not need the layer.
template <class Space, class Pixel>
struct FillBase {
    BokehPyramid<Space, Pixel> pyramid;
    BokehStack stack;
    int side;
    Image<const LayerSet, Space> needed;
    Image<const TileRadii, Space> radii;
    Stacked<FillCell, Space> out;

    CINEBOKEH_HD int tile() const { return bokeh_tile / (4 * side); }  // cells
    CINEBOKEH_HD bool wanted(int k, int i, int j) const { return needed(i / tile(), j / tile()) >> k & 1; }
    // Whether what a cell shows has to be looked at to know what it holds of layer k; otherwise `cell` is that.
    CINEBOKEH_HD bool looks(int k, int i, int j, FillCell& cell) const {
        const TileRadii shown = radii(i / tile(), j / tile());
        cell = {};
        if (!wanted(k, i, j) || shown.hides(stack.layer[k])) return false;
        cell[4] = 1;
        return !shown.lacks(stack.layer[k]);
    }
    // What a cell holds, of all its parts.
    CINEBOKEH_HD static FillCell filled(const Float4& sum, float known, float total) {
        const float scale = 1 / total;
        const Float4 mean = sum * scale;
        return {mean[0], mean[1], mean[2], mean[3], known * scale};
    }
    CINEBOKEH_HD void operator()(int i, int stacked) const {
        const int k = stacked / out.height, j = stacked % out.height;
        if (!looks(k, i, j, out.all(i, stacked))) return;
        LayerPart part{stack.layer[k]};
        for (int y = j * side; y < (j + 1) * side && y < pyramid.quarter.size.height; ++y)
            for (int x = i * side; x < (i + 1) * side && x < pyramid.quarter.size.width; ++x)
                visit_cell<2>(pyramid, x, y, part);
        out.all(i, stacked) = filled(part.sum, part.known, part.total);
    }
};

template <class Space>
struct FillPush {
    Stacked<const FillCell, Space> fine;
    Stacked<FillCell, Space> coarse;

    CINEBOKEH_HD void operator()(int i, int stacked) const {
        const int k = stacked / coarse.height, j = stacked % coarse.height;
        const Image<const FillCell, Space> from = fine.of(k);
        FillCell sum{};
        for (int y = 2 * j; y < 2 * j + 2 && y < from.size.height; ++y)
            for (int x = 2 * i; x < 2 * i + 2 && x < from.size.width; ++x) sum = sum + from(x, y);
        coarse.all(i, stacked) = sum[4] > 1 ? sum * (1 / sum[4]) : sum;
    }
};

// Fills up what is not known of a cell from the four larger cells around it, which are complete.
//
// What goes on behind something is rather what is farthest away: in the end a layer that covers only a part of what is
// seen around gets less than that part.
template <class Space>
struct FillPull {
    Stacked<FillCell, Space> fine;
    Stacked<const FillCell, Space> coarse;  // empty at the coarsest level
    bool is_last;

    CINEBOKEH_HD void operator()(int i, int stacked) const {
        FillCell cell = fine.all(i, stacked);
        if (cell[4] < 1) cell = filled(cell, i, stacked);
        if (is_last) cell = cell * std::sqrt(cell[3]);
        fine.all(i, stacked) = cell;
    }
    CINEBOKEH_HD FillCell filled(const FillCell& own, int i, int stacked) const {
        if (coarse.height == 0) return own[4] > 0 ? own * (1 / own[4]) : own;
        const int k = stacked / fine.height, j = stacked % fine.height;
        const Image<const FillCell, Space> from = coarse.of(k);
        const int x = i / 2, y = j / 2, u = i % 2 ? x + 1 : x - 1, v = j % 2 ? y + 1 : y - 1;
        const FillCell near = from(x, y) * 0.75f + from.clamped(u, y) * 0.25f;
        const FillCell far = from.clamped(x, v) * 0.75f + from.clamped(u, v) * 0.25f;
        return own + (near * 0.75f + far * 0.25f) * (1 - own[4]);
    }
};

// The images of all layers, in cells that double from level to level.
template <class Space>
struct FillLevels {
    static constexpr int most = 20;
    int count = 0;
    Stacked<FillCell, Space> level[most];

    CINEBOKEH_HD FillPush<Space> push(int l) const { return {{level[l - 1].all, level[l - 1].height}, level[l]}; }
    CINEBOKEH_HD FillPull<Space> pull(int l) const {
        if (l + 1 == count) return {level[l], {{}, 0}, l == 0};
        return {level[l], {level[l + 1].all, level[l + 1].height}, l == 0};
    }
};

// A filled layer read at a pixel position: colour and coverage, premultiplied.
template <class Space>
struct FillImage {
    Image<const FillCell, Space> cells;
    float inverse;  // cells per pixel

    CINEBOKEH_HD Float4 at(float px, float py) const {
        const float u = cut(px * inverse - 0.5f, cells.size.width), v = cut(py * inverse - 0.5f, cells.size.height);
        const int i = int(u), j = int(v);
        const int right = i + 1 < cells.size.width ? i + 1 : i, below = j + 1 < cells.size.height ? j + 1 : j;
        const float s = u - float(i), t = v - float(j);
        Float4 value;
        for (int c = 0; c < 4; ++c) {
            const float left = cells(i, j)[c] + (cells(i, below)[c] - cells(i, j)[c]) * t;
            const float end = cells(right, j)[c] + (cells(right, below)[c] - cells(right, j)[c]) * t;
            value[c] = left + (end - left) * s;
        }
        return value;
    }
    CINEBOKEH_HD static float cut(float position, int count) {
        return position < 0 ? 0.f : position > float(count - 1) ? float(count - 1) : position;
    }
};

// One layer in the cells of its level: what is known of it, and where it is hidden what it is filled with.
template <int level, class Space, class Pixel>
struct LayerCell {
    BokehPyramid<Space, Pixel> pyramid;
    BokehLayer layer;
    FillImage<Space> fill;
    Image<const TileRadii, Space> radii;

    CINEBOKEH_HD TileRadii shown(int i, int j) const {
        constexpr int side = bokeh_tile >> level;
        return radii(i / side, j / side);
    }
    CINEBOKEH_HD Float4 at(int i, int j) const {
        if (shown(i, j).lacks(layer)) return {};
        LayerPart part{layer};
        visit_cell<level>(pyramid, i, j, part);
        const float scale = 1 / part.total, hidden = 1 - part.known * scale;
        const Float4 known = part.sum * scale;
        if (!(hidden > 0)) return known;
        constexpr float side = 1 << level;
        return known + fill.at((float(i) + 0.5f) * side, (float(j) + 0.5f) * side) * hidden;
    }
};
}  // namespace cinebokeh::detail
