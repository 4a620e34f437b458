// The bilateral grid on the CPU. Few colours occur at a place, so the grid is dense in memory but sparse in work: masks
// tell which rows of a place (one red, one green, all blues) were touched, and only those are cleared, blurred and
// read.
#pragma once
#include <algorithm>
#include <bit>
#include <cstring>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cpu.hpp"
#include "kernels/bilateral_grid.hpp"
#include "kernels/bilateral_grid_blur.hpp"

namespace cinebokeh::detail {

/// Functor: the log odds where the odds were.
template <class Space>
struct BilateralLog {
    BilateralSlice<Space> slice;
    void operator()(int x, int y) const { slice.log_odds(x, y) = slice.limited_log(slice.log_odds(x, y)); }
};

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
    void slice(const BilateralSlice<HostSpace>& f);

private:
    Size places() const { return geometry_.cells; }
    int place(int x, int y) const { return y * geometry_.cells.width + x; }
    template <class Body>
    void for_each_place(const Body& body);
    void find_touched(int x, int y);
    template <class Samples>
    void splat_row(const Samples& samples, int y, int begin, int end);

    Cpu* exec_ = nullptr;
    BilateralGeometry geometry_;
    float side_ = 0;
    Buffer<int, Cpu> sums_;            // [places, bins, 2]: foreground and total
    Buffer<uint32_t, Cpu> samples_;    // [places, reds] a bit per green: samples lie between this place and the next
    Buffer<uint32_t, Cpu> touched_;    // [places, reds] a bit per green: the row of sums is not empty
    Buffer<uint32_t, Cpu> written_;    // [places, reds] the same of the blurred row
    Buffer<Float2, Cpu> blurred_;      // [places, bins + 1]; the last is never used, only read
    Buffer<uint8_t, Cpu> stale_;       // [places] not blurred yet
    Buffer<uint8_t, Cpu> looked_at_;   // [places] an active pixel lies between this place and the next
    Buffer<Float2, Cpu> reach_;        // [image rows] least and greatest place_y of the samples of a row
    Buffer<int, Cpu> columns_, rows_;  // [places + 1] first pixel that lies between a place and the next
};

/// The first pixel of every interval between two places, and the end of the last.
template <class Place>
Buffer<int, Cpu> first_pixels(Cpu& exec, int pixels, int places, const Place& place) {
    std::vector<int> first(size_t(places) + 1, pixels);
    for (int x = pixels - 1; x >= 0; --x) first[size_t(BilateralBracket(place(x), places).first)] = x;
    for (int i = places - 1; i >= 0; --i) first[size_t(i)] = std::min(first[size_t(i)], first[size_t(i) + 1]);
    return {exec, {places + 1, 1}, first};
}

inline BilateralCells<HostSpace>::BilateralCells(Cpu& exec, Size image, const BilateralGeometry& geometry,
                                                 float blur_side)
    : exec_(&exec), geometry_(geometry), side_(blur_side) {
    const int count = places().width * places().height, bins = geometry.bins(), levels = geometry.levels;
    sums_ = Buffer<int, Cpu>(exec, {2 * bins, count});
    for (Buffer<uint32_t, Cpu>* mask : {&samples_, &touched_, &written_})
        *mask = Buffer<uint32_t, Cpu>(exec, {levels, count});
    blurred_ = Buffer<Float2, Cpu>(exec, {bins + 1, count});
    stale_ = Buffer<uint8_t, Cpu>(exec, places(), std::vector<uint8_t>(size_t(count)));
    looked_at_ = Buffer<uint8_t, Cpu>(exec, places());
    reach_ = Buffer<Float2, Cpu>(exec, {image.height, 1});
    columns_ = first_pixels(exec, image.width, places().width, [&](int x) { return geometry.place_x(float(x)); });
    rows_ = first_pixels(exec, image.height, places().height, [&](int y) { return geometry.place_y(float(y)); });
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
            for_each_bit(touched[red], [&](int green) {
                std::fill_n(sums + 2 * geometry_.bin(red, green, 0), 2 * geometry_.levels, 0);
            });
    });
    for_each_place([&](int x, int y) { std::fill_n(samples_.view().row(place(x, y)), geometry_.levels, 0u); });
}

/// Samples of a few pixels of a row, made by loops that are vectorised.
struct BilateralChunk {
    static constexpr int size = 64;
    int upper[size], corner[size];  // row of places above the sample (-2: outside), place above and left
    int red[size], green[size], bin[size];
    uint64_t adds[4][size];  // foreground and total as they lie in memory

    template <class Samples>
    void make(Samples samples, int x, int y, int count) {
        float place_x[size], place_y[size], fx[size], fy[size];
        for (int i = 0; i < count; ++i) {
            const Float2 at = samples.place(x + i, y);
            place_x[i] = at[0], place_y[i] = at[1];
        }
        const BilateralGeometry& g = samples.geometry;
        const int columns = g.cells.width;
        for (int i = 0; i < count; ++i) {
            const bool inside = samples.inside(place_x[i], place_y[i]);
            const float px = inside ? place_x[i] : 0.f, py = inside ? place_y[i] : 0.f;
            fx[i] = px - float(int(px)), fy[i] = py - float(int(py));
            upper[i] = inside ? int(py) : -2;
            corner[i] = int(py) * columns + int(px);
        }
        const uint8_t* pixels = &samples.image(x, y)[0];
        const int levels = g.levels;
        const float per_colour = g.per_colour;
        for (int i = 0; i < count; ++i) {
            red[i] = int(float(pixels[4 * i]) * per_colour), green[i] = int(float(pixels[4 * i + 1]) * per_colour);
            bin[i] = (red[i] * levels + green[i]) * levels + int(float(pixels[4 * i + 2]) * per_colour);
        }
        constexpr int low = std::endian::native == std::endian::little ? 0 : 32;
        const float* matte = &samples.matte(x, y);
        const float weight = samples.weight;
        for (int i = 0; i < count; ++i) {
            const float foreground = samples.foreground(matte[i]);
            const float left = weight * (1 - fx[i]), right = weight * fx[i], above = 1 - fy[i], below = fy[i];
            const float weights[4] = {left * above, right * above, left * below, right * below};
            for (int k = 0; k < 4; ++k)
                adds[k][i] = uint64_t(uint32_t(samples.round(weights[k] * foreground))) << low |
                             uint64_t(uint32_t(samples.round(weights[k]))) << (32 - low);
        }
    }
};

/// Adds what the samples of image row y put into the rows of places begin .. end - 1.
template <class Samples>
void BilateralCells<HostSpace>::splat_row(const Samples& samples, int y, int begin, int end) {
    const int columns = places().width, width = samples.image.size.width;
    const HostImage<int> sums = sums_.view();
    const HostImage<uint32_t> masks = samples_.view();
    for (int start = 0; start < width; start += BilateralChunk::size) {
        BilateralChunk chunk;
        const int count = std::min(BilateralChunk::size, width - start);
        int any = 0;
        for (int i = 0; i < count; ++i) any |= samples.wanted(start + i, y);
        if (!any) continue;
        chunk.make(samples, start, y, count);
        for (int i = 0; i < count; ++i) {
            const int upper = chunk.upper[i], corner = chunk.corner[i];
            if (upper + 1 < begin || upper >= end || !samples.wanted(start + i, y)) continue;
            auto add = [&](int k, int place) {
                int* cell = sums.row(place) + 2 * chunk.bin[i];
                uint64_t both;
                std::memcpy(&both, cell, sizeof both);
                both += chunk.adds[k][i];
                std::memcpy(cell, &both, sizeof both);
            };
            if (upper >= begin) {
                add(0, corner), add(1, corner + 1);
                masks(chunk.red[i], corner) |= 1u << chunk.green[i];
            }
            if (upper + 1 < end) add(2, corner + columns), add(3, corner + columns + 1);
        }
    }
}

/// Each job owns a band of the grid and goes through those rows of the image that reach it. Sums of integers do not
/// depend on the bands, so there are as many as the threads need.
template <class Samples>
void BilateralCells<HostSpace>::splat(const Samples& samples) {
    const Size image = samples.image.size;
    Float2* reach = reach_.view().data;
    exec_->for_each_range(image.height, 16, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            float least = 1e9f, greatest = -1e9f;
            for (int x = 0; x < image.width; ++x) {
                const float at = geometry_.place_y(samples.motion(x, y)[1]);
                least = at < least ? at : least, greatest = at > greatest ? at : greatest;
            }
            reach[y] = {least, greatest};
        }
    });
    const int band = std::max(2, ceil_div(places().height, 2 * exec_->threads()));
    exec_->for_each_range(places().height, band, [&](int begin, int end) {
        for (int y = 0; y < image.height; ++y)
            if (reach[y][0] < float(end) && reach[y][1] >= float(begin - 1)) splat_row(samples, y, begin, end);
    });
}

inline void BilateralCells<HostSpace>::blur() {
    for_each_place([&](int x, int y) { find_touched(x, y), stale_.view()(x, y) = 1; });
}

/// Interval by interval, which keeps the four places around it in the cache. Only the places that active pixels lie
/// between are blurred, once they are looked at.
inline void BilateralCells<HostSpace>::slice(const BilateralSlice<HostSpace>& f) {
    const int *columns = columns_.view().data, *rows = rows_.view().data;
    const HostImage<uint8_t> looked_at = looked_at_.view(), stale = stale_.view();
    auto for_each_interval_pixel = [&](int x, int y, auto&& body) {
        for (int py = rows[y]; py < rows[y + 1]; ++py)
            for (int px = columns[x]; px < columns[x + 1]; ++px) body(px, py);
    };
    for_each_place([&](int x, int y) {
        int active = 0;
        for_each_interval_pixel(x, y, [&](int px, int py) { active |= f.active(px, py); });
        looked_at(x, y) = active != 0;
    });
    const BilateralBlur blur{geometry_, side_, sums_.view(), touched_.view(), written_.view(), blurred_.view()};
    for_each_place([&](int x, int y) {
        const int left = std::max(0, x - 1), above = std::max(0, y - 1);
        const bool needed = looked_at(x, y) | looked_at(left, y) | looked_at(x, above) | looked_at(left, above);
        if (!needed || !stale(x, y)) return;
        blur(x, y);
        stale(x, y) = 0;
    });
    for_each_place([&](int x, int y) {
        const bool any = looked_at(x, y);
        for_each_interval_pixel(
            x, y, [&](int px, int py) { f.log_odds(px, py) = any && f.active(px, py) ? f.odds(px, py) : 1.f; });
    });
    for_each_pixel(*exec_, f.log_odds.size, BilateralLog<HostSpace>{f});
}
}  // namespace cinebokeh::detail
