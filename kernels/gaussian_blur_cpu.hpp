// Gaussian blur on the CPU: columns first, into a plane whose rows are padded at both ends, then rows. Both passes are
// one loop over plain floats: a shift by a pixel is a shift by its channels.
#pragma once
#include <atomic>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/weighted_sum.hpp"

namespace cinebokeh::detail {

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
            weighted_sum(taps.data, tap_count, reinterpret_cast<float*>(columns.row(y) + radius) + x0, count,
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
                weighted_sum(taps.data, int(taps.count), reinterpret_cast<float*>(out.row(y)) + x0,
                             std::min(chunk, width - x0), [&](int k) { return padded + k * channels; });
            }
    });
}
}  // namespace cinebokeh::detail
