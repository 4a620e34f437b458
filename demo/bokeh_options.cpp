#include "bokeh_options.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>

namespace cinebokeh::demo {
namespace {
// Reads "subject", "x,y" or a disparity. False where it is none of them.
bool parse_focus(const std::string& text, BokehOptions& options) {
    int x = 0, y = 0, read = 0;
    if (text == "subject") {
        options.focus = FocusOn::subject;
        return true;
    }
    if (std::sscanf(text.c_str(), "%d,%d%n", &x, &y, &read) == 2 && size_t(read) == text.size()) {
        options.focus = FocusOn::point, options.x = x, options.y = y;
        return x >= 0 && y >= 0;
    }
    char* end = nullptr;
    options.focus = FocusOn::disparity, options.focus_disparity = std::strtof(text.c_str(), &end);
    return !text.empty() && *end == 0 && std::isfinite(options.focus_disparity);
}

// Reads "a,b" of 1 / metres = a disparity + b. False where it is no such scale.
bool parse_scale(const std::string& text, DisparityScale& scale) {
    int read = 0;
    return std::sscanf(text.c_str(), "%f,%f%n", &scale.a, &scale.b, &read) == 2 && size_t(read) == text.size() &&
           scale.a > 0 && std::isfinite(scale.a) && std::isfinite(scale.b);
}

CLI::Validator finite() {  // CLI11's range lets NaN pass
    return CLI::Validator(
        [](const std::string& text) { return std::isfinite(std::atof(text.c_str())) ? "" : "not a number"; }, "");
}
// What only the exact renderer knows.
constexpr const char* shape_options[] = {"--blades",  "--rotation", "--curvature",
                                         "--squeeze", "--cat-eye",  "--chromatic"};
}  // namespace

void add_bokeh(CLI::App* command, BokehOptions& options) {
    command
        ->add_option_function<std::string>(
            "--disparity", [&options](const std::string& path) { options.disparity = path, options.given = true; },
            "depth of the scene, larger is nearer: a picture of 8 or 16 bit or a PFM for all frames, or a folder of "
            "one for each, called as the frames or in their order")
        ->type_name("FILE|DIR");
    command->add_flag_callback(
        "--no-snap", [&options] { options.snap = false, options.given = true; },
        "believe the disparity where it contradicts the matte; default: the matte is believed, so a hand or hair that "
        "the disparity takes for background stays sharp");
    command
        ->add_option_function<std::string>(
            "--focus", [&options](const std::string& text) { parse_focus(text, options), options.given = true; },
            "what is sharp: subject (default), the disparity at a pixel, or a disparity")
        ->check(CLI::Validator(
            [](const std::string& text) {
                BokehOptions ignored;
                return parse_focus(text, ignored) ? "" : "the focus must be subject, X,Y or a disparity";
            },
            "subject|X,Y|D"));
    const auto number = [&](const char* name, double low, double high, const char* help, const auto& set) {
        return command
            ->add_option_function<float>(
                name, [&options, set](const float& value) { set(value), options.given = true; }, help)
            ->check(CLI::Range(low, high))
            ->check(finite());
    };
    number("--strength", 0, 10000, "radius of the blur per unit of disparity; default: 1/45 of the height",
           [&options](float value) { options.strength = value; })
        ->type_name("PIXELS");
    number("--f-number", 0.5, 64, "of a lens that blurs so; the disparity must be 1 / metres, or see --disparity-scale",
           [&options](float value) { options.f_number = value; })
        ->excludes("--strength");
    number("--focal-length", 5, 1000, "of that lens; default 50", [&options](float v) {
        options.focal_length = v;
    })->type_name("MM");
    number("--sensor-width", 1, 100, "behind that lens; default 36", [&options](float v) {
        options.sensor_width = v;
    })->type_name("MM");
    command
        ->add_option_function<std::string>(
            "--disparity-scale",
            [&options](const std::string& text) { parse_scale(text, options.scale.emplace()), options.given = true; },
            "what disparity d means to that lens: it is 1 / (A d + B) metres away; default 1,0")
        ->check(CLI::Validator(
            [](const std::string& text) {
                DisparityScale ignored;
                return parse_scale(text, ignored) ? "" : "the scale must be A,B, two numbers, A above 0";
            },
            "A,B"));
}

void add_aperture(CLI::App* command, BokehOptions& options, Aperture& aperture, Highlights& highlights) {
    command
        ->add_option_function<std::string>(
            "--aperture-picture",
            [&options](const std::string& file) { options.aperture_picture = file, options.given = true; },
            "a PNG, JPEG or BMP of the aperture, such as a heart: white lets light through; for --renderer layered")
        ->type_name("FILE");
    command->add_option("--blades", aperture.blades, "of the diaphragm: 3 to 16; 0 (default) is a circle")
        ->check(CLI::Validator(
            [](const std::string& text) {
                const int blades = std::atoi(text.c_str());
                return blades == 0 || (blades >= 3 && blades <= 16) ? "" : "the blades must be 0 or 3 to 16";
            },
            "N"));
    const auto number = [&](const char* name, float& value, double low, double high, const char* help) {
        return command->add_option(name, value, help)->check(CLI::Range(low, high))->check(finite());
    };
    number("--rotation", aperture.rotation, -360, 360, "of the blades, counter-clockwise")->type_name("DEGREES");
    number("--curvature", aperture.curvature, 0, 1, "of the blades: 0 (default) is straight, 1 makes a circle");
    number("--squeeze", aperture.squeeze, 0.25, 4, "height / width of the blur, as of an anamorphic lens; default 1");
    number("--cat-eye", aperture.cat_eye, 0, 1, "how much the blur is cut towards the corners; default 0");
    number("--chromatic", aperture.chromatic, -0.25, 0.25,
           "how much wider red is blurred than green, and blue less; default 0");
    number(
        "--highlights", highlights.gain, 1, 64,
        "how bright white is before it is blurred: lamps become disks, paper stays; for exact and layered; default 1");
}

void refuse_aperture(const CLI::App* command, const std::string& renderer, KnownAperture known) {
    const auto refuse = [&](const char* name, const char* who) {
        if (command->count(name) > 0) throw CLI::ValidationError(renderer + " takes no " + name + ": " + who);
    };
    if (known != KnownAperture::shapes)
        for (const char* name : shape_options) refuse(name, "--renderer exact does");
    if (known != KnownAperture::picture) refuse("--aperture-picture", "--renderer layered does");
    if (known == KnownAperture::circle) refuse("--highlights", "--renderer exact and --renderer layered do");
}
}  // namespace cinebokeh::demo
