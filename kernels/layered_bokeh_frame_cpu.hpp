// The layered renderer on the CPU: the passes over the whole frame before there are layers, as loops over rows. They
// give what MarkEdgeTiles, PartEdges and HalveFrame give.
#pragma once
#include <algorithm>

#include "kernels/layered_bokeh_edges.hpp"

namespace cinebokeh::detail {

// Four tiles at a time: the extremes of each column, then those of each tile. The radius grows with the defocus, so
// only the extremes have to be turned into radii.
template <class Pixel>
void mark_edge_tiles(Cpu& exec, const MarkEdgeTiles<HostSpace, Pixel>& mark) {
    if (mark.source.matte.data) return for_each_tile(exec, mark.marks.size, mark);
    constexpr int piece = 4 * bokeh_tile;
    const HostImage<const float> defocus = mark.source.defocus;
    const Size s = defocus.size;
    const auto radius = [&](float d) { return effective_radius(d, mark.source.farthest, mark.source.nearest); };
    exec.for_each(mark.marks.size.height, [&](int ty) {
        for (int x0 = 0; x0 < s.width; x0 += piece) {
            const int first = std::max(x0 - 1, 0), count = std::min(x0 + piece + 1, s.width) - first;
            float low[piece + 2], high[piece + 2];
            std::fill_n(low, count, 3e38f), std::fill_n(high, count, -3e38f);
            for (int y = std::max(ty * bokeh_tile - 1, 0); y < std::min((ty + 1) * bokeh_tile + 1, s.height); ++y) {
                const float* const row = defocus.row(y) + first;
                for (int i = 0; i < count; ++i) {
                    const float d = row[i] == row[i] ? row[i] : 0.f;
                    low[i] = d < low[i] ? d : low[i], high[i] = d > high[i] ? d : high[i];
                }
            }
            for (int x = x0; x < std::min(x0 + piece, s.width); x += bokeh_tile) {
                const int begin = std::max(x - 1, 0) - first, end = std::min(x + bokeh_tile + 1, s.width) - first;
                RadiusRange range;
                range.add(radius(*std::min_element(low + begin, low + end)));
                range.add(radius(*std::max_element(high + begin, high + end)));
                mark.marks(x / bokeh_tile, ty) = range.is_edge();
            }
        }
    });
}

// A tile at a time: the radii of its pixels and of those around it, their range in rows and then in columns.
template <class Pixel>
void part_edges(Cpu& exec, const PartEdges<HostSpace, Pixel>& part) {
    constexpr int side = bokeh_tile + 2;
    const HostImage<const uint8_t> marks = part.edges.tiles;
    const Size s = part.source.frame.size;
    exec.for_each(marks.size.height, [&](int ty) {
        for (int tx = 0; tx < marks.size.width; ++tx) {
            if (!marks(tx, ty)) continue;
            const int x0 = tx * bokeh_tile, y0 = ty * bokeh_tile;
            const int width = std::min(bokeh_tile, s.width - x0), height = std::min(bokeh_tile, s.height - y0);
            float radius[side][side], low[side][bokeh_tile], high[side][bokeh_tile];
            for (int j = 0; j < height + 2; ++j) {
                for (int i = 0; i < width + 2; ++i) radius[j][i] = part.radius(x0 + i - 1, y0 + j - 1);
                for (int i = 0; i < width; ++i) {
                    const float *r = &radius[j][i], least = r[0] < r[1] ? r[0] : r[1], most = r[0] < r[1] ? r[1] : r[0];
                    low[j][i] = r[2] < least ? r[2] : least, high[j][i] = r[2] > most ? r[2] : most;
                }
            }
            for (int j = 0; j < height; ++j)
                for (int i = 0; i < width; ++i) {
                    RadiusRange range;
                    for (int row = j; row < j + 3; ++row) range.add(low[row][i]), range.add(high[row][i]);
                    part(x0 + i, y0 + j, range);
                }
        }
    });
}

// The cells of a row of a tile: whole ones, without edges.
template <class Pixel>
void halve_tile_row(const BokehSource<HostSpace, Pixel>& source, int x0, int y, Float4* out) {
    float radius[2][bokeh_tile];
    for (int row = 0; row < 2; ++row) {
        const float* const defocus = source.defocus.row(y + row) + x0;
        for (int i = 0; i < bokeh_tile; ++i)
            radius[row][i] = effective_radius(defocus[i], source.farthest, source.nearest);
    }
    const Pixel *upper = source.frame.row(y) + x0, *lower = source.frame.row(y + 1) + x0;
    for (int i = 0; i < bokeh_tile / 2; ++i) {
        CellMean cell;
        for (int k = 2 * i; k < 2 * i + 2; ++k)
            cell.add(source.with_radius(source.stretched(light_of(upper[k])), radius[0][k]));
        for (int k = 2 * i; k < 2 * i + 2; ++k)
            cell.add(source.with_radius(source.stretched(light_of(lower[k])), radius[1][k]));
        out[i] = cell.mean();
    }
}

template <class Pixel>
void halve_frame(Cpu& exec, const HalveFrame<HostSpace, Pixel>& halve) {
    const BokehSource<HostSpace, Pixel>& source = halve.pyramid.pixels;
    if (source.matte.data) return for_each_pixel(exec, halve.pyramid.half.size, halve);
    const Size s = source.frame.size;
    exec.for_each_range(halve.pyramid.half.size.height, 8, [&](int begin, int end) {
        for (int j = begin; j < end; ++j)
            for (int x = 0; x < s.width; x += bokeh_tile) {
                const bool whole = x + bokeh_tile <= s.width && 2 * j + 1 < s.height;
                if (whole && !source.edges.tiles(x / bokeh_tile, 2 * j / bokeh_tile))
                    halve_tile_row(source, x, 2 * j, halve.pyramid.half.row(j) + x / 2);
                else
                    for (int i = x / 2; 2 * i < std::min(x + bokeh_tile, s.width); ++i) halve(i, j);
            }
    });
}
}  // namespace cinebokeh::detail
