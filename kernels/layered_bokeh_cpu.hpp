// The layered renderer on the CPU: each layer is made, blurred and laid over the sum in two passes over bands of tiles,
// in the columns where it is seen only. The layer itself is never stored, just the prefix sums of its rows.
#pragma once
#include "cinebokeh/disk_blur.hpp"
#include "kernels/layered_bokeh_over.hpp"

namespace cinebokeh::detail {

template <class Space>
struct BokehScratch;

template <>
struct BokehScratch<HostSpace> {
    BokehScratch(Cpu& exec, Size max_size, int largest_reach)
        : prefix(exec, {max_size.width + 2 * largest_reach + 1, max_size.height}) {}
    Buffer<Uint4, Cpu> prefix;
};

// The columns of tiles from the first to the last that hold a layer.
struct TileSpan {
    int begin = 0, end = 0;
};
inline TileSpan span_of(HostImage<const LayerSet> tiles, int row, int layer) {
    const LayerSet* sets = tiles.row(row);
    TileSpan span{0, tiles.size.width};
    while (span.begin < span.end && !(sets[span.begin] >> layer & 1)) ++span.begin;
    while (span.begin < span.end && !(sets[span.end - 1] >> layer & 1)) --span.end;
    return span;
}

// Calls body(row of tiles, rows [begin, end) and columns [left, right) of cells) on all threads.
template <class Body>
void for_each_band(Cpu& exec, HostImage<const LayerSet> tiles, int layer, Size cells, int level, Body&& body) {
    const int side = bokeh_tile >> level;
    exec.for_each(tiles.size.height, [&](int row) {
        const TileSpan span = span_of(tiles, row, layer);
        if (span.begin < span.end)
            body(row, row * side, std::min((row + 1) * side, cells.height), span.begin * side,
                 std::min(span.end * side, cells.width));
    });
}

template <int level, class Pixel>
void render_layer(Cpu& exec, const LayerCell<level, HostSpace, Pixel>& layer, const Disk& disk, HostSpan<const DiskRun>,
                  BokehScratch<HostSpace>& scratch, const LayerOver<HostSpace>& over) {
    const Size cells = over.sums.far[level].size;
    const HostImage<Uint4> prefix = scratch.prefix.view().crop(0, 0, {cells.width + 2 * disk.reach + 1, cells.height});
    constexpr int piece = 256;
    for_each_band(exec, over.sums.tiles.needed, over.index, cells, level,
                  [&](int, int begin, int end, int left, int right) {
                      Float4 line[prefix_piece];
                      for (int y = begin; y < end; ++y)
                          prefix_sums_of_row(right - left, disk, prefix.row(y) + left, [&](int x, int count) {
                              for (int i = 0; i < count; ++i) line[i] = layer.at(left + x + i, y);
                              return line;
                          });
                  });
    for_each_band(exec, over.sums.tiles.seen, over.index, cells, level,
                  [&](int row, int begin, int end, int left, int right) {
                      Float4 line[piece];
                      const LayerSet* sets = over.sums.tiles.seen.row(row);
                      for (int x0 = left; x0 < right; x0 += piece)
                          for (int y = begin; y < end; ++y) {
                              const int count = std::min(piece, right - x0);
                              blur_chunk(prefix, disk, y, 4 * x0, 4 * count, &line[0][0]);
                              for (int i = 0; i < count; ++i) {
                                  const LayerSet set = sets[(x0 + i) / (bokeh_tile >> level)];
                                  if (set >> over.index & 1) over(x0 + i, y, set, line[i]);
                              }
                          }
                  });
}
}  // namespace cinebokeh::detail
