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

template <int level, class Pixel>
void render_layer(Cpu& exec, const LayerCell<level, HostSpace, Pixel>& layer, const Disk& disk, HostSpan<const DiskRun>,
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
                Float4* sum = add.sum().row(y) + x0;
                if (add.is_first(set)) std::fill(sum, sum + count, Float4{});
                add_piece_behind(line, count, sum);
            }
        });
    });
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
void render_layer(Cpu& exec, const LayerCell<level, HostSpace, Pixel>& layer, const LayerFilter<HostSpace>& filter,
                  BokehScratch<HostSpace>& scratch, const AddLayer<HostSpace>& add) {
    constexpr int side = bokeh_tile >> level;
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
                Float4* const sum = add.sum().row(y) + x;
                if (add.is_first(tiles.seen(tx, y / side))) std::fill(sum + i, sum + next, Float4{});
                add_piece_behind(line + i, next - i, sum + i);
            }
        });
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

// Calls body(i, end, j, tile column, tile row) for the cells [i, end) of each row j of each tile.
template <class Body>
void for_each_tile_row(Size tiles, int side, Size cells, Body&& body) {
    for (int ty = 0; ty < tiles.height; ++ty)
        for (int j = ty * side; j < std::min((ty + 1) * side, cells.height); ++j)
            for (int tx = 0; tx < tiles.width; ++tx) body(tx * side, std::min((tx + 1) * side, cells.width), j, tx, ty);
}

// One layer after the other on each thread: its images fit into the cache.
template <class Pixel>
void fill_layers(Cpu& exec, const FillBase<HostSpace, Pixel>& base, const FillLevels<HostSpace>& levels) {
    exec.for_each(base.stack.count, [&](int k) {
        const BokehLayer& layer = base.stack.layer[k];
        const HostImage<FillCell> finest = levels.level[0].of(k);
        const auto each_tile_row = [&](auto&& body) {
            for_each_tile_row(base.needed.size, base.tile(), finest.size, body);
        };
        const auto each_cell = [&](int level, auto&& f) {
            const Stacked<FillCell, HostSpace> cells = levels.level[level];
            for (int j = 0; j < cells.height; ++j)
                for (int i = 0; i < cells.all.size.width; ++i) f(i, k * cells.height + j);
        };
        bool used = false;
        each_tile_row([&](int i, int end, int j, int tx, int ty) {
            const bool wanted = base.needed(tx, ty) >> k & 1;
            const TileRadii shown = base.radii(tx, ty);
            FillCell* const row = finest.row(j);
            used |= wanted;
            if (!wanted || shown.hides(layer))
                std::fill(row + i, row + end, FillCell{});
            else if (shown.lacks(layer))
                std::fill(row + i, row + end, FillCell{0, 0, 0, 0, 1});
            else
                for (; i < end; ++i) base(i, k * finest.size.height + j);
        });
        if (!used) return;
        for (int l = 1; l < levels.count; ++l)
            each_cell(l, [&, push = levels.push(l)](int i, int stacked) { push(i, stacked); });
        for (int l = levels.count; l-- > 1;)
            each_cell(l, [&, pull = levels.pull(l)](int i, int stacked) { pull(i, stacked); });
        each_tile_row([&, pull = levels.pull(0)](int i, int end, int j, int tx, int ty) {
            if (base.needed(tx, ty) >> k & 1)
                for (; i < end; ++i) pull(i, k * finest.size.height + j);
        });
    });
}
}  // namespace cinebokeh::detail
