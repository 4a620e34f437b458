// The layered renderer on the CPU: each layer is made, blurred and added to the sum in two passes over bands of tiles,
// in the columns where it is seen only. Of a layer that is blurred with runs the prefix sums of its rows are stored, of
// one that is blurred by FFT the layer itself.
#pragma once
#include "cinebokeh/disk_blur.hpp"
#include "kernels/layered_bokeh_filters.hpp"
#include "kernels/layered_bokeh_frame_cpu.hpp"
#include "kernels/layered_bokeh_rows_cpu.hpp"

namespace cinebokeh::detail {

template <class Space>
struct BokehScratch;

template <>
struct BokehScratch<HostSpace> {
    BokehScratch() = default;
    // `largest_reach` of runs, 0 where there are none; the finest level with layers that are blurred by FFT.
    BokehScratch(Cpu& exec, Size max_size, int largest_reach, int filtered_from) {
        if (largest_reach > 0) prefix = {exec, {max_size.width + 2 * largest_reach + 1, max_size.height}};
        if (filtered_from < bokeh_levels) layer = {exec, cells_of(max_size, 1 << filtered_from)};
    }
    Buffer<Uint4, Cpu> prefix;
    Buffer<Float4, Cpu> layer;
};

inline TileSpan span_of(HostImage<const LayerSet> tiles, int row, int layer) {
    const LayerSet* sets = tiles.row(row);
    TileSpan span{0, tiles.size.width};
    while (span.begin < span.end && !(sets[span.begin] >> layer & 1)) ++span.begin;
    while (span.begin < span.end && !(sets[span.end - 1] >> layer & 1)) --span.end;
    return span;
}

// Calls body(row of tiles, rows [begin, end) of cells, span of tiles) on all threads.
template <class Body>
void for_each_band(Cpu& exec, HostImage<const LayerSet> tiles, int layer, int height, int level, Body&& body) {
    const int side = bokeh_tile >> level;
    exec.for_each(tiles.size.height, [&](int row) {
        const TileSpan span = span_of(tiles, row, layer);
        if (span.begin < span.end) body(row, row * side, std::min((row + 1) * side, height), span);
    });
}

// AddLayer of cells [x, x + count) of row y, in tiles with the same layers.
inline void add_piece(const AddLayer<HostSpace>& add, LayerSet set, int x, int y, int count, const Float4* piece) {
    Float4* const sum = add.sum().row(y) + x;
    const HostImage<const Float4> nearer = add.sums.before(add.group, set);
    if (add.sums.is_first(add.group, add.index, set)) std::fill(sum, sum + count, Float4{});
    if (!nearer.data) return add_piece_behind(piece, count, sum);
    const Float4* const before = nearer.row(y) + x;
    for (int i = 0; i < count; ++i) add_behind(piece[i], sum[i], before[i][3]);
}

template <int level, class Pixel>
void render_layer(Cpu& exec, const LayerCell<level, HostSpace, Pixel>& layer, const Disk& disk,
                  BokehScratch<HostSpace>& scratch, const AddLayer<HostSpace>& add) {
    constexpr int side = bokeh_tile >> level;
    const Size cells = add.sum().size;
    const TileMasks<HostSpace>& tiles = add.sums.tiles;
    const HostImage<Uint4> prefix = scratch.prefix.view().crop(0, 0, {cells.width + 2 * disk.reach + 1, cells.height});
    for_each_band(exec, tiles.needed, add.index, cells.height, level, [&](int, int begin, int end, TileSpan span) {
        const int left = span.begin * side, right = std::min(span.end * side, cells.width);
        Float4 line[bokeh_piece];
        for (int y = begin; y < end; ++y)
            prefix_sums_of_row(right - left, disk, prefix.row(y) + left, [&](int x, int count) {
                piece_of_layer<level, Pixel>(layer, left + x, y, count, line);
                return line;
            });
    });
    for_each_band(exec, tiles.seen, add.index, cells.height, level, [&](int row, int begin, int end, TileSpan span) {
        Float4 line[bokeh_piece];
        for_each_run(tiles.seen.row(row), span, bokeh_piece / side, [&](LayerSet set, int first, int last) {
            if (!(set >> add.index & 1)) return;
            const int x0 = first * side, count = std::min(last * side, cells.width) - x0;
            for (int y = begin; y < end; ++y) {
                blur_chunk(prefix, disk, y, 4 * x0, 4 * count, &line[0][0]);
                add_piece(add, set, x0, y, count, line);
            }
        });
    });
}

template <int level, class Pixel>
void render_layers(Cpu& exec, const LevelLayers<level, HostSpace, Pixel>& layers,
                   const LayersOfRuns<HostSpace>& of_runs, BokehScratch<HostSpace>& scratch) {
    for (int i = 0; i < of_runs.count; ++i) {
        const int k = of_runs.index[i];
        render_layer(exec, layers.of(k), of_runs.disks[k], scratch,
                     AddLayer<HostSpace>{layers.sums, layers.stack.group_of(k), k});
    }
}

// Cells [x, x + count) of row y, those outside are the nearest ones inside; cells that nothing needs are 0.
inline void load_layer(HostImage<const Float4> layer, const AddLayer<HostSpace>& add, int x, int y, int count,
                       Float4* line) {
    const int side = bokeh_tile >> add.level(), width = layer.size.width;
    y = clamp(y, 0, layer.size.height - 1);
    const Float4* const row = layer.row(y);
    const LayerSet* const needed = add.sums.tiles.needed.row(y / side);
    const int begin = std::max(x, 0), end = std::min(x + count, width);
    for (int i = begin, next; i < end; i = next) {
        next = std::min((i / side + 1) * side, end);
        if (needed[i / side] >> add.index & 1)
            std::copy(row + i, row + next, line + (i - x));
        else
            std::fill(line + (i - x), line + (next - x), Float4{});
    }
    const bool first = needed[0] >> add.index & 1, last = needed[(width - 1) / side] >> add.index & 1;
    for (int i = x; i < std::min(0, x + count); ++i) line[i - x] = first ? row[0] : Float4{};
    for (int i = std::max(width, x); i < x + count; ++i) line[i - x] = last ? row[width - 1] : Float4{};
}

template <int level, class Pixel>
void render_layer(Cpu& exec, const LevelLayers<level, HostSpace, Pixel>& layers, int k,
                  const LayerFilter<HostSpace>& filter, BokehScratch<HostSpace>& scratch) {
    constexpr int side = bokeh_tile >> level;
    const LayerCell<level, HostSpace, Pixel> layer = layers.of(k);
    const AddLayer<HostSpace> add{layers.sums, layers.stack.group_of(k), k};
    const Size cells = add.sum().size;
    const TileMasks<HostSpace>& tiles = add.sums.tiles;
    const HostImage<Float4> plain = scratch.layer.view().crop(0, 0, cells);
    for_each_band(exec, tiles.needed, add.index, cells.height, level, [&](int, int begin, int end, TileSpan span) {
        const int right = std::min(span.end * side, cells.width);
        for (int y = begin; y < end; ++y)
            for (int x = span.begin * side; x < right; x += bokeh_piece) {
                const int count = std::min(bokeh_piece, right - x);
                piece_of_layer<level, Pixel>(layer, x, y, count, plain.row(y) + x);
                float* const values = &plain(x, y)[0];
                for (int i = 0; i < 4 * count; ++i) values[i] = std::min(values[i], filter.largest);
            }
    });
    const auto seen = [&](int tx, int ty) { return tiles.seen(tx, ty) >> add.index & 1; };
    (*filter.convolver)(
        exec, filter.index, filter.turned, cells,
        [&](int x, int y, int count, Float4* line) { load_layer(plain, add, x, y, count, line); },
        [&](int x, int y, Size part) {
            bool any = false;
            for (int ty = y / side; !any && ty * side < y + part.height; ++ty)
                for (int tx = x / side; !any && tx * side < x + part.width; ++tx) any = seen(tx, ty);
            return any;
        },
        [&](int x, int y, int count, const Float4* line) {
            for (int i = 0, next; i < count; i = next) {
                const int tx = (x + i) / side;
                next = std::min((tx + 1) * side - x, count);
                if (!seen(tx, y / side)) continue;
                add_piece(add, tiles.seen(tx, y / side), x + i, y, next - i, line + i);
            }
        });
}

// Sums are 0 in tiles without layers of their group, where others read across the border: cells are read between their
// centres.
inline void clear_sum(Cpu& exec, const BokehSums<HostSpace>& sums, int g) {
    const BokehGroup& group = sums.group[g];
    const HostImage<Float4>& sum = sums.sum[g];
    const HostImage<const LayerSet> seen = sums.tiles.seen;
    const int side = bokeh_tile >> group.level;
    const auto beside = [&](int tx, int ty) {  // a tile that reads across its border
        LayerSet around = 0;
        for (int v = std::max(ty - 1, 0); v < std::min(ty + 2, seen.size.height); ++v)
            for (int u = std::max(tx - 1, 0); u < std::min(tx + 2, seen.size.width); ++u) around |= seen(u, v);
        return (around & group.set) != 0;
    };
    exec.for_each(seen.size.height, [&](int ty) {
        for (int tx = 0; tx < seen.size.width; ++tx)
            if (!(seen(tx, ty) & group.set) && beside(tx, ty))
                for (int y = ty * side; y < std::min((ty + 1) * side, sum.size.height); ++y)
                    std::fill(sum.row(y) + tx * side, sum.row(y) + std::min((tx + 1) * side, sum.size.width), Float4{});
    });
}
inline void clear_sums(Cpu& exec, const BokehSums<HostSpace>& sums) {
    for (int g = 0; g < sums.groups; ++g)
        if (sums.group[g].level > 0) clear_sum(exec, sums, g);
}

template <class Pixel>
void finish_bokeh(Cpu& exec, const FinishBokeh<HostSpace, Pixel>& finish) {
    const HostImage<LayerSet> seen = finish.sums.tiles.seen;
    const Size s = finish.out.size;
    exec.for_each(seen.size.height, [&](int row) {
        for_each_run(seen.row(row), {0, seen.size.width}, bokeh_piece / bokeh_tile,
                     [&](LayerSet set, int first, int last) {
                         const int x0 = first * bokeh_tile, count = std::min(last * bokeh_tile, s.width) - x0;
                         for (int y = row * bokeh_tile; y < std::min((row + 1) * bokeh_tile, s.height); ++y)
                             finish_piece(finish, set, x0, y, count);
                     });
    });
}

// A rectangle of cells of a layer.
struct CellBox {
    int left, top, right, bottom;

    bool empty() const { return left >= right || top >= bottom; }
    bool contains(int i, int j) const { return i >= left && i < right && j >= top && j < bottom; }
    // The cells of the next level that hold these.
    CellBox coarser() const { return {left / 2, top / 2, (right + 1) / 2, (bottom + 1) / 2}; }
    // With the cells around it, of an image.
    CellBox grown(Size s) const {
        return {std::max(left - 1, 0), std::max(top - 1, 0), std::min(right + 1, s.width),
                std::min(bottom + 1, s.height)};
    }
};

// The cells of the tiles that need layer k.
template <class Pixel>
CellBox needed_cells(const FillBase<HostSpace, Pixel>& base, int k) {
    const Size tiles = base.needed.size, cells{base.out.all.size.width, base.out.height};
    CellBox box{tiles.width, tiles.height, 0, 0};
    for (int ty = 0; ty < tiles.height; ++ty) {
        const TileSpan span = span_of(base.needed, ty, k);
        if (span.begin >= span.end) continue;
        box = {std::min(box.left, span.begin), std::min(box.top, ty), std::max(box.right, span.end), ty + 1};
    }
    const int side = base.tile();
    return {box.left * side, box.top * side, std::min(box.right * side, cells.width),
            std::min(box.bottom * side, cells.height)};
}

// One layer after the other on each thread: its images fit into the cache. Cells that are never read are left out.
template <class Pixel>
void fill_layers(Cpu& exec, const FillBase<HostSpace, Pixel>& base, const FillLevels<HostSpace>& levels) {
    exec.for_each(base.stack.count, [&](int k) {
        const auto size_of = [&](int l) { return Size{levels.level[l].all.size.width, levels.level[l].height}; };
        const auto each_cell = [&](int l, const CellBox& box, auto&& f) {
            for (int j = box.top; j < box.bottom; ++j)
                for (int i = box.left; i < box.right; ++i) f(i, j, k * levels.level[l].height + j);
        };
        const CellBox needed = needed_cells(base, k);
        if (needed.empty()) return;
        // Of each level: where something may be known, what the next level reads, and what the level before reads.
        CellBox known[FillLevels<HostSpace>::most], written[FillLevels<HostSpace>::most],
            read[FillLevels<HostSpace>::most];
        known[0] = read[0] = needed, written[0] = needed.grown(size_of(0));
        // Calls body(tile column, tile row, i, end, j) for the cells [i, end) of each row j of each tile.
        const auto each_tile_row = [&](const CellBox& box, auto&& body) {
            const int side = base.tile();
            for (int j = box.top; j < box.bottom; ++j)
                for (int i = box.left, end; i < box.right; i = end) {
                    end = std::min((i / side + 1) * side, box.right);
                    body(i / side, j / side, i, end, j);
                }
        };
        each_tile_row(written[0], [&](int tx, int ty, int i, int end, int j) {
            const TileRadii shown = base.radii(tx, ty);
            FillCell* const row = base.out.of(k).row(j);
            if (!(base.needed(tx, ty) >> k & 1) || shown.hides(base.stack.layer[k]))
                std::fill(row + i, row + end, FillCell{});
            else if (shown.lacks(base.stack.layer[k]))
                std::fill(row + i, row + end, FillCell{0, 0, 0, 0, 1});
            else
                for (; i < end; ++i) base(i, k * base.out.height + j);
        });
        for (int l = 1; l < levels.count; ++l) {
            known[l] = known[l - 1].coarser();
            written[l] = written[l - 1].coarser().grown(size_of(l));
            read[l] = read[l - 1].coarser().grown(size_of(l));
            each_cell(l, written[l], [&, push = levels.push(l)](int i, int j, int stacked) {
                if (known[l].contains(i, j))
                    push(i, stacked);
                else
                    push.coarse.all(i, stacked) = {};
            });
        }
        for (int l = levels.count; l-- > 1;)
            each_cell(l, read[l], [&, pull = levels.pull(l)](int i, int, int stacked) { pull(i, stacked); });
        each_tile_row(read[0], [&, pull = levels.pull(0)](int tx, int ty, int i, int end, int j) {
            if (base.needed(tx, ty) >> k & 1)
                for (; i < end; ++i) pull(i, k * base.out.height + j);
        });
    });
}
}  // namespace cinebokeh::detail
