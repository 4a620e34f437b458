// Distance transform. Both backends sweep the columns down and up. Along rows the CPU builds the lower envelope of
// parabolas; on CUDA columns are words of bits, and along rows each thread looks to both sides of its pixel until no
// column can be nearer, which needs no order.
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

// Squares are 32 bits where no distance in the image reaches 2^15.5.
template <class Square>
struct NearestInRow {
    static constexpr Square most = sizeof(Square) == 4 ? 46340 : no_region;

    Image<const int, DeviceSpace> columns;
    bool subtract;
    Image<float, DeviceSpace> out;

    CINEBOKEH_HD static Square square(int f) { return Square(f) < most ? Square(f) * Square(f) : most * most; }
    CINEBOKEH_HD void operator()(int x, int y) const {
        const int* f = columns.row(y);
        Square nearest = square(f[x]);
        for (int d = 1; d < out.size.width && Square(d) * Square(d) < nearest; ++d) {
            if (x - d >= 0) nearest = smaller(nearest, Square(d) * Square(d) + square(f[x - d]));
            if (x + d < out.size.width) nearest = smaller(nearest, Square(d) * Square(d) + square(f[x + d]));
        }
        const float distance =
            distance_of(nearest >= most * most ? (long long)no_region * no_region : (long long)nearest, out.size);
        out(x, y) = subtract ? out(x, y) - distance : distance;
    }
    CINEBOKEH_HD static Square smaller(Square a, Square b) { return a < b ? a : b; }
};
}  // namespace cinebokeh::detail

namespace cinebokeh::kernels {
/// A block takes some columns. 32 pixels of one above each other are a word of bits; a thread looks for the nearest bit
/// in its words, and in those above and below. shared [words of a column, columns of the block].
template <class Region>
static __global__ void sweep_columns(Region region, Image<int, DeviceSpace> columns) {
    unsigned* const words = dynamic_shared<unsigned>();
    const int block_columns = int(blockDim.x), column = int(threadIdx.x), x = int(blockIdx.x) * block_columns + column;
    const int height = columns.size.height, count = ceil_div(height, 32);
    // Threads beyond the last column stay for the barrier.
    for (int w = int(threadIdx.y); w < count && x < columns.size.width; w += int(blockDim.y)) {
        unsigned word = 0;
        for (int i = 0; i < 32; ++i)
            if (w * 32 + i < height && region(x, w * 32 + i)) word |= 1u << i;
        words[w * block_columns + column] = word;
    }
    __syncthreads();  // all words are there
    for (int w = int(threadIdx.y); w < count && x < columns.size.width; w += int(blockDim.y)) {
        const auto word = [&](int k) { return words[k * block_columns + column]; };
        int up = w - 1, down = w + 1;
        while (up >= 0 && word(up) == 0) --up;
        while (down < count && word(down) == 0) ++down;
        const int above = up >= 0 ? up * 32 + 31 - __clz(int(word(up))) : -detail::no_region;
        const int below = down < count ? down * 32 + __ffs(int(word(down))) - 1 : 2 * detail::no_region;
        for (int i = 0; i < 32 && w * 32 + i < height; ++i) {
            const unsigned before = word(w) & (~0u >> (31 - i)), after = word(w) >> i;
            const int y = w * 32 + i, last = before ? w * 32 + 31 - __clz(int(before)) : above;
            const int next = after ? y + __ffs(int(after)) - 1 : below;
            columns(x, y) = min(min(y - last, next - y), detail::no_region);
        }
    }
}
}  // namespace cinebokeh::kernels

namespace cinebokeh::detail {
template <class Region>
void distance_transform(Cuda& exec, Region region, bool subtract, Image<int, DeviceSpace> columns,
                        Image<int, DeviceSpace>, Image<float, DeviceSpace> out) {
    const Size size = out.size;
    if (size.empty()) return;
    const int words = ceil_div(size.height, 32);
    int together = 32;  // columns of a block
    while (together > 1 && together * words > 32 * 1024) together /= 2;
    exec.launch(dim3(unsigned(ceil_div(size.width, together))), dim3(unsigned(together), unsigned(std::min(words, 32))),
                size_t(together) * size_t(words) * sizeof(unsigned), kernels::sweep_columns<Region>, region, columns);
    if (std::max(size.width, size.height) < 1 << 15)
        for_each_pixel(exec, size, NearestInRow<unsigned>{columns, subtract, out});
    else
        for_each_pixel(exec, size, NearestInRow<long long>{columns, subtract, out});
}
#endif
}  // namespace cinebokeh::detail
