// The focus of a recording: what was in focus in each frame becomes a few keys that a person can edit.
#pragma once
#include <vector>

#include "focus_track_file.hpp"

namespace cinebokeh::demo {

/// The focus of one frame.
struct FocusSample {
    double time = 0;  // seconds, growing from sample to sample
    Focus focus;      // disparity in focus, and pixels of radius per unit of disparity
};

/// Keys of disparity and f-number for a lens and a picture of this width: the fewest, by Douglas and Peucker
/// ("Algorithms for the reduction of the number of points required to represent a digitized line or its caricature",
/// Cartographica 1973), between which the focus runs evenly and no radius of a frame differs by more than `tolerance`
/// pixels: neither in the plane that is in focus nor at disparity 1 from it. Throws Error where there is no sample.
FocusTrack track_through(const std::vector<FocusSample>& samples, const TrackLens& lens, int image_width,
                         float tolerance = 0.25f);
}  // namespace cinebokeh::demo
