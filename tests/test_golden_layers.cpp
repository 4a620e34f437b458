// The layers beside what PyTorch and torchvision made of the same numbers: tests/golden/make_layers.py wrote them.
#include "cinebokeh/nn/conv_gru.hpp"
#include "cinebokeh/nn/deform_conv.hpp"
#include "cinebokeh/nn/lr_aspp.hpp"
#include "cinebokeh/nn/rearrange.hpp"
#include "cinebokeh/nn/tensor_resize.hpp"
#include "cinebokeh/nn/weights.hpp"
#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
// A few dozen roundings of numbers of size one, by us and by PyTorch.
constexpr double float_bound = 2e-5;

struct Golden {
    Weights file = Weights::read((source_folder() / "tests" / "golden" / "layers.safetensors").string());

    std::vector<float> values(const std::string& name, Shape s) const {
        return file.floats(name, {size_t(s.n), size_t(s.h), size_t(s.w), size_t(s.c)});
    }
    template <class Exec>
    TensorBuffer<float, Exec> tensor(Exec& exec, const std::string& name, Shape s) const {
        return {exec, s, values(name, s)};
    }
    std::vector<float> vector(const std::string& name, int count) const { return file.floats(name, {size_t(count)}); }
    Conv2dWeights weights(const std::string& name, int out, int in, int kernel, bool bias = true) const {
        return {file.floats(name + ".weight", {size_t(out), size_t(in), size_t(kernel), size_t(kernel)}),
                bias ? vector(name + ".bias", out) : std::vector<float>{}};
    }
    // Runs a layer that writes a tensor, and compares it with the one of this name.
    template <class Exec, class Layer>
    void check(Exec& exec, const std::string& name, Shape s, const Layer& layer) const {
        CAPTURE(name);
        TensorBuffer<float, Exec> out(exec, s);
        layer(out.view());
        CHECK(worst_error(out.download(), values(name, s)) <= float_bound);
    }
};
}  // namespace

TEST_CASE_TEMPLATE("convolutions and activations are PyTorch's", Exec, EXECUTORS) {
    const Golden golden;
    Exec exec;
    using Out = TensorView<float, Exec>;
    const auto in = golden.tensor(exec, "conv.in", {1, 5, 7, 6});
    const BatchNorm norm{golden.vector("conv.norm.weight", 10), golden.vector("conv.norm.bias", 10),
                         golden.vector("conv.norm.running_mean", 10), golden.vector("conv.norm.running_var", 10), 1e-3};
    Conv2d<float, Exec> conv(exec,
                             {.in_channels = 6,
                              .out_channels = 10,
                              .kernel = 3,
                              .stride = 2,
                              .padding = 1,
                              .activation = ActivationKind::hardswish},
                             fold_batch_norm(golden.weights("conv", 10, 6, 3, false), norm), {7, 5});
    golden.check(exec, "conv.out", {1, 3, 4, 10}, [&](Out out) { conv(in.view(), out); });
    Conv2d<float, Exec> depthwise(exec,
                                  {.in_channels = 6,
                                   .out_channels = 6,
                                   .kernel = 5,
                                   .padding = 4,
                                   .dilation = 2,
                                   .groups = 6,
                                   .activation = ActivationKind::relu6},
                                  golden.weights("depthwise", 6, 1, 5), {7, 5});
    golden.check(exec, "depthwise.out", {1, 5, 7, 6}, [&](Out out) { depthwise(in.view(), out); });

    const auto numbers = golden.tensor(exec, "activation.in", {1, 4, 5, 3});
    const std::vector<std::pair<const char*, ActivationKind>> kinds = {{"relu", ActivationKind::relu},
                                                                       {"relu6", ActivationKind::relu6},
                                                                       {"hardswish", ActivationKind::hardswish},
                                                                       {"hardsigmoid", ActivationKind::hardsigmoid},
                                                                       {"sigmoid", ActivationKind::sigmoid},
                                                                       {"tanh", ActivationKind::tanh},
                                                                       {"leaky_relu", ActivationKind::leaky_relu},
                                                                       {"elu", ActivationKind::elu}};
    for (const auto& kind : kinds)
        golden.check(exec, std::string("activation.") + kind.first, {1, 4, 5, 3},
                     [&](Out out) { activate<float>(exec, kind.second, numbers.view(), out); });
}

TEST_CASE_TEMPLATE("pools, resizes and pixel_shuffle are PyTorch's", Exec, EXECUTORS) {
    const Golden golden;
    Exec exec;
    using Out = TensorView<float, Exec>;
    const auto in = golden.tensor(exec, "resize.in", {1, 5, 7, 2});
    const auto resize = [&](const char* name, Size size, const TensorResizeParams& p) {
        golden.check(exec, name, {1, size.height, size.width, 2},
                     [&](Out out) { resize_bilinear<float>(exec, in.view(), p, out); });
    };
    resize("resize.twice", {14, 10}, {});
    resize("resize.corners", {9, 8}, {.align_corners = true});
    resize("resize.scale", {3, 2}, {.scale_y = 0.55f, .scale_x = 0.55f});
    resize("resize.recomputed", {3, 2}, {});
    golden.check(exec, "resize.nearest", {1, 8, 9, 2},
                 [&](Out out) { resize_nearest<float>(exec, in.view(), {}, out); });
    golden.check(exec, "pool.ceil", {1, 3, 4, 2}, [&](Out out) {
        average_pool<float>(exec, in.view(), {.ceil_mode = true, .count_include_pad = false}, out);
    });
    const Pool2dParams padded{.kernel = 3, .stride = 2, .padding = 1};
    golden.check(exec, "pool.largest", {1, 3, 4, 2}, [&](Out out) { max_pool<float>(exec, in.view(), padded, out); });
    golden.check(exec, "pool.padded", {1, 3, 4, 2}, [&](Out out) {
        average_pool<float>(exec, in.view(), {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}, out);
    });
    const auto channels = golden.tensor(exec, "shuffle.in", {1, 3, 2, 8}),
               pixels = golden.tensor(exec, "shuffle.out", {1, 6, 4, 2});
    golden.check(exec, "shuffle.out", {1, 6, 4, 2},
                 [&](Out out) { pixel_shuffle<float>(exec, channels.view(), 2, out); });
    golden.check(exec, "shuffle.in", {1, 3, 2, 8},
                 [&](Out out) { pixel_unshuffle<float>(exec, pixels.view(), 2, out); });
}

TEST_CASE_TEMPLATE("squeeze-excite, LR-ASPP and ConvGRU are what PyTorch makes of their definitions", Exec, EXECUTORS) {
    const Golden golden;
    Exec exec;
    using Out = TensorView<float, Exec>;
    const auto in = golden.tensor(exec, "squeeze.in", {1, 5, 7, 6});
    SqueezeExcite<float, Exec> squeeze(exec, {.channels = 6, .squeezed = 4}, golden.weights("squeeze.fc1", 4, 6, 1),
                                       golden.weights("squeeze.fc2", 6, 4, 1), {1, 5, 7, 6});
    golden.check(exec, "squeeze.out", {1, 5, 7, 6}, [&](Out out) { squeeze(in.view(), out); });
    LrAspp<float, Exec> aspp(exec, 6, 5, golden.weights("aspp.features", 5, 6, 1),
                             golden.weights("aspp.gate", 5, 6, 1, false), {1, 5, 7, 6});
    golden.check(exec, "aspp.out", {1, 5, 7, 5}, [&](Out out) { aspp(in.view(), out); });

    const Shape s{1, 5, 7, 4};
    const auto first = golden.tensor(exec, "gru.in0", s), second = golden.tensor(exec, "gru.in1", s);
    const ConvGruWeights weights{golden.weights("gru.gates", 8, 8, 3), golden.weights("gru.candidate", 4, 8, 3)};
    for (const auto& [name, rule] : {std::pair{"gru.weighs_candidate", UpdateGate::weighs_candidate},
                                     std::pair{"gru.weighs_state", UpdateGate::weighs_state}}) {
        ConvGru<float, Exec> gru(exec, {.channels = 4, .update_gate = rule}, weights, s);
        TensorBuffer<float, Exec> zeros(exec, s), between(exec, s);
        gru(first.view(), zeros.view(), between.view());
        golden.check(exec, name, s, [&](Out out) { gru(second.view(), between.view(), out); });
    }
}

TEST_CASE_TEMPLATE("deformable convolutions are torchvision's", Exec, EXECUTORS) {
    const Golden golden;
    Exec exec;
    using Out = TensorView<float, Exec>;
    const DeformConv2dParams p{
        {.in_channels = 4, .out_channels = 6, .kernel = 3, .stride = 2, .padding = 2, .dilation = 2, .groups = 2}, 2};
    DeformConv2d<float, Exec> layer(exec, p, golden.weights("deform", 6, 2, 3), {7, 6});
    const auto in = golden.tensor(exec, "deform.in", {1, 6, 7, 4});
    const auto offset = golden.tensor(exec, "deform.offset", {1, 3, 4, 36});
    const auto modulation = golden.tensor(exec, "deform.modulation", {1, 3, 4, 18});
    golden.check(exec, "deform.v1", {1, 3, 4, 6}, [&](Out out) { layer(in.view(), offset.view(), {}, out); });
    golden.check(exec, "deform.v2", {1, 3, 4, 6},
                 [&](Out out) { layer(in.view(), offset.view(), modulation.view(), out); });
}
