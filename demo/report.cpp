#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/resource.h>
#endif

#include "cinebokeh/core/config.hpp"
#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
double rounded(double value) { return std::round(value * 1000) / 1000; }

nlohmann::ordered_json stages_of(const Report& report) {
    nlohmann::ordered_json stages = nlohmann::ordered_json::object();
    for (const Stage& stage : report.stages)
        stages[stage.name] = {{"median_ms", rounded(percentile(stage.ms, 0.5))},
                              {"p95_ms", rounded(percentile(stage.ms, 0.95))}};
    return stages;
}
}  // namespace

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    const size_t rank =
        std::min(values.size() - 1, size_t(std::max(0.0, std::ceil(share * double(values.size())) - 1)));
    std::nth_element(values.begin(), values.begin() + ptrdiff_t(rank), values.end());
    return values[rank];
}

size_t peak_memory() {
#if defined(__unix__) || defined(__APPLE__)
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
    return size_t(usage.ru_maxrss);
#else
    return size_t(usage.ru_maxrss) * 1024;
#endif
#else
    return 0;
#endif
}

void write_report(const std::string& file, const Report& report) {
    nlohmann::ordered_json json;
    json["program"] = std::string("cinebokeh ") + CINEBOKEH_VERSION_STRING;
    json["command"] = report.command;
    json["input"] = report.input;
    json["output"] = report.output;
    json["width"] = report.size.width;
    json["height"] = report.size.height;
    json["subject"] = report.subject;
    json["tracker"] = report.tracker;
    if (!report.network.empty()) json["network"] = report.network, json["scene_cuts"] = report.scene_cuts;
    json["renderer"] = report.renderer;
    json["encoder"] = report.encoder;
    json["frames"] = report.frames;
    json["lost_frames"] = report.lost.size();
    json["lost"] = report.lost;
    if (!report.flicker.empty()) {
        const double sum = std::accumulate(report.flicker.begin(), report.flicker.end(), 0.0);
        json["matte_flicker"] = {{"mean", sum / double(report.flicker.size())},
                                 {"p95", percentile(report.flicker, 0.95)}};
    }
    json["seconds"] = rounded(report.seconds);
    json["fps"] = rounded(report.seconds > 0 ? double(report.frames) / report.seconds : 0);
    json["stages"] = stages_of(report);
    json["peak_memory_mb"] = rounded(double(peak_memory()) / 1e6);
    json["threads"] = report.threads;
    json["backend"] = {{"asked", report.backend_asked},
                       {"used", report.rendering_device == "cuda" ? "cuda" : "cpu"},
                       {"reason", report.backend_reason},
                       {"matting", report.matting_device},
                       {"rendering", report.rendering_device}};
    json["complete"] = report.complete;
    json["problem"] = report.problem;
    std::ofstream stream(file);
    stream << json.dump(4, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
    stream.close();
    require(bool(stream), "the report '", file, "' cannot be written: ", std::strerror(errno));
}
}  // namespace cinebokeh::demo
