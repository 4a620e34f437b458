// Gaussian blur on CUDA: one thread per pixel and pass. The taps and the neighbours come from the cache.
#pragma once
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh::detail {

template <class T>
struct GaussianAlongColumn {
    Image<const T, DeviceSpace> in;
    Span<const float, DeviceSpace> taps;
    Image<T, DeviceSpace> columns;  // padded, see GaussianBlur

    CINEBOKEH_HD void operator()(int x, int y) const {
        const int radius = int(taps.count) / 2;
        T sum = in.clamped(x - radius, y - radius) * taps[0];
        for (int k = 1; k < int(taps.count); ++k) sum = sum + in.clamped(x - radius, y + k - radius) * taps[size_t(k)];
        columns(x, y) = sum;
    }
};

template <class T>
struct GaussianAlongRow {
    Image<const T, DeviceSpace> columns;
    Span<const float, DeviceSpace> taps;
    Image<T, DeviceSpace> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const T* row = columns.row(y) + x;
        T sum = row[0] * taps[0];
        for (int k = 1; k < int(taps.count); ++k) sum = sum + row[k] * taps[size_t(k)];
        out(x, y) = sum;
    }
};

template <class T>
void gaussian_blur(Cuda& exec, Image<const T, DeviceSpace> in, Span<const float, DeviceSpace> taps,
                   Image<T, DeviceSpace> columns, Image<T, DeviceSpace> out) {
    for_each_pixel(exec, columns.size, GaussianAlongColumn<T>{in, taps, columns});
    for_each_pixel(exec, out.size, GaussianAlongRow<T>{columns, taps, out});
}
}  // namespace cinebokeh::detail
