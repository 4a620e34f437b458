// `blur` and `matte`: puts a run together from the options and says how it went.
#include <cstdio>
#include <filesystem>

#include "aperture_file.hpp"
#include "backend.hpp"
#include "cinebokeh/core/error.hpp"
#include "commands.hpp"
#include "ffmpeg.hpp"
#include "process.hpp"
#include "signals.hpp"

namespace fs = std::filesystem;

namespace cinebokeh::demo {
namespace {
std::unique_ptr<Session> make_session(const ProcessOptions& options, Size size, bool cuda) {
    const SessionParams params{
        .size = size, .threads = options.threads, .tracker = options.tracker, .blur = options.blur};
#if defined(CINEBOKEH_DEMO_CUDA)
    if (cuda) return make_session_cuda(params);
#else
    (void)cuda;
#endif
    return make_session_cpu(params);
}

Report start_report(const ProcessOptions& options, const SourceInfo& source, const Session& session,
                    const Backend& backend, const FrameSink* sink, bool mattes) {
    Report report;
    report.command = options.blur ? "blur" : "matte";
    report.input = options.input, report.output = options.output;
    report.subject = name_of(options.subject.subject);
    const Subject subject = options.subject.subject;
    const bool follows = subject != Subject::given && subject != Subject::truth && subject != Subject::network;
    if (sink && follows_depth(options.blur->renderer) && !mattes) report.subject = "none";
    report.tracker = follows && mattes && !source.still ? name_of(options.tracker) : "none";
    report.renderer = options.blur ? name_of(options.blur->renderer) : "none";
    report.encoder = sink ? sink->format() : "png";
    report.size = source.size;
    report.threads = session.threads();
    report.backend_asked = options.backend;
    report.backend_reason = backend.reason;
    report.matting_device = session.matting_device();
    report.rendering_device = session.rendering_device();
    return report;
}

// A blur that follows depth needs the subject where it is to be focused on, or where there is no depth but it.
bool needs_matte(const ProcessOptions& options, const SourceInfo& source, const DisparitySource& disparity,
                 const BokehFocus& focus) {
    return source.has_matte || options.subject.asked_for || !options.write_matte.empty() || !disparity.any() ||
           focus.on_subject();
}

void check_outputs(const ProcessOptions& options) {
    for (const std::string& file : {options.report, options.contact_sheet})
        if (!file.empty()) require_parent(file);
    if (!options.write_matte.empty()) make_folder(options.write_matte);
    if (options.blur) return;
    std::error_code error;
    require(!fs::equivalent(options.input, options.output, error), "the output '", options.output,
            "' is the input itself: choose another folder");
    make_folder(options.output);
}

// The network, where it was asked for. A blur can do without its weights; then the subject is found as if nothing had
// been said of a network, and the user is told.
void open_network(ProcessOptions& options, Session& session) {
    if (options.subject.subject != Subject::network) return;
    const std::string weights = find_weights(options.subject.network);
    if (!weights.empty()) {
        session.open_network(options.subject.network, weights);
        if (!options.quiet) std::fprintf(stderr, "cinebokeh: %s\n", session.network().c_str());
        return;
    }
    require(options.blur.has_value(), no_weights);
    std::fprintf(stderr, "cinebokeh: %s (the subject is found and followed without them)\n", no_weights);
    options.subject.subject = Subject::automatic;
}

int tell(const ProcessOptions& options, const Report& report, Outcome outcome) {
    if (outcome == Outcome::failed) std::fprintf(stderr, "cinebokeh: %s\n", report.problem.c_str());
    if (outcome == Outcome::stopped) std::fprintf(stderr, "cinebokeh: stopped\n");
    if (outcome != Outcome::complete && report.frames > 0)
        std::fprintf(stderr, "cinebokeh: '%s' holds the %ld frames before that\n", options.output.c_str(),
                     report.frames);
    if (outcome == Outcome::complete && !options.quiet) {
        std::printf("%s: %ld frames in %.1f s (%.1f fps) on %s\n", options.output.c_str(), report.frames,
                    report.seconds, double(report.frames) / report.seconds, report.rendering_device.c_str());
        if (!report.lost.empty())
            std::printf("the subject was lost in %zu frames, which keep its last matte\n", report.lost.size());
    }
    return outcome == Outcome::complete ? 0 : outcome == Outcome::stopped ? 130 : 1;
}
}  // namespace

int process(const ProcessOptions& asked) {
    ProcessOptions options = asked;
    av_log_set_level(AV_LOG_QUIET);  // what is wrong is said once, in our words
    const Backend backend = choose_backend(options.backend);
    const Stopwatch watch;
    const std::unique_ptr<FrameSource> source = open_source(options.input, options.subject.network.reset_each);
    const SourceInfo& info = source->info();
    check_outputs(options);
    if (!options.bokeh.aperture_picture.empty()) options.blur->picture = read_aperture(options.bokeh.aperture_picture);
    const std::unique_ptr<Session> session = make_session(options, info.size, backend.cuda);
    const bool depth = options.blur && follows_depth(options.blur->renderer);
    DisparitySource disparity(options.bokeh.disparity, info, options.bokeh.stabilize);
    BokehFocus focus(options.bokeh, info.size, info.time_base);
    open_network(options, *session);
    std::optional<MatteSource> mattes;
    if (!depth || needs_matte(options, info, disparity, focus)) mattes.emplace(options.subject, info, *session);
    std::unique_ptr<FrameSink> sink;
    if (options.blur) sink = open_sink(options.output, info, options.max_frames);
    if (sink && !sink->note().empty() && !options.quiet) std::fprintf(stderr, "cinebokeh: %s\n", sink->note().c_str());

    if (options.backend == "auto" && !backend.cuda && !options.quiet)
        std::fprintf(stderr, "cinebokeh: computing on the CPU (%s)\n", backend.reason.c_str());

    long frames = info.frames;
    if (options.max_frames > 0) frames = frames ? std::min(frames, options.max_frames) : options.max_frames;
    Report report = start_report(options, info, *session, backend, sink.get(), mattes.has_value());
    ContactSheet sheet(info.size, frames);
    Outcome outcome;
    {
        Progress progress(frames, options.quiet);
        outcome = run({.source = *source,
                       .session = *session,
                       .mattes = mattes ? &*mattes : nullptr,
                       .disparity = depth ? &disparity : nullptr,
                       .focus = depth ? &focus : nullptr,
                       .sink = sink.get(),
                       .matte_folder = options.blur ? options.write_matte : options.output,
                       .sheet = options.contact_sheet.empty() ? nullptr : &sheet,
                       .progress = progress,
                       .measure_flicker = !options.report.empty() && mattes && !info.still,
                       .max_frames = options.max_frames},
                      report);
    }
    report.seconds = watch.ms() / 1000;
    report.network = session->network(), report.scene_cuts = session->scene_cuts();
    report.complete = outcome == Outcome::complete;
    if (outcome == Outcome::stopped) report.problem = "stopped by the user";
    const int code = tell(options, report, outcome);
    if (!options.contact_sheet.empty()) sheet.write(options.contact_sheet);
    if (!options.report.empty()) write_report(options.report, report);
    return code;
}
}  // namespace cinebokeh::demo
