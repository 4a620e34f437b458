// Reading between the centres of cells on the CPU: a piece of a row at once.
#pragma once
#include <algorithm>

#include "kernels/foreground.hpp"

namespace cinebokeh::detail {

constexpr int cell_piece = 64;  // pixels

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
    Float4 cells[cell_piece / 2 + 4];  // one row of cells between two, for this piece
    const Float4 *upper = image.cells.row(j) + first, *lower = image.cells.row(below) + first;
    for (int i = 0; i < cell_count; ++i) cells[i] = upper[i] + (lower[i] - upper[i]) * t;
    for (int k = 0; k < count; ++k) {
        const float u = CellImage<HostSpace>::cut((float(x0 + k) + 0.5f) * inverse - 0.5f, width);
        const int i = int(u), right = std::min(i + 1, width - 1);
        line[k] = cells[i - first] + (cells[right - first] - cells[i - first]) * (u - float(i));
    }
}
}  // namespace cinebokeh::detail
