// The command line of `render`.
#pragma once
#include "bokeh_options.hpp"
#include "cinebokeh/pipeline/bokeh_renderer.hpp"

namespace cinebokeh::demo {

struct RenderOptions {
    std::string input, output;
    std::string matte;  // of the subject
    BokehOptions bokeh;
    bool focus_given = false;
    BokehMethod method = BokehMethod::exact;
    Aperture aperture;
    Highlights highlights;
    int bits = 0;  // of the output; 0: 8 for pictures of 8 bit, else 16 where the renderer can
    int threads = 0;
    bool quiet = false;
};

/// Adds `render` to the command line.
CLI::App* add_render(CLI::App& app, RenderOptions& options);
/// What `render` was told that contradicts itself: throws CLI::ValidationError. To be called after parsing.
void settle_render(const CLI::App* command, RenderOptions& options);
const char* name_of(BokehMethod method);

/// `render`: 0 if the picture was written.
int render(const RenderOptions& options);
}  // namespace cinebokeh::demo
