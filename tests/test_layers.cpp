// Reads every #include of the library and holds it to the layers: core -> primitives -> nn -> pipeline. A header may
// include its own files in kernels/ (X.hpp owns kernels/X.hpp and kernels/X_*), and lower layers.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "source_folder.hpp"

namespace {
namespace fs = std::filesystem;

// The one place where uses within a layer are agreed: who -> whom. They must not form a circle.
const std::set<std::pair<std::string, std::string>> sideways = {
    {"activation", "tensor"},
    {"aperture_blur", "aperture_image"},
    {"bokeh_baselines", "disk_blur"},
    {"bokeh_baselines", "gaussian_blur"},
    {"color_model", "color"},
    {"compositing", "foreground"},
    {"compositing", "gaussian_blur"},
    {"compositing", "morphology"},
    {"conv", "activation"},
    {"conv", "tensor"},
    {"conv_gru", "conv"},
    {"crf", "lattice"},
    {"defocus", "lens"},
    {"deform_conv", "conv"},
    {"disparity_snap", "foreground"},
    {"disparity_snap", "gaussian_blur"},
    {"draft_bokeh", "bokeh_renderer"},
    {"foreground", "color"},
    {"foreground", "gaussian_blur"},
    {"grid_energy", "maxflow"},
    {"guided_upsampling", "guided_filter"},
    {"guided_upsampling", "resize"},
    {"lr_aspp", "squeeze_excite"},
    {"layered_bokeh", "aperture_blur"},
    {"layered_bokeh", "aperture_image"},
    {"layered_bokeh", "disk_blur"},
    {"layered_bokeh", "foreground"},
    {"layered_bokeh", "highlights"},
    {"patch_memory", "sampling"},
    {"patch_memory", "strided_gaussian"},
    {"pixel_features", "strided_gaussian"},
    {"pool", "tensor"},
    {"rearrange", "tensor"},
    {"region_graph", "color"},
    {"region_graph", "slic"},
    {"rvm", "conv_gru"},
    {"rvm", "lr_aspp"},
    {"rvm", "pool"},
    {"rvm", "rvm_layers"},
    {"rvm", "squeeze_excite"},
    {"rvm", "tensor_resize"},
    {"rvm", "upsample_conv"},
    {"rvm_layers", "conv"},
    {"rvm_layers", "weights"},
    {"scatter_bokeh", "aperture"},
    {"scatter_bokeh", "defocus"},
    {"slic", "color"},
    {"squeeze_excite", "conv"},
    {"squeeze_excite", "pool"},
    {"template_bank", "color"},
    {"template_bank", "cue_fusion"},
    {"template_bank", "moments"},
    {"template_bank", "ncc"},
    {"template_bank", "resize"},
    {"template_matte", "moments"},
    {"tensor_resize", "tensor"},
    {"upsample_conv", "conv"},
    {"upsample_conv", "tensor_resize"},
};
const std::map<std::string, int> layers = {{"core", 0}, {"", 1}, {"nn", 2}, {"pipeline", 3}};
const std::string umbrella = "cinebokeh";

const fs::path root = source_folder();
const fs::path headers_root = root / "include" / "cinebokeh", kernels_root = root / "kernels";

std::vector<fs::path> files_under(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".hpp" || entry.path().extension() == ".cuh") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}
std::string read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}
struct Include {
    std::string target;
    bool quoted;
};
std::vector<Include> includes_of(const fs::path& file) {
    std::vector<Include> found;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        const size_t hash = line.find_first_not_of(' ');
        if (hash == std::string::npos || line.compare(hash, 8, "#include") != 0) continue;
        const size_t open = line.find_first_of("\"<", hash);
        if (open == std::string::npos) continue;
        const bool quoted = line[open] == '"';
        found.push_back({line.substr(open + 1, line.find(quoted ? '"' : '>', open + 1) - open - 1), quoted});
    }
    return found;
}

// The ideas of the library: the name of each public header and the folder that is its layer.
std::map<std::string, std::string> ideas() {
    std::map<std::string, std::string> result;
    for (const fs::path& file : files_under(headers_root))
        result[file.stem().string()] = fs::relative(file, headers_root).parent_path().string();
    return result;
}
// The idea a kernels file belongs to: the header of its name, or of the longest beginning of it; "" where there is
// none.
std::string owner_of(const std::string& stem, const std::map<std::string, std::string>& all) {
    std::string owner;
    for (const auto& [idea, folder] : all)
        if ((stem == idea || stem.starts_with(idea + "_")) && idea.size() > owner.size()) owner = idea;
    return owner;
}
// Whether `from` may include `to`, both ideas.
bool allowed(const std::string& from, const std::string& to, const std::map<std::string, std::string>& all) {
    if (from == to) return true;
    const int own = layers.at(all.at(from)), other = layers.at(all.at(to));
    return other < own || (own == 0 && other == 0) || (own == other && sideways.contains({from, to}));
}
}  // namespace

TEST_CASE("every header includes its own kernels, lower layers and agreed neighbours only") {
    const auto all = ideas();
    for (const auto& header : all) {  // a pair, not its names: clang before 16 captures no structured binding
        INFO("include/cinebokeh/" << header.second << "/" << header.first << ".hpp");
        CHECK(layers.contains(header.second));
    }
    std::vector<fs::path> files = files_under(headers_root);
    for (const fs::path& file : files_under(kernels_root)) files.push_back(file);
    for (const fs::path& file : files) {
        const std::string from = owner_of(file.stem().string(), all);
        CAPTURE(file.string());
        if (from == umbrella) continue;
        REQUIRE_MESSAGE(!from.empty(), "no header of this name: whose implementation is it?");
        for (const Include& include : includes_of(file)) {
            if (!include.quoted || include.target == "cuda_sim.hpp") continue;
            CAPTURE(include.target);
            const fs::path target = include.target;
            const bool is_kernel = include.target.starts_with("kernels/");
            REQUIRE_MESSAGE((is_kernel || include.target.starts_with("cinebokeh/")),
                            "spell it \"cinebokeh/...\" or \"kernels/...\"");
            CHECK_MESSAGE(fs::exists(is_kernel ? root / target : root / "include" / target), "no such file");
            const std::string to = owner_of(target.stem().string(), all);
            REQUIRE(!to.empty());
            CHECK_MESSAGE(to != umbrella, "the umbrella header is for users");
            if (to != umbrella) CHECK_MESSAGE(allowed(from, to, all), from << " may not use " << to);
        }
    }
}

TEST_CASE("the agreed uses within a layer form no circle") {
    std::map<std::string, std::set<std::string>> uses;
    for (const auto& [from, to] : sideways) uses[from].insert(to);
    for (bool removed = true; removed;) {  // take away whoever uses nobody, until nobody is left
        removed = false;
        std::set<std::string> leaves;
        for (const auto& [from, to] : sideways)
            if (uses[to].empty()) leaves.insert(to);
        for (auto& [from, to] : uses)
            for (const std::string& leaf : leaves) removed |= to.erase(leaf) > 0;
    }
    for (const auto& use : uses) CHECK_MESSAGE(use.second.empty(), use.first);
}

TEST_CASE("the umbrella header includes every public header") {
    std::set<std::string> included;
    for (const Include& include : includes_of(headers_root / (umbrella + ".hpp"))) included.insert(include.target);
    for (const fs::path& file : files_under(headers_root)) {
        const std::string name = "cinebokeh/" + fs::relative(file, headers_root).generic_string();
        if (file.stem() != umbrella) CHECK_MESSAGE(included.contains(name), name);
    }
}

TEST_CASE("kernels take shared memory only from static_shared and dynamic_shared") {
    for (const fs::path& file : files_under(kernels_root))
        CHECK_MESSAGE(read(file).find("__shared__") == std::string::npos, file.string());
}

TEST_CASE("no header of the library pulls in CUB, Thrust or iostream") {
    std::vector<fs::path> files = files_under(headers_root);
    for (const fs::path& file : files_under(kernels_root)) files.push_back(file);
    for (const fs::path& file : files)
        for (const Include& include : includes_of(file))
            CHECK_MESSAGE((!include.target.starts_with("cub/") && !include.target.starts_with("thrust/") &&
                           include.target != "iostream"),
                          file.string() << " includes " << include.target);
}

TEST_CASE("the library throws only through require and fail") {  // it must compile without exceptions
    std::vector<fs::path> files = files_under(headers_root);
    for (const fs::path& file : files_under(kernels_root)) files.push_back(file);
    for (const fs::path& file : files) {
        if (file.filename() == "error.hpp") continue;
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);) {
            line = ' ' + line.substr(0, line.find("//"));
            for (const char* word : {" throw ", " try {", "} catch ("})
                CHECK_MESSAGE(line.find(word) == std::string::npos, file.string() << ": " << line);
        }
    }
}

TEST_CASE("no file of the library is longer than 400 lines") {
    std::vector<fs::path> files = files_under(headers_root);
    for (const fs::path& file : files_under(kernels_root)) files.push_back(file);
    for (const fs::path& file : files) {
        const std::string text = read(file);
        CHECK_MESSAGE(std::count(text.begin(), text.end(), '\n') <= 400, file.string());
    }
}
