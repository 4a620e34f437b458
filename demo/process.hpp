// A run: frames are read, worked on and written at the same time, each by a thread of its own.
#pragma once
#include <string>

#include "bokeh_focus.hpp"
#include "contact_sheet.hpp"
#include "disparity_source.hpp"
#include "frame_sink.hpp"
#include "frame_source.hpp"
#include "matte_source.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "session.hpp"

namespace cinebokeh::demo {

struct Run {
    FrameSource& source;
    Session& session;
    MatteSource* mattes = nullptr;         // null: no matte is needed
    DisparitySource* disparity = nullptr;  // of a blur that follows depth, with
    BokehFocus* focus = nullptr;
    FrameSink* sink = nullptr;  // of the results; null: mattes only
    std::string matte_folder;   // where mattes are written; empty: nowhere
    ContactSheet* sheet = nullptr;
    Progress& progress;
    bool measure_flicker = false;  // for the report
    long max_frames = 0;           // 0: all
};

enum class Outcome { complete, stopped, failed };

/// Works until the input ends, something fails, or the user stops it. Whatever happened, what was written is finished.
/// Fills the report's frames, lost frames, stages, and what went wrong.
Outcome run(const Run& what, Report& report);
}  // namespace cinebokeh::demo
