// The parsed model.json of a TensorFlow.js export; apart from tfjs_import.hpp, as it needs the JSON library.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>

namespace cinebokeh::demo {

/// Throws Error where the file cannot be read or is something else.
nlohmann::json read_tfjs_model(const std::filesystem::path& model_json);
}  // namespace cinebokeh::demo
