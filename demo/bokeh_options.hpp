// What is said on the command line about a blur that follows depth.
#pragma once
#include <optional>
#include <string>

#include "cinebokeh/highlights.hpp"
#include "cinebokeh/scatter_bokeh.hpp"

namespace CLI {
class App;
}

namespace cinebokeh::demo {

enum class FocusOn {
    subject,   // the disparity of the matte
    point,     // the disparity around a pixel of every frame
    disparity  // a number
};

struct BokehOptions {
    std::string disparity;   // a file for all frames, or a folder of one for each
    bool stabilize = false;  // bring that of all frames to one scale and shift
    bool snap = true;        // where matte and disparity disagree, believe the matte
    FocusOn focus = FocusOn::subject;
    float focus_disparity = 0;
    int x = 0, y = 0;               // of the point, pixels
    std::string focus_track;        // a file that says it for every moment, instead
    std::optional<float> strength;  // radius in pixels per unit of disparity
    std::optional<float> f_number;  // of a lens
    // Of that lens: what disparity means to it, and millimetres. What is not given is as the track says, or the
    // default.
    std::optional<DisparityScale> scale;
    std::optional<float> focal_length, sensor_width;
    std::string aperture_picture;  // a file, of the layered renderer
    bool given = false;            // anything of this
};

/// Adds --disparity, --no-snap, --focus, --strength, --f-number, --focal-length and --sensor-width to a command.
void add_bokeh(CLI::App* command, BokehOptions& options);
/// What a renderer knows of an aperture.
enum class KnownAperture {
    circle,
    shapes,  // blades and what else the exact renderer knows, and highlights
    picture  // any picture, and highlights
};
/// Adds --blades, --rotation, --aperture-picture and what else there is of an aperture.
void add_aperture(CLI::App* command, BokehOptions& options, Aperture& aperture, Highlights& highlights);
/// Throws CLI::ValidationError where one of these is given with a renderer that does not know it.
void refuse_aperture(const CLI::App* command, const std::string& renderer, KnownAperture known);
}  // namespace cinebokeh::demo
