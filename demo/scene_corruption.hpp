// Disparity as estimators get it wrong: the four levels of corruption of "Video bokeh rendering: make casual
// videography cinematic" (2024), Table 2. Each level does what the one before it does, and one thing more.
#pragma once
#include <cstdint>

#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::demo {

enum class Corruption {
    I,    // Gaussian blur, sigma 0.5 to 2 pixels
    II,   // then erosion or dilation by a disk, radius 1 to 2 pixels, at least 1
    III,  // then an elastic deformation: white noise smoothed with sigma 6 pixels, scaled to 0.5 to 1.5 pixels rms
    IV    // then a factor of 0.9 to 1.1
};

/// Corrupts the disparity of one frame in place. Lengths are those of a frame whose smaller side is 256, and grow with
/// it. What is drawn at random follows from the seed and the number of the frame, so every frame differs from the one
/// before it; the levels share their draws. The paper gives the kinds and the range of the factor, not the sizes.
///
///   disparity  [h, w]  finite
///
/// Allocates. Deterministic, whatever the threads.
void corrupt_disparity(Cpu& exec, Corruption level, uint64_t seed, int frame, HostImage<float> disparity);
}  // namespace cinebokeh::demo
