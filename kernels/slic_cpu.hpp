// Slic on the Cpu. Pixels are kept cell by cell, so that the nine candidates of a cell are constants of one long
// vector loop. Sums are kept from iteration to iteration: only pixels that change their cluster touch them, and cells
// whose candidates have all stayed where they were are not visited.
#pragma once
#include <bit>
#include <cstring>

#include "kernels/slic.hpp"
#include "kernels/slic_connect_cpu.hpp"
#include "kernels/slic_nearest_cpu.hpp"

namespace cinebokeh::detail {

template <class Exec>
class Slic<Exec, HostSpace> {
public:
    Slic(Exec& exec, Size size, const SlicParams& params = {})
        : exec_(exec),
          grid_(size, params),
          params_(params),
          stride_(stride(grid_)),
          colors_(exec, size),
          places_(exec, {grid_.cells.width * grid_.cells.height, 1}),
          features_(exec, {slic_pairs * stride_, grid_.cells.width * grid_.cells.height}),
          nearest_(exec, {stride_, grid_.cells.width * grid_.cells.height}),
          centres_(exec, {grid_.cells.width * grid_.cells.height, 1}),
          sums_(exec, {9, grid_.cells.width * grid_.cells.height}),
          moved_(exec, {grid_.cells.width * grid_.cells.height, 1}),
          connect_(exec, size, grid_.least_pixels) {
        for (int cell = 0; cell < cells(); ++cell) {
            const int column = cell % grid_.cells.width, row = cell / grid_.cells.width;
            const int left = grid_.column_begin(column), top = grid_.row_begin(row);
            places_.span()[size_t(cell)] = {left,
                                            top,
                                            grid_.column_begin(column + 1),
                                            grid_.row_begin(row + 1),
                                            grid_.units(left),
                                            grid_.units(top)};
        }
    }

    int max_labels() const { return connect_.max_labels(); }
    HostImage<const Vec<int16_t, 4>> colors() const { return colors_.view(); }

    void operator()(HostImage<const Rgba8> image, HostImage<int> labels, HostSpan<int> count) {
        require(image.size == grid_.image && labels.size == grid_.image, "Slic: the plan is for ", grid_.image.width,
                " x ", grid_.image.height);
        require(count.count == 1, "Slic: count has one element");
        exec_.for_each(grid_.cells.height, [&](int row) {
            for (int y = grid_.row_begin(row); y < grid_.row_begin(row + 1); ++y)
                slic_color_row(image.row(y), image.size.width, colors_.view().row(y));
            for (int column = 0; column < grid_.cells.width; ++column) load(row * grid_.cells.width + column);
        });
        for (int i = 0; i < params_.iterations; ++i) {
            // A stretch was assigned `interlace` iterations ago: only where a candidate has moved since may it change.
            exec_.for_each_range(cells(), 8, [&](int begin, int end) {
                for (int cell = begin; cell < end; ++cell)
                    if (i < params_.interlace || last_move_around(cell) >= i - params_.interlace)
                        assign(cell, SlicTurn::of(i, params_));
            });
            if (i + 1 < params_.iterations)
                exec_.for_each_range(cells(), 64, [&](int begin, int end) {
                    for (int cell = begin; cell < end; ++cell) update(cell, i);
                });
        }
        exec_.for_each(cells(), [&](int cell) { store(labels, cell); });
        count[0] = connect_(labels);
    }

private:
    struct Place {
        int left, top, right, bottom, x, y;  // of a cell, in pixels; its left and top, in units
        int pixels() const { return (right - left) * (bottom - top); }
    };
    static constexpr int chunk = 64 * slic_block;  // pixels whose changes are collected

    static int stride(const SlicGrid& grid) {
        const int pixels =
            ceil_div(grid.image.width, grid.cells.width) * ceil_div(grid.image.height, grid.cells.height);
        return int(round_up(size_t(pixels), slic_block));
    }
    int cells() const { return grid_.cells.width * grid_.cells.height; }
    /// The pairs of the block of a pixel: slic_block of each of the three.
    int32_t* block_of(int cell, int pixel) {
        return features_.view().row(cell) + ptrdiff_t(pixel / slic_block) * (slic_pairs * slic_block);
    }

    const Place& place(int cell) const { return places_.span()[size_t(cell)]; }
    // Calls f(neighbour, k) for the cells around a cell, itself among them, in scan order.
    template <class F>
    void around(int cell, F&& f) const {
        const int column = cell % grid_.cells.width, row = cell / grid_.cells.width;
        for (int k = 0; k < 9; ++k) {
            const int c = column + k % 3 - 1, r = row + k / 3 - 1;
            if (grid_.cells.contains(c, r)) f(r * grid_.cells.width + c, k);
        }
    }

    // Copies the pixels of a cell, all of which join its own cluster, and seeds that with the pixel in the middle.
    void load(int cell) {
        const Place at = place(cell);
        std::memset(nearest_.view().row(cell), own_cluster, size_t(stride_));
        std::memset(static_cast<void*>(sums_.view().row(cell)), 0, 9 * sizeof(SlicPixelSums));
        SlicPixelSums& sums = sums_.view().row(cell)[own_cluster];
        for (int first = 0; first < at.pixels(); first += slic_block) load_block(cell, first, sums);
        sums.set_count(at.pixels());
        const int x = (at.left + at.right) / 2, y = (at.top + at.bottom) / 2;
        const Vec<int16_t, 4> color = colors_.view()(x, y);
        moved_.span()[size_t(cell)] = 0;
        centres_.span()[size_t(cell)] = {{color[0], color[1], color[2], grid_.units(x), grid_.units(y)}};
    }
    // Calls f(x, y, n, i) for the stretches of rows that a block of a cell consists of; i is where one lies in the
    // block.
    template <class F>
    static void stretches(const Place& at, int first, F&& f) {
        const int width = at.right - at.left, end = std::min(at.pixels() - first, slic_block);
        int x = at.left + first % width, y = at.top + first / width;
        for (int i = 0, n; i < end; i += n, x = at.left, ++y) {
            n = std::min(at.right - x, end - i);
            f(x, y, n, i);
        }
    }
    void load_block(int cell, int first, SlicPixelSums& sums) {
        const Place at = place(cell);
        // What fills up the last block is black, in the corner of the cell: it adds nothing to the sums.
        Vec<int16_t, 4> color[slic_block] = {};
        int column[slic_block] = {}, row[slic_block] = {}, sum[5] = {};
        const int width = at.right - at.left, end = std::min(at.pixels() - first, slic_block);
        int x = at.left + first % width, y = at.top + first / width;
        for (int i = 0, n; i < end; i += n, x = at.left, ++y) {  // the rows of the cell that the block consists of
            n = std::min(at.right - x, end - i);
            std::memcpy(static_cast<void*>(color + i), colors_.view().row(y) + x, size_t(n) * sizeof color[0]);
            for (int k = 0; k < n; ++k) column[i + k] = grid_.units(x + k) - at.x;
            std::fill_n(row + i, n, grid_.units(y) - at.y);
        }
        int32_t* block = block_of(cell, first);
        constexpr int scale = 1 << slic_key_bits;
        for (int i = 0; i < slic_block; ++i) {
            const int l = color[i][0], a = color[i][1], b = color[i][2];
            sum[0] += l, sum[1] += a, sum[2] += b, sum[3] += column[i], sum[4] += row[i];
            block[i] = pair_of(l * scale, a * scale);
            block[slic_block + i] = pair_of(b * scale, column[i] * scale);
            block[2 * slic_block + i] = pair_of(row[i] * scale, 0);
        }
        for (int i = 0; i < 5; ++i) sums.sum[i] += sum[i] * scale;
    }

    // Finds the nearest candidate of each pixel whose turn it is, and moves those that changed to the new sums.
    void assign(int cell, SlicTurn turn) {
        const Place at = place(cell);
        const int pixels = at.pixels();
        SlicFactors candidates[9];
        for (int k = 0; k < 9; ++k) candidates[k] = {SlicCandidate::none(), k};
        around(cell, [&](int other, int k) {
            candidates[k] = {SlicCandidate::of(centres_.span()[size_t(other)], at.x, at.y), k};
        });
        uint8_t* nearest = nearest_.view().row(cell);
        for (int begin = turn.first * slic_block; begin < pixels; begin += turn.step * chunk) {
            int32_t changes[chunk];
            int count = 0;
            for (int first = begin; first < std::min(pixels, begin + turn.step * chunk);
                 first += turn.step * slic_block)
                count += slic_nearest(block_of(cell, first), candidates, first, nearest + first, changes + count);
            while (count > 0 && changes[count - 1] >> 8 >= pixels) --count;  // what fills up the last block
            for (int i = 0; i < count; ++i) move(cell, changes[i] >> 8, changes[i] >> 4 & 15, changes[i] & 15);
        }
    }
    void move(int cell, int pixel, int from, int to) {
        const int32_t* pair = block_of(cell, pixel) + pixel % slic_block;
        SlicPixelSums* sums = sums_.view().row(cell);
        sums[from].move(pair[0], pair[slic_block], pair[2 * slic_block], sums[to]);
    }

    // Collects the members of a cluster from the nine cells around it.
    void update(int cell, int iteration) {
        SlicPixelSums total{};
        int64_t x = 0, y = 0;  // of the cells that the members lie in
        around(cell, [&](int other, int k) {
            const SlicPixelSums& part = sums_.view()(8 - k, other);  // seen from there, it is opposite
            for (int i = 0; i < 8; ++i) total.sum[i] += part.sum[i];
            x += part.count() * place(other).x, y += part.count() * place(other).y;
        });
        SlicSums sums = total.in_units();
        sums.value[3] += x, sums.value[4] += y;
        SlicCentre& centre = centres_.span()[size_t(cell)];
        const SlicCentre before = centre;
        slic_update(centre, sums);
        if (std::memcmp(&before, &centre, sizeof before) != 0) moved_.span()[size_t(cell)] = iteration;
    }
    int last_move_around(int cell) const {
        int last = 0;
        around(cell, [&](int other, int) { last = std::max(last, moved_.span()[size_t(other)]); });
        return last;
    }

    void store(HostImage<int> labels, int cell) {
        int cluster[9];
        for (int k = 0; k < 9; ++k) cluster[k] = cell + (k / 3 - 1) * grid_.cells.width + k % 3 - 1;
        const uint8_t* nearest = nearest_.view().row(cell);
        const Place at = place(cell);
        for (int y = at.top; y < at.bottom; ++y, nearest += at.right - at.left) {
            int* to = labels.row(y) + at.left;
            for (int i = 0; i < at.right - at.left; ++i) to[i] = cluster[nearest[i]];
        }
    }

    static constexpr uint8_t own_cluster = 4;  // the middle one of the nine
    Exec& exec_;
    SlicGrid grid_;
    SlicParams params_;
    int stride_;  // pixels of the largest cell, padded to whole vectors
    Buffer<Vec<int16_t, 4>, Cpu> colors_;
    Buffer<Place, Cpu> places_;      // [cells]
    Buffer<int32_t, Cpu> features_;  // [cells, block, 3, slic_block] (L, a), (b, x), (y, 0); x, y relative to the cell
    Buffer<uint8_t, Cpu> nearest_;   // [cells, stride] which of the nine candidates
    Buffer<SlicCentre, Cpu> centres_;  // [cells]
    Buffer<SlicPixelSums, Cpu> sums_;  // [cells, 9] of the members in this cell of each candidate
    Buffer<int, Cpu> moved_;           // [cells] the iteration whose update moved the centre last
    SlicConnect connect_;
};
}  // namespace cinebokeh::detail
