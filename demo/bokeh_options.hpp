// What is said on the command line about a blur that follows depth.
#pragma once
#include <optional>
#include <string>

#include "cinebokeh/lens.hpp"

namespace CLI {
class App;
}

namespace cinebokeh::demo {

enum class FocusOn {
    subject,    // the disparity of the matte
    point,      // the disparity around a pixel of every frame
    disparity,  // a number
    track       // a file says it for every moment
};

struct BokehOptions {
    std::string disparity;  // a file for all frames, or a folder of one for each
    FocusOn focus = FocusOn::subject;
    float focus_disparity = 0;
    int x = 0, y = 0;                            // of the point, pixels
    std::optional<float> strength;               // radius in pixels per unit of disparity
    std::optional<float> f_number;               // of a lens
    DisparityScale scale;                        // what disparity means to that lens
    float focal_length = 50, sensor_width = 36;  // millimetres
    bool given = false;                          // anything of this
};

/// Adds --disparity, --focus, --strength, --f-number, --focal-length and --sensor-width to a command.
void add_bokeh(CLI::App* command, BokehOptions& options);
}  // namespace cinebokeh::demo
