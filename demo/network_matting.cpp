#include "network_matting.hpp"

#include <filesystem>
#include <optional>

#include "cinebokeh/nn/rvm.hpp"
#include "cinebokeh/scene_cut.hpp"
#include "weights_cache.hpp"

namespace cinebokeh::demo {
namespace {
// bfloat16 takes half the time where the processor multiplies it, and is an emulation elsewhere.
#if defined(__AVX512BF16__)
using Stored = BFloat16;
constexpr const char* stored_name = "bfloat16";
#else
using Stored = float;
constexpr const char* stored_name = "float";
#endif
}  // namespace

std::string find_weights(const NetworkOptions& options) {
    if (!options.weights.empty()) {
        require(std::filesystem::is_regular_file(options.weights), "the weights '", options.weights, "' do not exist");
        return options.weights;
    }
    const std::filesystem::path cached = cached_weights("rvm");
    return std::filesystem::is_regular_file(cached) ? cached.string() : "";
}

struct NetworkMatting::State {
    State(const NetworkOptions& options_, const std::string& file, Size size_, int threads)
        : options(options_), cpu(threads), weights(Weights::read(file)), cut(cpu), size(size_) {
        make();
    }
    void make() { network.emplace(cpu, weights, size, RvmParams{.downsample_ratio = options.downsample_ratio}); }

    NetworkOptions options;
    Cpu cpu;
    Weights weights;
    SceneCut cut;
    Size size;  // of the plan
    std::optional<Rvm<Stored, Cpu>> network;
    int scene_cuts = 0;
};

NetworkMatting::NetworkMatting(const NetworkOptions& options, const std::string& weights, Size size, int threads)
    : state_(std::make_unique<State>(options, weights, size, threads)) {}
NetworkMatting::~NetworkMatting() = default;

void NetworkMatting::matte(HostImage<const Rgba8> frame, HostImage<float> matte) {
    State& s = *state_;
    if (frame.size.width > s.size.width || frame.size.height > s.size.height) {
        s.size = {std::max(frame.size.width, s.size.width), std::max(frame.size.height, s.size.height)};
        s.make();
    }
    if (s.options.reset_each) {
        s.network->reset();
    } else if (s.cut(frame)) {
        s.network->reset();
        ++s.scene_cuts;
    }
    for (int i = 0; i < s.options.repeat; ++i) (*s.network)(frame, matte);
}

void NetworkMatting::set_downsample_ratio(double ratio) {
    if (ratio == state_->options.downsample_ratio) return;
    state_->options.downsample_ratio = ratio;
    state_->make();
}

std::string NetworkMatting::description() const {
    const State& s = *state_;
    const Size base = rvm_base_size(s.network->downsample_ratio(s.size), s.size);
    return std::string("Robust Video Matting, ") + stored_name + ", " + std::to_string(base.width) + " x " +
           std::to_string(base.height) + ", " + name_of(s.network->refiner());
}
int NetworkMatting::scene_cuts() const { return state_->scene_cuts; }
}  // namespace cinebokeh::demo
