// The focus of a recording: what was in focus in each frame becomes a few keys that a person can edit.
#pragma once
#include <vector>

#include "cinebokeh/pipeline/focus_track.hpp"

namespace cinebokeh::demo {

/// The focus of one frame.
struct FocusSample {
    double time = 0;  // seconds, growing from sample to sample
    Focus focus;      // disparity in focus, and pixels of radius per unit of disparity
};

/// The fewest keys, by Douglas and Peucker ("Algorithms for the reduction of the number of points required to represent
/// a digitized line or its caricature", Cartographica 1973), between which the focus runs evenly and no radius of a
/// frame differs by more than `tolerance` pixels: neither in the plane that is in focus nor at disparity 1 from it.
/// Throws Error where there is no sample.
FocusTrack track_through(const std::vector<FocusSample>& samples, float tolerance = 0.25f);
}  // namespace cinebokeh::demo
