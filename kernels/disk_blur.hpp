// What the disk blur shares between its backends: the runs of the disk and the fixed point.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

using Uint4 = Vec<uint32_t, 4>;

// One row of the disk: the pixels within `full` of the centre count whole, the next one on each side `end` / 256.
// full = -1 is a run shorter than a pixel: both ends are the centre.
struct DiskRun {
    int full;
    uint32_t end;
};

struct Disk {
    std::vector<DiskRun> runs;  // [0] at the centre
    int reach = 1;              // of the longest run, ends included
    float to_fixed = 1;         // a power of two, so the product is exact and rounds the same everywhere
    float largest = 1;          // in fixed point
    float to_value = 1;         // from the sum over the disk
};

template <class Space>
struct DiskScratch;  // what a plan keeps on its backend

// The area of the part of a disk that lies between the centre line and t.
inline double disk_area_to(double radius, double t) {
    t = std::min(std::max(t, -radius), radius);
    return t * std::sqrt(radius * radius - t * t) + radius * radius * std::asin(t / radius);
}

inline Disk make_disk(double radius, float max_value) {
    Disk disk;
    double weight = 0;  // of all pixels, in 1/256
    const int rows = std::max(0, int(std::ceil(radius - 0.5)));
    for (int dy = 0; dy <= rows; ++dy) {
        const double length = rows == 0 ? 1 : disk_area_to(radius, dy + 0.5) - disk_area_to(radius, dy - 0.5);
        const int full = length < 1 ? -1 : int(length / 2 - 0.5);
        const double end = length < 1 ? length / 2 : length / 2 - 0.5 - full;
        disk.runs.push_back({full, uint32_t(std::lround(256 * end))});
        disk.reach = std::max(disk.reach, full + 1);
        weight += (dy ? 2 : 1) * (256.0 * (full < 0 ? 0 : 2 * full + 1) + 2.0 * disk.runs.back().end);
    }
    // The sum over the disk, each row of which may be rounded up, stays below 2^32; a value below 2^22.
    int bits = 0;
    while (bits < 21 && std::ldexp(weight / 256 + 2 * rows + 1, bits + 1) < 4294967295.0) ++bits;
    int exponent = 0;
    std::frexp(max_value, &exponent);
    if (max_value == std::ldexp(1.f, exponent - 1)) --exponent;  // max_value <= 2^exponent
    disk.to_fixed = std::ldexp(1.f, bits - exponent);
    disk.largest = max_value * disk.to_fixed;
    disk.to_value = float(256 / weight / double(disk.to_fixed));
    return disk;
}

CINEBOKEH_HD inline uint32_t to_fixed_point(float value, float scale, float largest) {
    const float scaled = value * scale;
    const float cut = scaled > 0 ? (scaled < largest ? scaled : largest) : 0.f;
    return uint32_t(int(cut + 0.5f));
}

// The part of one run from four prefix sums: up to and with the left end, and up to and with the right end.
CINEBOKEH_HD inline uint32_t run_sum(uint32_t before_left, uint32_t after_left, uint32_t before_right,
                                     uint32_t after_right, uint32_t end) {
    const uint32_t ends = (after_left - before_left) + (after_right - before_right);
    return before_right - after_left + ((ends * end + 128) >> 8);
}
CINEBOKEH_HD inline uint32_t short_run_sum(uint32_t before, uint32_t after, uint32_t end) {
    return (2 * (after - before) * end + 128) >> 8;
}
}  // namespace cinebokeh::detail
