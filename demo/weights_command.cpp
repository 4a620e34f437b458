// `weights list`, `weights get` and `weights import`.
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "cinebokeh/core/error.hpp"
#include "commands.hpp"
#include "download.hpp"
#include "sha256.hpp"
#include "tfjs_import.hpp"
#include "weights_cache.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
// A folder for what is not complete yet, on the file system of the cache, removed in the end.
class Workplace {
public:
    explicit Workplace(const fs::path& cache) : folder_(cache / ("incomplete_" + std::to_string(getpid()))) {
        std::error_code error;
        fs::create_directories(folder_, error);
        require(!error, "the folder '", folder_.string(), "' cannot be made: ", error.message());
    }
    ~Workplace() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    fs::path operator/(const char* name) const { return folder_ / name; }

private:
    fs::path folder_;
};

void fetch(const std::string& url, const PublishedFile& file, const fs::path& to) {
    std::printf("%s, %.1f MB\n", url.c_str(), double(file.bytes) / 1e6);
    const std::vector<uint8_t> bytes = download(url, file.bytes);
    const std::string hash = sha256(bytes.data(), bytes.size());
    require(hash == file.sha256, "'", url, "' is not the file that was published: its sha256 is ", hash, ", expected ",
            file.sha256);
    std::ofstream stream(to, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    stream.close();
    require(bool(stream), "'", to.string(), "' cannot be written");
}
}  // namespace

int weights_list() {
    for (const PublishedNetwork& network : published_networks()) {
        const fs::path file = cached_weights(network.name);
        std::printf("%-6s %s; licence %s\n", network.name, network.title, network.licence);
        std::error_code error;
        const auto bytes = fs::file_size(file, error);
        if (error)
            std::printf("       not here; to fetch it, type: cinebokeh weights get %s\n", network.name);
        else
            std::printf("       %s, %.1f MB\n", file.string().c_str(), double(bytes) / 1e6);
    }
    return 0;
}

int weights_get(const WeightsOptions& options) {
    const PublishedNetwork& network = published_network(options.name);
    const fs::path stored = cached_weights(network.name);
    const Workplace workplace(cache_folder());
    std::string from = options.from.empty() ? network.url : options.from;
    if (!from.ends_with('/')) from += '/';
    for (const PublishedFile& file : network.files) fetch(from + file.name, file, workplace / file.name);
    import_rvm_tfjs(workplace / network.files[0].name).write((workplace / network.stored).string());
    fs::rename(workplace / network.stored, stored);
    std::printf("%s: licence %s, not a part of cinebokeh\n", stored.string().c_str(), network.licence);
    return 0;
}

int weights_import(const WeightsOptions& options) {
    for (const std::string& file : options.files)
        require(fs::is_regular_file(file), "the file '", file, "' does not exist");
    require(options.files.size() == 1, "one model.json is imported at a time; its shards are found beside it");
    Weights weights = import_rvm_tfjs(options.files[0]);
    weights.write(options.output);
    std::printf("%s: %s, %zu tensors, licence %s\n", options.output.c_str(), weights.metadata("architecture").c_str(),
                weights.tensors().size(), weights.metadata("licence").c_str());
    return 0;
}
}  // namespace cinebokeh::demo
