// LR-ASPP, the light segmentation head of MobileNetV3 (Howard et al., ICCV 2019): a 1x1 convolution, its channels
// weighted by what the whole image says.
#pragma once
#include "cinebokeh/nn/squeeze_excite.hpp"

namespace cinebokeh {

/// out = relu(features(in)) * sigmoid(gate(average of in)), both 1x1 convolutions.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes, on each backend.
template <class T, class Exec>
class LrAspp {
public:
    /// features, gate: [out_channels, in_channels], normalisation folded in. Plans for tensors of at most `max_shape`.
    /// Throws Error if the weights do not fit.
    LrAspp(Exec& exec, int in_channels, int out_channels, const Conv2dWeights& features, const Conv2dWeights& gate,
           Shape max_shape)
        : exec_(&exec),
          max_images_(max_shape.n),
          features_(exec,
                    {.in_channels = in_channels, .out_channels = out_channels, .activation = ActivationKind::relu},
                    features, max_shape.size()),
          gate_(exec, {.in_channels = in_channels, .out_channels = out_channels, .activation = ActivationKind::sigmoid},
                gate, {max_shape.n, max_shape.h, max_shape.w, in_channels}) {}

    /// in [n, h, w, in_channels], out [n, h, w, out_channels]. Throws Error if a shape does not fit.
    void operator()(TensorView<const T, Exec> in, TensorView<T, Exec> out) {
        features_(in, out);
        if (out.shape.empty()) return;
        require(in.shape.n <= max_images_, "LrAspp: a batch of ", in.shape.n, " is larger than the plan");
        gate_.run(*exec_, in, out);
    }

private:
    Exec* exec_;
    int max_images_;
    Conv2d<T, Exec> features_;
    detail::AverageGatePlan<T, Exec> gate_;
};
}  // namespace cinebokeh
