// The layers of Robust Video Matting: what they are called in a file of weights, and their shapes.
//
// S. Lin et al., "Robust High-Resolution Video Matting with Temporal Guidance" (WACV 2022), with the MobileNetV3-Large
// encoder of A. Howard et al., "Searching for MobileNetV3" (ICCV 2019), table 1, whose last stage is dilated instead of
// strided. Batch normalisation is folded into the convolutions.
#pragma once
#include <string>
#include <vector>

#include "cinebokeh/nn/conv.hpp"
#include "cinebokeh/nn/weights.hpp"

namespace cinebokeh {

/// An inverted residual block of the encoder.
struct RvmBlock {
    int in, expanded, out;  // channels
    int kernel, stride, dilation;
    bool squeeze;  // squeeze-and-excite behind the depthwise convolution
    ActivationKind activation;

    /// The block adds its input to its output. (Block 13 stands for one of stride 2: it does not.)
    constexpr bool residual() const { return stride == 1 && in == out; }
    constexpr bool expands() const { return expanded != in; }
    /// Channels between the two layers of squeeze-and-excite: a quarter, to a multiple of 8.
    constexpr int squeezed() const {
        const int rounded = (expanded / 4 + 4) / 8 * 8;
        return 10 * rounded < 9 * (expanded / 4) ? rounded + 8 : rounded;
    }
};
inline constexpr int rvm_block_count = 15;
/// Block i is called backbone.features.(i + 1).
inline constexpr RvmBlock rvm_blocks[rvm_block_count] = {
    {16, 16, 16, 3, 1, 1, false, ActivationKind::relu},         //  1/2
    {16, 64, 24, 3, 2, 1, false, ActivationKind::relu},         //  1/4
    {24, 72, 24, 3, 1, 1, false, ActivationKind::relu},         //
    {24, 72, 40, 5, 2, 1, true, ActivationKind::relu},          //  1/8
    {40, 120, 40, 5, 1, 1, true, ActivationKind::relu},         //
    {40, 120, 40, 5, 1, 1, true, ActivationKind::relu},         //
    {40, 240, 80, 3, 2, 1, false, ActivationKind::hardswish},   //  1/16
    {80, 200, 80, 3, 1, 1, false, ActivationKind::hardswish},   //
    {80, 184, 80, 3, 1, 1, false, ActivationKind::hardswish},   //
    {80, 184, 80, 3, 1, 1, false, ActivationKind::hardswish},   //
    {80, 480, 112, 3, 1, 1, true, ActivationKind::hardswish},   //
    {112, 672, 112, 3, 1, 1, true, ActivationKind::hardswish},  //
    {112, 672, 160, 5, 1, 2, true, ActivationKind::hardswish},  //  dilated from here
    {160, 960, 160, 5, 1, 2, true, ActivationKind::hardswish},  //
    {160, 960, 160, 5, 1, 2, true, ActivationKind::hardswish},
};

/// What makes the alpha of the full resolution out of that of the reduced one.
enum class RvmRefiner {
    deep_guided_filter,  // learned: refiner.*
    fast_guided_filter,  // He and Sun, "Fast guided filter" (2015); no weights
};

/// A layer with weights: tensors "name.weight" [out, in / groups, kernel, kernel] and, with a bias, "name.bias" [out].
struct RvmLayer {
    std::string name;
    Conv2dParams conv;
    bool bias = true;

    std::vector<size_t> weight_shape() const {
        return {size_t(conv.out_channels), size_t(conv.in_channels / conv.groups), size_t(conv.kernel),
                size_t(conv.kernel)};
    }
};

/// All layers, in the order in which a frame passes through them. Allocates what it returns.
inline std::vector<RvmLayer> rvm_layers(RvmRefiner refiner);

/// The weights of a layer. Throws Error, naming the tensor, where one is missing or of the wrong shape or type.
inline Conv2dWeights rvm_weights(const Weights& file, const RvmLayer& layer) {
    Conv2dWeights weights{file.floats(layer.name + ".weight", layer.weight_shape()), {}};
    if (layer.bias) weights.bias = file.floats(layer.name + ".bias", {size_t(layer.conv.out_channels)});
    return weights;
}

/// The value of the metadata "architecture" of such a file.
inline constexpr const char* rvm_architecture = "rvm_mobilenetv3";
/// The values of its metadata "refiner".
inline const char* name_of(RvmRefiner refiner) {
    return refiner == RvmRefiner::deep_guided_filter ? "deep_guided_filter" : "fast_guided_filter";
}
/// Which refiner a file is for. Throws Error where the file is not of this architecture or names no known refiner.
inline RvmRefiner rvm_refiner(const Weights& file) {
    require(file.metadata("architecture") == rvm_architecture, "weights '", file.name(), "' are of the architecture '",
            file.metadata("architecture"), "', not ", rvm_architecture);
    for (const RvmRefiner refiner : {RvmRefiner::deep_guided_filter, RvmRefiner::fast_guided_filter})
        if (file.metadata("refiner") == name_of(refiner)) return refiner;
    fail("weights '" + file.name() + "': the refiner '" + file.metadata("refiner") + "' is unknown");
}

// ---------------------------------------------------------------------------- implementation

namespace detail {
class RvmLayerList {
public:
    std::vector<RvmLayer> layers;

    void encoder() {
        const ActivationKind swish = ActivationKind::hardswish;
        add("backbone.features.0",
            {.in_channels = 3, .out_channels = 16, .kernel = 3, .stride = 2, .padding = 1, .activation = swish});
        for (int i = 0; i < rvm_block_count; ++i)
            block("backbone.features." + std::to_string(i + 1) + ".block.", rvm_blocks[i]);
        pointwise("backbone.features.16", 160, 960, swish);
        pointwise("aspp.aspp1", 960, 128, ActivationKind::relu);
        pointwise("aspp.aspp2.1", 960, 128, ActivationKind::sigmoid, false);
    }
    void decoder() {
        gru("decoder.decode4", 64);
        up("decoder.decode3", 128 + 40 + 3, 80);
        up("decoder.decode2", 80 + 24 + 3, 40);
        up("decoder.decode1", 40 + 16 + 3, 32);
        dense("decoder.decode0.conv.0", 32 + 3, 16, ActivationKind::relu);
        dense("decoder.decode0.conv.3", 16, 16, ActivationKind::relu);
        pointwise("project_mat.conv", 16, 4, ActivationKind::none);
    }
    void refiner() {
        add("refiner.box_filter", {.in_channels = 4, .out_channels = 4, .kernel = 3, .padding = 1, .groups = 4}, false);
        pointwise("refiner.conv.0", 24, 16, ActivationKind::relu);
        pointwise("refiner.conv.3", 16, 16, ActivationKind::relu);
        pointwise("refiner.conv.6", 16, 4, ActivationKind::none);
    }

private:
    void add(const std::string& name, const Conv2dParams& conv, bool bias = true) {
        layers.push_back({name, conv, bias});
    }
    void pointwise(const std::string& name, int in, int out, ActivationKind activation, bool bias = true) {
        add(name, {.in_channels = in, .out_channels = out, .activation = activation}, bias);
    }
    void dense(const std::string& name, int in, int out, ActivationKind activation) {
        add(name, {.in_channels = in, .out_channels = out, .kernel = 3, .padding = 1, .activation = activation});
    }
    void block(const std::string& prefix, const RvmBlock& b) {
        int j = 0;
        if (b.expands()) pointwise(prefix + std::to_string(j++), b.in, b.expanded, b.activation);
        add(prefix + std::to_string(j++), {.in_channels = b.expanded,
                                           .out_channels = b.expanded,
                                           .kernel = b.kernel,
                                           .stride = b.stride,
                                           .padding = b.kernel / 2 * b.dilation,
                                           .dilation = b.dilation,
                                           .groups = b.expanded,
                                           .activation = b.activation});
        if (b.squeeze) {
            const std::string squeeze = prefix + std::to_string(j++);
            pointwise(squeeze + ".fc1", b.expanded, b.squeezed(), ActivationKind::relu);
            pointwise(squeeze + ".fc2", b.squeezed(), b.expanded, ActivationKind::hardsigmoid);
        }
        pointwise(prefix + std::to_string(j), b.expanded, b.out, ActivationKind::none);
    }
    void gru(const std::string& prefix, int channels) {
        dense(prefix + ".gru.ih.0", 2 * channels, 2 * channels, ActivationKind::sigmoid);
        dense(prefix + ".gru.hh.0", 2 * channels, channels, ActivationKind::tanh);
    }
    void up(const std::string& prefix, int in, int out) {
        dense(prefix + ".conv", in, out, ActivationKind::relu);
        gru(prefix, out / 2);
    }
};
}  // namespace detail

inline std::vector<RvmLayer> rvm_layers(RvmRefiner refiner) {
    detail::RvmLayerList list;
    list.encoder();
    list.decoder();
    if (refiner == RvmRefiner::deep_guided_filter) list.refiner();
    return std::move(list.layers);
}
}  // namespace cinebokeh
