// Sums over whole images on Cuda. A block has 32 channels and a part of the pixels, always added in the same order.
#pragma once
#include "cinebokeh/nn/pool.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace kernels {

inline constexpr int sum_channels = 32, sum_fours = sum_channels / 4, sum_lanes = 32;  // pixels at the same time

struct ImageSumsShared {
    detail::Four sums[sum_lanes][sum_fours];
};
template <class T, class Space>
static __global__ void __launch_bounds__(sum_lanes* sum_fours)
    image_sums(Tensor<const T, Space> in, Tensor<float, Space> sums) {
    ImageSumsShared& shared = static_shared<ImageSumsShared>();
    const int thread = int(threadIdx.x), lane = thread / sum_fours, part = int(blockIdx.y), n = int(blockIdx.z);
    const int c = int(blockIdx.x) * sum_channels + thread % sum_fours * 4;
    const int count = in.shape.c - c < 4 ? in.shape.c - c : 4;
    const int pixels = in.shape.h * in.shape.w, step = int(gridDim.y) * sum_lanes;
    detail::Four sum{};
    for (int pixel = part * sum_lanes + lane; pixel < pixels; pixel += step) {
        const detail::Four value = detail::load_four(in.pixel(n, pixel / in.shape.w, pixel % in.shape.w) + c, count);
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) sum.value[i] += value.value[i];
    }
    shared.sums[lane][thread % sum_fours] = sum;
    for (int half = sum_lanes / 2; half > 0; half /= 2) {
        __syncthreads();  // the sums of this level are there
        if (lane >= half) continue;
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i)
            shared.sums[lane][thread % sum_fours].value[i] += shared.sums[lane + half][thread % sum_fours].value[i];
    }
    if (lane == 0 && count > 0)
        detail::store_four(sums.pixel(n, 0, part) + c, shared.sums[0][thread % sum_fours], count);
}
}  // namespace kernels

namespace detail {

template <class T, class Exec>
class ImageSums {
public:
    ImageSums(Exec& exec, Shape max_shape) : sums_(exec, {max_shape.n, 1, max_parts, max_shape.c}) {}

    TensorView<const float, Exec> operator()(Exec& exec, TensorView<const T, Exec> in) {
        constexpr int wanted = 2 * 132;  // blocks that keep a large device busy
        const Shape s = in.shape;
        const int groups = ceil_div(s.c, kernels::sum_channels);
        const int parts = clamp(std::min(wanted / (groups * s.n), s.h * s.w / (2 * kernels::sum_lanes)), 1, max_parts);
        const TensorView<float, Exec> sums = sums_.view().images(0, s.n).crop(0, 0, {parts, 1}).channels(0, s.c);
        exec.launch(dim3(unsigned(groups), unsigned(parts), unsigned(s.n)),
                    dim3(kernels::sum_lanes * kernels::sum_fours), 0, kernels::image_sums<T, typename Exec::Space>, in,
                    sums);
        return sums;
    }

private:
    static constexpr int max_parts = 32;

    TensorBuffer<float, Exec> sums_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
