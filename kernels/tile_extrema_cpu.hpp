// tile_extrema on the Cpu: column extrema of sixteen rows in vectors, then the sixteen columns of each tile.
#pragma once
#include <limits>

#include "cinebokeh/tile_extrema.hpp"

namespace cinebokeh {
namespace detail {
struct Extrema {
    float least = std::numeric_limits<float>::infinity(), largest = -std::numeric_limits<float>::infinity();

    CINEBOKEH_HD bool empty() const { return least > largest; }  // nothing but NaN was seen
    // Adding zero turns -0 into +0.
    CINEBOKEH_HD float minimum() const { return empty() ? 0.f : least + 0.f; }
    CINEBOKEH_HD float maximum() const { return empty() ? 0.f : largest + 0.f; }
};

inline void tile_extrema_strip(HostImage<const float> in, int left, int width, int top, int bottom, Extrema* tiles) {
    constexpr int strip = 16 * extrema_tile;
    float least[strip], largest[strip];
    for (int x = 0; x < strip; ++x) least[x] = Extrema().least, largest[x] = Extrema().largest;
    for (int y = top; y < bottom; ++y) {
        const float* CINEBOKEH_RESTRICT row = in.row(y) + left;
        for (int x = 0; x < width; ++x) {
            least[x] = row[x] < least[x] ? row[x] : least[x];  // a NaN is not less, and not kept
            largest[x] = row[x] > largest[x] ? row[x] : largest[x];
        }
    }
    for (int x = 0; x < width; ++x) {
        Extrema& tile = tiles[x / extrema_tile];
        tile.least = std::min(tile.least, least[x]), tile.largest = std::max(tile.largest, largest[x]);
    }
}
}  // namespace detail

inline void tile_extrema(Cpu& exec, View<const float, Cpu> in, View<float, Cpu> minimum, View<float, Cpu> maximum) {
    const Size tiles = extrema_size(in.size);
    require(minimum.size == tiles && maximum.size == tiles, "tile_extrema: the outputs must be ", tiles.width, " x ",
            tiles.height);
    if (tiles.empty()) return;
    exec.for_each(tiles.height, [&](int row) {
        const int top = row * extrema_tile, bottom = std::min(top + extrema_tile, in.size.height);
        for (int column = 0; column < tiles.width; column += 16) {
            const int left = column * extrema_tile, width = std::min(16 * extrema_tile, in.size.width - left);
            detail::Extrema extrema[16];
            detail::tile_extrema_strip(in, left, width, top, bottom, extrema);
            for (int i = 0; i < 16 && column + i < tiles.width; ++i) {
                minimum(column + i, row) = extrema[i].minimum();
                maximum(column + i, row) = extrema[i].maximum();
            }
        }
    });
}
}  // namespace cinebokeh
