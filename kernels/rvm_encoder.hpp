// The encoder of Robust Video Matting: MobileNetV3-Large up to its last 1x1 convolution, and LR-ASPP.
#pragma once
#include <memory>
#include <optional>

#include "cinebokeh/nn/lr_aspp.hpp"
#include "cinebokeh/nn/squeeze_excite.hpp"
#include "kernels/rvm_expand.hpp"
#include "kernels/rvm_expand_cpu.hpp"

namespace cinebokeh::detail {

template <class T, class Exec>
class RvmInvertedResidual {
public:
    RvmInvertedResidual(Exec& exec, const RvmReader& reader, int index, Size max_input)
        : block_(rvm_blocks[index]),
          prefix_("backbone.features." + std::to_string(index + 1) + ".block."),
          max_output_(block_.stride == 2 ? half_of(max_input) : max_input),
          widen_(exec, reader, prefix_, block_.expands(), max_input),
          project_(reader.conv<T>(exec, prefix_ + std::to_string(1 + block_.expands() + block_.squeeze), max_output_)),
          out_(exec, shape_of(max_output_, block_.out)) {
        if (!block_.squeeze) return;
        const std::string squeeze = prefix_ + (block_.expands() ? "2" : "1");
        squeeze_.emplace(exec, SqueezeExciteParams{.channels = block_.expanded, .squeezed = block_.squeezed()},
                         reader.weights(squeeze + ".fc1"), reader.weights(squeeze + ".fc2"),
                         shape_of(max_output_, block_.expanded));
    }

    // Elements of scratch memory for an input of this size.
    static size_t scratch(int index, Size input) { return input.area() * size_t(rvm_blocks[index].expanded); }

    TensorView<const T, Exec> operator()(TensorView<const T, Exec> in, RvmScratch<T, Exec>& scratch) {
        const TensorView<T, Exec> filtered = scratch.behind(widen_.output_shape(in.shape));
        widen_(in, scratch, filtered);
        if (squeeze_) (*squeeze_)(filtered, filtered);
        const TensorView<T, Exec> out = part_of(out_, filtered.shape.size());
        project_(filtered, out, block_.residual() ? in : TensorView<const T, Exec>{});
        return out;
    }

private:
    RvmBlock block_;
    std::string prefix_;
    Size max_output_;
    RvmExpandDepthwise<T, Exec> widen_;
    Conv2d<T, Exec> project_;
    std::optional<SqueezeExcite<T, Exec>> squeeze_;
    TensorBuffer<T, Exec> out_;
};

// What the decoder reads of a frame.
template <class T, class Exec>
struct RvmFeatures {
    TensorView<const T, Exec> f1, f2, f3;  // [1/2, 16], [1/4, 24], [1/8, 40]
    TensorView<const T, Exec> context;     // [1/16, 128]
};

// A stage of blocks that are stored in the same type, and what it shares.
template <class T, class Exec>
class RvmStage {
public:
    // Blocks [first, last) for inputs of at most max_input; scratch memory for `more` elements at least.
    RvmStage(Exec& exec, const RvmReader& reader, int first, int last, Size max_input, size_t more = 0)
        : scratch_(exec, std::max(more, scratch_count(first, last, max_input))), max_output_(max_input) {
        blocks_.reserve(size_t(last - first));
        for (int i = first; i < last; ++i) {
            blocks_.emplace_back(exec, reader, i, max_output_);
            if (rvm_blocks[i].stride == 2) max_output_ = half_of(max_output_);
        }
    }

    Size max_output() const { return max_output_; }
    RvmScratch<T, Exec>& scratch() { return scratch_; }
    // Passes through all blocks; calls kept(output) behind each.
    template <class F>
    TensorView<const T, Exec> operator()(TensorView<const T, Exec> x, const F& kept) {
        for (auto& block : blocks_) kept(x = block(x, scratch_));
        return x;
    }

private:
    static size_t scratch_count(int first, int last, Size size) {
        size_t most = 0;
        for (int i = first; i < last; ++i) {
            most = std::max(most, RvmInvertedResidual<T, Exec>::scratch(i, size));
            if (rvm_blocks[i].stride == 2) size = half_of(size);
        }
        return most;
    }

    RvmScratch<T, Exec> scratch_;
    std::vector<RvmInvertedResidual<T, Exec>> blocks_;
    Size max_output_;
};

// What the coarse half of the encoder, from 1/16 of the resolution on, is stored in. (In Half the worst pixel of real
// frames on a GPU is off by .007, in float by .0025.)
template <class T>
using RvmCoarse = std::conditional_t<std::is_same_v<T, BFloat16>, BFloat16, float>;

// The encoder. Its fine half is in float, whatever T: the fine levels of the decoder read these features, and an error
// in them is one of single pixels.
template <class T, class Exec>
class RvmEncoder {
public:
    RvmEncoder(Exec& exec, const RvmReader& reader, Size max_base)
        : exec_(&exec),
          stem_(reader.conv<float>(exec, "backbone.features.0", max_base)),
          stem_out_(exec, shape_of(half_of(max_base), 16)),
          fine_(exec, reader, 0, fine_blocks, half_of(max_base)),
          coarse_(exec, reader, fine_blocks, rvm_block_count, fine_.max_output(),
                  half_of(fine_.max_output()).area() * 960),
          last_(reader.conv<Coarse>(exec, "backbone.features.16", coarse_.max_output())),
          aspp_(exec, 960, 128, reader.weights("aspp.aspp1"), reader.weights("aspp.aspp2.1"),
                shape_of(coarse_.max_output(), 960)),
          context_(exec, shape_of(coarse_.max_output(), 128)) {
        if (std::is_same_v<T, float>) return;
        Size size = half_of(max_base);
        for (int i = 0; i < 4; ++i, size = half_of(size)) copies_[i] = {exec, shape_of(size, channels[i])};
    }

    // in [1, h, w, 3], normalised.
    RvmFeatures<T, Exec> operator()(TensorView<const float, Exec> in) {
        const TensorView<float, Exec> stem = part_of(stem_out_, half_of(in.shape.size()));
        stem_(in, stem);
        RvmFeatures<T, Exec> features;
        int block = 0;
        const TensorView<const float, Exec> fine = fine_(stem, [&](TensorView<const float, Exec> out) {
            if (block == 0) features.f1 = stored<float>(0, out);
            if (block == 2) features.f2 = stored<float>(1, out);
            ++block;
        });
        features.f3 = stored<float>(2, fine);
        TensorView<const Coarse, Exec> x;
        if constexpr (std::is_same_v<Coarse, T>)
            x = features.f3;
        else
            x = fine;
        x = coarse_(x, [](TensorView<const Coarse, Exec>) {});
        const TensorView<Coarse, Exec> deep = coarse_.scratch().before(shape_of(x.shape.size(), 960));
        last_(x, deep);
        const TensorView<Coarse, Exec> context = part_of(context_, x.shape.size());
        aspp_(deep, context);
        features.context = stored<Coarse>(3, context);
        return features;
    }

private:
    using Coarse = RvmCoarse<T>;
    static constexpr int fine_blocks = 6, channels[4] = {16, 24, 40, 128};

    // Features number i, as the decoder stores them.
    template <class From>
    TensorView<const T, Exec> stored(int i, TensorView<const From, Exec> features) {
        if constexpr (std::is_same_v<T, From>) {
            return features;
        } else {
            const TensorView<T, Exec> copy = part_of(copies_[i], features.shape.size());
            convert<From, T, Exec>(*exec_, features, copy);
            return copy;
        }
    }

    Exec* exec_;
    Conv2d<float, Exec> stem_;
    TensorBuffer<float, Exec> stem_out_;
    RvmStage<float, Exec> fine_;
    RvmStage<Coarse, Exec> coarse_;
    Conv2d<Coarse, Exec> last_;
    LrAspp<Coarse, Exec> aspp_;
    TensorBuffer<Coarse, Exec> context_;
    TensorBuffer<T, Exec> copies_[4];
};
}  // namespace cinebokeh::detail
