// A recording at full quality with its focus track, as `cinebokeh blur` does it.
#pragma once
#include <string>

namespace cinebokeh::demo {

/// Renders FOLDER/rendered.mp4 from the input, the mattes, the disparity and focus.json of a recording. `backend`:
/// "cpu" or "cuda". Returns what to tell the user, for errors too. Ends early, with a file that plays, after
/// request_stop().
std::string render_recording(const std::string& folder, const std::string& backend);
}  // namespace cinebokeh::demo
