// The first half of an inverted residual block: a 1x1 convolution to many channels, and a depthwise one. One after the
// other, with the expanded tensor between them: what there is on Cuda.
#pragma once
#include <optional>

#include "kernels/rvm_reader.hpp"

namespace cinebokeh::detail {

template <class T, class Exec>
class RvmExpandDepthwiseSteps {
public:
    // A block that does not expand has the depthwise convolution alone, as layer 0.
    RvmExpandDepthwiseSteps(Exec& exec, const RvmReader& reader, const std::string& prefix, bool expands,
                            Size max_input)
        : depthwise_(reader.conv<T>(exec, prefix + (expands ? "1" : "0"), max_input)) {
        if (expands) expand_.emplace(reader.conv<T>(exec, prefix + "0", max_input));
    }

    Shape output_shape(Shape in) const { return depthwise_.output_shape(in); }
    void operator()(TensorView<const T, Exec> in, RvmScratch<T, Exec>& scratch, TensorView<T, Exec> out) {
        if (!expand_) return depthwise_(in, out);
        const TensorView<T, Exec> wide = scratch.before(shape_of(in.shape.size(), expand_->params().out_channels));
        (*expand_)(in, wide);
        depthwise_(wide, out);
    }

private:
    Conv2d<T, Exec> depthwise_;
    std::optional<Conv2d<T, Exec>> expand_;
};
template <class T, class Exec>
class RvmExpandDepthwise : public RvmExpandDepthwiseSteps<T, Exec> {
    using RvmExpandDepthwiseSteps<T, Exec>::RvmExpandDepthwiseSteps;
};
}  // namespace cinebokeh::detail
