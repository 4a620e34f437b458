// What the disk blur shares between its backends: the runs of the disk and the fixed point.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

using Uint4 = Vec<uint32_t, 4>;

// One row of the disk: the pixels within `full` of the centre count whole, the next one on each side `end` / unit, the
// rest not at all. full = -1 is a run shorter than a pixel: the ends are the centre, seen from both sides.
struct DiskRun {
    int full;
    uint32_t end, whole;  // end + whole = the unit
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

// Makes a disk of one that may have been another before; allocates where it has more rows than any before.
inline void make_disk(double radius, float max_value, Disk& disk) {
    disk.runs.clear();
    disk.reach = 1;
    const int unit = radius <= 3 ? 256 : radius <= 10 ? 64 : radius <= 50 ? 16 : 4;
    double weight = 0;  // of all pixels, in units
    const int rows = std::max(0, int(std::ceil(radius - 0.5)));
    for (int dy = 0; dy <= rows; ++dy) {
        const double length = rows == 0 ? 1 : disk_area_to(radius, dy + 0.5) - disk_area_to(radius, dy - 0.5);
        const int full = int(std::floor(length / 2 - 0.5));
        const uint32_t end = uint32_t(std::lround(unit * (length / 2 - 0.5 - full)));
        disk.runs.push_back({full, end, uint32_t(unit) - end});
        disk.reach = std::max(disk.reach, full + 1);
        weight += (dy ? 2 : 1) * (double(unit) * (2 * full + 1) + 2.0 * end);
    }
    int bits = 0;  // the sum over the disk stays below 2^32, a value within the precision of float
    while (bits < 22 && std::ldexp(weight, bits + 1) < 4294967295.0) ++bits;
    int exponent = 0;
    std::frexp(max_value, &exponent);
    if (max_value == std::ldexp(1.f, exponent - 1)) --exponent;  // max_value <= 2^exponent
    disk.to_fixed = std::ldexp(1.f, bits - exponent);
    disk.largest = max_value * disk.to_fixed;
    disk.to_value = float(1 / (weight * double(disk.to_fixed)));
}
inline Disk make_disk(double radius, float max_value) {
    Disk disk;
    make_disk(radius, max_value, disk);
    return disk;
}

CINEBOKEH_HD inline uint32_t to_fixed_point(float value, float scale, float largest) {
    const float scaled = value * scale;
    const float cut = scaled > 0 ? (scaled < largest ? scaled : largest) : 0.f;
    return uint32_t(int(cut + 0.5f));
}

// The weighted sum over a run, in units, from the sums of the pixels before its left end, after it, before its right
// end and after it. Everything is modulo 2^32, which the sum over the disk is below.
CINEBOKEH_HD inline uint32_t run_sum(DiskRun run, uint32_t before_left, uint32_t after_left, uint32_t before_right,
                                     uint32_t after_right) {
    return run.whole * (before_right - after_left) + run.end * (after_right - before_left);
}
}  // namespace cinebokeh::detail
