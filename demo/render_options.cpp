#include "render_options.hpp"

#include <cmath>

#include "named_values.hpp"

namespace cinebokeh::demo {
namespace {
const std::map<std::string, BokehMethod> methods = {{"exact", BokehMethod::exact},
                                                    {"layered", BokehMethod::layered},
                                                    {"bucketed", BokehMethod::bucketed},
                                                    {"fixed-layers", BokehMethod::fixed_layers},
                                                    {"plain-scatter", BokehMethod::plain_scatter}};
// What only the exact renderer knows.
constexpr const char* aperture_options[] = {"--blades",  "--rotation",  "--curvature", "--squeeze",
                                            "--cat-eye", "--chromatic", "--highlights"};

void add_aperture(CLI::App* command, Aperture& aperture, Highlights& highlights) {
    command->add_option("--blades", aperture.blades, "of the diaphragm: 3 to 16; 0 (default) is a circle")
        ->check(CLI::Validator(
            [](const std::string& text) {
                const int blades = std::atoi(text.c_str());
                return blades == 0 || (blades >= 3 && blades <= 16) ? "" : "the blades must be 0 or 3 to 16";
            },
            "N"));
    const auto number = [&](const char* name, float& value, double low, double high, const char* help) {
        return command->add_option(name, value, help)
            ->check(CLI::Range(low, high))
            ->check(CLI::Validator(  // CLI11's range lets NaN pass
                [](const std::string& text) { return std::isfinite(std::atof(text.c_str())) ? "" : "not a number"; },
                ""));
    };
    number("--rotation", aperture.rotation, -360, 360, "of the blades, counter-clockwise")->type_name("DEGREES");
    number("--curvature", aperture.curvature, 0, 1, "of the blades: 0 (default) is straight, 1 makes a circle");
    number("--squeeze", aperture.squeeze, 0.25, 4, "height / width of the blur, as of an anamorphic lens; default 1");
    number("--cat-eye", aperture.cat_eye, 0, 1, "how much the blur is cut towards the corners; default 0");
    number("--chromatic", aperture.chromatic, -0.25, 0.25,
           "how much wider red is blurred than green, and blue less; default 0");
    number("--highlights", highlights.gain, 1, 64,
           "how bright white is before it is blurred: lamps become disks, paper stays; default 1");
}
}  // namespace

const char* name_of(BokehMethod method) { return name_in(methods, method); }

CLI::App* add_render(CLI::App& app, RenderOptions& options) {
    CLI::App* command = app.add_subcommand("render", "Blurs a picture by its depth, as a lens does");
    command->add_option("IMAGE", options.input, "a PNG of 8 or 16 bit, a JPEG, a BMP, or a PFM of linear light")
        ->required();
    command->add_option("-o,--output", options.output, "a .png")->required();
    command
        ->add_option("--matte", options.matte,
                     "the subject, to focus on; without --disparity it is a plane at disparity 1 before one at 0")
        ->type_name("PNG");
    add_bokeh(command, options.bokeh);
    add_choice(command, "--renderer", options.method, methods,
               "exact (default; every pixel over its own aperture), layered (fast; fills in what is hidden), or what "
               "others do: bucketed, fixed-layers, plain-scatter");
    add_aperture(command, options.aperture, options.highlights);
    command->add_option("--bits", options.bits, "of the output: 8, or 16 with exact; default: as the input has")
        ->check(CLI::IsMember({8, 16}));
    command->add_option("--threads", options.threads, "default: one per core")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    command->add_flag("--quiet", options.quiet, "print errors only");
    command->footer(
        "The focus is the subject where there is a matte, else what is in the middle of the picture, unless --focus\n"
        "says more. Blur is rendered in linear light. With a strength of 0 the picture comes out as it was.");
    return command;
}

void settle_render(const CLI::App* command, RenderOptions& options) {
    options.focus_given = command->count("--focus") > 0;
    if (options.method == BokehMethod::exact) return;
    const std::string renderer = std::string("--renderer ") + name_of(options.method);
    for (const char* name : aperture_options)
        if (command->count(name) > 0)
            throw CLI::ValidationError(renderer + " takes no " + name + ": --renderer exact does");
    if (options.bits == 16) throw CLI::ValidationError(renderer + " renders 8 bit: --renderer exact renders 16");
}
}  // namespace cinebokeh::demo
