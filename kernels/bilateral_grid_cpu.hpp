// The bilateral grid on the CPU. Few colours occur at a place, so the grid is dense in memory but sparse in work: masks
// tell which rows of a place (one red, one green, all blues) were touched, and only those are cleared, blurred and
// read.
#pragma once
#include <algorithm>
#include <bit>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cpu.hpp"
#include "kernels/bilateral_grid.hpp"

namespace cinebokeh::detail {

template <class Space>
class BilateralCells;

template <>
class BilateralCells<HostSpace> {
public:
    BilateralCells() = default;
    BilateralCells(Cpu& exec, Size image, const BilateralGeometry& geometry, float blur_side);
    void clear();
    template <class Samples>
    void splat(const Samples& samples);
    void blur();
    HostImage<const Float2> blurred() { return blurred_.view(); }
    void slice(const BilateralSlice<HostSpace>& f) { for_each_pixel(*exec_, f.image.size, f); }

private:
    static constexpr int band = 3;  // rows of places that one job splats into
    static constexpr int most = bilateral_most_levels;
    struct Slab {  // of one red: the greens, with an empty one on either side; blues as (foreground, total)
        alignas(64) float rows[most + 2][2 * most];
    };

    Size places() const { return geometry_.cells; }
    int place(int x, int y) const { return y * geometry_.cells.width + x; }
    int row_at(int red, int green) const { return (red * geometry_.levels + green) * geometry_.levels; }
    template <class Body>
    void for_each_place(const Body& body);
    template <class Samples>
    void splat_row(const Samples& samples, int y, int begin, int end);
    void find_touched(int x, int y);
    void add_places(int x, int y, int red, uint32_t greens, Slab& slab);
    void blur_colours(int x, int y, int red, uint32_t greens, const Slab* const (&slabs)[3]);
    void blur_place(int x, int y);

    Cpu* exec_ = nullptr;
    BilateralGeometry geometry_;
    float side_ = 0;
    Buffer<int, Cpu> sums_;          // [places, bins, 2]: foreground and total
    Buffer<uint32_t, Cpu> samples_;  // [places, reds] a bit per green: samples lie between this place and the next
    Buffer<uint32_t, Cpu> touched_;  // [places, reds] a bit per green: the row of sums is not empty
    Buffer<uint32_t, Cpu> written_;  // [places, reds] the same of the blurred row
    Buffer<Float2, Cpu> blurred_;    // [places, bins + 1]; the last is never used, only read
    Buffer<Float2, Cpu> reach_;      // [image rows] least and greatest place_y of the samples of a row
};

/// Calls f(i) for every bit i that is set.
template <class F>
void for_each_bit(uint32_t bits, const F& f) {
    for (; bits; bits &= bits - 1) f(std::countr_zero(bits));
}

inline BilateralCells<HostSpace>::BilateralCells(Cpu& exec, Size image, const BilateralGeometry& geometry,
                                                 float blur_side)
    : exec_(&exec), geometry_(geometry), side_(blur_side) {
    const int count = places().width * places().height, bins = geometry.bins(), levels = geometry.levels;
    sums_ = Buffer<int, Cpu>(exec, {2 * bins, count});
    for (Buffer<uint32_t, Cpu>* mask : {&samples_, &touched_, &written_})
        *mask = Buffer<uint32_t, Cpu>(exec, {levels, count});
    blurred_ = Buffer<Float2, Cpu>(exec, {bins + 1, count});
    reach_ = Buffer<Float2, Cpu>(exec, {image.height, 1});
    exec.for_each(count, [&](int i) {
        std::fill_n(sums_.view().row(i), 2 * bins, 0);
        std::fill_n(blurred_.view().row(i), bins + 1, Float2{0, 0});
        for (Buffer<uint32_t, Cpu>* mask : {&samples_, &touched_, &written_})
            std::fill_n(mask->view().row(i), levels, 0u);
    });
}

template <class Body>
void BilateralCells<HostSpace>::for_each_place(const Body& body) {
    exec_->for_each_range(places().width * places().height, 8, [&](int begin, int end) {
        for (int i = begin; i < end; ++i) body(i % places().width, i / places().width);
    });
}

/// A row of sums is touched if samples lie on any side of its place.
inline void BilateralCells<HostSpace>::find_touched(int x, int y) {
    const HostImage<const uint32_t> samples = samples_.view();
    uint32_t* touched = touched_.view().row(place(x, y));
    for (int red = 0; red < geometry_.levels; ++red) {
        touched[red] = samples(red, place(x, y));
        if (x > 0) touched[red] |= samples(red, place(x - 1, y));
        if (y > 0) touched[red] |= samples(red, place(x, y - 1));
        if (x > 0 && y > 0) touched[red] |= samples(red, place(x - 1, y - 1));
    }
}

inline void BilateralCells<HostSpace>::clear() {
    for_each_place([&](int x, int y) {
        find_touched(x, y);
        int* sums = sums_.view().row(place(x, y));
        const uint32_t* touched = touched_.view().row(place(x, y));
        for (int red = 0; red < geometry_.levels; ++red)
            for_each_bit(touched[red],
                         [&](int green) { std::fill_n(sums + 2 * row_at(red, green), 2 * geometry_.levels, 0); });
    });
    for_each_place([&](int x, int y) { std::fill_n(samples_.view().row(place(x, y)), geometry_.levels, 0u); });
}

/// Adds what the samples of image row y put into the rows of places begin .. end - 1.
template <class Samples>
void BilateralCells<HostSpace>::splat_row(const Samples& samples, int y, int begin, int end) {
    const HostImage<int> sums = sums_.view();
    for (int x = 0; x < samples.image.size.width; ++x) {
        Float2 at;
        if (!samples.place(x, y, at)) continue;
        const int upper = int(at[1]);
        if (upper + 1 < begin || upper >= end) continue;
        const BilateralSample s = samples.sample(x, y, at);
        auto add = [&](int i) {
            int* cell = sums.row(place(s.x + i % 2, s.y + i / 2)) + 2 * s.bin;
            cell[0] += s.foreground[i], cell[1] += s.total[i];
        };
        if (upper >= begin) {
            add(0), add(1);
            const int row = s.bin / geometry_.levels;
            samples_.view()(row / geometry_.levels, place(s.x, s.y)) |= 1u << (row % geometry_.levels);
        }
        if (upper + 1 < end) add(2), add(3);
    }
}

/// Each job owns a band of the grid and goes through those rows of the image that reach it.
template <class Samples>
void BilateralCells<HostSpace>::splat(const Samples& samples) {
    const Size image = samples.image.size;
    Float2* reach = reach_.view().data;
    exec_->for_each_range(image.height, 16, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            float least = 1e9f, greatest = -1e9f;
            for (int x = 0; x < image.width; ++x) {
                const float at = geometry_.place_y(samples.motion(float(x), float(y))[1]);
                least = at < least ? at : least, greatest = at > greatest ? at : greatest;
            }
            reach[y] = {least, greatest};
        }
    });
    exec_->for_each_range(places().height, band, [&](int begin, int end) {
        for (int y = 0; y < image.height; ++y)
            if (reach[y][0] < float(end) && reach[y][1] >= float(begin - 1)) splat_row(samples, y, begin, end);
    });
}

/// The greens of one red, blurred in x and y: for each a sum over nine places, of which empty ones are not read.
inline void BilateralCells<HostSpace>::add_places(int x, int y, int red, uint32_t greens, Slab& slab) {
    alignas(64) static constexpr int nothing[2 * most] = {};
    const int count = 2 * geometry_.levels;
    const float side = side_;
    for (int i = 0; i < geometry_.levels + 2; ++i) std::fill_n(slab.rows[i], count, 0.f);
    for_each_bit(greens, [&](int green) {
        const int* rows[9];
        for (int i = 0; i < 9; ++i) {
            const int px = x + i % 3 - 1, py = y + i / 3 - 1;
            const bool empty = !places().contains(px, py) || !(touched_.view()(red, place(px, py)) >> green & 1);
            rows[i] = empty ? nothing : sums_.view().row(place(px, py)) + 2 * row_at(red, green);
        }
        float* CINEBOKEH_RESTRICT out = slab.rows[green + 1];
        for (int i = 0; i < count; ++i) {
            const float above = float(rows[1][i]) + side * (float(rows[0][i]) + float(rows[2][i]));
            const float here = float(rows[4][i]) + side * (float(rows[3][i]) + float(rows[5][i]));
            const float below = float(rows[7][i]) + side * (float(rows[6][i]) + float(rows[8][i]));
            out[i] = here + side * (above + below);
        }
    });
}

/// The rows of one red of the result from the slabs of the red before, this one and the next. `greens` are the rows of
/// any of the three that are not empty.
inline void BilateralCells<HostSpace>::blur_colours(int x, int y, int red, uint32_t greens,
                                                    const Slab* const (&slabs)[3]) {
    const int levels = geometry_.levels, count = 2 * levels;
    const float side = side_;
    const uint32_t all = ~0u >> (32 - levels), written = (greens | greens << 1 | greens >> 1) & all;
    uint32_t& before = written_.view()(red, place(x, y));
    Float2* const blurred = blurred_.view().row(place(x, y));
    for_each_bit(before & ~written, [&](int green) {
        std::fill_n(blurred + row_at(red, green), levels, Float2{0, 0});
    });
    before = written;
    if (!written) return;
    Slab reds;
    for (int i = 0; i < levels + 2; ++i) {
        const float *a = slabs[0]->rows[i], *b = slabs[1]->rows[i], *c = slabs[2]->rows[i];
        for (int k = 0; k < count; ++k) reds.rows[i][k] = b[k] + side * (a[k] + c[k]);
    }
    for_each_bit(written, [&](int green) {
        alignas(64) float greens_row[2 * most + 4];
        float* const row = greens_row + 2;
        const float *a = reds.rows[green], *b = reds.rows[green + 1], *c = reds.rows[green + 2];
        for (int k = 0; k < count; ++k) row[k] = b[k] + side * (a[k] + c[k]);
        row[-2] = row[-1] = row[count] = row[count + 1] = 0;
        float* CINEBOKEH_RESTRICT out = reinterpret_cast<float*>(blurred + row_at(red, green));
        for (int k = 0; k < count; ++k) out[k] = row[k] + side * (row[k - 2] + row[k + 2]);
    });
}

inline void BilateralCells<HostSpace>::blur_place(int x, int y) {
    const int levels = geometry_.levels;
    uint32_t greens[most + 2] = {};  // of each red + 1: rows that are not empty at any of the nine places
    for (int py = std::max(0, y - 1); py <= std::min(places().height - 1, y + 1); ++py)
        for (int px = std::max(0, x - 1); px <= std::min(places().width - 1, x + 1); ++px)
            for (int red = 0; red < levels; ++red) greens[red + 1] |= touched_.view()(red, place(px, py));
    Slab ring[3];  // slab i belongs to red i - 1, modulo 3
    for (int i = 0; i < levels + 2; ++i) std::fill_n(ring[0].rows[i], 2 * levels, 0.f);
    auto load = [&](int red) { add_places(x, y, red, greens[red + 1], ring[(red + 1) % 3]); };
    load(0);
    for (int red = 0; red < levels; ++red) {
        load(red + 1);
        const Slab* const slabs[3] = {&ring[red % 3], &ring[(red + 1) % 3], &ring[(red + 2) % 3]};
        blur_colours(x, y, red, greens[red] | greens[red + 1] | greens[red + 2], slabs);
    }
}

inline void BilateralCells<HostSpace>::blur() {
    for_each_place([&](int x, int y) { find_touched(x, y); });
    for_each_place([&](int x, int y) { blur_place(x, y); });
}
}  // namespace cinebokeh::detail
