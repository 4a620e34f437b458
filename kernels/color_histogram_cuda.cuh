// ColorHistogram on Cuda. Counts are whole numbers, added by one lane for all the pixels of its warp with the same
// colour: an even background then costs one atomic a warp, and the order does not matter.
#pragma once
#include "cinebokeh/color_histogram.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
inline constexpr int histogram_levels = ColorHistogram::levels, histogram_bins = ColorHistogram::bins;
inline constexpr float histogram_one = 0x1p20f;  // units of a count

CINEBOKEH_HD inline int histogram_bin(Rgba8 p) {
    constexpr int n = histogram_levels;
    return ((p[0] * n >> 8) * n + (p[1] * n >> 8)) * n + (p[2] * n >> 8);
}

/// Functor over (bin, side): one axis of the Gaussian of radius 3; what lies outside the cube is empty.
struct SmoothHistogram {
    Image<const unsigned long long, DeviceSpace> counts;  // the input of the first axis
    Image<const float, DeviceSpace> in;                   // of the others
    int step;                                             // 1: blue, levels: green, levels^2: red
    Image<float, DeviceSpace> out;

    CINEBOKEH_HD void operator()(int bin, int side) const {
        // exp(-d^2 / (2 * .7^2)), normalised over d = -3 .. 3
        constexpr float weights[4] = {.56984578f, .20539965f, .00961893f, .00005852f};
        float sum = 0;
        for (int d = -3; d <= 3; ++d) {
            const int level = bin / step % histogram_levels + d;
            if (level < 0 || level >= histogram_levels) continue;
            const int from = bin + d * step;
            sum += weights[d < 0 ? -d : d] * (counts.data ? float(counts(from, side)) / histogram_one : in(from, side));
        }
        out(bin, side) = sum;
    }
};
/// Functor over (bin, side).
struct BlendHistogram {
    Image<const float, DeviceSpace> theirs;
    float keep_subject, keep_background;
    Image<float, DeviceSpace> mine;
    CINEBOKEH_HD void operator()(int bin, int side) const {
        const float keep = side ? keep_background : keep_subject;
        mine(bin, side) = keep * mine(bin, side) + (1 - keep) * theirs(bin, side);
    }
};
/// Functor over pixels.
struct HistogramLogOdds {
    Image<const Rgba8, DeviceSpace> image;
    Image<const uint8_t, DeviceSpace> active;
    Image<const float, DeviceSpace> sides;
    float limit;
    Image<float, DeviceSpace> out;
    CINEBOKEH_HD void operator()(int x, int y) const {
        constexpr float e = .3f / histogram_bins;
        const int bin = histogram_bin(image(x, y));
        out(x, y) = active(x, y) ? clamp(logf((sides(bin, 0) + e) / (sides(bin, 1) + e)), -limit, limit) : 0;
    }
};
}  // namespace detail

namespace kernels {
static __global__ void count_colors(Image<const Rgba8, DeviceSpace> image, Image<const float, DeviceSpace> matte,
                                    Image<const float, DeviceSpace> background_weight,
                                    Image<unsigned long long, DeviceSpace> counts) {
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y * blockDim.y + threadIdx.y);
    int slot = -1, count = 0;  // threads outside, and on neither side, stay for their warp
    if (image.size.contains(x, y)) {
        const float alpha = matte(x, y);
        const int side = alpha > .6f ? 0 : alpha < .4f ? 1 : -1;
        if (side >= 0) {
            const float weight = side ? background_weight(x, y) : alpha;
            count = __float2int_rn(fminf(fmaxf(weight, 0.f), 32.f) * detail::histogram_one);  // 32 of them fit an int
            slot = side * detail::histogram_bins + detail::histogram_bin(image(x, y));
        }
    }
    const unsigned peers = __match_any_sync(~0u, slot);
    const int sum = __reduce_add_sync(peers, count);
    if (slot >= 0 && __ffs(int(peers)) - 1 == int((threadIdx.y * blockDim.x + threadIdx.x) % 32))
        atomicAdd(&counts(slot % detail::histogram_bins, slot / detail::histogram_bins), (unsigned long long)(sum));
}

inline constexpr int histogram_threads = 512;
struct HistogramShared {
    double sums[histogram_threads];
};
// One block per side: divides by the sum, always added in the same order.
static __global__ void normalise_histogram(Image<float, DeviceSpace> sides) {
    HistogramShared& shared = static_shared<HistogramShared>();
    float* const row = sides.row(int(blockIdx.x));
    const int thread = int(threadIdx.x);
    double sum = 0;
    for (int i = thread; i < detail::histogram_bins; i += histogram_threads) sum += double(row[i]);
    shared.sums[thread] = sum;
    for (int half = histogram_threads / 2; half; half /= 2) {
        __syncthreads();  // the sums of this level are there
        if (thread < half) shared.sums[thread] += shared.sums[thread + half];
    }
    __syncthreads();  // the total is there
    const float inverse = shared.sums[0] > 0 ? float(1 / shared.sums[0]) : 0;
    for (int i = thread; i < detail::histogram_bins; i += histogram_threads) row[i] *= inverse;
}
}  // namespace kernels

/// ColorHistogram on Cuda: the same plan and calls, asynchronous. A background weight counts in units of 2^-20 and up
/// to 32; log odds are within 1e-3 of Cpu. Deterministic.
class ColorHistogramCuda {
public:
    explicit ColorHistogramCuda(Cuda& exec)
        : exec_(&exec),
          counts_(exec, size()),
          sides_(exec, size(), std::vector<float>(size().area())),
          scratch_(exec, size()) {}

    void count(Image<const Rgba8, DeviceSpace> image, Image<const float, DeviceSpace> matte,
               Image<const float, DeviceSpace> background_weight) {
        require(image.size == matte.size && image.size == background_weight.size,
                "ColorHistogram: image, matte and weight differ in size");
        CINEBOKEH_CUDA(cudaMemsetAsync(counts_.view().data, 0, counts_.bytes(), exec_->stream()));
        const dim3 grid(unsigned(ceil_div(image.size.width, 32)), unsigned(ceil_div(image.size.height, 8)));
        exec_->launch(grid, dim3(32, 8), 0, kernels::count_colors, image, matte, background_weight, counts_.view());
        constexpr int n = detail::histogram_levels;
        const Image<float, DeviceSpace> a = sides_.view(), b = scratch_.view();
        for_each_pixel(*exec_, size(), detail::SmoothHistogram{counts_.view(), {}, 1, a});
        for_each_pixel(*exec_, size(), detail::SmoothHistogram{{}, a, n, b});
        for_each_pixel(*exec_, size(), detail::SmoothHistogram{{}, b, n * n, a});
        exec_->launch(dim3(2), dim3(kernels::histogram_threads), 0, kernels::normalise_histogram, a);
    }

    void blend(const ColorHistogramCuda& other, float keep_subject, float keep_background) {
        for_each_pixel(*exec_, size(),
                       detail::BlendHistogram{other.sides_.view(), keep_subject, keep_background, sides_.view()});
    }
    void copy_from(const ColorHistogramCuda& other) { copy(*exec_, other.sides_.view(), sides_.view()); }

    void log_odds(Image<const Rgba8, DeviceSpace> image, Image<const uint8_t, DeviceSpace> active, float limit,
                  Image<float, DeviceSpace> log_odds) const {
        require(image.size == active.size && image.size == log_odds.size,
                "ColorHistogram: image, active and log_odds differ in size");
        for_each_pixel(*exec_, image.size, detail::HistogramLogOdds{image, active, sides_.view(), limit, log_odds});
    }

private:
    static Size size() { return {detail::histogram_bins, 2}; }

    Cuda* exec_;
    Buffer<unsigned long long, Cuda> counts_;  // [2, bins]: subject, background
    Buffer<float, Cuda> sides_, scratch_;
};
}  // namespace cinebokeh
#endif
