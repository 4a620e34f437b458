// Distance transform. Both backends sweep the columns down and up. Along rows the CPU builds the lower envelope of
// parabolas; on CUDA each thread looks to both sides of its pixel until no column can be nearer, which needs no order.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh::detail {

constexpr int no_region = 1 << 20;  // the distance in a column without a pixel of the region

template <class Space>
struct NonZero {
    Image<const uint8_t, Space> region;
    CINEBOKEH_HD bool operator()(int x, int y) const { return region(x, y) != 0; }
};
template <class Space>
struct Subject {
    Image<const float, Space> matte;
    bool inside;  // else the complement
    CINEBOKEH_HD bool operator()(int x, int y) const { return (matte(x, y) > 0.5f) == inside; }
};

CINEBOKEH_HD inline float distance_of(long long squared, Size size) {
    return squared >= (long long)no_region * no_region ? float(size.width + size.height)
                                                       : float(std::sqrt(double(squared)));
}

constexpr int distance_rows = 16;      // of one job along rows
constexpr int distance_columns = 256;  // of one job along columns

// A job along rows keeps the vertices of its envelope and where each one begins to be the lowest.
inline Size envelope_size(Cpu&, Size max_size) {
    return {2 * (max_size.width + 1), ceil_div(max_size.height, distance_rows)};
}

template <class Region>
void sweep_columns(Region region, HostImage<int> columns, int x0, int x1) {
    const int height = columns.size.height;
    for (int x = x0; x < x1; ++x) columns(x, 0) = region(x, 0) ? 0 : no_region;
    for (int y = 1; y < height; ++y) {
        const int* above = columns.row(y - 1);
        int* CINEBOKEH_RESTRICT row = columns.row(y);
        for (int x = x0; x < x1; ++x) {
            const int next = above[x] + 1 < no_region ? above[x] + 1 : no_region;
            row[x] = region(x, y) ? 0 : next;
        }
    }
    for (int y = height - 2; y >= 0; --y) {
        const int* below = columns.row(y + 1);
        int* CINEBOKEH_RESTRICT row = columns.row(y);
        for (int x = x0; x < x1; ++x) row[x] = row[x] < below[x] + 1 ? row[x] : below[x] + 1;
    }
}

// The lower envelope: vertex[k] is the column of the k-th parabola, from start[k] on it is the lowest. The parabolas of
// columns p < q meet where 2 (q - p) x = q^2 + f(q)^2 - p^2 - f(p)^2; rounded up, that is the first pixel of q. The
// quotient is at least 1 / (2 (q - p)) away from a whole number that it is not, so a double decides it exactly.
inline int lower_envelope(const int* f, int width, int* vertex, int* start) {
    int count = 0;
    const auto height_at = [f](int q) { return (long long)q * q + (long long)f[q] * f[q]; };
    for (int q = 0; q < width; ++q) {
        if (f[q] >= no_region) continue;
        int from = 0;
        while (count > 0) {
            const int p = vertex[count - 1];
            from = int(std::ceil(double(height_at(q) - height_at(p)) / (2.0 * (q - p))));
            if (from > start[count - 1]) break;
            --count, from = 0;
        }
        if (from < width) vertex[count] = q, start[count++] = std::max(from, 0);
    }
    return count;
}

inline void distances_of_row(const int* f, int width, Size size, int* vertex, int* start, bool subtract, float* out) {
    const int count = lower_envelope(f, width, vertex, start);
    start[count] = width;
    if (count == 0)
        for (int x = 0; x < width; ++x)
            out[x] = (subtract ? out[x] : 0) + (subtract ? -1.f : 1.f) * float(size.width + size.height);
    for (int k = 0; k < count; ++k) {
        const long long v = vertex[k], squared = (long long)f[v] * f[v];
        for (int x = start[k]; x < start[k + 1]; ++x) {
            const float d = distance_of((x - v) * (x - v) + squared, size);
            out[x] = subtract ? out[x] - d : d;
        }
    }
}

template <class Region>
void distance_transform(Cpu& exec, Region region, bool subtract, HostImage<int> columns, HostImage<int> envelopes,
                        HostImage<float> out) {
    const Size size = out.size;
    exec.for_each_range(size.width, distance_columns,
                        [&](int begin, int end) { sweep_columns(region, columns, begin, end); });
    exec.for_each_range(size.height, distance_rows, [&](int begin, int end) {
        int* vertex = envelopes.row(begin / distance_rows);
        for (int y = begin; y < end; ++y)
            distances_of_row(columns.row(y), size.width, size, vertex, vertex + envelopes.size.width / 2, subtract,
                             out.row(y));
    });
}

#if CINEBOKEH_GRID
inline Size envelope_size(Cuda&, Size) { return {}; }

template <class Region>
struct SweepColumn {
    Region region;
    Image<int, DeviceSpace> columns;

    CINEBOKEH_HD void operator()(int x, int) const {
        int distance = no_region;
        for (int y = 0; y < columns.size.height; ++y) {
            distance = region(x, y) ? 0 : distance < no_region ? distance + 1 : no_region;
            columns(x, y) = distance;
        }
        for (int y = columns.size.height - 2; y >= 0; --y) {
            distance = columns(x, y) < distance + 1 ? columns(x, y) : distance + 1;
            columns(x, y) = distance;
        }
    }
};

struct NearestInRow {
    Image<const int, DeviceSpace> columns;
    bool subtract;
    Image<float, DeviceSpace> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const int* f = columns.row(y);
        long long nearest = (long long)f[x] * f[x];
        for (long long d = 1; d < out.size.width && d * d < nearest; ++d) {
            if (x - d >= 0) nearest = smaller(nearest, d * d + (long long)f[x - d] * f[x - d]);
            if (x + d < out.size.width) nearest = smaller(nearest, d * d + (long long)f[x + d] * f[x + d]);
        }
        const float distance = distance_of(nearest, out.size);
        out(x, y) = subtract ? out(x, y) - distance : distance;
    }
    CINEBOKEH_HD static long long smaller(long long a, long long b) { return a < b ? a : b; }
};

template <class Region>
void distance_transform(Cuda& exec, Region region, bool subtract, Image<int, DeviceSpace> columns,
                        Image<int, DeviceSpace>, Image<float, DeviceSpace> out) {
    for_each_pixel(exec, {out.size.width, 1}, SweepColumn<Region>{region, columns});
    for_each_pixel(exec, out.size, NearestInRow{columns, subtract, out});
}
#endif
}  // namespace cinebokeh::detail
