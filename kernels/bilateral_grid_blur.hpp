// The blur of the bilateral grid on the CPU, one place at a time: nine places are added to one, then its colours are
// blurred. Sums are taken in the order of a blur one dimension after the other, so leaving empty rows out changes no
// bit.
#pragma once
#include <algorithm>
#include <bit>

#include "kernels/bilateral_grid.hpp"

namespace cinebokeh::detail {

/// Calls f(i) for every bit i that is set.
template <class F>
void for_each_bit(uint32_t bits, const F& f) {
    for (; bits; bits &= bits - 1) f(std::countr_zero(bits));
}

/// Functor over places. Levels is the number of levels where it is known at compile time (16, the default), else 0.
struct BilateralBlur {
    BilateralGeometry geometry;
    float side;
    HostImage<const int> sums;          // [places, bins, 2]
    HostImage<const uint32_t> touched;  // [places, reds] a bit per green
    HostImage<uint32_t> written;        // [places, reds] a bit per green
    HostImage<Float2> blurred;          // [places, bins + 1]

    void operator()(int x, int y) const { geometry.levels == 16 ? blur_place<16>(x, y) : blur_place<0>(x, y); }

private:
    static constexpr int most = bilateral_most_levels;
    template <int Levels>
    struct Slab {  // of one red: the greens, with an empty one on either side; blues as (foreground, total)
        static constexpr int room = Levels ? Levels : most;
        alignas(64) float rows[room + 2][2 * room];
    };
    template <int Levels>
    int levels() const {
        return Levels ? Levels : geometry.levels;
    }
    int place(int x, int y) const { return y * geometry.cells.width + x; }

    template <int Levels>
    void add_places(int x, int y, int red, uint32_t greens, Slab<Levels>& slab) const;
    template <int Levels>
    void blur_colours(int red, uint32_t greens, const Slab<Levels>* const (&slabs)[3], uint32_t& written_greens,
                      Float2* out) const;
    template <int Levels>
    void blur_place(int x, int y) const;
};

/// The greens of one red, blurred in x and y: for each a sum over nine places, of which empty ones are not read.
template <int Levels>
void BilateralBlur::add_places(int x, int y, int red, uint32_t greens, Slab<Levels>& slab) const {
    alignas(64) static constexpr int nothing[2 * most] = {};
    const int count = 2 * levels<Levels>();
    const float s = side;
    for (int i = 0; i < levels<Levels>() + 2; ++i) std::fill_n(slab.rows[i], count, 0.f);
    for_each_bit(greens, [&](int green) {
        const int* rows[9];
        for (int i = 0; i < 9; ++i) {
            const int px = x + i % 3 - 1, py = y + i / 3 - 1;
            const bool empty = !geometry.cells.contains(px, py) || !(touched(red, place(px, py)) >> green & 1);
            rows[i] = empty ? nothing : sums.row(place(px, py)) + 2 * geometry.bin(red, green, 0);
        }
        float* CINEBOKEH_RESTRICT out = slab.rows[green + 1];
        for (int i = 0; i < count; ++i) {
            const float above = float(rows[1][i]) + s * (float(rows[0][i]) + float(rows[2][i]));
            const float here = float(rows[4][i]) + s * (float(rows[3][i]) + float(rows[5][i]));
            const float below = float(rows[7][i]) + s * (float(rows[6][i]) + float(rows[8][i]));
            out[i] = here + s * (above + below);
        }
    });
}

/// The rows of one red of the result from the slabs of the red before, this one and the next. `greens` are the rows of
/// any of the three that are not empty.
template <int Levels>
void BilateralBlur::blur_colours(int red, uint32_t greens, const Slab<Levels>* const (&slabs)[3],
                                 uint32_t& written_greens, Float2* out) const {
    const int levels_ = levels<Levels>(), count = 2 * levels_;
    const float s = side;
    const uint32_t all = ~0u >> (32 - levels_), written_now = (greens | greens << 1 | greens >> 1) & all;
    for_each_bit(written_greens & ~written_now, [&](int green) {
        std::fill_n(out + geometry.bin(red, green, 0), levels_, Float2{0, 0});
    });
    written_greens = written_now;
    if (!written_now) return;
    Slab<Levels> reds;
    for (int i = 0; i < levels_ + 2; ++i) {
        const float *a = slabs[0]->rows[i], *b = slabs[1]->rows[i], *c = slabs[2]->rows[i];
        float* CINEBOKEH_RESTRICT row = reds.rows[i];
        for (int k = 0; k < count; ++k) row[k] = b[k] + s * (a[k] + c[k]);
    }
    for_each_bit(written_now, [&](int green) {
        alignas(64) float with_ends[2 * Slab<Levels>::room + 32] = {};
        float* const row = with_ends + 16;
        const float *a = reds.rows[green], *b = reds.rows[green + 1], *c = reds.rows[green + 2];
        for (int k = 0; k < count; ++k) row[k] = b[k] + s * (a[k] + c[k]);
        float* CINEBOKEH_RESTRICT blues = reinterpret_cast<float*>(out + geometry.bin(red, green, 0));
        for (int k = 0; k < count; ++k) blues[k] = row[k] + s * (row[k - 2] + row[k + 2]);
    });
}

template <int Levels>
void BilateralBlur::blur_place(int x, int y) const {
    const int levels_ = levels<Levels>();
    uint32_t greens[most + 2] = {};  // of each red + 1: rows that are not empty at any of the nine places
    for (int py = std::max(0, y - 1); py <= std::min(geometry.cells.height - 1, y + 1); ++py)
        for (int px = std::max(0, x - 1); px <= std::min(geometry.cells.width - 1, x + 1); ++px)
            for (int red = 0; red < levels_; ++red) greens[red + 1] |= touched(red, place(px, py));
    Slab<Levels> ring[3];  // slab i belongs to red i - 1, modulo 3
    for (int i = 0; i < levels_ + 2; ++i) std::fill_n(ring[0].rows[i], 2 * levels_, 0.f);
    add_places(x, y, 0, greens[1], ring[1]);
    for (int red = 0; red < levels_; ++red) {
        add_places(x, y, red + 1, greens[red + 2], ring[(red + 2) % 3]);
        const Slab<Levels>* const slabs[3] = {&ring[red % 3], &ring[(red + 1) % 3], &ring[(red + 2) % 3]};
        blur_colours(red, greens[red] | greens[red + 1] | greens[red + 2], slabs, written(red, place(x, y)),
                     blurred.row(place(x, y)));
    }
}
}  // namespace cinebokeh::detail
