// Samples on a regular grid: sample (i, j) lies at pixel (offset + stride i, offset + stride j).
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct SampleGrid {
    int stride = 2;  // pixels, >= 1
    int offset = 0;  // pixels, >= 0
};

/// Reads an image at the samples. Throws Error where a sample lies outside. Allocates nothing; asynchronous on Cuda.
///
///   in   [h, w]
///   out  [rows, columns] of samples
template <class Exec>
void subsample(Exec& exec, View<const float, Exec> in, const SampleGrid& grid, View<float, Exec> out);
template <class Exec>
void subsample(Exec& exec, View<const uint8_t, Exec> in, const SampleGrid& grid, View<uint8_t, Exec> out);

/// Writes an image from its samples: bilinear between them, the nearest value beyond the first and the last.
///
///   in   [rows, columns] of samples, not empty
///   out  [h, w]
///
/// Allocates nothing; asynchronous on Cuda. Deterministic between runs.
template <class Exec>
void interpolate(Exec& exec, View<const float, Exec> in, const SampleGrid& grid, View<float, Exec> out);

// ---------------------------------------------------------------------------- implementation

namespace detail {
template <class T, class Space>
struct ReadSamples {
    Image<const T, Space> in;
    SampleGrid grid;
    Image<T, Space> out;
    CINEBOKEH_HD void operator()(int i, int j) const {
        out(i, j) = in(grid.offset + grid.stride * i, grid.offset + grid.stride * j);
    }
};

template <class Space>
struct Interpolate {
    Image<const float, Space> in;
    SampleGrid grid;
    float inverse_stride;
    Image<float, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float u = clamp(float(x - grid.offset) * inverse_stride, 0.f, float(in.size.width - 1));
        const float v = clamp(float(y - grid.offset) * inverse_stride, 0.f, float(in.size.height - 1));
        const int i = int(u), j = int(v);
        const float s = u - float(i), t = v - float(j);
        const int right = i + 1 < in.size.width ? i + 1 : i, below = j + 1 < in.size.height ? j + 1 : j;
        const float upper = in(i, j) + s * (in(right, j) - in(i, j));
        const float lower = in(i, below) + s * (in(right, below) - in(i, below));
        out(x, y) = upper + t * (lower - upper);
    }
};

template <class Exec>
void write_interpolated(Exec& exec, const Interpolate<typename Exec::Space>& f) {
    for_each_pixel(exec, f.out.size, f);
}
// The same on the CPU: what lies between two samples of a row follows each other.
inline void write_interpolated(Cpu& exec, const Interpolate<HostSpace>& f) {
    exec.for_each_range(f.out.size.height, 16, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            const int last = f.in.size.width - 1, width = f.out.size.width;
            const float v = clamp(float(y - f.grid.offset) * f.inverse_stride, 0.f, float(f.in.size.height - 1));
            const int j = int(v);
            const float t = v - float(j);
            const float *upper = f.in.row(j), *lower = f.in.row(j + 1 < f.in.size.height ? j + 1 : j);
            const auto at = [&](int i) { return upper[i] + t * (lower[i] - upper[i]); };
            float* CINEBOKEH_RESTRICT out = f.out.row(y);
            int x = 0;
            for (; x < width && x <= f.grid.offset; ++x) out[x] = at(0);
            for (int i = 0; i < last; ++i) {
                const float left = at(i), difference = at(i + 1) - left;
                for (int k = 1; k <= f.grid.stride && x < width; ++k, ++x)
                    out[x] = left + float(k) * f.inverse_stride * difference;
            }
            for (; x < width; ++x) out[x] = at(last);
        }
    });
}

template <class T, class Exec>
void subsample_image(Exec& exec, View<const T, Exec> in, const SampleGrid& grid, View<T, Exec> out) {
    require(grid.stride >= 1 && grid.offset >= 0 && grid.offset + grid.stride * (out.size.width - 1) < in.size.width &&
                grid.offset + grid.stride * (out.size.height - 1) < in.size.height,
            "subsample: ", out.size.width, " x ", out.size.height, " samples at ", grid.offset, " + ", grid.stride,
            " i do not lie in an image of ", in.size.width, " x ", in.size.height);
    for_each_pixel(exec, out.size, ReadSamples<T, typename Exec::Space>{in, grid, out});
}
}  // namespace detail

template <class Exec>
void subsample(Exec& exec, View<const float, Exec> in, const SampleGrid& grid, View<float, Exec> out) {
    detail::subsample_image<float>(exec, in, grid, out);
}
template <class Exec>
void subsample(Exec& exec, View<const uint8_t, Exec> in, const SampleGrid& grid, View<uint8_t, Exec> out) {
    detail::subsample_image<uint8_t>(exec, in, grid, out);
}

template <class Exec>
void interpolate(Exec& exec, View<const float, Exec> in, const SampleGrid& grid, View<float, Exec> out) {
    require(grid.stride >= 1 && grid.offset >= 0 && !in.size.empty(), "interpolate: stride ", grid.stride, ", offset ",
            grid.offset, " and ", in.size.width, " x ", in.size.height, " samples");
    detail::write_interpolated(exec, detail::Interpolate<typename Exec::Space>{in, grid, 1 / float(grid.stride), out});
}
}  // namespace cinebokeh
