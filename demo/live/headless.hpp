// The live loop without a display: the same pipeline, measured.
#pragma once
#include <optional>
#include <string>

#include "pipeline.hpp"

namespace cinebokeh::demo {

struct HeadlessParams {
    long frames = 0;     // that are shown; 0: until the source ends
    double seconds = 0;  // 0: no limit
    std::string report;  // JSON file; empty: none
    bool quiet = false;
};

struct WindowReport {
    InterfaceTimes::Summary interface;
    DisplayRoute route;
};

/// Takes every finished frame as a display would. Returns the exit code: 0 where frames came, 130 after Ctrl-C, else 1.
int run_headless(LivePipeline& pipeline, const HeadlessParams& params);
/// Writes what the pipeline did: fps, latency, stages, memory, threads.
void write_live_report(const std::string& file, const LivePipeline& pipeline,
                       const std::optional<WindowReport>& window = {});
}  // namespace cinebokeh::demo
