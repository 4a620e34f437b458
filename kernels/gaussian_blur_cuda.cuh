// Gaussian blur on CUDA: columns, then rows. A thread makes eight neighbouring results of a line, so that each pixel it
// reads serves all of them. Rows are read through shared memory, because there neighbouring threads are eight pixels
// apart.
#pragma once
#include <algorithm>

#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh {
namespace kernels {
constexpr int gaussian_each = 8;                         // results of a thread: 32 registers of Float4
constexpr int gaussian_rows = 8, gaussian_threads = 64;  // strips of columns, and threads along a row, of a block
constexpr int gaussian_taps_at_once = 512;               // of a row: 18 kB of Float4
constexpr int gaussian_row = gaussian_threads * gaussian_each;  // results of a row in a block

// sums[v] += the sum of value(v + k) * taps[k], for k from 0 on. Nothing is read that no tap belongs to.
template <class T, class Value>
static __device__ __forceinline__ void add_taps(const float* taps, int count, const Value& value,
                                                T (&sums)[gaussian_each]) {
    constexpr int each = gaussian_each;
    const auto add_some = [&](int i) {  // at the ends, where value(i) does not serve all
        const T pixel = value(i);
        CINEBOKEH_UNROLL for (int v = 0; v < each; ++v) {
            if (i - v >= 0 && i - v < count) sums[v] = sums[v] + pixel * taps[i - v];
        }
    };
    int i = 0;
    for (; i < each - 1; ++i) add_some(i);
    if (count >= each) {
        float window[2 * each - 1];  // taps [i - each + 1, i + each)
        CINEBOKEH_UNROLL for (int k = 0; k < each - 1; ++k) window[k] = taps[k];
        for (; i + each <= count; i += each) {
            CINEBOKEH_UNROLL for (int k = 0; k < each; ++k) window[each - 1 + k] = taps[i + k];
            CINEBOKEH_UNROLL for (int k = 0; k < each; ++k) {
                const T pixel = value(i + k);
                CINEBOKEH_UNROLL for (int v = 0; v < each; ++v) sums[v] = sums[v] + pixel * window[each - 1 + k - v];
            }
            CINEBOKEH_UNROLL for (int k = 0; k < each - 1; ++k) window[k] = window[k + each];
        }
    }
    for (; i < count + each - 1; ++i) add_some(i);
}

template <class T>
static __global__ void gaussian_columns(Image<const T, DeviceSpace> in, Span<const float, DeviceSpace> taps,
                                        Image<T, DeviceSpace> columns) {  // padded, see GaussianBlur
    const int x = int(blockIdx.x * 32 + threadIdx.x);
    const int y = int(blockIdx.y * gaussian_rows + threadIdx.y) * gaussian_each;
    if (!columns.size.contains(x, y)) return;
    const int radius = int(taps.count) / 2, last = in.size.height - 1;
    const int inside = clamp(x - radius, 0, in.size.width - 1);
    T sums[gaussian_each] = {};
    // Rows below the image continue it, for results that are not written.
    add_taps(
        taps.data, int(taps.count), [&](int i) { return in(inside, clamp(y + i - radius, 0, last)); }, sums);
    CINEBOKEH_UNROLL for (int v = 0; v < gaussian_each; ++v) {
        if (y + v <= last) columns(x, y + v) = sums[v];
    }
}

template <class T>
static __global__ void gaussian_rows_of(Image<const T, DeviceSpace> columns, Span<const float, DeviceSpace> taps,
                                        Image<T, DeviceSpace> out) {
    T* const line = dynamic_shared<T>();  // a place is left free after eight pixels, against bank conflicts
    const auto place = [](int i) { return i + i / gaussian_each; };
    const int thread = int(threadIdx.x), x0 = int(blockIdx.y) * gaussian_row, y = int(blockIdx.x);
    const T* const own = line + place(thread * gaussian_each);
    T sums[gaussian_each] = {};
    for (int first = 0; first < int(taps.count); first += gaussian_taps_at_once) {
        const int count = min(int(taps.count) - first, gaussian_taps_at_once);
        if (first > 0) __syncthreads();  // all have read the line before
        for (int i = thread; i < gaussian_row + count - 1; i += gaussian_threads)
            line[place(i)] = columns.row(y)[clamp(x0 + first + i, 0, columns.size.width - 1)];
        __syncthreads();  // the line is there
        add_taps(
            taps.data + first, count, [&](int i) { return own[place(i)]; }, sums);
    }
    CINEBOKEH_UNROLL for (int v = 0; v < gaussian_each; ++v) {
        const int x = x0 + thread * gaussian_each + v;
        if (x < out.size.width) out(x, y) = sums[v];
    }
}
}  // namespace kernels

namespace detail {
template <class T>
void gaussian_blur(Cuda& exec, Image<const T, DeviceSpace> in, Span<const float, DeviceSpace> taps,
                   Image<T, DeviceSpace> columns, Image<T, DeviceSpace> out) {
    using namespace kernels;
    exec.launch(dim3(unsigned(ceil_div(columns.size.width, 32)),
                     unsigned(ceil_div(columns.size.height, gaussian_rows * gaussian_each))),
                dim3(32, gaussian_rows), 0, gaussian_columns<T>, in, taps, columns);
    const size_t places = size_t(gaussian_row + std::min(int(taps.count), gaussian_taps_at_once)) - 1;
    exec.launch(dim3(unsigned(out.size.height), unsigned(ceil_div(out.size.width, gaussian_row))),
                dim3(gaussian_threads), sizeof(T) * (places + places / gaussian_each + 1), gaussian_rows_of<T>,
                Image<const T, DeviceSpace>(columns), taps, out);
}
}  // namespace detail
}  // namespace cinebokeh
