// SampleSet on Cuda: systematic sampling by one block. Every warp has a stretch of the frame; sums of the weights
// before it, in whole numbers, tell it which of the evenly spaced marks fall on its pixels. Then all threads copy
// features.
#pragma once
#include "cinebokeh/pixel_classifier.hpp"
#if CINEBOKEH_GRID
#include <climits>

#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh {
namespace detail {
/// A set as kernels see it.
struct DeviceSamples {
    Image<float, DeviceSpace> features;  // [features, capacity]
    uint8_t* subject;                    // [capacity]
    int count;
};
struct SampleFrame {
    Image<const float, DeviceSpace> features;
    Image<const uint8_t, DeviceSpace> label;
    Image<const float, DeviceSpace> weight;
};
}  // namespace detail

namespace kernels {
inline constexpr int draw_threads = 1024;
inline constexpr int draw_warps = draw_threads / 32;
struct DrawShared {
    long long sum[2][draw_warps];  // of the weights of each warp's pixels
    int pixels[2][draw_warps];
};

/// Draws `each` samples of both classes: mark m of a class lies at (m + offset) / each of the sum of its weights.
/// Writes whether there were enough pixels; if not, the set stays as it was. `picked` has room for the pixels.
static __global__ void __launch_bounds__(draw_threads, 1)
    draw_samples(detail::SampleFrame frame, int each, float2 offset, detail::DeviceSamples set, int* picked,
                 int* enough) {
    DrawShared& shared = static_shared<DrawShared>();
    const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32;
    const int width = frame.label.size.width, count = width * frame.label.size.height;
    const int stretch = ceil_div(ceil_div(count, draw_warps), 32) * 32;
    const int begin = min(warp * stretch, count), end = min(begin + stretch, count);
    // The weight of a pixel, and the class it is of; 2 is none.
    const auto weight = [&](int i, int& side) -> long long {
        side = 2;
        if (i >= end) return 0;
        const int x = i % width, y = i / width;
        const float w = frame.weight(x, y);
        side = min(int(frame.label(x, y)), 2);
        return side ? 65536 : (long long)(fminf(fmaxf(w, 0.f), 65536.f) * 65536 + .5f);
    };
    const auto over_warp = [](auto v) {
        for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(~0u, v, d);
        return v;
    };
    long long mine[2] = {0, 0};
    int pixels[2] = {0, 0};
    for (int i = begin + lane; i < end; i += 32) {
        int side;
        const long long w = weight(i, side);
        mine[0] += side == 0 ? w : 0, mine[1] += side == 1 ? w : 0;
        pixels[0] += side == 0, pixels[1] += side == 1;
    }
    for (int side = 0; side < 2; ++side) {
        const long long sum = over_warp(mine[side]);
        const int number = over_warp(pixels[side]);
        if (lane == 0) shared.sum[side][warp] = sum, shared.pixels[side][warp] = number;
    }
    __syncthreads();  // the sums of all warps are there
    long long reached[2] = {0, 0}, total[2] = {0, 0};
    int number[2] = {0, 0};
    for (int side = 0; side < 2; ++side)
        for (int w = 0; w < draw_warps; ++w) {
            if (w == warp) reached[side] = total[side];
            total[side] += shared.sum[side][w], number[side] += shared.pixels[side][w];
        }
    const bool all = number[0] >= 10 && number[1] >= 10 && total[0] > 0;
    if (thread == 0) *enough = all;
    if (!all) return;
    for (int first = begin; first < end; first += 32) {
        int side;
        const long long own = weight(first + lane, side);
        long long up_to[2] = {side == 0 ? own : 0, side == 1 ? own : 0};  // of the lanes up to this one
        for (int d = 1; d < 32; d *= 2)
            for (int k = 0; k < 2; ++k) {
                const long long other = __shfl_up_sync(~0u, up_to[k], unsigned(d));
                if (lane >= d) up_to[k] += other;
            }
        if (side < 2) {
            const double step = double(total[side]) / each, start = step * double(side ? offset.y : offset.x);
            const double last = double(reached[side] + up_to[side]), before = double(reached[side] + up_to[side] - own);
            // The first mark that no pixel before has passed: rounding can leave the estimate one off.
            int mark = max(0, int(ceil((before - start) / step)));
            while (mark > 0 && before <= start + step * (mark - 1)) --mark;
            while (before > start + step * mark) ++mark;
            for (; mark < each && last > start + step * mark; ++mark) picked[side * each + mark] = first + lane;
        }
        for (int k = 0; k < 2; ++k) reached[k] += __shfl_sync(~0u, up_to[k], 31);
    }
    __syncthreads();  // all pixels are picked
    const int features = set.features.size.height;
    for (int i = thread; i < 2 * each * features; i += draw_threads) {
        const int sample = i % (2 * each), k = i / (2 * each), x = picked[sample] % width, y = picked[sample] / width;
        set.features(sample, k) = frame.features(x, y * features + k);
        if (k == 0) set.subject[sample] = uint8_t(sample >= each);
    }
}
}  // namespace kernels

/// SampleSet on Cuda: the same calls, on the device. draw() waits for its answer. A weight counts in units of 2^-16.
class SampleSetCuda {
public:
    SampleSetCuda() = default;
    SampleSetCuda(Cuda& exec, int features, int capacity)
        : exec_(&exec),
          features_(exec, {capacity, features}),
          subject_(exec, {capacity, 1}),
          picked_(exec, {capacity, 1}) {}

    int count() const { return count_; }
    int capacity() const { return features_.size().width; }
    void clear() { count_ = 0; }
    Image<const float, DeviceSpace> features() const { return features_.view(); }
    detail::DeviceSamples device() const {
        const Image<const float, DeviceSpace> f = features_.view();
        return {{const_cast<float*>(f.data), f.size, f.pitch}, const_cast<uint8_t*>(subject_.view().data), count_};
    }

    bool draw(Image<const float, DeviceSpace> features, Image<const uint8_t, DeviceSpace> label,
              Image<const float, DeviceSpace> weight, int wanted, Random& random) {
        const Size s = label.size;
        require(weight.size == s && features.size == Size{s.width, s.height * features_.size().height},
                "SampleSet: features, label and weight differ in size");
        require(wanted >= 2 && wanted <= capacity(), "SampleSet: ", wanted, " samples, expected 2..", capacity());
        Random ahead = random;
        const float background = ahead.uniform(), subject = ahead.uniform();
        int* enough = exec_->results<int>();
        exec_->launch(dim3(1), dim3(kernels::draw_threads), 0, kernels::draw_samples,
                      detail::SampleFrame{features, label, weight}, wanted / 2, make_float2(background, subject),
                      device(), picked_.view().data, enough);
        int answer = 0;
        copy(*exec_, Image<const int, DeviceSpace>(enough, {1, 1}), HostImage<int>(&answer, {1, 1}));
        exec_->synchronize();
        if (!answer) return false;
        random = ahead, count_ = wanted / 2 * 2;
        return true;
    }

private:
    Cuda* exec_ = nullptr;
    Buffer<float, Cuda> features_;
    Buffer<uint8_t, Cuda> subject_;
    Buffer<int, Cuda> picked_;
    int count_ = 0;
};
}  // namespace cinebokeh
#endif
