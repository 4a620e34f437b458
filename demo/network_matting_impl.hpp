// The same text serves both backends.
#pragma once
#include <algorithm>
#include <optional>

#include "cinebokeh/nn/rvm.hpp"
#include "cinebokeh/scene_cut.hpp"
#include "network_matting.hpp"

namespace cinebokeh::demo {

/// What the network is stored in: what the device multiplies fastest.
template <class Exec>
struct NetworkStorage {
    using Type = Half;
    static constexpr const char *device = "cuda", *name = "half";
};
template <>
struct NetworkStorage<Cpu> {
    static constexpr const char* device = "cpu";
#if defined(__AVX512BF16__)  // half the time or less where the processor multiplies it, and an emulation elsewhere
    using Type = BFloat16;
    static constexpr const char* name = "bfloat16";
#else
    using Type = float;
    static constexpr const char* name = "float";
#endif
};

template <class Exec>
struct NetworkMatting<Exec>::State {
    State(Exec& exec_, Cpu& cpu, const NetworkOptions& options_, const std::string& file, Size size_)
        : exec(exec_), options(options_), weights(Weights::read(file)), cut(cpu), size(size_) {
        make();
    }
    void make() {
        network.emplace(exec, weights, size,
                        RvmParams{.downsample_ratio = options.downsample_ratio,
                                  .upsampling = uses_colour() ? RvmUpsampling::colour : RvmUpsampling::published});
    }
    bool uses_colour() const {
        if (options.upsampling != MatteUpsampling::automatic) return options.upsampling == MatteUpsampling::colour;
        return rvm_refiner(weights) != RvmRefiner::deep_guided_filter;
    }

    Exec& exec;
    NetworkOptions options;
    Weights weights;
    SceneCut cut;
    Size size;  // of the plan
    std::optional<Rvm<typename NetworkStorage<Exec>::Type, Exec>> network;
    int scene_cuts = 0;
};

template <class Exec>
NetworkMatting<Exec>::NetworkMatting(Exec& exec, Cpu& cpu, const NetworkOptions& options, const std::string& weights,
                                     Size size)
    : state_(std::make_unique<State>(exec, cpu, options, weights, size)) {}
template <class Exec>
NetworkMatting<Exec>::~NetworkMatting() = default;

template <class Exec>
void NetworkMatting<Exec>::matte(HostImage<const Rgba8> picture, View<const Rgba8, Exec> frame,
                                 View<float, Exec> matte) {
    State& s = *state_;
    if (frame.size.width > s.size.width || frame.size.height > s.size.height) {
        s.exec.synchronize();  // the plan that goes may still be at work
        s.size = {std::max(frame.size.width, s.size.width), std::max(frame.size.height, s.size.height)};
        s.make();
    }
    if (s.options.reset_each) {
        s.network->reset();
    } else if (s.cut(picture)) {
        s.network->reset();
        ++s.scene_cuts;
    }
    for (int i = 0; i < s.options.repeat; ++i) (*s.network)(frame, matte);
}

template <class Exec>
void NetworkMatting<Exec>::set_downsample_ratio(double ratio) {
    if (ratio == state_->options.downsample_ratio) return;
    state_->options.downsample_ratio = ratio;
    state_->exec.synchronize();
    state_->make();
}

template <class Exec>
std::string NetworkMatting<Exec>::description() const {
    const State& s = *state_;
    const Size base = rvm_base_size(s.network->downsample_ratio(s.size), s.size);
    return std::string("Robust Video Matting on ") + NetworkStorage<Exec>::device + ", " + NetworkStorage<Exec>::name +
           ", " + std::to_string(base.width) + " x " + std::to_string(base.height) + ", " +
           (s.uses_colour() ? "colour_guided_upsampling" : name_of(s.network->refiner()));
}
template <class Exec>
int NetworkMatting<Exec>::scene_cuts() const {
    return state_->scene_cuts;
}
}  // namespace cinebokeh::demo
