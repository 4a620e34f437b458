// Makes regions connected on the Cpu: runs of equal labels are joined by union-find, small pieces join the piece before
// their first pixel, and what is left is numbered in scan order.
//
// The piece to the left of a piece's first pixel (above it, at the left border) starts earlier in scan order, so
// joining it can not make a cycle, and needs no order of visits: both backends find the same regions.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh::detail {

class SlicConnect {
public:
    SlicConnect(Cpu& exec, Size size, int least_pixels)
        : exec_(exec),
          size_(size),
          least_pixels_(std::max(least_pixels, 1)),
          strips_(clamp(size.height / 16, 1, 16)),
          begin_(exec, {int(size.area()), 1}),
          parent_(exec, {int(size.area()), 1}),
          pixels_(exec, {int(size.area()), 1}),
          rows_(exec, {size.height + 1, 2}) {}

    // The piece of the first pixel may be small; all others have at least least_pixels.
    int max_labels() const { return int(size_.area() / size_t(least_pixels_)) + 1; }

    int operator()(HostImage<int> labels) {
        exec_.for_each(strips_, [&](int strip) { find_runs(labels, strip); });
        for (int strip = 1; strip < strips_; ++strip) join_rows(labels, strip_begin(strip));
        for (int y = 0; y < size_.height; ++y) count_pixels(y);
        const int count = number();
        exec_.for_each(strips_, [&](int strip) {
            for (int y = strip_begin(strip); y < strip_begin(strip + 1); ++y) fill(labels, y);
        });
        return count;
    }

private:
    int strip_begin(int strip) const { return int(int64_t(strip) * size_.height / strips_); }
    int first_run(int y) const { return rows_.view()(y, 0); }
    int end_run(int y) const { return rows_.view()(y, 1); }
    int end_of(int run, int y) const { return run + 1 < end_run(y) ? begin_.span()[size_t(run) + 1] : size_.width; }

    int find(int run) {
        int* parent = parent_.span().data;
        while (parent[run] != run) run = parent[run] = parent[parent[run]];
        return run;
    }
    void join(int a, int b) {
        a = find(a), b = find(b);
        if (a != b) parent_.span()[size_t(std::max(a, b))] = std::min(a, b);  // the earlier one is the root
    }

    // The runs of a row are numbered from the index of its strip's first pixel, so numbers ascend in scan order.
    void find_runs(HostImage<int> labels, int strip) {
        int run = strip_begin(strip) * size_.width;
        for (int y = strip_begin(strip); y < strip_begin(strip + 1); ++y) {
            const int* row = labels.row(y);
            rows_.view()(y, 0) = run;
            int previous = row[0] + 1;
            for (int x = 0; x < size_.width; ++x) {
                if (row[x] == previous) continue;
                previous = row[x];
                begin_.span()[size_t(run)] = x, parent_.span()[size_t(run)] = run, pixels_.span()[size_t(run)] = 0;
                ++run;
            }
            rows_.view()(y, 1) = run;
            if (y > strip_begin(strip)) join_rows(labels, y);
        }
    }
    // Joins the runs of row y with those of the row above that touch them and have the same label.
    void join_rows(HostImage<int> labels, int y) {
        const int *row = labels.row(y), *above = labels.row(y - 1), *begin = begin_.span().data;
        for (int run = first_run(y), up = first_run(y - 1); run < end_run(y) && up < end_run(y - 1);) {
            if (row[begin[run]] == above[begin[up]]) join(run, up);
            const int end = end_of(run, y), up_end = end_of(up, y - 1);
            run += end <= up_end, up += up_end <= end;
        }
    }
    void count_pixels(int y) {
        for (int run = first_run(y); run < end_run(y); ++run)
            pixels_.span()[size_t(find(run))] += end_of(run, y) - begin_.span()[size_t(run)];
    }
    // Replaces pixels_ by the new labels. A piece's root comes first in scan order, and so do the pieces it may join.
    int number() {
        int count = 0;
        int *pixels = pixels_.span().data, *parent = parent_.span().data;
        for (int y = 0; y < size_.height; ++y)
            for (int run = first_run(y); run < end_run(y); ++run) {
                if (parent[run] != run)
                    pixels[run] = pixels[find(run)];
                else if (pixels[run] >= least_pixels_ || (run == 0))
                    pixels[run] = count++;
                else
                    pixels[run] = pixels[begin_.span()[size_t(run)] > 0 ? run - 1 : first_run(y - 1)];
            }
        return count;
    }
    void fill(HostImage<int> labels, int y) {
        int* row = labels.row(y);
        for (int run = first_run(y); run < end_run(y); ++run)
            std::fill(row + begin_.span()[size_t(run)], row + end_of(run, y), pixels_.span()[size_t(run)]);
    }

    Cpu& exec_;
    Size size_;
    int least_pixels_, strips_;
    Buffer<int, Cpu> begin_, parent_, pixels_;  // [runs] first column; union-find; of a root, and then the new label
    Buffer<int, Cpu> rows_;                     // [2, h] first run, end of runs
};
}  // namespace cinebokeh::detail
