// Makes regions connected on the Cpu: runs of equal labels are joined by union-find, small pieces join the piece before
// their first pixel, and what is left is numbered in scan order.
//
// The piece to the left of a piece's first pixel (above it, at the left border) starts earlier in scan order, so
// joining it can not make a cycle, and needs no order of visits: both backends find the same regions.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/runs.hpp"

namespace cinebokeh::detail {

class SlicConnect {
public:
    SlicConnect(Cpu& exec, Size size, int least_pixels)
        : exec_(exec),
          size_(size),
          least_pixels_(std::max(least_pixels, 1)),
          strips_(clamp(size.height / 16, 1, 16)),
          begin_(exec, {room(strips_), 1}),
          parent_(exec, {room(strips_), 1}),
          pixels_(exec, {room(strips_), 1}),
          roots_(exec, {room(strips_), 1}),
          root_count_(exec, {strips_, 1}),
          rows_(exec, {size.height + 1, 2}) {}

    // The piece of the first pixel may be small; all others have at least least_pixels.
    int max_labels() const { return int(size_.area() / size_t(least_pixels_)) + 1; }

    int operator()(HostImage<int> labels) {
        exec_.for_each(strips_, [&](int strip) { find_pieces(labels, strip); });
        for (int strip = 1; strip < strips_; ++strip) join_rows(labels, strip_begin(strip));
        const int count = number();
        exec_.for_each(strips_, [&](int strip) {
            for (int y = strip_begin(strip); y < strip_begin(strip + 1); ++y) fill(labels, y);
        });
        return count;
    }

private:
    int strip_begin(int strip) const { return int(int64_t(strip) * size_.height / strips_); }
    // Runs of a strip are numbered from here, so numbers ascend in scan order; sixteen may be written beyond the last.
    int room(int strip) const { return strip_begin(strip) * size_.width + strip * IntLanes::count; }
    int first_run(int y) const { return rows_.view()(y, 0); }
    int end_run(int y) const { return rows_.view()(y, 1); }
    int end_of(int run, int y) const { return run + 1 < end_run(y) ? begin_.span()[size_t(run) + 1] : size_.width; }

    int find(int run) const {
        const int* parent = parent_.span().data;
        while (parent[run] != run) run = parent[run];
        return run;
    }
    void join(int a, int b) {
        int *parent = parent_.span().data, *pixels = pixels_.span().data;
        const int root_a = find(a), root_b = find(b), root = std::min(root_a, root_b);  // the earlier one
        if (root_a != root_b) pixels[root] += pixels[root_a + root_b - root];
        parent[root_a] = parent[root_b] = parent[a] = parent[b] = root;
    }

    // Finds the runs of a strip and joins those that touch; lists the first run of every piece with its pixels.
    void find_pieces(HostImage<int> labels, int strip) {
        int run = room(strip);
        for (int y = strip_begin(strip); y < strip_begin(strip + 1); ++y) {
            rows_.view()(y, 0) = run;
            run += find_runs(labels.row(y), size_.width, begin_.span().data + run);
            rows_.view()(y, 1) = run;
            for (int i = first_run(y); i < run; ++i) {
                parent_.span()[size_t(i)] = i;
                pixels_.span()[size_t(i)] = end_of(i, y) - begin_.span()[size_t(i)];
            }
            if (y > strip_begin(strip)) join_rows(labels, y);
        }
        int* roots = roots_.span().data + room(strip);
        int count = 0;
        for (int i = room(strip); i < run; ++i) {
            roots[count] = i;
            count += parent_.span()[size_t(i)] == i;
        }
        root_count_.span()[size_t(strip)] = count;
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
    // Replaces the pixels of the roots by the new labels. The piece that a small piece joins has an earlier root.
    int number() {
        int count = 0;
        int *pixels = pixels_.span().data, *parent = parent_.span().data;
        for (int strip = 0, y = 0; strip < strips_; ++strip)
            for (int i = 0; i < root_count_.span()[size_t(strip)]; ++i) {
                const int root = roots_.span()[size_t(room(strip) + i)];
                if (parent[root] != root) continue;  // it touches a piece of the strip above
                if (pixels[root] >= least_pixels_ || root == 0) {
                    pixels[root] = count++;
                } else {
                    while (end_run(y) <= root) ++y;
                    pixels[root] = pixels[find(begin_.span()[size_t(root)] > 0 ? root - 1 : first_run(y - 1))];
                }
            }
        return count;
    }
    void fill(HostImage<int> labels, int y) {
        int* row = labels.row(y);
        for (int run = first_run(y); run < end_run(y); ++run)
            std::fill(row + begin_.span()[size_t(run)], row + end_of(run, y), pixels_.span()[size_t(find(run))]);
    }

    Cpu& exec_;
    Size size_;
    int least_pixels_, strips_;
    Buffer<int, Cpu> begin_, parent_, pixels_;  // [runs] first column; union-find; of a root, and then the new label
    Buffer<int, Cpu> roots_, root_count_;       // [runs] by strip; [strips]
    Buffer<int, Cpu> rows_;                     // [2, h] first run, end of runs
};
}  // namespace cinebokeh::detail
