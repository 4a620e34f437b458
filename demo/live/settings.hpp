// Everything that can be set in the live demo, as it is kept between runs.
#pragma once
#include <string>
#include <vector>

#include "cinebokeh/core/image.hpp"
#include "cinebokeh/lens.hpp"

namespace cinebokeh::demo {

enum class LiveSubject { automatic, scribbles, truth, network };
enum class LiveBackground { bokeh, gaussian, colour, picture, video, transparent };
enum class LiveView { result, input, matte, disparity, defocus, superpixels, templates, response, layers };
enum class LiveEasing { linear, smooth, ease_in, ease_out };

struct LiveSettings {
    // Lens. Distances are in metres from the camera.
    float f_number = 2;
    float focal_length = 50;  // millimetres
    float sensor_width = 36;  // millimetres
    int blades = 0;           // of the diaphragm; 0: round
    float rotation = 0;       // of the blades, degrees
    float cat_eye = 0;        // how much the corners of the frame cut the aperture off, in [0, 1]
    float squeeze = 1;        // anamorphic: height / width of the disks
    float highlights = 0;     // stops by which clipped lights are raised, in [0, 4]
    float chromatic = 0;      // relative difference of the red and the blue disk, in [-0.2, 0.2]

    // Focus and the scene.
    float focus_distance = 1.5f;
    bool focus_on_subject = true;   // the focus stays on the subject
    float subject_distance = 1.5f;  // of the two planes, where no disparity is known
    float background_distance = 6;
    float tilt = 0;  // how the plane of focus leans towards the bottom of the frame, 1 / metres
    float rack_seconds = 0.8f;
    LiveEasing easing = LiveEasing::smooth;
    bool exact = false;  // the reference renderer also where the fast one would do
    bool snap = true;    // where the matte and an estimated disparity disagree, the matte is believed
    bool zebra = false;  // stripes on what is in focus

    // Subject.
    LiveSubject subject = LiveSubject::automatic;
    float feather = 0;     // pixels by which the edge is softened outwards
    float edge_shift = 0;  // pixels by which the matte grows, or shrinks where negative
    float smoothing = 0;   // share of the last matte that is kept, in [0, 0.95]
    bool match = true;     // show a picture only with the matte of its own
    int delay = 0;         // frames by which the picture is held back otherwise, in [0, 3]

    // Background.
    LiveBackground background = LiveBackground::bokeh;
    Float3 colour{0.1f, 0.35f, 0.2f};  // sRGB in [0, 1]
    std::string background_file;       // picture or video
    float sigma = 12;                  // of the Gaussian, pixels

    // View.
    LiveView view = LiveView::result;
    bool side_by_side = false;
    float divider = 0.5f;  // where the two halves meet, as a share of the width
    bool timing = true;    // the panel of the stages

    // Quality.
    float target_fps = 24;
    int pinned_quality = -1;  // an index into qualities; -1: the governor chooses
    std::string camera;       // the id of the one used last

    bool record_disparity = false;  // also where the matte says it all
};

/// The names on the command line and in the interface.
const std::vector<std::string>& names_of_subjects();
const std::vector<std::string>& names_of_backgrounds();
const std::vector<std::string>& names_of_views();
const std::vector<std::string>& names_of_easings();

/// "portrait", "cinema", "macro", "tilt-shift": settings of lens, focus and scene.
const std::vector<std::string>& preset_names();
/// Throws Error where there is no preset of this name.
void apply_preset(const std::string& name, LiveSettings& settings);

/// Focused at infinity.
Lens lens_of(const LiveSettings& settings);

/// Cuts every value to what the interface allows. Not a number becomes the default.
void make_valid(LiveSettings& settings);

/// The file in the user's configuration directory: XDG_CONFIG_HOME, else ~/.config, below "cinebokeh". Empty where the
/// user has no home.
std::string settings_file();
/// Reads settings; what is missing or wrong keeps its default, and `problem` says so.
LiveSettings read_settings(const std::string& file, std::string& problem);
/// Writes settings, through a second file: a crash leaves the old ones. Throws Error where that fails.
void write_settings(const std::string& file, const LiveSettings& settings);
}  // namespace cinebokeh::demo
