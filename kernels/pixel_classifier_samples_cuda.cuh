// SampleSet on Cuda: systematic sampling by one block. Every thread has a stretch of the frame; sums of the weights
// before it, in whole numbers, tell it which of the evenly spaced marks fall on its samples.
#pragma once
#include "cinebokeh/pixel_classifier.hpp"
#if CINEBOKEH_GRID
#include <climits>

#include "cinebokeh/core/cuda_block.hpp"

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
struct DrawShared {
    BlockSum<long long, draw_threads> sum;
    int pixels[2];
};

/// Draws `each` samples of both classes: mark m of a class lies at (m + offset) / each of the sum of its weights.
/// Writes whether there were enough pixels; if not, the set stays as it was.
static __global__ void __launch_bounds__(draw_threads, 1)
    draw_samples(detail::SampleFrame frame, int each, float2 offset, detail::DeviceSamples set, int* enough) {
    DrawShared& shared = static_shared<DrawShared>();
    const int thread = int(threadIdx.x), width = frame.label.size.width, count = width * frame.label.size.height;
    const int stretch = (count + draw_threads - 1) / draw_threads;
    const int begin = min(thread * stretch, count), end = min(begin + stretch, count);
    const auto weight = [&](int i, int side) -> long long {
        const int x = i % width, y = i / width;
        if (frame.label(x, y) != side) return 0;
        return side ? 65536 : (long long)(fminf(fmaxf(frame.weight(x, y), 0.f), 65536.f) * 65536 + .5f);
    };
    if (thread < 2) shared.pixels[thread] = 0;
    __syncthreads();  // the counters are zero
    long long mine[2] = {0, 0}, before[2], total[2];
    int pixels[2] = {0, 0};
    for (int i = begin; i < end; ++i)
        for (int side = 0; side < 2; ++side)
            mine[side] += weight(i, side), pixels[side] += frame.label(i % width, i / width) == side;
    for (int side = 0; side < 2; ++side) {
        if (pixels[side] > 0) atomicAdd(&shared.pixels[side], pixels[side]);
        before[side] = shared.sum.before(mine[side], total[side]);
    }
    const bool all = shared.pixels[0] >= 10 && shared.pixels[1] >= 10 && total[0] > 0;
    if (thread == 0) *enough = all;
    if (!all) return;
    for (int side = 0; side < 2; ++side) {
        const double step = double(total[side]) / each, first = step * double(side ? offset.y : offset.x);
        long long reached = before[side];
        int mark = max(0, int(ceil((double(reached) - first) / step)));
        for (int i = begin; i < end; ++i) {
            reached += weight(i, side);
            for (; mark<each&& double(reached)> first + step * mark; ++mark) {
                const int sample = side * each + mark, x = i % width, y = i / width;
                for (int k = 0; k < set.features.size.height; ++k)
                    set.features(sample, k) = frame.features(x, y * set.features.size.height + k);
                set.subject[sample] = uint8_t(side);
            }
        }
    }
}
}  // namespace kernels

/// SampleSet on Cuda: the same calls, on the device. draw() waits for its answer. A weight counts in units of 2^-16.
class SampleSetCuda {
public:
    SampleSetCuda() = default;
    SampleSetCuda(Cuda& exec, int features, int capacity)
        : exec_(&exec), features_(exec, {capacity, features}), subject_(exec, {capacity, 1}) {}

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
                      device(), enough);
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
    int count_ = 0;
};
}  // namespace cinebokeh
#endif
