// RegionGraph on the Cpu: sums by runs of equal labels, pairs in a small hash table, rows by counting.
#pragma once
#include <bit>

#include "cinebokeh/color.hpp"
#include "cinebokeh/region_graph.hpp"

namespace cinebokeh {

inline RegionGraph::RegionGraph(Cpu& exec, Size size, int max_regions)
    : exec_(exec), size_(size), max_regions_(max_regions), strips_(clamp(size.height / 32, 1, 4)) {
    require(!size.empty(), "RegionGraph: empty image");
    require(max_regions >= 1 && max_regions <= (1 << 27), "RegionGraph: max_regions ", max_regions,
            " is not in [1, 2^27]");
    const int pairs = int(std::min<int64_t>(3 * int64_t(max_regions), 2 * int64_t(size.area())));
    slots_ = int(std::bit_ceil(unsigned(2 * pairs + 2)));
    sums_ = {exec, {max_regions, strips_}};
    valid_ = {exec, {strips_, 1}};
    regions_ = {exec, {max_regions, 1}};
    table_ = {exec, {slots_, 1}};
    used_ = {exec, {pairs, 1}};
    offsets_ = {exec, {max_regions + 1, 1}};
    next_ = {exec, {max_regions + 1, 1}};
    targets_ = {exec, {2 * pairs, 1}};
    borders_ = {exec, {2 * pairs, 1}};
    unsorted_ = {exec, {2 * pairs, 1}};
    for (int i = 0; i < slots_; ++i) table_.span()[size_t(i)].a = -1;
}

inline void RegionGraph::operator()(HostImage<const Rgba8> image, HostImage<const int> labels, int count) {
    require(image.size == size_ && labels.size == size_, "RegionGraph: the plan is for ", size_.width, " x ",
            size_.height);
    require(count >= 0 && count <= max_regions_, "RegionGraph: ", count, " labels, the plan is for ", max_regions_);
    count_ = count;
    exec_.for_each(strips_, [&](int strip) { measure(image, labels, strip); });
    for (int strip = 0; strip < strips_; ++strip)
        require(valid_.span()[size_t(strip)], "RegionGraph: a label is outside [0, ", count, ")");
    combine();
    find_borders(labels);
    find_pairs(labels);
    make_rows();
}

// Sums of one strip of rows, run by run: labels change every dozen pixels only.
inline void RegionGraph::measure(HostImage<const Rgba8> image, HostImage<const int> labels, int strip) {
    const detail::LabTables& tables = detail::lab_tables();
    Sums* sums = sums_.view().row(strip);
    for (int i = 0; i < count_; ++i) sums[i] = {};
    valid_.span()[size_t(strip)] = true;
    const int end = int(int64_t(strip + 1) * size_.height / strips_);
    for (int y = int(int64_t(strip) * size_.height / strips_); y < end; ++y) {
        const int* label = labels.row(y);
        const Rgba8* pixel = image.row(y);
        for (int x = 0; x < size_.width;) {
            const int begin = x, region = label[x];
            int64_t lab[3] = {0, 0, 0};
            for (; x < size_.width && label[x] == region; ++x) {
                const Vec<int, 3> color = detail::lab_fixed(tables, pixel[x][0], pixel[x][1], pixel[x][2]);
                for (int c = 0; c < 3; ++c) lab[c] += color[c];
            }
            if (region < 0 || region >= count_) {
                valid_.span()[size_t(strip)] = false;
                return;
            }
            Sums& sum = sums[region];
            const int64_t pixels = x - begin;
            for (int c = 0; c < 3; ++c) sum.lab[c] += lab[c];
            sum.x += pixels * (begin + x - 1) / 2;  // whole: one of the factors is even
            sum.y += pixels * y;
            sum.pixels += pixels;
        }
    }
}

inline void RegionGraph::combine() {
    for (int i = 0; i < count_; ++i) {
        Sums total{};
        for (int strip = 0; strip < strips_; ++strip) {
            const Sums& part = sums_.view()(i, strip);
            for (int c = 0; c < 3; ++c) total.lab[c] += part.lab[c];
            total.x += part.x, total.y += part.y, total.pixels += part.pixels;
        }
        const double n = double(std::max<int64_t>(total.pixels, 1)), unit = n * (1 << detail::lab_fraction_bits);
        regions_.span()[size_t(i)] = {int(total.pixels),
                                      {float(double(total.lab[0]) / unit), float(double(total.lab[1]) / unit),
                                       float(double(total.lab[2]) / unit)},
                                      {float(double(total.x) / n), float(double(total.y) / n)},
                                      0,
                                      0,
                                      0,
                                      0};
    }
}

inline void RegionGraph::find_borders(HostImage<const int> labels) {
    Region* regions = regions_.span().data;
    for (int y = 0; y < size_.height; ++y) {
        ++regions[labels(0, y)].left;
        ++regions[labels(size_.width - 1, y)].right;
    }
    for (int x = 0; x < size_.width; ++x) {
        ++regions[labels(x, 0)].top;
        ++regions[labels(x, size_.height - 1)].bottom;
    }
}

inline void RegionGraph::find_pairs(HostImage<const int> labels) {
    for (int i = 0; i < pairs_; ++i) table_.span()[size_t(used_.span()[size_t(i)])].a = -1;
    pairs_ = 0, last_ = 0;
    for (int y = 0; y < size_.height; ++y) {
        const int* row = labels.row(y);
        const int* below = y + 1 < size_.height ? labels.row(y + 1) : row;
        for (int x = 0; x + 1 < size_.width; ++x) {
            if (row[x] != row[x + 1]) count_side(row[x], row[x + 1]);
            if (row[x] != below[x]) count_side(row[x], below[x]);
        }
        if (row[size_.width - 1] != below[size_.width - 1]) count_side(row[size_.width - 1], below[size_.width - 1]);
    }
}

inline void RegionGraph::count_side(int a, int b) {
    if (a > b) std::swap(a, b);
    Pair* table = table_.span().data;
    if (table[last_].a == a && table[last_].b == b) {  // along a border the same pair comes again and again
        ++table[last_].border;
        return;
    }
    unsigned slot = (unsigned(a) * 0x9e3779b1u) ^ (unsigned(b) * 0x85ebca6bu);
    slot ^= slot >> 15;
    for (slot &= unsigned(slots_ - 1); table[slot].a >= 0; slot = (slot + 1) & unsigned(slots_ - 1))
        if (table[slot].a == a && table[slot].b == b) break;
    if (table[slot].a < 0) {
        require(size_t(pairs_) < used_.size().area(), "RegionGraph: more than ", used_.size().area(),
                " pairs of neighbours: the regions are not connected");
        used_.span()[size_t(pairs_++)] = int(slot);
        table[slot] = {a, b, 0};
    }
    ++table[slot].border;
    last_ = int(slot);
}

// Rows in ascending order without a sort: the pairs go into the rows of their ends, unordered; then the regions, in
// order, write themselves into the rows of their neighbours.
inline void RegionGraph::make_rows() {
    int *offsets = offsets_.span().data, *next = next_.span().data;
    const Pair* table = table_.span().data;
    arcs_ = 2 * pairs_;
    std::fill(offsets, offsets + count_ + 1, 0);
    for (int i = 0; i < pairs_; ++i) {
        const Pair& pair = table[used_.span()[size_t(i)]];
        ++offsets[pair.a + 1], ++offsets[pair.b + 1];
    }
    for (int v = 0; v < count_; ++v) offsets[v + 1] += offsets[v];
    std::copy(offsets, offsets + count_, next);
    for (int i = 0; i < pairs_; ++i) {
        const int slot = used_.span()[size_t(i)];
        unsorted_.span()[size_t(next[table[slot].a]++)] = slot;
        unsorted_.span()[size_t(next[table[slot].b]++)] = slot;
    }
    std::copy(offsets, offsets + count_, next);
    for (int v = 0; v < count_; ++v)
        for (int i = offsets[v]; i < offsets[v + 1]; ++i) {
            const Pair& pair = table[unsorted_.span()[size_t(i)]];
            const int neighbour = pair.a == v ? pair.b : pair.a, at = next[neighbour]++;
            targets_.span()[size_t(at)] = v, borders_.span()[size_t(at)] = pair.border;
        }
}

template <class T>
void paint_regions(Cpu& exec, HostImage<const int> labels, HostSpan<const std::type_identity_t<T>> values,
                   HostImage<T> out) {
    require(labels.size == out.size, "paint_regions: the images differ in size");
    exec.for_each_range(out.size.height, 16, [&](int begin, int end) {
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < out.size.width; ++x) out(x, y) = values[size_t(labels(x, y))];
    });
}
}  // namespace cinebokeh
