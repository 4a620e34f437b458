// The command line.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "bokeh_options.hpp"
#include "live/live_options.hpp"
#include "matte_source.hpp"
#include "render_options.hpp"
#include "scene_options.hpp"
#include "session.hpp"

namespace cinebokeh::demo {

/// Options of `blur` and `matte`.
struct ProcessOptions {
    std::string input, output;
    SubjectOptions subject;
    TrackerKind tracker = TrackerKind::memory;
    std::optional<BlurParams> blur;  // empty for `matte`
    BokehOptions bokeh;              // of a blur that follows depth
    std::string write_matte;         // folder
    std::string contact_sheet, report;
    long max_frames = 0;
    std::string backend = "auto";
    int threads = 0;
    bool quiet = false;
};

/// Options of `eval davis`, `eval matte` and `eval bokeh`.
struct EvalOptions {
    std::string results, truth, json;
};

/// Options of `weights get` and `weights import`.
struct WeightsOptions {
    std::string name, from;          // get: the network; a folder elsewhere that has its files, as a URL
    std::vector<std::string> files;  // import
    std::string output;
};

enum class Command {
    none,
    blur,
    matte,
    eval_davis,
    eval_matte,
    eval_bokeh,
    scene,
    render,
    live,
    weights_list,
    weights_get,
    weights_import,
    doctor
};

struct Options {
    Command command = Command::none;
    ProcessOptions process;
    EvalOptions eval;
    LiveOptions live;
    WeightsOptions weights;
    SceneOptions scene;
    RenderOptions render;
    int exit_code = 0;  // where there is no command: help was asked for (0), or the line was wrong (2)
};

/// Reads the command line; prints help or what is wrong with it.
Options parse_options(int count, char** arguments);

/// The names of the values on the command line.
const char* name_of(Subject subject);
const char* name_of(TrackerKind tracker);
const char* name_of(RendererKind renderer);
}  // namespace cinebokeh::demo
