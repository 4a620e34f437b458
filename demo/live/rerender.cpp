#include "rerender.hpp"

#include "commands.hpp"
#include "recording.hpp"

namespace cinebokeh::demo {

std::string render_recording(const std::string& folder, const std::string& backend) {
    ProcessOptions options;
    options.input = folder + "/source.mp4", options.output = folder + "/rendered.mp4";
    options.subject.subject = Subject::given, options.subject.mattes = folder + "/mattes";
    options.blur.emplace().renderer = RendererKind::layered;
    options.bokeh.focus_track = recorded_track(folder);
    if (has_recorded_disparity(folder)) options.bokeh.disparity = folder + "/disparity";
    options.backend = backend, options.quiet = true;
    try {
        return process(options) == 0 ? "rendered: " + options.output : "the rendering was not completed";
    } catch (const std::exception& error) {
        return error.what();
    }
}
}  // namespace cinebokeh::demo
