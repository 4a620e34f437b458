// The recurrent decoder of Robust Video Matting. Half of the channels of every level pass through a ConvGRU, whose
// state is what it remembers of the frames before; the levels read tensors side by side instead of concatenating them.
#pragma once
#include "cinebokeh/nn/conv_gru.hpp"
#include "cinebokeh/nn/pool.hpp"
#include "cinebokeh/nn/upsample_conv.hpp"
#include "kernels/rvm_encoder.hpp"

namespace cinebokeh::detail {

template <class T, class Space>
struct ZeroChannels {
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        for (int c = first; c < last; ++c) out(n, y, x, c) = from_float<T>(0);
    }
};

// What a level hands to the next finer one: the channels that pass, and those that are remembered.
template <class T, class Exec>
struct RvmLevelOutput {
    TensorView<const T, Exec> passed, remembered;  // [h, w, c / 2] each
};

// A ConvGRU and its state.
template <class T, class Exec>
class RvmMemory {
public:
    RvmMemory(Exec& exec, const RvmReader& reader, const std::string& prefix, int channels, Size max_size)
        : exec_(&exec),
          gru_(exec, {.channels = channels, .update_gate = UpdateGate::weighs_candidate},
               {reader.weights(prefix + ".gru.ih.0"), reader.weights(prefix + ".gru.hh.0")},
               shape_of(max_size, channels)),
          state_(exec, shape_of(max_size, channels)),
          next_(exec, shape_of(std::is_same_v<Exec, Cpu> ? max_size : Size{}, channels)) {}

    void reset() { for_each_channel_run(*exec_, state_.shape(), ZeroChannels<T, typename Exec::Space>{state_.view()}); }
    // The new state. On Cuda it takes the place of the old one, so that a captured graph finds it where it was.
    TensorView<const T, Exec> operator()(TensorView<const T, Exec> x) {
        const TensorView<T, Exec> state = part_of(state_, x.shape.size());
        if constexpr (std::is_same_v<Exec, Cpu>) {
            const TensorView<T, Exec> next = part_of(next_, x.shape.size());
            gru_(x, state, next);
            std::swap(state_, next_);
            return next;
        } else {
            gru_(x, state, state);
            return state;
        }
    }
    TensorView<const T, Exec> state(Size size) { return part_of(state_, size); }

private:
    Exec* exec_;
    ConvGru<T, Exec> gru_;
    TensorBuffer<T, Exec> state_, next_;  // the latter on Cpu alone
};

// An upsampling block: doubles the size of the coarser level, adds features and image, and remembers.
template <class T, class Exec>
class RvmUpLevel {
public:
    RvmUpLevel(Exec& exec, const RvmReader& reader, const std::string& prefix, int coarse, Size max_size)
        : conv_(reader.upsample_conv<T>(exec, prefix + ".conv", coarse, max_size)),
          half_(conv_.params().out_channels / 2),
          memory_(exec, reader, prefix, half_, max_size),
          merged_(exec, shape_of(max_size, 2 * half_)) {}

    RvmLevelOutput<T, Exec> operator()(const RvmLevelOutput<T, Exec>& coarse, TensorView<const T, Exec> features,
                                       TensorView<const T, Exec> image) {
        const TensorView<T, Exec> merged = part_of(merged_, image.shape.size());
        conv_({coarse.passed, coarse.remembered}, {features, image}, merged);
        return {merged.channels(0, half_), memory_(merged.channels(half_, half_))};
    }
    RvmMemory<T, Exec>& memory() { return memory_; }

private:
    UpsampleConv2d<T, Exec> conv_;
    int half_;
    RvmMemory<T, Exec> memory_;
    TensorBuffer<T, Exec> merged_;
};

template <class T, class Exec>
class RvmDecoder {
public:
    RvmDecoder(Exec& exec, const RvmReader& reader, Size max_base)
        : exec_(&exec),
          sizes_{max_base, half_of(max_base), half_of(half_of(max_base)), half_of(half_of(half_of(max_base)))},
          memory4_(exec, reader, "decoder.decode4", 64, half_of(sizes_[3])),
          level3_(exec, reader, "decoder.decode3", 128, sizes_[3]),
          level2_(exec, reader, "decoder.decode2", 80, sizes_[2]),
          level1_(exec, reader, "decoder.decode1", 40, sizes_[1]),
          first_(reader.upsample_conv<T>(exec, "decoder.decode0.conv.0", 32, max_base)),
          first_out_(exec, shape_of(max_base, 16)) {
        for (int i = 1; i < 4; ++i) images_[i - 1] = TensorBuffer<T, Exec>(exec, shape_of(sizes_[i], 3));
    }

    void reset() { memory4_.reset(), level3_.memory().reset(), level2_.memory().reset(), level1_.memory().reset(); }

    // image [1, h, w, 3] in 0..1 -> what the head reads [1, h, w, 16].
    TensorView<const T, Exec> operator()(const RvmFeatures<T, Exec>& f, TensorView<const T, Exec> image) {
        TensorView<const T, Exec> pyramid[4] = {image};
        for (int i = 1; i < 4; ++i) {
            const TensorView<T, Exec> smaller = part_of(images_[i - 1], half_of(pyramid[i - 1].shape.size()));
            average_pool<T, Exec>(*exec_, pyramid[i - 1], {.ceil_mode = true, .count_include_pad = false}, smaller);
            pyramid[i] = smaller;
        }
        RvmLevelOutput<T, Exec> x{f.context.channels(0, 64), memory4_(f.context.channels(64, 64))};
        x = level3_(x, f.f3, pyramid[3]);
        x = level2_(x, f.f2, pyramid[2]);
        x = level1_(x, f.f1, pyramid[1]);
        const TensorView<T, Exec> first = part_of(first_out_, image.shape.size());
        first_({x.passed, x.remembered}, image, first);
        return first;
    }

    // The state of level 1 (half of the base resolution) to 4, for frames of this base size.
    TensorView<const T, Exec> state(int level, Size base) {
        for (int i = 0; i < level; ++i) base = half_of(base);
        return level == 4   ? memory4_.state(base)
               : level == 3 ? level3_.memory().state(base)
               : level == 2 ? level2_.memory().state(base)
                            : level1_.memory().state(base);
    }

private:
    Exec* exec_;
    Size sizes_[4];
    RvmMemory<T, Exec> memory4_;
    RvmUpLevel<T, Exec> level3_, level2_, level1_;
    UpsampleConv2d<T, Exec> first_;
    TensorBuffer<T, Exec> first_out_, images_[3];
};
}  // namespace cinebokeh::detail
