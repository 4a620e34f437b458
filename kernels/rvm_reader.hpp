// The layers of Robust Video Matting out of a file of weights, and the memory that its blocks share.
#pragma once
#include "cinebokeh/nn/rvm.hpp"
#include "cinebokeh/nn/upsample_conv.hpp"

namespace cinebokeh::detail {

// Layers by name, out of a file.
class RvmReader {
public:
    explicit RvmReader(const Weights& file)
        : file_(&file), refiner_(rvm_refiner(file)), layers_(rvm_layers(refiner_)) {}

    RvmRefiner refiner() const { return refiner_; }
    const Weights& file() const { return *file_; }
    const RvmLayer& layer(const std::string& name) const {
        for (const RvmLayer& candidate : layers_)
            if (candidate.name == name) return candidate;
        fail("rvm: there is no layer '" + name + "'");
    }
    Conv2dWeights weights(const std::string& name) const { return rvm_weights(*file_, layer(name)); }
    template <class T, class Exec>
    Conv2d<T, Exec> conv(Exec& exec, const std::string& name, Size max_input) const {
        return {exec, layer(name).conv, weights(name), max_input};
    }
    template <class T, class Exec>
    UpsampleConv2d<T, Exec> upsample_conv(Exec& exec, const std::string& name, int coarse_channels,
                                          Size max_fine) const {
        return {exec, layer(name).conv, coarse_channels, weights(name), max_fine};
    }

private:
    const Weights* file_;
    RvmRefiner refiner_;
    std::vector<RvmLayer> layers_;
};

inline Size half_of(Size s) { return {ceil_div(s.width, 2), ceil_div(s.height, 2)}; }
inline Shape shape_of(Size s, int channels) { return {1, s.height, s.width, channels}; }
// The part of a planned tensor that a smaller frame needs.
template <class Tensor>
auto part_of(Tensor& buffer, Size s) {
    return buffer.view().crop(0, 0, s);
}

// What the blocks share: the expanded channels before and behind the depthwise convolution.
template <class T, class Exec>
class RvmScratch {
public:
    RvmScratch(Exec& exec, size_t count) : before_(exec, {int(count), 1}), behind_(exec, {int(count), 1}) {}
    TensorView<T, Exec> before(Shape shape) { return {before_.view().data, shape}; }
    TensorView<T, Exec> behind(Shape shape) { return {behind_.view().data, shape}; }

private:
    Buffer<T, Exec> before_, behind_;
};
}  // namespace cinebokeh::detail
