#include "weights_cache.hpp"

#include <cstdlib>

#include "cinebokeh/core/error.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {

const std::vector<PublishedNetwork>& published_networks() {
    static const std::vector<PublishedNetwork> networks = {
        {"rvm",
         "Robust Video Matting (Lin et al., WACV 2022), MobileNetV3",
         "GPL-3.0",
         "https://raw.githubusercontent.com/PeterL1n/RobustVideoMatting/72ed518756950796f10eea6eb6b301df97cef277/model",
         {{"model.json", "de775ec299d64361c26b643c72800da6f7b949fc0f16b56545d8145b92d2decf", 626575},
          {"group1-shard1of1.bin", "64cf47fe743d510c2e1c5114af76c994d67e342a94bbc51a6ef9eaffbf4c8f90", 3739355}},
         "rvm_mobilenetv3.safetensors"}};
    return networks;
}

const PublishedNetwork& published_network(const std::string& name) {
    std::string names;
    for (const PublishedNetwork& network : published_networks()) {
        if (name == network.name) return network;
        names += std::string(names.empty() ? "" : ", ") + network.name;
    }
    fail("no network is called '" + name + "'; there are: " + names);
}

fs::path cache_folder() {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return fs::path(value ? value : "");
    };
    if (const fs::path xdg = variable("XDG_CACHE_HOME"); xdg.is_absolute()) return xdg / "cinebokeh";
#if defined(_WIN32)
    if (const fs::path local = variable("LOCALAPPDATA"); !local.empty()) return local / "cinebokeh";
#elif defined(__APPLE__)
    if (const fs::path home = variable("HOME"); !home.empty()) return home / "Library" / "Caches" / "cinebokeh";
#endif
    if (const fs::path home = variable("HOME"); !home.empty()) return home / ".cache" / "cinebokeh";
    return fs::temp_directory_path() / "cinebokeh";
}

fs::path cached_weights(const std::string& name) { return cache_folder() / published_network(name).stored; }
}  // namespace cinebokeh::demo
