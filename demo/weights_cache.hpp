// The networks that are known by name, and where their weights lie on this machine.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace cinebokeh::demo {

/// A file as its authors published it.
struct PublishedFile {
    const char* name;
    const char* sha256;
    size_t bytes;
};
struct PublishedNetwork {
    const char* name;  // on the command line
    const char* title;
    const char* licence;
    const char* url;                   // of the folder of the files
    std::vector<PublishedFile> files;  // the first is the one to import
    const char* stored;                // file in the cache
};
const std::vector<PublishedNetwork>& published_networks();
/// Throws Error, listing the names there are, where there is none of this name.
const PublishedNetwork& published_network(const std::string& name);

/// The folder of weights in the user's cache: XDG_CACHE_HOME/cinebokeh, or what the system has for it.
std::filesystem::path cache_folder();
/// The weights of a network in the cache, whether they are there or not.
std::filesystem::path cached_weights(const std::string& name);
}  // namespace cinebokeh::demo
