// The smoothness potential on Cuda: a separable Gaussian with symmetric normalisation, for interleaved channels.
//
// A narrow filter of one channel takes both directions at once, in a tile in shared memory, eight sums a thread. Else
// rows are filtered from shared memory, where a block keeps its stretch of a row and what lies beside it, and columns
// are read through the cache, a warp at a time along the row. Pixels beyond the border do not exist: D, the product of
// a factor per column and one per row, is smaller there.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cuda.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
struct SmoothnessTaps {
    static constexpr int threads = 256;
    static constexpr int most_in_shared = 2048;  // floats beside a block's stretch; wider filters read global memory

    Size size;  // pixels
    int channels, radius;
    float sigma;
    float *taps, *column_norm, *row_norm;  // [2 radius + 1], [width], [height]
};

/// A tile and what lies around it, in dynamic shared memory: 55 KiB for the usual radius of 12.
struct SmoothnessTile {
    static constexpr int side = 64, threads = 256, outputs = 8, most_radius = 32;

    int reach;  // the radius, rounded up so that taps come in eights

    explicit SmoothnessTile(int radius) : reach(int(round_up(size_t(radius), outputs / 2))) {}
    CINEBOKEH_HD int rows() const { return side + 2 * reach; }
    CINEBOKEH_HD int pitch() const { return rows() + 1; }  // odd: lanes on consecutive rows use different banks
    static constexpr int filtered_pitch = side + 1;
    CINEBOKEH_HD int taps() const { return 2 * reach + outputs; }
    size_t bytes() const { return sizeof(float) * size_t(rows() * (pitch() + filtered_pitch) + taps()); }
};
}  // namespace detail

namespace kernels {
using detail::SmoothnessTaps;

static __device__ inline float smoothness_tap(const SmoothnessTaps& t, int r) {
    return expf(-0.5f * (float(r) / t.sigma) * (float(r) / t.sigma));
}
/// Fills the taps and the factors of D^-1/2.
static __global__ void smoothness_prepare(SmoothnessTaps t) {
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i <= 2 * t.radius) t.taps[i] = smoothness_tap(t, i - t.radius);
    for (int axis = 0; axis < 2; ++axis) {
        const int count = axis ? t.size.height : t.size.width;
        if (i >= count) continue;
        float sum = 0;
        for (int r = max(-t.radius, -i); r <= min(t.radius, count - 1 - i); ++r) sum += smoothness_tap(t, r);
        (axis ? t.row_norm : t.column_norm)[i] = 1 / sqrtf(sum);
    }
}

static __global__ void smoothness_columns(SmoothnessTaps t, Image<const float, DeviceSpace> in,
                                          Image<float, DeviceSpace> out) {
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y);
    if (x >= t.size.width * t.channels) return;
    float sum = 0;
    for (int v = max(0, y - t.radius); v <= min(t.size.height - 1, y + t.radius); ++v)
        sum += t.taps[v - y + t.radius] * t.row_norm[v] * in(x, v);
    out(x, y) = sum * t.row_norm[y] * t.column_norm[x / t.channels];
}

static __global__ void smoothness_rows(SmoothnessTaps t, Image<const float, DeviceSpace> in, float weight,
                                       bool in_shared, Image<float, DeviceSpace> out) {
    const int first = int(blockIdx.x) * SmoothnessTaps::threads, y = int(blockIdx.y);
    const int x = first + int(threadIdx.x), width = t.size.width * t.channels, reach = t.radius * t.channels;
    float* const stretch = in_shared ? dynamic_shared<float>() : nullptr;
    if (in_shared)
        for (int i = int(threadIdx.x); i < SmoothnessTaps::threads + 2 * reach; i += SmoothnessTaps::threads) {
            const int u = first - reach + i;
            stretch[i] = u >= 0 && u < width ? in(u, y) : 0;
        }
    __syncthreads();  // the stretch is there
    if (x >= width) return;
    float sum = 0;
    for (int k = 0; k <= 2 * t.radius; ++k) {
        const int u = x - reach + k * t.channels;
        sum += t.taps[k] * (in_shared ? stretch[u - first + reach] : u >= 0 && u < width ? in(u, y) : 0);
    }
    out(x, y) = sum * t.column_norm[x / t.channels] * weight;
}

// Eight sums, `step` apart as the values are: sum j takes the taps from value j on.
static __device__ inline void smooth_eight(const float* values, int step, const float* taps, int count,
                                           float (&sums)[detail::SmoothnessTile::outputs]) {
    constexpr int n = detail::SmoothnessTile::outputs;
    float last[n] = {};
    for (int j = 0; j < n; ++j) sums[j] = 0;
    for (int first = 0; first < count; first += n) {
        float next[n];
        for (int k = 0; k < n; ++k) next[k] = taps[first + k];
        for (int k = 0; k < n; ++k) {
            const float value = values[(first + k) * step];
            for (int j = 0; j < n; ++j) sums[j] += (k >= j ? next[(n + k - j) % n] : last[(n + k - j) % n]) * value;
        }
        for (int k = 0; k < n; ++k) last[k] = next[k];
    }
}

static __global__ void smoothness_tile(SmoothnessTaps t, detail::SmoothnessTile tile,
                                       Image<const float, DeviceSpace> in, float weight,
                                       Image<float, DeviceSpace> out) {
    using Tile = detail::SmoothnessTile;
    float *const values = dynamic_shared<float>(), *const filtered = values + tile.rows() * tile.pitch();
    float* const taps = filtered + tile.rows() * Tile::filtered_pitch;
    const int left = int(blockIdx.x) * Tile::side, top = int(blockIdx.y) * Tile::side, thread = int(threadIdx.x);
    for (int i = thread; i < tile.rows() * tile.rows(); i += Tile::threads) {
        const int column = i % tile.rows(), row = i / tile.rows();
        const int x = left - tile.reach + column, y = top - tile.reach + row;
        const bool inside = x >= 0 && y >= 0 && x < t.size.width && y < t.size.height;
        values[row * tile.pitch() + column] = inside ? in(x, y) * (t.row_norm[y] * t.column_norm[x]) : 0;
    }
    for (int i = thread; i < tile.taps(); i += Tile::threads) {
        const int tap = i - (tile.reach - t.radius);
        taps[i] = tap >= 0 && tap <= 2 * t.radius ? t.taps[tap] : 0;
    }
    __syncthreads();  // the tile is there

    float sums[Tile::outputs];
    for (int i = thread; i < tile.rows() * (Tile::side / Tile::outputs); i += Tile::threads) {
        const int row = i % tile.rows(), column = i / tile.rows() * Tile::outputs;
        smooth_eight(values + row * tile.pitch() + column, 1, taps, tile.taps(), sums);
        for (int j = 0; j < Tile::outputs; ++j) filtered[row * Tile::filtered_pitch + column + j] = sums[j];
    }
    __syncthreads();  // the rows are filtered
    for (int i = thread; i < Tile::side * (Tile::side / Tile::outputs); i += Tile::threads) {
        const int column = i % Tile::side, row = i / Tile::side * Tile::outputs, x = left + column;
        if (x >= t.size.width) continue;
        smooth_eight(filtered + row * Tile::filtered_pitch + column, Tile::filtered_pitch, taps, tile.taps(), sums);
        for (int j = 0; j < Tile::outputs; ++j)
            if (const int y = top + row + j; y < t.size.height)
                out(x, y) = sums[j] * (t.row_norm[y] * t.column_norm[x] * weight);
    }
}
}  // namespace kernels

namespace detail {
class SmoothnessCuda {
public:
    SmoothnessCuda(Cuda& exec, Size max_size, int channels, float sigma)
        : exec_(&exec),
          channels_(channels),
          sigma_(sigma),
          taps_(exec, {2 * radius_for(max_size) + 1, 1}),
          column_norm_(exec, {max_size.width, 1}),
          row_norm_(exec, {max_size.height, 1}),
          columns_(exec, {max_size.width * channels, max_size.height}) {}

    /// Sets the size of the image the next calls work on.
    void resize(Size size) {
        if (size == t_.size) return;  // all is there
        t_ = {size,
              channels_,
              radius_for(size),
              sigma_,
              taps_.view().data,
              column_norm_.view().data,
              row_norm_.view().data};
        const int count = std::max({2 * t_.radius + 1, size.width, size.height});
        exec_->launch(dim3(unsigned(ceil_div(count, 128))), dim3(128), 0, kernels::smoothness_prepare, t_);
    }
    /// out = weight * D^-1/2 K D^-1/2 in, images of [h, w, channels].
    void apply(Image<const float, DeviceSpace> in, float weight, Image<float, DeviceSpace> out) {
        if (channels_ == 1 && t_.radius <= SmoothnessTile::most_radius) {
            const SmoothnessTile tile(t_.radius);
            const dim3 tiles(unsigned(ceil_div(t_.size.width, tile.side)),
                             unsigned(ceil_div(t_.size.height, tile.side)));
            exec_->launch(tiles, dim3(tile.threads), tile.bytes(), kernels::smoothness_tile, t_, tile, in, weight, out);
            return;
        }
        constexpr int threads = SmoothnessTaps::threads;
        const dim3 grid(unsigned(ceil_div(t_.size.width * channels_, threads)), unsigned(t_.size.height));
        const Image<float, DeviceSpace> columns = columns_.view();
        const int beside = 2 * t_.radius * channels_;
        const bool in_shared = beside <= SmoothnessTaps::most_in_shared;
        exec_->launch(grid, dim3(threads), 0, kernels::smoothness_columns, t_, in, columns);
        exec_->launch(grid, dim3(threads), in_shared ? sizeof(float) * size_t(threads + beside) : 0,
                      kernels::smoothness_rows, t_, Image<const float, DeviceSpace>(columns), weight, in_shared, out);
    }

private:
    static constexpr float cutoff = 4;  // standard deviations

    int radius_for(Size size) const {
        const int longest = std::max(size.width, size.height);
        return cutoff * sigma_ < float(longest) ? int(std::ceil(cutoff * sigma_)) : longest;
    }

    Cuda* exec_;
    int channels_;
    float sigma_;
    SmoothnessTaps t_{};
    Buffer<float, Cuda> taps_, column_norm_, row_norm_, columns_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
