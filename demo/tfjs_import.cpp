// The container of TensorFlow.js: tensors lie one behind the other in the shards of their group, as numbers or as
// whole numbers q that stand for q * scale + min.
#include "tfjs_import.hpp"

#include <bit>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/core/float16.hpp"
#include "tfjs_json.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
using nlohmann::json;

std::vector<uint8_t> read_bytes(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(stream), {}};
    require(bool(stream), "the file '", file.string(), "' cannot be read");
    return bytes;
}

// The bytes of all shards of a group. Their names are a stranger's: they must stay in the folder of the model.
std::vector<uint8_t> read_shards(const json& paths, const fs::path& folder, const std::string& model) {
    std::vector<uint8_t> bytes;
    for (const json& path : paths) {
        const fs::path name(path.get<std::string>());
        const fs::path file = fs::weakly_canonical(folder / name),
                       inside = file.lexically_relative(fs::canonical(folder));
        require(name.is_relative() && !inside.empty() && *inside.begin() != "..", "'", model, "' names the shard '",
                name.string(), "', which lies outside of its folder: it is not read");
        require(fs::is_regular_file(file), "the shard '", (folder / name).string(), "', which '", model,
                "' names, is missing");
        const std::vector<uint8_t> shard = read_bytes(file);
        bytes.insert(bytes.end(), shard.begin(), shard.end());
    }
    return bytes;
}

size_t bytes_of(const std::string& type) {
    if (type == "float32" || type == "int32") return 4;
    if (type == "float16" || type == "uint16" || type == "int16") return 2;
    return type == "uint8" || type == "int8" || type == "bool" ? 1 : 0;
}

float number_at(const uint8_t* bytes, const std::string& type) {
    uint32_t bits = 0;
    for (size_t i = 0; i < bytes_of(type); ++i) bits |= uint32_t(bytes[i]) << 8 * i;
    return type == "float32"   ? std::bit_cast<float>(bits)
           : type == "float16" ? to_float(Half{uint16_t(bits)})
                               : float(bits);
}

// Reads one tensor at `at` and moves on. Other numbers than floating-point ones are stepped over.
void read_tensor(const json& entry, const std::vector<uint8_t>& data, size_t& at,
                 std::map<std::string, TfjsTensor>& tensors) {
    const std::string name = entry.at("name"), type = entry.at("dtype");
    const json quantization = entry.value("quantization", json::object());
    const std::string stored = quantization.value("dtype", type);
    TfjsTensor tensor;
    tensor.shape = entry.at("shape").get<std::vector<size_t>>();
    size_t count = 1;
    for (const size_t side : tensor.shape) {
        require(side == 0 || count <= data.size() / side, "tensor '", name, "': its shape is larger than the shards");
        count *= side;
    }
    const size_t element = bytes_of(stored);
    require(element > 0, "tensor '", name, "': the type '", stored, "' is unknown");
    require(count <= (data.size() - at) / element, "tensor '", name, "': the shards end before it: they are cut off");
    const uint8_t* bytes = data.data() + at;
    at += count * element;
    if (type != "float32") return;
    require(stored == "float32" || stored == "float16" || stored == "uint8" || stored == "uint16", "tensor '", name,
            "': numbers of the type '", stored, "' are not understood");
    // Exact products in double, rounded once.
    const double scale = quantization.value("scale", 1.0), low = quantization.value("min", 0.0);
    tensor.values.resize(count);
    for (size_t i = 0; i < count; ++i) {
        tensor.values[i] = float(number_at(bytes + i * element, stored) * scale + low);
        require(std::isfinite(tensor.values[i]), "tensor '", name, "': value ", i, " is not finite");
    }
    require(tensors.emplace(name, std::move(tensor)).second, "tensor '", name, "' occurs twice");
}
}  // namespace

json read_tfjs_model(const fs::path& model_json) {
    const std::vector<uint8_t> text = read_bytes(model_json);
    json model = json::parse(text.begin(), text.end(), nullptr, false);
    require(model.is_object() && model.contains("weightsManifest") && model.contains("modelTopology"), "'",
            model_json.string(), "' is no model of TensorFlow.js");
    return model;
}

std::map<std::string, TfjsTensor> read_tfjs(const fs::path& model_json) {
    std::map<std::string, TfjsTensor> tensors;
    try {
        const json model = read_tfjs_model(model_json);
        for (const json& group : model.at("weightsManifest")) {
            const fs::path folder = fs::absolute(model_json).parent_path();
            const std::vector<uint8_t> data = read_shards(group.at("paths"), folder, model_json.string());
            size_t at = 0;
            for (const json& entry : group.at("weights")) read_tensor(entry, data, at, tensors);
            require(at == data.size(), "the shards of '", model_json.string(), "' have ", data.size() - at,
                    " bytes more than its tensors");
        }
    } catch (const json::exception& error) {
        fail("'" + model_json.string() + "' is no model of TensorFlow.js: " + error.what());
    }
    return tensors;
}
}  // namespace cinebokeh::demo
