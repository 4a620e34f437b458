// The end of Robust Video Matting's network: a 3x3 convolution to sixteen hidden channels, and their 1x1 projection to
// residual and alpha. In two steps and a conversion between them: what there is on Cuda.
#pragma once
#include "kernels/rvm_reader.hpp"

namespace cinebokeh::detail {

template <class T, class Exec>
class RvmHead {
public:
    RvmHead(Exec& exec, const RvmReader& reader, Size max_base)
        : exec_(&exec),
          conv_(reader.conv<T>(exec, "decoder.decode0.conv.3", max_base)),
          project_(reader.conv<float>(exec, "project_mat.conv", max_base)),
          stored_(exec, shape_of(std::is_same_v<T, float> ? Size{} : max_base, 16)) {}

    // in [1, h, w, 16] -> hidden [1, h, w, 16], of which nobody reads more if it is not `wanted`; out [1, h, w, 4].
    void operator()(TensorView<const T, Exec> in, TensorView<float, Exec> hidden, bool wanted,
                    TensorView<float, Exec> out) {
        (void)wanted;
        if constexpr (std::is_same_v<T, float>) {
            conv_(in, hidden);
        } else {
            const TensorView<T, Exec> stored = part_of(stored_, in.shape.size());
            conv_(in, stored);
            convert<T, float, Exec>(*exec_, stored, hidden);
        }
        project_(hidden, out);
    }

private:
    Exec* exec_;
    Conv2d<T, Exec> conv_;
    Conv2d<float, Exec> project_;
    TensorBuffer<T, Exec> stored_;
};
}  // namespace cinebokeh::detail
