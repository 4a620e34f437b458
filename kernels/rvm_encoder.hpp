// The encoder of Robust Video Matting: MobileNetV3-Large up to its last 1x1 convolution, and LR-ASPP.
#pragma once
#include <memory>
#include <optional>

#include "cinebokeh/nn/lr_aspp.hpp"
#include "cinebokeh/nn/rvm.hpp"
#include "cinebokeh/nn/squeeze_excite.hpp"

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

template <class T, class Exec>
class RvmInvertedResidual {
public:
    RvmInvertedResidual(Exec& exec, const RvmReader& reader, int index, Size max_input)
        : block_(rvm_blocks[index]),
          prefix_("backbone.features." + std::to_string(index + 1) + ".block."),
          max_output_(block_.stride == 2 ? half_of(max_input) : max_input),
          depthwise_(reader.conv<T>(exec, prefix_ + (block_.expands() ? "1" : "0"), max_input)),
          project_(reader.conv<T>(exec, prefix_ + std::to_string(1 + block_.expands() + block_.squeeze), max_output_)),
          out_(exec, shape_of(max_output_, block_.out)) {
        if (block_.expands()) expand_.emplace(reader.conv<T>(exec, prefix_ + "0", max_input));
        if (!block_.squeeze) return;
        const std::string squeeze = prefix_ + (block_.expands() ? "2" : "1");
        squeeze_.emplace(exec, SqueezeExciteParams{.channels = block_.expanded, .squeezed = block_.squeezed()},
                         reader.weights(squeeze + ".fc1"), reader.weights(squeeze + ".fc2"),
                         shape_of(max_output_, block_.expanded));
    }

    // Elements of scratch memory for an input of this size.
    static size_t scratch(int index, Size input) { return input.area() * size_t(rvm_blocks[index].expanded); }

    TensorView<const T, Exec> operator()(TensorView<const T, Exec> in, RvmScratch<T, Exec>& scratch) {
        TensorView<const T, Exec> expanded = in;
        if (expand_) {
            const TensorView<T, Exec> wide = scratch.before(shape_of(in.shape.size(), block_.expanded));
            (*expand_)(in, wide);
            expanded = wide;
        }
        const TensorView<T, Exec> filtered = scratch.behind(depthwise_.output_shape(in.shape));
        depthwise_(expanded, filtered);
        if (squeeze_) (*squeeze_)(filtered, filtered);
        const TensorView<T, Exec> out = part_of(out_, filtered.shape.size());
        project_(filtered, out, block_.residual() ? in : TensorView<const T, Exec>{});
        return out;
    }

private:
    RvmBlock block_;
    std::string prefix_;
    Size max_output_;
    Conv2d<T, Exec> depthwise_, project_;
    std::optional<Conv2d<T, Exec>> expand_;
    std::optional<SqueezeExcite<T, Exec>> squeeze_;
    TensorBuffer<T, Exec> out_;
};

// What the decoder reads of a frame.
template <class T, class Exec>
struct RvmFeatures {
    TensorView<const T, Exec> f1, f2, f3;  // [1/2, 16], [1/4, 24], [1/8, 40]
    TensorView<const T, Exec> context;     // [1/16, 128]
};

// Features of the encoder, which is in float, as the decoder stores them.
template <class T, class Exec>
class RvmFeatureCopies {
public:
    RvmFeatureCopies(Exec& exec, Size max_base) {
        if (std::is_same_v<T, float>) return;
        Size size = half_of(max_base);
        for (int i = 0; i < 4; ++i, size = half_of(size)) copies_[i] = {exec, shape_of(size, channels[i])};
    }
    RvmFeatures<T, Exec> operator()(Exec& exec, const RvmFeatures<float, Exec>& f) {
        if constexpr (std::is_same_v<T, float>) {
            return f;
        } else {
            const TensorView<const float, Exec> from[4] = {f.f1, f.f2, f.f3, f.context};
            TensorView<const T, Exec> to[4];
            for (int i = 0; i < 4; ++i) {
                const TensorView<T, Exec> copy = part_of(copies_[i], from[i].shape.size());
                convert<float, T, Exec>(exec, from[i], copy);
                to[i] = copy;
            }
            return {to[0], to[1], to[2], to[3]};
        }
    }

private:
    static constexpr int channels[4] = {16, 24, 40, 128};
    TensorBuffer<T, Exec> copies_[4];
};

template <class T, class Exec>
class RvmEncoder {
public:
    RvmEncoder(Exec& exec, const RvmReader& reader, Size max_base)
        : stem_(reader.conv<T>(exec, "backbone.features.0", max_base)),
          stem_out_(exec, shape_of(half_of(max_base), 16)),
          scratch_(exec, scratch_count(max_base)) {
        Size size = half_of(max_base);
        blocks_.reserve(rvm_block_count);
        for (int i = 0; i < rvm_block_count; ++i) {
            blocks_.emplace_back(exec, reader, i, size);
            if (rvm_blocks[i].stride == 2) size = half_of(size);
        }
        last_.emplace(reader.conv<T>(exec, "backbone.features.16", size));
        aspp_.emplace(exec, 960, 128, reader.weights("aspp.aspp1"), reader.weights("aspp.aspp2.1"),
                      shape_of(size, 960));
        context_ = TensorBuffer<T, Exec>(exec, shape_of(size, 128));
    }

    // in [1, h, w, 3], normalised.
    RvmFeatures<T, Exec> operator()(TensorView<const T, Exec> in) {
        const TensorView<T, Exec> stem = part_of(stem_out_, half_of(in.shape.size()));
        stem_(in, stem);
        RvmFeatures<T, Exec> features;
        TensorView<const T, Exec> x = stem;
        for (int i = 0; i < rvm_block_count; ++i) {
            x = blocks_[size_t(i)](x, scratch_);
            if (i == 0) features.f1 = x;
            if (i == 2) features.f2 = x;
            if (i == 5) features.f3 = x;
        }
        const TensorView<T, Exec> deep = scratch_.before(shape_of(x.shape.size(), 960));
        (*last_)(x, deep);
        const TensorView<T, Exec> context = part_of(context_, x.shape.size());
        (*aspp_)(deep, context);
        features.context = context;
        return features;
    }

private:
    static size_t scratch_count(Size max_base) {
        Size size = half_of(max_base);
        size_t most = 0;
        for (int i = 0; i < rvm_block_count; ++i) {
            most = std::max(most, RvmInvertedResidual<T, Exec>::scratch(i, size));
            if (rvm_blocks[i].stride == 2) size = half_of(size);
        }
        return std::max(most, size.area() * 960);
    }

    Conv2d<T, Exec> stem_;
    TensorBuffer<T, Exec> stem_out_;
    RvmScratch<T, Exec> scratch_;
    std::vector<RvmInvertedResidual<T, Exec>> blocks_;
    std::optional<Conv2d<T, Exec>> last_;
    std::optional<LrAspp<T, Exec>> aspp_;
    TensorBuffer<T, Exec> context_;
};
}  // namespace cinebokeh::detail
