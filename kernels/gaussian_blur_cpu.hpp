// Gaussian blur on the CPU: columns first, into a plane whose rows are padded at both ends, then rows. Both passes are
// one loop over plain floats (a shift by a pixel is a shift by its channels), and both take eight taps at a time, so
// that the sums are loaded and stored once for eight multiply-adds.
#pragma once
#include <atomic>

#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::detail {

constexpr int taps_at_once = 8;

// sums[i] += sum over k of taps[k] * rows[k][i], for eight rows.
inline void add_eight_rows(const float* const* rows, const float* taps, float* CINEBOKEH_RESTRICT sums, int count) {
    const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    const float *r4 = rows[4], *r5 = rows[5], *r6 = rows[6], *r7 = rows[7];
    const float t0 = taps[0], t1 = taps[1], t2 = taps[2], t3 = taps[3];
    const float t4 = taps[4], t5 = taps[5], t6 = taps[6], t7 = taps[7];
    for (int i = 0; i < count; ++i) {
        const float low = t0 * r0[i] + t1 * r1[i] + t2 * r2[i] + t3 * r3[i];
        const float high = t4 * r4[i] + t5 * r5[i] + t6 * r6[i] + t7 * r7[i];
        sums[i] += low + high;
    }
}

// sums[i] = sum over k of taps[k] * row(k)[i]; row(k) gives a pointer.
template <class RowOf>
void weighted_sum(int tap_count, const float* taps, float* CINEBOKEH_RESTRICT sums, int count, RowOf row) {
    std::fill(sums, sums + count, 0.f);
    int k = 0;
    for (; k + taps_at_once <= tap_count; k += taps_at_once) {
        const float* rows[taps_at_once];
        for (int j = 0; j < taps_at_once; ++j) rows[j] = row(k + j);
        add_eight_rows(rows, taps + k, sums, count);
    }
    for (; k < tap_count; ++k) {
        const float* CINEBOKEH_RESTRICT r = row(k);
        const float t = taps[k];
        for (int i = 0; i < count; ++i) sums[i] += t * r[i];
    }
}

inline bool all_finite(const float* values, int count) {
    unsigned largest_exponent = 0;
    for (int i = 0; i < count; ++i) {
        unsigned bits;
        std::memcpy(&bits, values + i, sizeof bits);
        const unsigned exponent = bits & 0x7f800000u;
        largest_exponent = exponent > largest_exponent ? exponent : largest_exponent;
    }
    return largest_exponent < 0x7f800000u;
}

// Columns [x0, x1) of rows [begin, end), as floats. The chunk is narrow so that the input rows stay in the cache.
template <class T>
bool blur_columns(HostImage<const T> in, HostSpan<const float> taps, HostImage<T> columns, int begin, int end) {
    constexpr int channels = int(sizeof(T) / sizeof(float)), chunk = 512;
    const int tap_count = int(taps.count), radius = tap_count / 2, width = in.size.width * channels;
    const auto floats = [](const T* row) { return reinterpret_cast<const float*>(row); };
    bool finite = true;
    for (int x0 = 0; x0 < width; x0 += chunk) {
        const int count = std::min(chunk, width - x0);
        for (int y = begin; y < end; ++y) {
            finite &= all_finite(floats(in.row(y)) + x0, count);
            weighted_sum(tap_count, taps.data, reinterpret_cast<float*>(columns.row(y) + radius) + x0, count,
                         [&](int k) { return floats(in.row(clamp(y + k - radius, 0, in.size.height - 1))) + x0; });
        }
    }
    for (int y = begin; y < end; ++y) {
        T* row = columns.row(y);
        std::fill(row, row + radius, row[radius]);
        std::fill(row + radius + in.size.width, row + columns.size.width, row[radius + in.size.width - 1]);
    }
    return finite;
}

template <class T>
void gaussian_blur(Cpu& exec, HostImage<const T> in, HostSpan<const float> taps, HostImage<T> columns,
                   HostImage<T> out) {
    constexpr int channels = int(sizeof(T) / sizeof(float)), rows_per_job = 16, chunk = 2048;
    std::atomic<bool> finite{true};
    exec.for_each_range(in.size.height, rows_per_job, [&](int begin, int end) {
        if (!blur_columns(in, taps, columns, begin, end)) finite.store(false, std::memory_order_relaxed);
    });
    require(finite.load(), "GaussianBlur: a value of the image is not finite");
    const int width = in.size.width * channels;
    exec.for_each_range(in.size.height, rows_per_job, [&](int begin, int end) {
        for (int y = begin; y < end; ++y)
            for (int x0 = 0; x0 < width; x0 += chunk) {
                const float* padded = reinterpret_cast<const float*>(columns.row(y)) + x0;
                weighted_sum(int(taps.count), taps.data, reinterpret_cast<float*>(out.row(y)) + x0,
                             std::min(chunk, width - x0), [&](int k) { return padded + k * channels; });
            }
    });
}
}  // namespace cinebokeh::detail
