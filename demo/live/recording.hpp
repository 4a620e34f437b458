// A recording of the live demo on disk: its files, its units, and its frames as a source.
//
//   FOLDER/result.mp4      what was shown; a folder "result" of PNGs with alpha where the background is transparent
//   FOLDER/source.mp4      the input
//   FOLDER/mattes/         one PNG a frame
//   FOLDER/disparity/      one PNG of 16 bit a frame, where the matte does not say it all or it was asked for
//   FOLDER/focus.json      what was in focus when, as `cinebokeh blur --focus-track` takes it
#pragma once
#include <memory>
#include <string>

#include "cinebokeh/defocus.hpp"
#include "frame_source.hpp"
#include "live_frame.hpp"

namespace cinebokeh::demo {

/// Disparity as a recording has it: (1 / metres - zero) / one.
struct RecordedScale {
    float zero = 0, one = 1;  // 1 / metres at 0 and at 1

    /// With recorded disparity, 1 is the nearest distance there is, 0.2 m; without, the two planes are at 1 and 0.
    static RecordedScale of(bool with_disparity, const FocusState& focus);

    float to(float disparity) const { return (disparity - zero) / one; }
    Focus to(const FocusState& live) const { return {live.strength * one, to(1 / live.distance)}; }
    /// Distance and strength of a recorded focus.
    void from(const Focus& recorded, FocusState& live) const;
};

/// Whether this is the folder of a recording that can be shown again.
bool is_recording(const std::string& folder);
bool has_recorded_disparity(const std::string& folder);
std::string recorded_track(const std::string& folder);  // the file of its focus track

/// The input of a recording with its mattes as given ones, and its disparity, 1 / metres, where there is any. Throws
/// Error where files are missing.
std::unique_ptr<FrameSource> open_recording(const std::string& folder);
}  // namespace cinebokeh::demo
