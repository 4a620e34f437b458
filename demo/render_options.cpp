#include "render_options.hpp"

#include "named_values.hpp"

namespace cinebokeh::demo {
namespace {
const std::map<std::string, BokehMethod> methods = {{"exact", BokehMethod::exact},
                                                    {"layered", BokehMethod::layered},
                                                    {"bucketed", BokehMethod::bucketed},
                                                    {"fixed-layers", BokehMethod::fixed_layers},
                                                    {"plain-scatter", BokehMethod::plain_scatter}};
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
    add_choice(
        command, "--renderer", options.method, methods,
        "exact (default; every pixel over its own aperture), layered (fast; fills in what is hidden; the default "
        "with --aperture-picture), or what others do: bucketed, fixed-layers, plain-scatter");
    add_aperture(command, options.bokeh, options.aperture, options.highlights);
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
    if (command->count("--aperture-picture") > 0 && command->count("--renderer") == 0)
        options.method = BokehMethod::layered;
    const bool exact = options.method == BokehMethod::exact;
    const std::string renderer = std::string("--renderer ") + name_of(options.method);
    refuse_aperture(command, renderer,
                    exact                                    ? KnownAperture::shapes
                    : options.method == BokehMethod::layered ? KnownAperture::picture
                                                             : KnownAperture::circle);
    if (options.bits == 16 && !exact)
        throw CLI::ValidationError(renderer + " renders 8 bit: --renderer exact renders 16");
}
}  // namespace cinebokeh::demo
