// The layered renderer on the CPU: pieces of rows of a layer, and of the picture, as loops over plain floats.
#pragma once
#include <algorithm>
#include <cstring>

#include "cinebokeh/core/lanes.hpp"
#include "kernels/foreground_cells_cpu.hpp"
#include "kernels/layered_bokeh_edges.hpp"
#include "kernels/layered_bokeh_over.hpp"

namespace cinebokeh::detail {

constexpr int bokeh_piece = 64;  // cells; whole tiles of every level
static_assert(bokeh_piece <= cell_piece);

// The columns of tiles from the first to the last that hold a layer.
struct TileSpan {
    int begin = 0, end = 0;
};

// The radii of a piece of a row, NaN in cells to be looked at more closely; and the colour of a cell. There is no
// matte.
template <int level, class Pixel>
void radii_of_piece(const BokehPyramid<HostSpace, Pixel>& pyramid, int x0, int y, int count, float* radius) {
    if constexpr (level == 0) {
        const BokehSource<HostSpace, Pixel>& source = pyramid.pixels;
        const float* defocus = source.defocus.row(y) + x0;
        for (int i = 0; i < count; ++i) radius[i] = effective_radius(defocus[i], source.farthest, source.nearest);
        for (int i = 0; i < count; i += bokeh_tile)
            if (source.edges.tiles((x0 + i) / bokeh_tile, y / bokeh_tile))
                for (int j = i; j < std::min(i + bokeh_tile, count); ++j)
                    if (source.edges.alpha(x0 + j, y) < 1) radius[j] = NAN;
    } else {
        const Float4* means = (level == 1 ? pyramid.half : pyramid.quarter).row(y) + x0;
        for (int i = 0; i < count; ++i) radius[i] = means[i][3];
    }
}
template <int level, class Pixel>
Float4 colour_of_cell(const BokehPyramid<HostSpace, Pixel>& pyramid, int x, int y) {
    if constexpr (level == 0)
        return pyramid.pixels.light(x, y);
    else
        return (level == 1 ? pyramid.half : pyramid.quarter)(x, y);
}

// What a layer is filled with in row y of its cells, the cells of the fill between two rows of them.
struct FillRow {
    Float4 cells[bokeh_piece / 4 * 4 + 3];
    float u, step;  // of the first cell of the piece, among `cells`, and from each to the next
    int last;

    FillRow(const FillImage<HostSpace>& fill, int level, int x0, int y, int count) {
        const float side = float(1 << level), scale = fill.inverse * side;
        const float v = fill.cut((float(y) + 0.5f) * scale - 0.5f, fill.cells.size.height);
        const int j = int(v), below = std::min(j + 1, fill.cells.size.height - 1), width = fill.cells.size.width;
        const float first = (float(x0) + 0.5f) * scale - 0.5f, t = v - float(j);
        const int begin = clamp(int(first), 0, width - 1), end = std::min(int(first + scale * float(count)) + 2, width);
        const FillCell *upper = fill.cells.row(j), *lower = fill.cells.row(below);
        for (int i = begin; i < end; ++i)
            for (int c = 0; c < 4; ++c) cells[i - begin][c] = upper[i][c] + (lower[i][c] - upper[i][c]) * t;
        u = first - float(begin), step = scale, last = end - begin - 1;
    }
    Float4 at(int i) const {
        const float x = std::min(std::max(u + step * float(i), 0.f), float(last));
        const int left = int(x), right = std::min(left + 1, last);
        return cells[left] + (cells[right] - cells[left]) * (x - float(left));
    }
};

// Cells [x0, x0 + count) of row y of a layer: LayerCell::at of each.
template <int level, class Pixel>
void piece_of_layer(const LayerCell<level, HostSpace, Pixel>& cell, int x0, int y, int count, Float4* out) {
    const BokehPyramid<HostSpace, Pixel>& pyramid = cell.pyramid;
    bool lacking = true, hidden = true;  // all of the piece
    for (int i = 0; i < count; i += bokeh_tile >> level) {
        const TileRadii shown = cell.shown(x0 + i, y);
        lacking = lacking && shown.lacks(cell.layer), hidden = hidden && shown.hides(cell.layer);
    }
    if (lacking) {
        std::fill(out, out + count, Float4{});
        return;
    }
    if (hidden) {
        const FillRow fill(cell.fill, level, x0, y, count);
        for (int i = 0; i < count; ++i) out[i] = fill.at(i);
        return;
    }
    if (level == 0 && pyramid.pixels.matte.data) {
        for (int i = 0; i < count; ++i) out[i] = cell.at(x0 + i, y);
        return;
    }
    float radius[bokeh_piece], known[bokeh_piece], covered[bokeh_piece];
    radii_of_piece<level>(pyramid, x0, y, count, radius);
    const BokehLayer layer = cell.layer;
    float least = 1, most = 0;
    for (int i = 0; i < count; ++i) {
        known[i] = layer.known(radius[i]);
        covered[i] = known[i] * layer.coverage(radius[i]);
    }
    for (int i = 0; i < count; ++i) {
        least = known[i] < least ? known[i] : least;
        most = covered[i] > most ? covered[i] : most;
        if (radius[i] != radius[i]) least = -1;
    }
    if (most == 0 && least == 1) {
        std::fill(out, out + count, Float4{});
        return;
    }
    for (int i = 0; i < count; ++i) {
        const Float4 c = covered[i] > 0 ? colour_of_cell<level>(pyramid, x0 + i, y) : Float4{};
        out[i] = {c[0] * covered[i], c[1] * covered[i], c[2] * covered[i], covered[i]};
    }
    if (least == 1) return;
    const FillRow fill(cell.fill, level, x0, y, count);
    for (int i = 0; i < count; ++i) {
        if (radius[i] != radius[i])
            out[i] = cell.at(x0 + i, y);
        else if (known[i] < 1)
            out[i] = out[i] + fill.at(i) * (1 - known[i]);
    }
}

#if defined(CINEBOKEH_SHUFFLE)
// The alpha of each of four pixels, in all of its lanes.
inline Lanes alpha_of(const Lanes& four) {
    return {__builtin_shufflevector(four.v, four.v, 3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15)};
}
#endif

inline void add_piece_behind(const Float4* layer, int count, Float4* sum) {
    int i = 0;
#if defined(CINEBOKEH_SHUFFLE)
    for (; i + 4 <= count; i += 4) {
        const Lanes own = Lanes::load(&layer[i][0]), before = Lanes::load(&sum[i][0]);
        const Lanes alpha = alpha_of(own), free{1 - alpha_of(before).v};
        const Lanes share{alpha.v > free.v ? free.v / alpha.v : Lanes::all(1).v};
        Lanes{before.v + own.v * share.v}.store(&sum[i][0]);
    }
#endif
    for (; i < count; ++i) add_behind(layer[i], sum[i]);
}

inline void divide_by_alpha(Float4* line, int count) {
    for (int i = 0; i < count; ++i) line[i] = line[i] * (line[i][3] > 1e-6f ? 1 / line[i][3] : 0.f);
}
inline void store_piece(const Float4* line, const Rgba8* frame, int count, Rgba8* out) {
    const SrgbTables& tables = srgb_tables();
    float values[3 * bokeh_piece];
    int codes[3 * bokeh_piece];
    uint32_t before[bokeh_piece], after[bokeh_piece];
    for (int c = 0; c < 3; ++c)
        for (int i = 0; i < count; ++i) values[c * count + i] = line[i][c];
    srgb_codes(tables, values, 3 * count, codes);
    std::memcpy(before, frame, sizeof(Rgba8) * size_t(count));
    for (int i = 0; i < count; ++i) {
        const int code = codes[i] | codes[count + i] << 8 | codes[2 * count + i] << 16;
        after[i] = line[i][3] > 0 ? uint32_t(code) | (before[i] & 0xff000000u) : before[i];
    }
    std::memcpy(out, after, sizeof(Rgba8) * size_t(count));
}
inline void store_piece(const Float4* line, const Float4* frame, int count, Float4* out) {
    for (int i = 0; i < count; ++i)
        out[i] = line[i][3] > 0 ? Float4{line[i][0], line[i][1], line[i][2], frame[i][3]} : frame[i];
}

// A piece of a row of the picture; all of it lies in tiles with the same layers.
template <class Pixel>
void finish_piece(const FinishBokeh<HostSpace, Pixel>& finish, LayerSet set, int x0, int y, int count) {
    const BokehSums<HostSpace>& sums = finish.sums;
    const Pixel* frame = finish.focused.pyramid.pixels.frame.row(y) + x0;
    Pixel* out = finish.out.row(y) + x0;
    if (set == finish.own()) {
        if (frame != out) std::copy(frame, frame + count, out);
        return;
    }
    Float4 line[bokeh_piece], part[bokeh_piece];
    std::fill(line, line + count, Float4{});
    for (int g = 0; g <= sums.groups; ++g) {
        if (g == sums.near_groups && (set & finish.own())) {
            piece_of_layer<0, Pixel>(finish.focused, x0, y, count, part);
            add_piece_behind(part, count, line);
        }
        if (g == sums.own_groups && (set & finish.own()))
            for (int i = 0; i < count; ++i)
                if (line[i][3] < 1) add_behind(finish.kept(x0 + i, y), line[i]);
        if (g < sums.groups && (set & sums.group[g].set)) {
            read_between(sums.cells(g), x0, y, count, part);
            add_piece_behind(part, count, line);
        }
    }
    divide_by_alpha(line, count);
    const Highlights& highlights = finish.focused.pyramid.pixels.highlights;
    if (highlights.gain > 1) std::transform(line, line + count, line, HighlightCurve{highlights, true});
    store_piece(line, frame, count, out);
}

// Calls body(set, begin, end) for runs of tiles of a row with the same layers, at most a piece of cells long.
template <class Body>
void for_each_run(const LayerSet* sets, TileSpan span, int tiles_in_piece, Body&& body) {
    for (int begin = span.begin; begin < span.end;) {
        int end = begin + 1;
        while (end < span.end && end < begin + tiles_in_piece && sets[end] == sets[begin]) ++end;
        body(sets[begin], begin, end);
        begin = end;
    }
}
}  // namespace cinebokeh::detail
