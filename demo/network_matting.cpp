#include <filesystem>

#include "network_matting_impl.hpp"
#include "weights_cache.hpp"

namespace cinebokeh::demo {

std::string find_weights(const NetworkOptions& options) {
    if (!options.weights.empty()) {
        require(std::filesystem::is_regular_file(options.weights), "the weights '", options.weights, "' do not exist");
        return options.weights;
    }
    const std::filesystem::path cached = cached_weights("rvm");
    return std::filesystem::is_regular_file(cached) ? cached.string() : "";
}

template class NetworkMatting<Cpu>;
}  // namespace cinebokeh::demo
