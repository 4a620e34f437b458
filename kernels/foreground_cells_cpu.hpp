// Reading between the centres of cells on the CPU: a piece of a row at once.
#pragma once
#include <algorithm>

#include "cinebokeh/core/lanes.hpp"
#include "kernels/foreground.hpp"

namespace cinebokeh::detail {

constexpr int cell_piece = 64;  // pixels

#if defined(CINEBOKEH_SHUFFLE)
// `count` pixels between the centres of cells of `step` pixels, four at a time; the first one is the left end of the
// second cell.
template <int step>
void read_between_cells(const Float4* cells, int count, Float4* line) {
    static_assert(step == 2 || step == 4);
    constexpr float fractions[2][4] = {{0.75f, 0.25f, 0.75f, 0.25f}, {0.625f, 0.875f, 0.125f, 0.375f}};
    Lanes fraction;
    for (int i = 0; i < Lanes::count; ++i) fraction.v[i] = fractions[step / 4][i / 4];
    for (int k = 0; k < count; k += 4) {
        const Lanes four = Lanes::load(&cells[k / step][0]);
        Lanes left, right;
        if constexpr (step == 2) {
            left.v = __builtin_shufflevector(four.v, four.v, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11);
            right.v = __builtin_shufflevector(four.v, four.v, 4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11, 12, 13, 14, 15);
        } else {
            left.v = __builtin_shufflevector(four.v, four.v, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7);
            right.v = __builtin_shufflevector(four.v, four.v, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11);
        }
        Lanes{left.v + (right.v - left.v) * fraction.v}.store(&line[k][0]);
    }
}
#endif

// Columns [x0, x0 + count) of row y of an image of cells, read between their centres.
inline void read_between(const CellImage<HostSpace>& image, int x0, int y, int count, Float4* CINEBOKEH_RESTRICT line) {
    const int step = image.step, width = image.cells.size.width;
    if (step == 1) {
        std::copy(image.cells.row(y) + x0, image.cells.row(y) + x0 + count, line);
        return;
    }
    const float inverse = 1.f / float(step);
    const float v = CellImage<HostSpace>::cut((float(y) + 0.5f) * inverse - 0.5f, image.cells.size.height);
    const int j = int(v), below = std::min(j + 1, image.cells.size.height - 1), first = std::max(x0 / step - 1, 0);
    const int cell_count = std::min((x0 + count) / step + 2, width) - first;
    const float t = v - float(j);
    Float4 row[cell_piece / 2 + 8];  // one row of cells between two, for this piece, and one cell before it
    Float4* const cells = row + 1;
    const float *upper = &image.cells.row(j)[first][0], *lower = &image.cells.row(below)[first][0];
    float* const between = &cells[0][0];
    for (int i = 0; i < 4 * cell_count; ++i) between[i] = upper[i] + (lower[i] - upper[i]) * t;
#if defined(CINEBOKEH_SHUFFLE)
    if ((step == 2 || step == 4) && x0 % step == 0 && count % 4 == 0) {
        row[0] = cells[0];
        for (int i = cell_count; i < cell_count + 4; ++i) cells[i] = cells[cell_count - 1];
        const Float4* const from = x0 == 0 ? row : cells;
        if (step == 2) read_between_cells<2>(from, count, line);
        if (step == 4) read_between_cells<4>(from, count, line);
        return;
    }
#endif
    for (int k = 0; k < count; ++k) {
        const float u = CellImage<HostSpace>::cut((float(x0 + k) + 0.5f) * inverse - 0.5f, width);
        const int i = int(u), right = std::min(i + 1, width - 1);
        line[k] = cells[i - first] + (cells[right - first] - cells[i - first]) * (u - float(i));
    }
}
}  // namespace cinebokeh::detail
