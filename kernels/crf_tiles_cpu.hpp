// How a dense CRF cuts the image into the tiles of its lattice.
#pragma once
#include "kernels/lattice_build_cpu.hpp"

namespace cinebokeh::detail {

/// A rectangle of pixels; its points are numbered row by row.
struct CrfTile {
    int x, y, width, height;
    int points() const { return width * height; }
};

/// Square-like tiles keep the vertices of a tile few: neighbours in both directions share them.
struct CrfTiles {
    static constexpr int width = 64, height = lattice_tile / width;
    Size size;

    int count() const { return ceil_div(size.width, width) * ceil_div(size.height, height); }
    CrfTile operator[](int t) const {
        const int columns = ceil_div(size.width, width);
        const int x = t % columns * width, y = t / columns * height;
        return {x, y, std::min(width, size.width - x), std::min(height, size.height - y)};
    }
};
}  // namespace cinebokeh::detail
