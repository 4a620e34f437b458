// `live`: puts source, pipeline and window together.
#if defined(__linux__)
#include <sys/resource.h>
#endif
#include <cstdio>
#include <future>

#include "backend.hpp"
#include "camera_list.hpp"
#include "cinebokeh/core/error.hpp"
#include "ffmpeg.hpp"
#include "headless.hpp"
#include "live_options.hpp"
#include "track_editor.hpp"
#include "virtual_camera_output.hpp"
#if defined(CINEBOKEH_DEMO_WINDOW)
#include "app.hpp"
#endif

namespace cinebokeh::demo {
namespace {
size_t index_in(const std::vector<std::string>& names, const std::string& name) {
    for (size_t i = 0; i < names.size(); ++i)
        if (names[i] == name) return i;
    return 0;
}

void apply(const LiveOptions& options, LiveSettings& settings) {
    if (!options.preset.empty()) apply_preset(options.preset, settings);
    if (!options.subject.empty()) settings.subject = LiveSubject(index_in(names_of_subjects(), options.subject));
    if (!options.background.empty())
        settings.background = LiveBackground(index_in(names_of_backgrounds(), options.background));
    if (!options.background_file.empty()) settings.background_file = options.background_file;
    if (!options.view.empty()) settings.view = LiveView(index_in(names_of_views(), options.view));
    if (options.f_number) settings.f_number = *options.f_number;
    if (options.target_fps) settings.target_fps = *options.target_fps;
    if (options.focus) settings.focus_distance = *options.focus, settings.focus_on_subject = false;
    make_valid(settings);
}

int print_cameras() {
    const std::vector<Camera> cameras = list_cameras();
    if (cameras.empty()) std::printf("no camera is connected\n");
    for (const Camera& camera : cameras) {
        std::printf("%s  %s  (%s)\n", camera.device.c_str(), camera.name.c_str(), camera.id.c_str());
        for (const CameraMode& mode : camera.modes)
            std::printf("    %-8s %4d x %-4d %5.1f fps\n", mode.format.c_str(), mode.size.width, mode.size.height,
                        mode.fps);
    }
    return 0;
}

// The camera that was used last, another one, or the clip that needs none.
std::string choose_input(const LiveOptions& options, const LiveSettings& settings) {
    if (!options.input.empty()) return options.input;
    const std::vector<Camera> cameras = list_cameras();
    if (find_camera(cameras, settings.camera)) return "camera:" + settings.camera;
    if (!cameras.empty()) return "camera:" + cameras.front().id;
    if (!options.quiet) std::fprintf(stderr, "cinebokeh: no camera is connected: showing the built-in clip\n");
    return "demo";
}

// The pipeline, whose threads are that much nicer than the one of the window: it stays smooth however slow they are.
std::unique_ptr<LivePipeline> start(int niceness, const CaptureParams& capture, const EngineParams& engine,
                                    const LiveSettings& settings) {
    return std::async(std::launch::async,
                      [&] {
#if defined(__linux__)  // where threads have one of their own, and hand it down
                          if (niceness > 0) setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + niceness);
#endif
                          return std::make_unique<LivePipeline>(capture, engine, settings);
                      })
        .get();
}

#if defined(CINEBOKEH_DEMO_WINDOW)
Size window_size(const std::string& text) {
    int width = 0, height = 0;
    char end = 0;
    require(std::sscanf(text.c_str(), "%dx%d%c", &width, &height, &end) == 2 && width >= 640 && height >= 400 &&
                width <= 16384 && height <= 16384,
            "--size ", text, ": give it as 1280x800, at least 640x400");
    return {width, height};
}

int run_window(const LiveOptions& options, LivePipeline& pipeline, LiveSettings& settings) {
    const Size size = window_size(options.size);
    Window window({"cinebokeh: " + pipeline.info().name, size.width, size.height, options.fullscreen});
    App app(window, pipeline, settings,
            {.record_parent = options.record_parent,
             .control_map = options.control_map,
             .seconds = options.seconds,
             .recording = is_recording(options.input) ? options.input : ""});
    app.run();
    if (!options.report.empty())
        write_live_report(options.report, pipeline, WindowReport{app.interface_times().summary(), app.route()});
    settings = app.settings();
    return 0;
}
#else
int run_window(const LiveOptions&, LivePipeline&, LiveSettings&) {
    fail(
        "this program was built without a window: install what it needs (apt-get install libimgui-dev libglfw3-dev "
        "libgl-dev) and build again, or run 'cinebokeh live --headless'");
}
#endif
}  // namespace

int live(const LiveOptions& options) {
    av_log_set_level(AV_LOG_QUIET);
    if (options.list_cameras) return print_cameras();
    const std::string file = options.settings.empty() ? settings_file() : options.settings;
    std::string problem;
    LiveSettings settings = read_settings(file, problem);
    if (!problem.empty()) std::fprintf(stderr, "cinebokeh: %s\n", problem.c_str());
    apply(options, settings);
    const Backend backend = choose_backend(options.backend);
    if (options.backend == "auto" && !backend.cuda && !options.quiet)
        std::fprintf(stderr, "cinebokeh: computing on the CPU (%s)\n", backend.reason.c_str());
    const std::string input = choose_input(options, settings);
    if (input.rfind("camera:", 0) == 0) settings.camera = input.substr(7);

    const NetworkOptions network{.weights = options.weights};
    find_weights(network);  // refused here where the file does not exist
    if (is_recording(input)) settings.subject = LiveSubject::truth;

    const std::unique_ptr<LivePipeline> made =
        start(options.headless ? 0 : 5,
              {.input = input, .disparity = options.disparity, .loop = !options.once, .max_frames = options.frames},
              {.threads = options.threads, .cuda = backend.cuda, .network = network}, settings);
    LivePipeline& pipeline = *made;
    if (is_recording(input)) pipeline.follow_track(RecordedFocus::read(recorded_track(input)));
    if (!options.virtual_camera.empty())
        pipeline.add_output(std::make_shared<VirtualCameraOutput>(options.virtual_camera, pipeline.info().size));
    int code;
    if (options.headless) {
        code = run_headless(pipeline, {options.frames, options.seconds, options.report, options.quiet});
    } else {
        code = run_window(options, pipeline, settings);
        if (!file.empty()) write_settings(file, settings);
    }
    return code;
}
}  // namespace cinebokeh::demo
