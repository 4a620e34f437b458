// Extremes over disks. On the CPU a job owns a stripe of output rows and goes through the input rows that reach it: it
// makes the tables of one input row, which stay in the first cache, and merges its runs into the output rows. On CUDA
// the tables of the whole image are made level by level, then each thread merges the runs of its pixel.
#pragma once
#include <algorithm>
#include <limits>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh::detail {

template <class T>
struct Largest {
    static constexpr T neutral = std::numeric_limits<T>::lowest();
    CINEBOKEH_HD static T of(T a, T b) { return a < b ? b : a; }
};
template <class T>
struct Smallest {
    static constexpr T neutral = std::numeric_limits<T>::max();
    CINEBOKEH_HD static T of(T a, T b) { return b < a ? b : a; }
};

CINEBOKEH_HD constexpr int log2_floor(int n) {
    int k = 0;
    while (n >> (k + 1)) ++k;
    return k;
}

constexpr int morphology_stripe = 32;  // rows of one job

// A job keeps the levels of one padded row.
inline Size runs_size(Cpu&, Size max_size, int rows) {
    return {max_size.width + 2 * rows, ceil_div(max_size.height, morphology_stripe) * (log2_floor(2 * rows + 1) + 1)};
}

// levels[k][i] is the extreme of 2^k pixels from i on; i = radius is the first pixel of the row.
template <class Extreme, class T>
void run_levels(const T* CINEBOKEH_RESTRICT in, int width, int radius, int level_count, T* const* levels) {
    T* CINEBOKEH_RESTRICT first = levels[0];
    std::fill(first, first + radius, Extreme::neutral);
    for (int x = 0; x < width; ++x) first[x + radius] = in[x] == in[x] ? in[x] : Extreme::neutral;
    std::fill(first + radius + width, first + width + 2 * radius, Extreme::neutral);
    for (int k = 1; k < level_count; ++k) {
        const int half = 1 << (k - 1), count = width + 2 * radius - 2 * half + 1;
        const T* from = levels[k - 1];
        T* CINEBOKEH_RESTRICT to = levels[k];
        for (int i = 0; i < count; ++i) to[i] = Extreme::of(from[i], from[i + half]);
    }
}

template <class Extreme, class T>
void merge_runs(const T* left, const T* right, int width, T* CINEBOKEH_RESTRICT out) {
    for (int x = 0; x < width; ++x) out[x] = Extreme::of(out[x], Extreme::of(left[x], right[x]));
}

template <class Extreme, class T>
void morphology(Cpu& exec, HostImage<const T> in, HostSpan<const int> half_widths, HostImage<T> runs,
                HostImage<T> out) {
    const int radius = int(half_widths.count) - 1, level_count = log2_floor(2 * radius + 1) + 1;
    const Size size = in.size;
    exec.for_each_range(size.height, morphology_stripe, [&](int begin, int end) {
        T* levels[16];
        for (int k = 0; k < level_count; ++k) levels[k] = runs.row(begin / morphology_stripe * level_count + k);
        for (int y = begin; y < end; ++y) std::fill(out.row(y), out.row(y) + size.width, Extreme::neutral);
        for (int from = std::max(0, begin - radius); from < std::min(size.height, end + radius); ++from) {
            run_levels<Extreme>(in.row(from), size.width, radius, level_count, levels);
            for (int y = std::max(begin, from - radius); y < std::min(end, from + radius + 1); ++y) {
                const int half = half_widths[size_t(std::abs(y - from))], k = log2_floor(2 * half + 1);
                const T* left = levels[k] + radius - half;
                const T* right = levels[k] + radius + half + 1 - (1 << k);
                merge_runs<Extreme>(left, right, size.width, out.row(y));
            }
        }
    });
}

#if CINEBOKEH_GRID
inline Size runs_size(Cuda&, Size max_size, int rows) {
    return {max_size.width, max_size.height * (log2_floor(2 * rows + 1) + 1)};
}

// One level of the tables; runs end at the right border.
template <class Extreme, class T>
struct RunLevel {
    Image<const T, DeviceSpace> in;  // for the first level
    Image<T, DeviceSpace> runs;
    int level;

    CINEBOKEH_HD void operator()(int x, int y) const {
        if (level == 0) {
            const T value = in(x, y);
            runs(x, y) = value == value ? value : Extreme::neutral;
            return;
        }
        const int from = y + (level - 1) * in.size.height, next = x + (1 << (level - 1));
        runs(x, y + level * in.size.height) =
            next < in.size.width ? Extreme::of(runs(x, from), runs(next, from)) : runs(x, from);
    }
};

// Of a number above 0.
CINEBOKEH_HD inline int table_level(int n) {
#if defined(__CUDA_ARCH__) || defined(CINEBOKEH_SIM)
    return 31 - __clz(n);
#else
    return log2_floor(n);
#endif
}

template <class Extreme, class T>
struct MergeRuns {
    Image<const T, DeviceSpace> runs;
    Span<const int, DeviceSpace> half_widths;
    Image<T, DeviceSpace> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const int radius = int(half_widths.count) - 1;
        const int y0 = y > radius ? y - radius : 0,
                  y1 = y + radius < out.size.height ? y + radius : out.size.height - 1;
        T value = Extreme::neutral;
        for (int from = y0; from <= y1; ++from) {
            const int half = half_widths[size_t(from < y ? y - from : from - y)];
            const int x0 = x > half ? x - half : 0, x1 = x + half < out.size.width ? x + half : out.size.width - 1;
            const int k = table_level(x1 - x0 + 1), row = from + k * out.size.height;
            value = Extreme::of(value, Extreme::of(runs(x0, row), runs(x1 + 1 - (1 << k), row)));
        }
        out(x, y) = value;
    }
};

template <class Extreme, class T>
void morphology(Cuda& exec, Image<const T, DeviceSpace> in, Span<const int, DeviceSpace> half_widths,
                Image<T, DeviceSpace> runs, Image<T, DeviceSpace> out) {
    const int level_count = log2_floor(2 * (int(half_widths.count) - 1) + 1) + 1;
    for (int k = 0; k < level_count; ++k) for_each_pixel(exec, in.size, RunLevel<Extreme, T>{in, runs, k});
    for_each_pixel(exec, out.size, MergeRuns<Extreme, T>{runs, half_widths, out});
}
#endif
}  // namespace cinebokeh::detail
