#include "headless.hpp"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cinebokeh/core/config.hpp"
#include "cinebokeh/core/error.hpp"
#include "progress.hpp"
#include "signals.hpp"

namespace cinebokeh::demo {
namespace {
double rounded(double value) { return std::round(value * 100) / 100; }

// Of this process, on Linux: what it holds now, and how many threads it has.
long status_of_process(const std::string& what) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word != what + ":") continue;
        long value = 0;
        status >> value;
        return value;
    }
    return 0;
}
}  // namespace

void write_live_report(const std::string& file, const LivePipeline& pipeline,
                       const std::optional<WindowReport>& window) {
    const StageTimes::Summary summary = pipeline.times().summary();
    const double seconds = pipeline.now();
    nlohmann::ordered_json json;
    json["program"] = std::string("cinebokeh ") + CINEBOKEH_VERSION_STRING;
    json["command"] = "live";
    json["input"] = pipeline.info().name;
    json["width"] = pipeline.info().size.width;
    json["height"] = pipeline.info().size.height;
    json["subject"] = names_of_subjects()[size_t(pipeline.subject_in_use())];
    json["subject_asked"] = names_of_subjects()[size_t(pipeline.settings().subject)];
    json["subject_method"] = pipeline.subject_method();
    json["seconds"] = rounded(seconds);
    json["captured"] = pipeline.captured();
    json["shown"] = summary.shown;
    json["dropped"] = summary.dropped;
    json["camera_stalls"] = pipeline.stalls();
    json["lost_frames"] = pipeline.lost_frames();
    json["mean_fps"] = rounded(seconds > 0 ? double(summary.shown) / seconds : 0);
    json["fps"] = rounded(double(summary.fps));
    json["latency_ms"] = {{"median", rounded(double(summary.latency.median))},
                          {"p95", rounded(double(summary.latency.p95))}};
    for (size_t i = 0; i < summary.stages.size(); ++i)
        json["stages"][name_of(LiveStage(i))] = {{"median_ms", rounded(double(summary.stages[i].median))},
                                                 {"p95_ms", rounded(double(summary.stages[i].p95))}};
    if (window) {
        json["interface"] = {{"fps", rounded(double(window->interface.fps))},
                             {"median_ms", rounded(double(window->interface.median_ms))},
                             {"p95_ms", rounded(double(window->interface.p95_ms))}};
        json["display"] = name_of(window->route);
    }
    json["renderer"] = pipeline.renderer();
    json["quality"] = qualities[size_t(pipeline.quality_step())].name;
    json["memory_mb"] = rounded(double(status_of_process("VmRSS")) / 1000);
    json["peak_memory_mb"] = rounded(double(peak_memory()) / 1e6);
    json["threads"] = status_of_process("Threads");
    json["backend"] = {{"subject", pipeline.subject_device()}, {"rendering", pipeline.render_device()}};
    json["message"] = pipeline.message();
    std::ofstream stream(file);
    stream << json.dump(4, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
    stream.close();
    require(bool(stream), "the report '", file, "' cannot be written");
}

int run_headless(LivePipeline& pipeline, const HeadlessParams& params) {
    long shown = 0;
    std::string told;
    pipeline.show_from_gpu();  // nobody looks: a result of the GPU stays there
    {
        Progress progress(params.frames, params.quiet);
        while (!stop_requested() && (params.frames == 0 || shown < params.frames) &&
               (params.seconds == 0 || pipeline.now() < params.seconds)) {
            const bool ended = pipeline.ended();
            const SharedFrame frame = pipeline.newest(std::chrono::milliseconds(100));
            if (frame) {
                pipeline.shown(*frame, 0);
                progress.update(++shown);
            } else if (ended) {
                break;
            }
            const std::string message = pipeline.message();
            if (message != told && !message.empty()) std::fprintf(stderr, "cinebokeh: %s\n", message.c_str());
            told = message;
        }
    }
    const StageTimes::Summary summary = pipeline.times().summary();
    if (!params.quiet)
        std::printf("%ld frames shown, %ld dropped, %.1f fps, latency %.0f ms (p95 %.0f), quality %s\n", summary.shown,
                    summary.dropped, double(summary.fps), double(summary.latency.median), double(summary.latency.p95),
                    qualities[size_t(pipeline.quality_step())].name);
    if (!params.quiet) std::printf("subject: %s\n", pipeline.subject_method().c_str());
    if (!params.report.empty()) write_live_report(params.report, pipeline);
    if (stop_requested()) return 130;
    return shown > 0 ? 0 : 1;
}
}  // namespace cinebokeh::demo
