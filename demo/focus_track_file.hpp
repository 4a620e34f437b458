// Focus tracks on disk.
#pragma once
#include <string>

#include "cinebokeh/pipeline/focus_track.hpp"

namespace cinebokeh::demo {

/// JSON: {"keys": [{"time": 1.5, "focus": F, "f_number": 2, "strength": 30, "easing": "smooth"}, ...]}
///
///   time      seconds, growing from key to key
///   focus     "subject", {"disparity": d}, {"distance": metres} or {"point": [x, y]} in parts of the frame, in [0, 1]
///   f_number, strength   optional, one of the two in the whole file; a key without keeps what the last one says
///   easing    optional: "linear", "smooth" (default) or "hold", towards the next key
/// Throws Error with the name, the key and what to do.
FocusTrack read_focus_track(const std::string& file);

/// Writes what read_focus_track reads as the same keys. Throws Error where the file cannot be written.
void write_focus_track(const std::string& file, const FocusTrack& track);
}  // namespace cinebokeh::demo
