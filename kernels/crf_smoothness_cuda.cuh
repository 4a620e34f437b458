// The smoothness potential on Cuda: a separable Gaussian with symmetric normalisation, for interleaved channels.
//
// Rows are filtered from shared memory, where a block keeps its stretch of a row and what lies beside it; columns are
// read through the cache, a warp at a time along the row. Pixels beyond the border do not exist: D, the product of a
// factor per column and one per row, is smaller there.
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
