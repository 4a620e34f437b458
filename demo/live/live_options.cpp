#include "live_options.hpp"

#include <CLI/CLI.hpp>

#include "settings.hpp"

namespace cinebokeh::demo {
namespace {
template <class Value>
CLI::Option* add_number(CLI::App* app, const char* name, std::optional<Value>& value, Value low, Value high,
                        const char* help) {
    return app
        ->add_option_function<Value>(
            name, [&value](const Value& given) { value = given; }, help)
        ->check(CLI::Range(low, high));
}

void add_scene(CLI::App* app, LiveOptions& options) {
    app->add_option("--disparity", options.disparity,
                    "a file for all frames or a folder of one for each, 1 / metres; default: two planes, or what the "
                    "source knows")
        ->type_name("PATH");
    app->add_option("--preset", options.preset, "portrait, cinema, macro or tilt-shift")
        ->check(CLI::IsMember(preset_names()));
    app->add_option("--subject", options.subject,
                    "auto, scribbles, truth (of the demo clip) or rvm (people, by a neural network: see `weights`)")
        ->check(CLI::IsMember(names_of_subjects()));
    app->add_option("--weights", options.weights, "of rvm; default: what `weights get rvm` fetched")->type_name("FILE");
    app->add_option("--background", options.background, "bokeh, gaussian, colour, picture, video or transparent")
        ->check(CLI::IsMember(names_of_backgrounds()));
    app->add_option("--background-file", options.background_file, "the picture or video behind the subject")
        ->type_name("FILE");
    app->add_option("--view", options.view, "what is shown first: result, input, matte, disparity, defocus, ...")
        ->check(CLI::IsMember(names_of_views()));
    add_number(app, "--f-number", options.f_number, 1.f, 22.f, "aperture: the smaller, the more blur");
    add_number(app, "--focus", options.focus, 0.2f, 1000.f, "focus distance in metres; default: on the subject")
        ->type_name("METRES");
}

void add_running(CLI::App* app, LiveOptions& options) {
    app->add_flag("--fullscreen", options.fullscreen, "cover the screen");
    app->add_option("--size", options.size, "of the window")->type_name("WxH");
    app->add_flag("--headless", options.headless, "no window: measures the same loop");
    app->add_option("--frames", options.frames, "with --headless: stop after N frames")
        ->check(CLI::Range(1L, 1000000000L))
        ->type_name("N");
    app->add_option("--seconds", options.seconds, "stop after N seconds")->check(CLI::Range(0.1, 1e6))->type_name("N");
    app->add_flag("--once", options.once, "files are shown once, not again and again");
    app->add_option("--report", options.report, "write speed, latency, memory and threads as JSON")->type_name("FILE");
    add_number(app, "--target-fps", options.target_fps, 5.f, 120.f, "frame rate that the quality governor holds");
    app->add_option("--virtual-camera", options.virtual_camera, "write the result to a v4l2loopback device")
        ->type_name("DEVICE");
    app->add_option("--record-to", options.record_parent, "folder for recordings and screenshots")->type_name("DIR");
    app->add_option("--settings", options.settings, "file of the settings; default: in the configuration directory")
        ->type_name("FILE");
    app->add_option("--control-map", options.control_map, "write where the controls are, for scripts, as JSON")
        ->type_name("FILE");
    app->add_flag("--list-cameras", options.list_cameras, "list cameras with their formats and frame rates");
    app->add_option("--backend", options.backend, "auto (CUDA where there is a GPU), cpu or cuda")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
        ->type_name("NAME");
    app->add_option("--threads", options.threads, "threads of the computation; default: one per core")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    app->add_flag("--quiet", options.quiet, "print errors only");
}
}  // namespace

CLI::App* add_live(CLI::App& app, LiveOptions& options) {
    CLI::App* command = app.add_subcommand("live", "A window with a focus slider, in real time");
    command->add_option("INPUT", options.input,
                        "camera[:ID], a video (again and again), a folder of pictures, a recording of this command, or "
                        "demo (the built-in clip); "
                        "default: the camera used last or the first one, else demo");
    add_scene(command, options);
    add_running(command, options);
    command->footer("Press h in the window for its keys.");
    return command;
}
}  // namespace cinebokeh::demo
