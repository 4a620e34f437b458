// A convolution over a doubled tensor and others, in two steps: what there is on Cuda.
#pragma once
#include "cinebokeh/nn/upsample_conv.hpp"

namespace cinebokeh::detail {

template <class T, class Exec>
class UpsampleConvPlan {
public:
    UpsampleConvPlan(Exec& exec, const Conv2dParams& params, int coarse_channels, const Conv2dWeights& weights,
                     Size max_fine)
        : conv_(exec, params, weights, max_fine), up_(exec, {1, max_fine.height, max_fine.width, coarse_channels}) {}

    void run(Exec& exec, const ConvInputs<T, Exec>& coarse, const ConvInputs<T, Exec>& fine, TensorView<T, Exec> out) {
        const Size size = fine.shape().size();
        const TensorView<T, Exec> up = up_.view().crop(0, 0, size);
        for (int n = 0; n < fine.shape().n; ++n) {  // an image at a time: the plan knows no batch
            for (int i = 0, start = 0; i < coarse.count; start += coarse.tensors[i].shape.c, ++i)
                resize_bilinear<T, Exec>(exec, coarse.tensors[i].images(n, 1), {.scale_y = 2, .scale_x = 2},
                                         up.channels(start, coarse.tensors[i].shape.c));
            ConvInputs<T, Exec> all(up);
            for (int i = 0; i < fine.count; ++i) all.tensors[all.count++] = fine.tensors[i].images(n, 1);
            conv_(all, out.images(n, 1));
        }
    }

private:
    Conv2d<T, Exec> conv_;
    TensorBuffer<T, Exec> up_;
};
}  // namespace cinebokeh::detail
