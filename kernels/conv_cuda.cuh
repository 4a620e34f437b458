// Convolutions on Cuda: dense ones are matrix products (conv_tiles_cuda.cuh), depthwise ones have a thread for four
// channels of a pixel, the others take the plain kernel.
#pragma once
#include <memory>

#include "kernels/conv_loader_cuda.cuh"
#if CINEBOKEH_GRID

namespace cinebokeh::detail {

/// What a convolution does with its sums, of four neighbouring channels or fewer.
template <class T, class Space>
struct ConvStore {
    Span<const float, Space> bias;
    Activation activation;
    Tensor<T, Space> out;
    Tensor<const T, Space> residual;

    CINEBOKEH_HD void operator()(int n, int y, int x, int c, int count, const Four& sums) const {
        const Four offset = load_four(&bias[size_t(c)], count);
        Four value{};
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) value.value[i] = activation(sums.value[i] + offset.value[i]);
        if (residual.data) {
            const Four added = load_four(residual.pixel(n, y, x) + c, count);
            CINEBOKEH_UNROLL
            for (int i = 0; i < 4; ++i) value.value[i] += added.value[i];
        }
        store_four(out.pixel(n, y, x) + c, value, count);
    }
};

/// `fixed`: the rows and columns of the filter where they are known, otherwise 0. Then the loads of a row do not wait
/// for each other.
template <int fixed, class T, class Space>
struct DepthwiseChannels {
    Tensor<const T, Space> in;
    Conv2dParams p;
    Span<const float, Space> weight;  // [tap][channel]
    ConvStore<T, Space> store;

    CINEBOKEH_HD void four(int n, int y, int x, int c, int count) const {
        const int kernel = fixed ? fixed : p.kernel;
        const int top = y * p.stride - p.padding, left = x * p.stride - p.padding;
        Four sums{};
        CINEBOKEH_ROLLED
        for (int ky = 0; ky < kernel; ++ky) {
            const int v = top + ky * p.dilation;
            if (v < 0 || v >= in.shape.h) continue;
            const T* const row = in.row(n, v) + c;
            const float* const weights = &weight[size_t(ky * kernel * p.in_channels + c)];
            CINEBOKEH_UNROLL
            for (int kx = 0; kx < kernel; ++kx) {
                const int u = left + kx * p.dilation;
                const bool inside = u >= 0 && u < in.shape.w;
                const Four value = load_four(row + u * in.pixel_stride, inside ? count : 0);
                const Four factor = load_four(weights + kx * p.in_channels, count);
                CINEBOKEH_UNROLL
                for (int i = 0; i < 4; ++i) sums.value[i] += value.value[i] * factor.value[i];
            }
        }
        store(n, y, x, c, count, sums);
    }
};

/// Sums of at least this many products are tiled: shorter ones leave most of a step empty.
inline constexpr int conv_tiled_depth = 16;

template <class T, class Exec>
class ConvPlan {
public:
    ConvPlan(Exec& exec, const Conv2dParams& p, const Conv2dWeights& weights, Size)
        : params_(p), plain_(exec, p, weights) {
        if (p.groups == 1 && p.in_channels * p.kernel * p.kernel >= conv_tiled_depth)
            tiles_ = std::make_unique<ConvTiles<T, Exec>>(exec, p, weights.weight, ConvLoader<T, Exec>::widest);
    }
    void run(Exec& exec, const ConvInputs<T, Exec>& in, TensorView<T, Exec> out, TensorView<const T, Exec> residual) {
        using Space = typename Exec::Space;
        const ConvStore<T, Space> store{plain_.bias(), params_.activation, out, residual};
        const bool depthwise = params_.groups == params_.in_channels && params_.groups == params_.out_channels;
        if (tiles_)
            tiles_->run(exec, out.shape, ConvLoader<T, Exec>(in, params_, tiles_->depth()), store);
        else if (depthwise && in.count == 1 && params_.kernel == 3)
            run_depthwise<3>(exec, in, store);
        else if (depthwise && in.count == 1 && params_.kernel == 5)
            run_depthwise<5>(exec, in, store);
        else if (depthwise && in.count == 1)
            run_depthwise<0>(exec, in, store);
        else
            plain_.run(exec, in, out, residual);
    }

private:
    template <int fixed, class Store>
    void run_depthwise(Exec& exec, const ConvInputs<T, Exec>& in, const Store& store) {
        for_each_channel_run(
            exec, store.out.shape,
            DepthwiseChannels<fixed, T, typename Exec::Space>{in.tensors[0], params_, plain_.weight(), store});
    }

    Conv2dParams params_;
    PlainConv<T, Exec> plain_;
    std::unique_ptr<ConvTiles<T, Exec>> tiles_;
};
}  // namespace cinebokeh::detail
#endif
