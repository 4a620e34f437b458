// The command line of `live`.
#pragma once
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace cinebokeh::demo {

struct LiveOptions {
    std::string input;  // empty: the camera where there is one, else the built-in clip
    std::string disparity, weights;
    std::string preset, subject, background, background_file, view;
    std::optional<float> f_number, focus, target_fps;
    std::string virtual_camera, record_parent = ".", report, settings, control_map;
    bool fullscreen = false, headless = false, list_cameras = false, once = false;
    bool quiet = false;
    std::string size = "1280x800";  // of the window
    long frames = 0;
    double seconds = 0;
    int threads = 0;
    std::string backend = "auto";
};

/// Adds `live` to the command line.
CLI::App* add_live(CLI::App& app, LiveOptions& options);

/// `live`: 0, or 130 after Ctrl-C. Throws Error where there is no source or no window.
int live(const LiveOptions& options);
}  // namespace cinebokeh::demo
