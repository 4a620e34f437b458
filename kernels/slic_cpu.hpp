// Slic on the Cpu. Pixels are kept cell by cell, so that the nine candidates of a cell are constants of one long
// vector loop. Sums are kept from iteration to iteration: only pixels that change their cluster touch them, and cells
// whose candidates have all stayed where they were are not visited.
#pragma once
#include <climits>
#include <cstring>

#include "kernels/slic.hpp"
#include "kernels/slic_connect_cpu.hpp"

namespace cinebokeh::detail {

template <class Exec>
class Slic<Exec, HostSpace> {
public:
    Slic(Exec& exec, Size size, const SlicParams& params = {})
        : exec_(exec),
          grid_(size, params),
          iterations_(params.iterations),
          stride_(stride(grid_)),
          features_(exec, {int(size_t(5) * stride_), grid_.cells.width * grid_.cells.height}),
          nearest_(exec, {stride_, grid_.cells.width * grid_.cells.height}),
          centres_(exec, {grid_.cells.width * grid_.cells.height, 1}),
          sums_(exec, {9, grid_.cells.width * grid_.cells.height}),
          moved_(exec, {grid_.cells.width * grid_.cells.height, 1}),
          connect_(exec, size, grid_.least_pixels) {}

    int max_labels() const { return connect_.max_labels(); }

    void operator()(HostImage<const Rgba8> image, HostImage<int> labels, HostSpan<int> count) {
        require(image.size == grid_.image && labels.size == grid_.image, "Slic: the plan is for ", grid_.image.width,
                " x ", grid_.image.height);
        require(count.count == 1, "Slic: count has one element");
        exec_.for_each(cells(), [&](int cell) { load(image, cell); });
        for (int i = 0; i < iterations_; ++i) {
            exec_.for_each_range(cells(), 8, [&](int begin, int end) {
                for (int cell = begin; cell < end; ++cell)
                    if (i == 0 || around(cell, moved_.span().data)) assign(cell);
            });
            if (i + 1 < iterations_)
                exec_.for_each_range(cells(), 64, [&](int begin, int end) {
                    for (int cell = begin; cell < end; ++cell) update(cell);
                });
        }
        exec_.for_each(cells(), [&](int cell) { store(labels, cell); });
        count[0] = connect_(labels);
    }

private:
    static constexpr int chunk = 512;

    static int stride(const SlicGrid& grid) {
        const int pixels =
            ceil_div(grid.image.width, grid.cells.width) * ceil_div(grid.image.height, grid.cells.height);
        return pixels < 64 ? pixels : int(round_up(size_t(pixels), 32));
    }
    int cells() const { return grid_.cells.width * grid_.cells.height; }
    int16_t* feature(int cell, int i) { return features_.view().row(cell) + size_t(i) * stride_; }

    // Walks the rows of a cell: f(first pixel of the row, y, pixels in the row, index of the first in the cell).
    template <class F>
    int rows_of(int cell, F&& f) const {
        const int column = cell % grid_.cells.width, row = cell / grid_.cells.width;
        const int x = grid_.column_begin(column), width = grid_.column_begin(column + 1) - x;
        int index = 0;
        for (int y = grid_.row_begin(row); y < grid_.row_begin(row + 1); ++y, index += width) f(x, y, width, index);
        return index;
    }

    // Copies the pixels of a cell and seeds its cluster with the pixel in the middle.
    void load(HostImage<const Rgba8> image, int cell) {
        const int column = cell % grid_.cells.width, row = cell / grid_.cells.width;
        const int left = grid_.column_begin(column), top = grid_.row_begin(row);
        const int cell_x = grid_.units(left), cell_y = grid_.units(top);
        int16_t *l = feature(cell, 0), *a = feature(cell, 1), *b = feature(cell, 2), *px = feature(cell, 3),
                *py = feature(cell, 4);
        const int pixels = rows_of(cell, [&](int x, int y, int width, int index) {
            const Rgba8* from = image.row(y) + x;
            const int16_t unit_y = int16_t(grid_.units(y) - cell_y);
            for (int i = 0; i < width; ++i) {
                const Vec<int16_t, 4> color = slic_color(from[i]);
                l[index + i] = color[0], a[index + i] = color[1], b[index + i] = color[2];
                px[index + i] = int16_t(grid_.units(x + i) - cell_x), py[index + i] = unit_y;
            }
        });
        for (int i = 0; i < 5; ++i) std::memset(feature(cell, i) + pixels, 0, size_t(stride_ - pixels) * 2);
        std::memset(nearest_.view().row(cell), no_cluster, size_t(stride_));
        std::memset(static_cast<void*>(sums_.view().row(cell)), 0, 9 * sizeof(SlicSums));

        const int x = (left + grid_.column_begin(column + 1)) / 2, y = (top + grid_.row_begin(row + 1)) / 2;
        const Vec<int16_t, 4> color = slic_color(image(x, y));
        centres_.span()[size_t(cell)] = {{color[0], color[1], color[2], grid_.units(x), grid_.units(y)}};
    }

    // Finds the nearest candidate of each pixel of a cell, and moves those that changed to the new sums.
    void assign(int cell) {
        SlicCandidate candidates[9];
        for (int k = 0; k < 9; ++k)
            candidates[k] =
                slic_candidate(grid_, centres_.span().data, cell % grid_.cells.width, cell / grid_.cells.width, k);
        const int pixels = rows_of(cell, [](int, int, int, int) {});
        for (int begin = 0; begin < pixels; begin += chunk) {
            const int padded = std::min(chunk, stride_ - begin);
            uint8_t found[chunk];
            nearest_of(feature(cell, 0) + begin, stride_, padded, candidates, found);
            move(cell, begin, std::min(chunk, pixels - begin), found);
        }
    }
    static void nearest_of(const int16_t* features, int stride, int count, const SlicCandidate (&candidates)[9],
                           uint8_t (&found)[chunk]) {
        float pixel[5][chunk];  // 10 KB: stays in the first-level cache while the candidates pass over it
        for (int f = 0; f < 5; ++f)
            for (int i = 0; i < count; ++i) pixel[f][i] = features[size_t(f) * stride + i];
        int least[chunk];  // the score and, below it, which candidate: ties go to the first
        for (int i = 0; i < count; ++i) least[i] = INT_MAX;
        for (int k = 0; k < 9; ++k) {
            const SlicCandidate candidate = candidates[k];
            for (int i = 0; i < count; ++i) {
                const float score = candidate.score(pixel[0][i], pixel[1][i], pixel[2][i], pixel[3][i], pixel[4][i]);
                const int key = int(score) * 16 + k;
                least[i] = key < least[i] ? key : least[i];
            }
        }
        for (int i = 0; i < count; ++i) found[i] = uint8_t(least[i] & 15);
    }
    void move(int cell, int begin, int count, const uint8_t* found) {
        uint8_t* nearest = nearest_.view().row(cell) + begin;
        SlicSums* sums = sums_.view().row(cell);
        const int16_t* features = feature(cell, 0) + begin;
        for (int block = 0; block < count; block += 32) {
            const int end = std::min(count, block + 32);
            if (std::memcmp(nearest + block, found + block, size_t(end - block)) == 0) continue;
            for (int i = block; i < end; ++i) {
                if (nearest[i] == found[i]) continue;
                add(sums[found[i]], features + i, 1);
                if (nearest[i] != no_cluster) add(sums[nearest[i]], features + i, -1);
                nearest[i] = found[i];
            }
        }
    }
    void add(SlicSums& sums, const int16_t* pixel, int sign) const {
        for (int i = 0; i < 5; ++i) sums.value[i] += sign * pixel[size_t(i) * stride_];
        sums.count += sign;
    }

    // Collects the members of a cluster from the nine cells around it.
    void update(int cell) {
        SlicSums total{};
        const int column = cell % grid_.cells.width, row = cell / grid_.cells.width;
        for (int k = 0; k < 9; ++k) {
            const int c = column + k % 3 - 1, r = row + k / 3 - 1;
            if (!grid_.cells.contains(c, r)) continue;
            const SlicSums& part = sums_.view()(8 - k, r * grid_.cells.width + c);  // seen from there, it is opposite
            for (int i = 0; i < 5; ++i) total.value[i] += part.value[i];
            total.value[3] += part.count * grid_.units(grid_.column_begin(c));
            total.value[4] += part.count * grid_.units(grid_.row_begin(r));
            total.count += part.count;
        }
        SlicCentre& centre = centres_.span()[size_t(cell)];
        const SlicCentre before = centre;
        slic_update(centre, total);
        moved_.span()[size_t(cell)] = std::memcmp(&before, &centre, sizeof before) != 0;
    }
    bool around(int cell, const uint8_t* moved) const {
        const int column = cell % grid_.cells.width, row = cell / grid_.cells.width;
        for (int k = 0; k < 9; ++k) {
            const int c = column + k % 3 - 1, r = row + k / 3 - 1;
            if (grid_.cells.contains(c, r) && moved[r * grid_.cells.width + c]) return true;
        }
        return false;
    }

    void store(HostImage<int> labels, int cell) {
        int cluster[9];
        for (int k = 0; k < 9; ++k) cluster[k] = cell + (k / 3 - 1) * grid_.cells.width + k % 3 - 1;
        const uint8_t* nearest = nearest_.view().row(cell);
        rows_of(cell, [&](int x, int y, int width, int index) {
            int* to = labels.row(y) + x;
            for (int i = 0; i < width; ++i) to[i] = cluster[nearest[index + i]];
        });
    }

    static constexpr uint8_t no_cluster = 255;
    Exec& exec_;
    SlicGrid grid_;
    int iterations_, stride_;          // stride: pixels of the largest cell, padded to whole vectors
    Buffer<int16_t, Cpu> features_;    // [cells, 5, stride] L, a, b, x, y; x and y relative to the cell
    Buffer<uint8_t, Cpu> nearest_;     // [cells, stride] which of the nine candidates
    Buffer<SlicCentre, Cpu> centres_;  // [cells]
    Buffer<SlicSums, Cpu> sums_;       // [cells, 9] of the members in this cell of each candidate
    Buffer<uint8_t, Cpu> moved_;       // [cells] whether the last update moved the centre
    SlicConnect connect_;
};
}  // namespace cinebokeh::detail
