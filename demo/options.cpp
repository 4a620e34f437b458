#include "options.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <map>

#include "cinebokeh/core/config.hpp"
#include "named_values.hpp"

namespace cinebokeh::demo {
namespace {
const std::map<std::string, Subject> subjects = {
    {"auto", Subject::automatic}, {"scribbles", Subject::scribbles}, {"first-matte", Subject::first_matte},
    {"given", Subject::given},    {"truth", Subject::truth},         {"rvm", Subject::network}};
const std::map<std::string, TrackerKind> trackers = {{"memory", TrackerKind::memory}, {"seed", TrackerKind::seed}};
const std::map<std::string, RendererKind> renderers = {{"gaussian", RendererKind::gaussian},
                                                       {"disk", RendererKind::disk},
                                                       {"layered", RendererKind::layered},
                                                       {"exact", RendererKind::exact},
                                                       {"bucketed", RendererKind::bucketed},
                                                       {"fixed-layers", RendererKind::fixed_layers},
                                                       {"plain-scatter", RendererKind::plain_scatter}};

const std::map<std::string, MatteUpsampling> upsamplings{{"auto", MatteUpsampling::automatic},
                                                         {"published", MatteUpsampling::published},
                                                         {"colour", MatteUpsampling::colour}};

const CLI::Validator not_nan(  // CLI11's range lets NaN pass
    [](const std::string& text) { return std::isfinite(std::atof(text.c_str())) ? "" : "not a number"; }, "");

void add_subject(CLI::App* app, ProcessOptions& options, std::string& subject) {
    app->add_option(
           "--subject", subject,
           "who stays sharp: auto (found in the first frame), scribbles, first-matte, given (a folder of mattes), "
           "truth (of the demo clip) or rvm (people, by a neural network: see `weights`); default: what the other "
           "options give, else auto")
        ->check(CLI::IsMember(subjects));
    app->add_option("--scribbles", options.subject.scribbles,
                    "strokes on the first frame: a PNG with red on the subject and blue on the background, or JSON")
        ->type_name("FILE");
    app->add_option("--first-matte", options.subject.first_matte, "the matte of the first frame")->type_name("PNG");
    add_choice(app, "--tracker", options.tracker, trackers,
               "how the subject is followed: memory (default; optical flow, patch memory, online classifier) or seed "
               "(template bank and dense CRF)");
    NetworkOptions& network = options.subject.network;
    app->add_option("--matte-net", subject, "the same as --subject")->check(CLI::IsMember({"rvm"}))->type_name("NAME");
    app->add_option("--weights", network.weights, "of rvm; default: what `weights get rvm` fetched")->type_name("FILE");
    app->add_option("--downsample-ratio", network.downsample_ratio,
                    "rvm works on the frame times this; default: the longer side is at most 512 pixels")
        ->check(CLI::Range(0.01, 1.0))
        ->check(not_nan)
        ->type_name("R");
    add_choice(
        app, "--upsampling", network.upsampling, upsamplings,
        "from there to the frame: published (the guided filter of the weights), colour (a guided filter that sees "
        "colours) or auto (default; colour, where the filter of the weights is not a learned one)");
}

void add_running(CLI::App* app, ProcessOptions& options) {
    app->add_option("--max-frames", options.max_frames, "stop after N frames")
        ->check(CLI::Range(1L, 1000000000L))
        ->type_name("N");
    app->add_option("--backend", options.backend, "auto (CUDA where there is a GPU), cpu or cuda")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
        ->type_name("NAME");
    app->add_option("--threads", options.threads, "threads of the computation; default: one per core")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    app->add_option("--report", options.report, "write speed, lost frames, memory and the backend used as JSON")
        ->type_name("FILE");
    app->add_flag("--quiet", options.quiet, "print errors only");
}

void add_lens(CLI::App* app, BlurParams& blur) {
    add_choice(
        app, "--renderer", blur.renderer, renderers,
        "disk (default; the round blur of a lens) or gaussian (soft) blur all background alike; the others follow "
        "depth: layered (their default), exact, bucketed, fixed-layers, plain-scatter");
    const auto number = [&](const char* name, std::optional<float>& value, double low, double high, const char* help) {
        app->add_option_function<float>(
               name, [&value](const float& v) { value = v; }, help)
            ->check(CLI::Range(low, high))
            ->check(not_nan)
            ->type_name("PIXELS");
    };
    number("--radius", blur.radius, 0.1, 200, "radius of the disk; default: 1/45 of the height");
    number("--sigma", blur.sigma, 0.05, 1000, "standard deviation of the gaussian; default: 1/107 of the height");
    app->add_option_function<int>(
           "--kernel", [&blur](const int& v) { blur.kernel = v; },
           "width of the gaussian's window, odd; default: what sigma needs, else 1/19 of the height")
        ->check(CLI::Range(1, 8191))
        ->check(CLI::Validator(
            [](const std::string& text) { return text.back() % 2 ? "" : "the kernel must be an odd number"; }, "ODD"))
        ->type_name("PIXELS");
    app->add_option_function<int>(
           "--feather", [&blur](const int& v) { blur.feather = v; },
           "how far the edge of the subject is softened, outwards; default: 0 for "
           "mattes that are given or true, else 1/120 of the height")
        ->check(CLI::Range(0, 500))
        ->type_name("PIXELS");
}

CLI::App* add_blur(CLI::App& app, ProcessOptions& options, BlurParams& blur, std::string& subject) {
    CLI::App* command = app.add_subcommand("blur", "Blurs the background and keeps the subject sharp");
    command
        ->add_option("INPUT", options.input,
                     "a video, a picture, a folder of pictures, camera[:N], or demo (the built-in clip)")
        ->required();
    command
        ->add_option("-o,--output", options.output,
                     "a .mp4 (also .mov, .mkv) with the sound of the input, a folder of %05d.png, or a .png")
        ->required();
    add_subject(command, options, subject);
    command->add_option("--matte", options.subject.mattes, "given mattes, called as the frames or in their order")
        ->type_name("DIR");
    add_lens(command, blur);
    add_bokeh(command, options.bokeh);
    command
        ->add_flag_callback(
            "--stabilize", [&options] { options.bokeh.stabilize = options.bokeh.given = true; },
            "bring the disparity of all frames to the scale and shift of the first: for that of networks, which choose "
            "both anew in every frame, so that the blur pumps")
        ->needs("--disparity");
    add_aperture(command, options.bokeh, blur.aperture, blur.highlights);
    command
        ->add_option_function<std::string>(
            "--focus-track",
            [&options](const std::string& file) { options.bokeh.focus_track = file, options.bokeh.given = true; },
            "what is sharp when, and how strong the blur, as keys in JSON; see focus_track_file.hpp")
        ->type_name("JSON")
        ->excludes("--focus");
    command->add_option("--write-matte", options.write_matte, "write the mattes too, 8 bit")->type_name("DIR");
    command->add_option("--contact-sheet", options.contact_sheet, "write a picture of a few frames, mattes and results")
        ->type_name("PNG");
    add_running(command, options);
    command->footer(
        "Odd sides are padded to even ones in video files by repeating the last pixels.\n"
        "Exit code: 0 if every frame was written, 1 if not, 2 for a wrong command line, 130 after Ctrl-C.");
    return command;
}

CLI::App* add_matte(CLI::App& app, ProcessOptions& options, std::string& subject) {
    CLI::App* command = app.add_subcommand("matte", "Writes the mattes only");
    command->add_option("INPUT", options.input, "as for blur")->required();
    command
        ->add_option("-o,--output", options.output,
                     "folder: mattes are called as the pictures of a folder, or %05d.png from 0 for video")
        ->required();
    add_subject(command, options, subject);
    CLI::Option* sheet =
        command->add_option("--contact-sheet", options.contact_sheet, "write a picture of a few frames and mattes")
            ->type_name("PNG");
    command
        ->add_option("--repeat", options.subject.network.repeat, "give each frame N times to rvm, which settles on it")
        ->check(CLI::Range(1, 100))
        ->type_name("N");
    command
        ->add_flag("--reset-each", options.subject.network.reset_each,
                   "rvm forgets the frame before: for a folder of stills, of any sizes")
        ->excludes(sheet);
    add_running(command, options);
    return command;
}

// Which of the subcommands of `weights` was given.
struct WeightsCommands {
    const CLI::App *list, *get, *import_;
};
WeightsCommands add_weights(CLI::App& app, WeightsOptions& options) {
    CLI::App* weights = app.add_subcommand("weights", "The weights of neural networks: none come with cinebokeh");
    weights->require_subcommand(1);
    const CLI::App* list = weights->add_subcommand("list", "Lists the networks that are known, and which are here");
    CLI::App* get = weights->add_subcommand("get", "Downloads what the authors of a network published");
    get->add_option("NAME", options.name, "a name that `weights list` shows")->required();
    get->add_option("--from", options.from, "take the same files from this folder: https:// or file:///")
        ->type_name("URL");
    CLI::App* import_ = weights->add_subcommand("import", "Converts the files of a network to .safetensors");
    import_->add_option("FILE", options.files, "the model.json of an export for TensorFlow.js")->required();
    import_->add_option("-o,--output", options.output, "the .safetensors file to write")->required();
    return {list, get, import_};
}

struct EvalCommands {
    CLI::App *davis, *matte, *bokeh;
};
EvalCommands add_eval(CLI::App& app, EvalOptions& options) {
    EvalCommands commands{};
    CLI::App* eval = app.add_subcommand("eval", "Measures mattes, or rendered bokeh, against the truth");
    eval->require_subcommand(1);
    CLI::App* davis = commands.davis = eval->add_subcommand("davis", "J and F of DAVIS 2016: mean, recall and decay");
    davis->add_option("RESULTS", options.results, "a folder of mattes, or of a folder per sequence")->required();
    davis->add_option("TRUTH", options.truth, "the same of annotations")->required();
    davis->add_option("--json", options.json, "write all numbers, also those of each frame")->type_name("FILE");
    CLI::App* mattes = commands.matte = eval->add_subcommand(
        "matte", "IoU, pixel accuracy, confusion, MAD, MSE, gradient and connectivity error, dtSSD of a video");
    mattes->add_option("RESULTS", options.results, "a folder of mattes")->required();
    mattes
        ->add_option("TRUTH", options.truth,
                     "a folder of true mattes or masks of the same names; of another size, they are resized by nearest")
        ->required();
    mattes->add_option("--json", options.json, "write all numbers, also those of each picture")->type_name("FILE");
    CLI::App* bokeh = commands.bokeh = eval->add_subcommand(
        "bokeh", "PSNR, SSIM, both near depth boundaries (ob), PSNR away from them and from the border, consistency");
    bokeh->add_option("RESULT", options.results, "rendered: a folder of pictures, or a video")->required();
    bokeh
        ->add_option("TRUTH", options.truth,
                     "a folder that `scene` wrote, or a folder of pictures, without what needs depth")
        ->required();
    bokeh->add_option("--json", options.json, "write all numbers, also those of each frame")->type_name("FILE");
    return commands;
}

// The subject follows from the file that describes it; two descriptions contradict each other.
void settle_subject(ProcessOptions& options, const std::string& name) {
    SubjectOptions& subject = options.subject;
    const auto fail_parse = [](const std::string& text) { throw CLI::ValidationError(text); };
    const int files = !subject.scribbles.empty() + !subject.first_matte.empty() + !subject.mattes.empty();
    if (files > 1) fail_parse("--scribbles, --first-matte and --matte exclude each other: give one");
    if (!subject.scribbles.empty())
        subject.subject = Subject::scribbles;
    else if (!subject.first_matte.empty())
        subject.subject = Subject::first_matte;
    else if (!subject.mattes.empty())
        subject.subject = Subject::given;
    else
        subject.subject = options.input == "demo" ? Subject::truth : Subject::automatic;
    subject.asked_for = files > 0 || !name.empty();
    const NetworkOptions& network = subject.network;
    const bool of_network = !network.weights.empty() || network.downsample_ratio > 0 || network.repeat > 1 ||
                            network.reset_each || network.upsampling != MatteUpsampling::automatic;
    if (of_network && name != "rvm")
        fail_parse("--weights, --downsample-ratio, --upsampling, --repeat and --reset-each need --subject rvm");
    if (name.empty()) return;
    const Subject asked = subjects.at(name);
    if (files && asked != subject.subject)
        fail_parse("--subject " + name + " contradicts the " + name_of(subject.subject) + " that are given");
    if (!files && asked == Subject::scribbles) fail_parse("--subject scribbles needs --scribbles FILE");
    if (!files && asked == Subject::first_matte) fail_parse("--subject first-matte needs --first-matte PNG");
    if (!files && asked == Subject::given) fail_parse("--subject given needs --matte DIR");
    subject.subject = asked;
}

// What is said of depth asks for a renderer that follows it.
void settle_renderer(const CLI::App* command, const BokehOptions& bokeh, BlurParams& blur) {
    if (bokeh.given && command->count("--renderer") == 0) blur.renderer = RendererKind::layered;
    const bool depth = follows_depth(blur.renderer);
    const std::string renderer = std::string("--renderer ") + name_of(blur.renderer);
    if (bokeh.given && !depth)
        throw CLI::ValidationError(renderer +
                                   " does not follow depth: take layered, exact, bucketed, fixed-layers or "
                                   "plain-scatter with --disparity, --focus or --strength");
    for (const char* name : {"--radius", "--sigma", "--kernel", "--feather"})
        if (depth && command->count(name) > 0)
            throw CLI::ValidationError(renderer + " takes no " + name + ": say --strength or --f-number");
    refuse_aperture(command, renderer,
                    blur.renderer == RendererKind::exact     ? KnownAperture::shapes
                    : blur.renderer == RendererKind::layered ? KnownAperture::picture
                                                             : KnownAperture::circle);
}
}  // namespace

const char* name_of(Subject subject) { return name_in(subjects, subject); }
const char* name_of(TrackerKind tracker) { return name_in(trackers, tracker); }
const char* name_of(RendererKind renderer) { return name_in(renderers, renderer); }

Options parse_options(int count, char** arguments) {
    Options options;
    BlurParams blur;
    std::string subject;
    CLI::App app{"cinebokeh: casual video in, cinematic video out"};
    app.set_version_flag("--version", std::string("cinebokeh ") + CINEBOKEH_VERSION_STRING);
    app.require_subcommand(1);
    const CLI::App* blur_command = add_blur(app, options.process, blur, subject);
    const CLI::App* matte_command = add_matte(app, options.process, subject);
    const CLI::App* rendered = add_render(app, options.render);
    const CLI::App* scene = add_scene(app, options.scene);
    const EvalCommands eval = add_eval(app, options.eval);
    const CLI::App* live = add_live(app, options.live);
    const WeightsCommands weights = add_weights(app, options.weights);
    const CLI::App* doctor = app.add_subcommand("doctor", "Says what is built in, what is used, and what is missing");
    try {
        app.parse(count, arguments);
        if (blur_command->parsed() || matte_command->parsed()) settle_subject(options.process, subject);
        if (rendered->parsed()) settle_render(rendered, options.render);
        if (blur_command->parsed()) settle_renderer(blur_command, options.process.bokeh, blur);
    } catch (const CLI::ParseError& error) {
        options.exit_code = app.exit(error) == 0 ? 0 : 2;
        return options;
    }
    const Subject source = options.process.subject.subject;
    if (!blur.feather && (source == Subject::given || source == Subject::truth)) blur.feather = 0;
    if (blur_command->parsed()) options.process.blur = blur;
    options.command = blur_command->parsed()      ? Command::blur
                      : matte_command->parsed()   ? Command::matte
                      : scene->parsed()           ? Command::scene
                      : rendered->parsed()        ? Command::render
                      : live->parsed()            ? Command::live
                      : doctor->parsed()          ? Command::doctor
                      : eval.bokeh->parsed()      ? Command::eval_bokeh
                      : eval.davis->parsed()      ? Command::eval_davis
                      : weights.list->parsed()    ? Command::weights_list
                      : weights.get->parsed()     ? Command::weights_get
                      : weights.import_->parsed() ? Command::weights_import
                                                  : Command::eval_matte;
    return options;
}
}  // namespace cinebokeh::demo
