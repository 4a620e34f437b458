// The command line of `scene`.
#pragma once
#include "scene_corruption.hpp"
#include "scene_script.hpp"

namespace CLI {
class App;
}

namespace cinebokeh::demo {

struct SceneOptions {
    SceneParams params;
    std::string output;
    std::vector<Corruption> corrupt;  // each is written beside the exact disparity
    int threads = 0;
    bool quiet = false;
};

/// Adds `scene` to the command line.
CLI::App* add_scene(CLI::App& app, SceneOptions& options);
const char* name_of(CameraMove move);
const char* name_of(Corruption level);

/// `scene`: 0 if every frame was written, 130 after Ctrl-C.
int generate_scene(const SceneOptions& options);
}  // namespace cinebokeh::demo
