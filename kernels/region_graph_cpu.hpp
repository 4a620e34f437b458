// RegionGraph on the Cpu: sums and pairs by runs of equal labels, strip by strip, pairs in small hash tables, rows by
// counting.
#pragma once
#include <bit>

#include "cinebokeh/color.hpp"
#include "cinebokeh/core/intrinsics.hpp"
#include "cinebokeh/core/runs.hpp"
#include "cinebokeh/region_graph.hpp"

namespace cinebokeh {

namespace detail {
/// The pairs that a graph has room for, and the slots of a hash table for them.
inline int most_region_pairs(Size size, int max_regions) {
    require(!size.empty(), "RegionGraph: empty image");
    require(size.width <= 65535 && size.height <= 65535, "RegionGraph: an image of ", size.width, " x ", size.height,
            " is too large");
    require(max_regions >= 1 && max_regions <= (1 << 27), "RegionGraph: max_regions ", max_regions,
            " is not in [1, 2^27]");
    return int(std::min<int64_t>(3 * int64_t(max_regions), 2 * int64_t(size.area())));
}
inline int region_pair_slots(int pairs) { return int(std::bit_ceil(unsigned(2 * pairs + 2))); }

inline void require_region_images(Size image, Size labels, Size planned, int count, int max_regions) {
    require(image == planned && labels == planned, "RegionGraph: the plan is for ", planned.width, " x ",
            planned.height);
    require(count >= 0 && count <= max_regions, "RegionGraph: ", count, " labels, the plan is for ", max_regions);
}
inline void require_region_labels(bool legal, int count) {
    require(legal, "RegionGraph: a label is outside [0, ", count, ")");
}
inline void require_region_pairs(bool fits, int room) {
    require(fits, "RegionGraph: more than ", room, " pairs of neighbours: the regions are not connected");
}

inline RegionGraphCpu::RegionGraphCpu(Cpu& exec, Size size, int max_regions)
    : exec_(exec), size_(size), max_regions_(max_regions), strips_(clamp(size.height / 32, 1, 4)) {
    const int pairs = most_region_pairs(size, max_regions), slots = region_pair_slots(pairs);
    sums_ = {exec, {max_regions, strips_}};
    tables_ = {exec, {strips_, 1}};
    outcome_ = {exec, {strips_, 1}};
    runs_ = {exec, {size.width + IntLanes::count, 2 * strips_}};
    lab_ = {exec, {4 * (size.width + 1), strips_}};
    regions_ = {exec, {max_regions, 1}};
    slots_ = {exec, {slots, strips_}};
    used_ = {exec, {std::max(pairs, 1), strips_}};
    offsets_ = {exec, {max_regions + 1, 1}};
    next_ = {exec, {max_regions + 1, 1}};
    targets_ = {exec, {2 * pairs, 1}};
    borders_ = {exec, {2 * pairs, 1}};
    unsorted_ = {exec, {2 * pairs, 1}};
    for (int strip = 0; strip < strips_; ++strip) {
        tables_.span()[size_t(strip)] = {slots_.view().row(strip), used_.view().row(strip), slots - 1, pairs, 0, 0};
        for (int i = 0; i < slots; ++i) slots_.view()(i, strip).a = -1;
    }
}

inline void RegionGraphCpu::operator()(HostImage<const Rgba8> image, HostImage<const int> labels, int count) {
    build(image, labels, count, 1 << lab_fraction_bits);
}
inline void RegionGraphCpu::operator()(HostImage<const Vec<int16_t, 4>> lab_eighths, HostImage<const int> labels,
                                       int count) {
    build(lab_eighths, labels, count, 8);
}

template <class Color>
void RegionGraphCpu::build(HostImage<const Color> image, HostImage<const int> labels, int count, double unit) {
    require_region_images(image.size, labels.size, size_, count, max_regions_);
    count_ = count;
    exec_.for_each(strips_, [&](int strip) { outcome_.span()[size_t(strip)] = read_strip(image, labels, strip); });
    PairTable& all = tables_.span()[0];
    bool fits = true;
    for (int strip = 0; strip < strips_; ++strip) {
        require_region_labels(outcome_.span()[size_t(strip)], count);
        const PairTable& part = tables_.span()[size_t(strip)];
        fits &= part.count <= part.room;
        for (int i = 0; strip > 0 && fits && i < part.count; ++i) {
            const Pair& pair = part.slots[part.used[i]];
            fits = all.add(pair.a, pair.b, pair.border);
        }
    }
    require_region_pairs(fits, all.room);
    combine(unit);
    find_borders(labels);
    make_rows();
}

inline void RegionGraphCpu::PairTable::clear() {
    for (int i = 0; i < std::min(count, room); ++i) slots[used[i]].a = -1;
    count = 0, last = 0;
}

// Where there is no room, count becomes larger than room.
inline bool RegionGraphCpu::PairTable::add(int a, int b, int border) {
    if (a > b) std::swap(a, b);
    if (slots[last].a == a && slots[last].b == b) {  // along a border the same pair comes again and again
        slots[last].border += border;
        return true;
    }
    unsigned slot = (unsigned(a) * 0x9e3779b1u) ^ (unsigned(b) * 0x85ebca6bu);
    slot ^= slot >> 15;
    for (slot &= unsigned(mask); slots[slot].a >= 0; slot = (slot + 1) & unsigned(mask))
        if (slots[slot].a == a && slots[slot].b == b) break;
    if (slots[slot].a < 0) {
        if (count >= room) {
            count = room + 1;
            return false;
        }
        used[count++] = int(slot);
        slots[slot] = {a, b, 0};
    }
    slots[slot].border += border;
    last = int(slot);
    return true;
}

// Sums and pairs of one strip of rows; false if a label is out of range. Pairs with the strip above are counted here.
template <class Color>
bool RegionGraphCpu::read_strip(HostImage<const Color> image, HostImage<const int> labels, int strip) {
    std::fill_n(sums_.view().row(strip), count_, Sums{});
    PairTable& table = tables_.span()[size_t(strip)];
    table.clear();
    int *begin = runs_.view().row(2 * strip), *above_begin = runs_.view().row(2 * strip + 1);
    const int first = strip_begin(strip), end = strip_begin(strip + 1);
    if (first > 0) above_begin[find_runs(labels.row(first - 1), size_.width, above_begin)] = size_.width;
    for (int y = first; y < end; ++y) {
        const int* row = labels.row(y);
        const int runs = find_runs(row, size_.width, begin);
        begin[runs] = size_.width;
        if (!measure(image.row(y), row, y, begin, runs, strip)) return false;
        if (!find_pairs(row, begin, runs, y > 0 ? labels.row(y - 1) : nullptr, above_begin, table)) return true;
        std::swap(begin, above_begin);
    }
    return true;
}

/// The colours of a row of pixels, and their sum over a part of it: of running sums, so that short runs cost no loop.
class EighthsRow {
public:
    EighthsRow(const Vec<int16_t, 4>* pixels, int width, HostImage<int> room) : running_(room.data) {
#if CINEBOKEH_INTRINSICS && defined(__SSE4_1__)
        __m128i sum = _mm_setzero_si128();
        for (int x = 0; x < width; ++x) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(running_ + 4 * x), sum);
            sum = _mm_add_epi32(sum, _mm_cvtepi16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixels + x))));
        }
        _mm_storeu_si128(reinterpret_cast<__m128i*>(running_ + 4 * width), sum);
#else
        std::fill_n(running_, 4, 0);
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 4; ++c) running_[4 * (x + 1) + c] = running_[4 * x + c] + pixels[x][c];
#endif
    }
    void add(int begin, int end, int64_t (&lab)[3]) const {
        for (int c = 0; c < 3; ++c) lab[c] += running_[4 * end + c] - running_[4 * begin + c];
    }

private:
    int* running_;  // [width + 1, 4]; a row has at most 65535 pixels, so its sums fit
};
class FixedLabRow {
public:
    FixedLabRow(const Rgba8* pixels, int width, HostImage<int> room)
        : lab_(room.data, {width, 3}, ptrdiff_t(size_t(width) * sizeof(int))) {
        constexpr int block = 64;
        for (int first = 0; first < width; first += block) {
            const int n = std::min(block, width - first);
            Rgba8 pixel[block] = {};
            std::memcpy(static_cast<void*>(pixel), pixels + first, size_t(n) * sizeof(Rgba8));
            int values[3][block];
            lab_fixed_block(pixel, values);
            for (int c = 0; c < 3; ++c) std::copy_n(values[c], n, lab_.row(c) + first);
        }
    }
    void add(int begin, int end, int64_t (&lab)[3]) const {
        for (int c = 0; c < 3; ++c) {
            const int* row = lab_.row(c);
            int64_t sum = 0;
            for (int x = begin; x < end; ++x) sum += row[x];
            lab[c] += sum;
        }
    }

private:
    HostImage<int> lab_;
};

template <class Color>
bool RegionGraphCpu::measure(const Color* pixels, const int* label, int y, const int* begin, int runs, int strip) {
    using Row = std::conditional_t<std::is_same_v<Color, Rgba8>, FixedLabRow, EighthsRow>;
    const Row row(pixels, size_.width, lab_.view().crop(0, strip, {lab_.size().width, 1}));
    Sums* sums = sums_.view().row(strip);
    for (int run = 0; run < runs; ++run) {
        const int x = begin[run], region = label[x];
        if (region < 0 || region >= count_) return false;
        const int64_t count = begin[run + 1] - x;
        Sums& sum = sums[region];
        row.add(x, begin[run + 1], sum.lab);
        sum.x += count * (2 * x + count - 1) / 2;  // whole: one of the factors is even
        sum.y += count * y;
        sum.pixels += count;
    }
    return true;
}

// Pairs of a row's runs with each other and with the runs above, from left to right: what meets beside a border of the
// row mostly meets above it, too. `begin` ends with the width.
inline bool RegionGraphCpu::find_pairs(const int* row, const int* begin, int runs, const int* above,
                                       const int* above_begin, PairTable& table) const {
    bool fits = true;
    if (!above) {
        for (int run = 1; run < runs; ++run) fits &= table.add(row[begin[run] - 1], row[begin[run]], 1);
        return fits;
    }
    for (int x = 0, run = 0, up = 0; x < size_.width;) {
        const int end = begin[run + 1], up_end = above_begin[up + 1], next = std::min(end, up_end);
        if (row[x] != above[x]) fits &= table.add(row[x], above[x], next - x);
        if (end == next && next < size_.width) fits &= table.add(row[next - 1], row[next], 1);
        run += end == next, up += up_end == next, x = next;
    }
    return fits;
}

inline void RegionGraphCpu::combine(double unit) {
    for (int i = 0; i < count_; ++i) {
        Sums total{};
        for (int strip = 0; strip < strips_; ++strip) {
            const Sums& part = sums_.view()(i, strip);
            for (int c = 0; c < 3; ++c) total.lab[c] += part.lab[c];
            total.x += part.x, total.y += part.y, total.pixels += part.pixels;
        }
        const double n = double(std::max<int64_t>(total.pixels, 1)), scale = n * unit;
        regions_.span()[size_t(i)] = {int(total.pixels),
                                      {float(double(total.lab[0]) / scale), float(double(total.lab[1]) / scale),
                                       float(double(total.lab[2]) / scale)},
                                      {float(double(total.x) / n), float(double(total.y) / n)},
                                      0,
                                      0,
                                      0,
                                      0};
    }
}

inline void RegionGraphCpu::find_borders(HostImage<const int> labels) {
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

// Rows in ascending order without a sort: the pairs go into the rows of their ends, unordered; then the regions, in
// order, write themselves into the rows of their neighbours.
inline void RegionGraphCpu::make_rows() {
    int *offsets = offsets_.span().data, *next = next_.span().data;
    const PairTable& all = tables_.span()[0];
    const Pair* table = all.slots;
    arcs_ = 2 * all.count;
    std::fill(offsets, offsets + count_ + 1, 0);
    for (int i = 0; i < all.count; ++i) {
        const Pair& pair = table[all.used[i]];
        ++offsets[pair.a + 1], ++offsets[pair.b + 1];
    }
    for (int v = 0; v < count_; ++v) offsets[v + 1] += offsets[v];
    std::copy(offsets, offsets + count_, next);
    for (int i = 0; i < all.count; ++i) {
        const int slot = all.used[i];
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

template <class T, class Space>
struct PaintRegion {
    Image<const int, Space> labels;
    Span<const T, Space> values;
    Image<T, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = values[size_t(labels(x, y))]; }
};
}  // namespace detail

template <class T>
void paint_regions(Cpu& exec, HostImage<const int> labels, HostSpan<const std::type_identity_t<T>> values,
                   HostImage<T> out) {
    require(labels.size == out.size, "paint_regions: the images differ in size");
    for_each_pixel(exec, out.size, detail::PaintRegion<T, HostSpace>{labels, values, out});
}
}  // namespace cinebokeh
