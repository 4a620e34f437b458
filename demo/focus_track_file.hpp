// Focus tracks on disk.
#pragma once
#include <optional>
#include <string>

#include "cinebokeh/pipeline/focus_track.hpp"

namespace cinebokeh::demo {

/// The lens that the f-numbers of a track belong to, and what its disparity means to that lens.
struct TrackLens {
    Lens lens{};  // its f-number and focus distance are not used
    DisparityScale scale{};

    /// The focus of this lens. What is nearer than it can focus counts as the nearest that it can.
    Focus focus(float f_number, float disparity, int image_width) const;
    /// The largest disparity that it can focus on.
    float nearest() const;
};

/// JSON: {"keys": [{"time": 1.5, "focus": F, "f_number": 2, "strength": 30, "easing": "smooth"}, ...], "lens": L}
///
///   time      seconds, growing from key to key
///   focus     "subject", {"disparity": d}, {"distance": metres} or {"point": [x, y]} in parts of the frame, in [0, 1]
///   f_number, strength   optional, one of the two in the whole file; a key without keeps what the last one says
///   easing    optional: "linear", "smooth" (default) or "hold", towards the next key
///   L         optional, with f-numbers: {"focal_length": mm, "sensor_width": mm, "disparity_scale": [a, b]}, where
///             disparity d is 1 / (a d + b) metres away
/// Throws Error with the name, the key and what to do.
FocusTrack read_focus_track(const std::string& file);
/// Its lens, where it has one. Throws Error as above.
std::optional<TrackLens> read_track_lens(const std::string& file);

/// Writes what is then read as the same. Throws Error where the file cannot be written.
void write_focus_track(const std::string& file, const FocusTrack& track, const std::optional<TrackLens>& lens = {});
}  // namespace cinebokeh::demo
