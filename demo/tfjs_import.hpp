// Networks from TensorFlow.js: a model.json and the shards of numbers that it names.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cinebokeh/nn/weights.hpp"

namespace cinebokeh::demo {

/// Reads the export of Robust Video Matting whose model.json this is; its shards lie in the same folder. Throws Error
/// where a file is missing, is something else, or leads out of the folder.
Weights import_rvm_tfjs(const std::filesystem::path& model_json);

/// A floating-point tensor of an export, as TensorFlow orders it.
struct TfjsTensor {
    std::vector<size_t> shape;
    std::vector<float> values;
};
/// The floating-point tensors of an export, by name.
std::map<std::string, TfjsTensor> read_tfjs(const std::filesystem::path& model_json);
}  // namespace cinebokeh::demo
