// Robust Video Matting out of its authors' export for TensorFlow.js. There convolutions are numbered in the order of
// the network: "conv2d", "conv2d_1", ... and "depthwise_conv2d", "depthwise_conv2d_1", ...
#include <nlohmann/json.hpp>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/nn/rvm_layers.hpp"
#include "tfjs_import.hpp"
#include "tfjs_json.hpp"

namespace cinebokeh::demo {
namespace {
using Tensors = std::map<std::string, TfjsTensor>;

std::string numbered(const std::string& name, int i) { return i == 0 ? name : name + "_" + std::to_string(i); }

// The tensor whose name holds "/part/" and ends in one of the endings; null where there is none.
const Tensors::value_type* find(const Tensors& tensors, const std::string& part,
                                const std::vector<std::string>& endings) {
    for (const Tensors::value_type& entry : tensors)
        for (const std::string& ending : endings)
            if (entry.first.ends_with(ending) && entry.first.find("/" + part + "/") != std::string::npos) return &entry;
    return nullptr;
}

// TensorFlow orders filters [y][x][in][out], and depthwise ones [y][x][channel][1]; PyTorch [out][in][y][x].
std::vector<float> reordered(const TfjsTensor& tensor, const std::string& name, const Conv2dParams& conv) {
    const size_t k = size_t(conv.kernel), out = size_t(conv.out_channels);
    const bool depthwise = conv.groups > 1;
    const size_t in = size_t(conv.in_channels / conv.groups);
    const std::vector<size_t> expected =
        depthwise ? std::vector<size_t>{k, k, out, 1} : std::vector<size_t>{k, k, in, out};
    require(tensor.shape == expected, "tensor '", name, "': its shape is ", detail::shape_text(tensor.shape),
            ", expected ", detail::shape_text(expected));
    std::vector<float> weight(tensor.values.size());
    for (size_t o = 0; o < out; ++o)
        for (size_t i = 0; i < in; ++i)
            for (size_t tap = 0; tap < k * k; ++tap)
                weight[(o * in + i) * k * k + tap] = tensor.values[(tap * in + i) * out + o];
    return weight;
}

// Normalisation that the export could not fold, behind the dilated convolutions: multiplies the weights with its scale
// and returns its offset; null where there is none.
const Tensors::value_type* fold_normalisation(const Tensors& tensors, const std::string& weight_name,
                                              std::vector<float>& weight) {
    const size_t end = weight_name.find("/depthwise_conv2d"), begin = weight_name.rfind('/', end - 1) + 1;
    const std::string block = weight_name.substr(begin, end - begin);
    const auto* scale = find(tensors, block, {"/FusedBatchNormV3/Scaled"});
    if (!scale) return nullptr;
    const std::vector<float>& factors = scale->second.values;
    require(!factors.empty() && weight.size() % factors.size() == 0, "tensor '", scale->first, "': wrong shape");
    for (size_t i = 0; i < weight.size(); ++i) weight[i] *= factors[i / (weight.size() / factors.size())];
    return find(tensors, block, {"/FusedBatchNormV3/Offset"});
}

void add_layer(const Tensors& tensors, const RvmLayer& layer, const std::string& part, Weights& weights) {
    const auto* weight = find(
        tensors, part, {"Conv2D_weights", "Conv2D/ReadVariableOp", "depthwise_weights", "depthwise/ReadVariableOp"});
    require(weight != nullptr, "the tensor of ", layer.name, " ('", part, "') is missing");
    std::vector<float> values = reordered(weight->second, weight->first, layer.conv);
    const auto* bias = find(tensors, part, {"Conv2D_bn_offset", "BiasAdd/ReadVariableOp", "depthwise_bn_offset"});
    if (!bias && layer.conv.groups > 1) bias = fold_normalisation(tensors, weight->first, values);
    weights.add(layer.name + ".weight", layer.weight_shape(), values);
    if (!layer.bias) return;
    require(bias != nullptr, "the bias of ", layer.name, " ('", part, "') is missing");
    require(bias->second.shape == std::vector<size_t>{size_t(layer.conv.out_channels)}, "tensor '", bias->first,
            "': its shape is ", detail::shape_text(bias->second.shape));
    weights.add(layer.name + ".bias", bias->second.shape, bias->second.values);
}

void add_normalisation(const Tensors& tensors, Weights& weights) {
    const auto* mean = find(tensors, "mobile_net_v3_encoder", {"mobile_net_v3_encoder/Const"});
    const auto* factor = find(tensors, "mobile_net_v3_encoder", {"mobile_net_v3_encoder/truediv_recip"});
    require(mean && factor && mean->second.values.size() == 3 && factor->second.values.size() == 3,
            "the mean and the deviation of the input are missing");
    std::vector<float> deviation;
    for (const float f : factor->second.values) {
        require(f > 0, "tensor '", factor->first, "': not positive");
        deviation.push_back(1 / f);
    }
    weights.set_metadata("mean", mean->second.values);
    weights.set_metadata("std", deviation);
}
}  // namespace

Weights import_rvm_tfjs(const std::filesystem::path& model_json) {
    const nlohmann::json model = read_tfjs_model(model_json);
    const nlohmann::json signature = model.value("signature", nlohmann::json::object());
    for (const char* output : {"fgr", "pha", "r1o", "r2o", "r3o", "r4o"})
        require(signature.value("outputs", nlohmann::json::object()).contains(output), "'", model_json.string(),
                "' is not Robust Video Matting: it has no output '", output, "'");
    const Tensors tensors = read_tfjs(model_json);
    bool fast = false;
    for (const auto& entry : tensors) fast |= entry.first.find("/fast_guided_filter/") != std::string::npos;
    require(fast, "'", model_json.string(), "' has a refiner that is not known: a fast guided filter is expected");

    Weights weights;
    int dense = 0, depthwise = 0;
    for (const RvmLayer& layer : rvm_layers(RvmRefiner::fast_guided_filter)) {
        const std::string part =
            layer.conv.groups > 1 ? numbered("depthwise_conv2d", depthwise++) : numbered("conv2d", dense++);
        add_layer(tensors, layer, part, weights);
    }
    add_normalisation(tensors, weights);
    weights.set_metadata("architecture", rvm_architecture);
    weights.set_metadata("refiner", name_of(RvmRefiner::fast_guided_filter));
    weights.set_metadata("input_range", "0 1");
    weights.set_metadata("licence", "GPL-3.0");
    weights.set_metadata("origin", "https://github.com/PeterL1n/RobustVideoMatting, export for TensorFlow.js");
    return weights;
}
}  // namespace cinebokeh::demo
