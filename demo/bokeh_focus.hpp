// Where the focal plane of each frame is, and how strong the blur.
#pragma once
#include "bokeh_options.hpp"
#include "cinebokeh/defocus.hpp"
#include "frame.hpp"

namespace cinebokeh::demo {

/// The largest radius of blur in a frame, in pixels; without disparity, of the planes of a matte.
float largest_radius(HostImage<const float> disparity, Focus focus);

class BokehFocus {
public:
    /// Throws Error where the options do not fit the frames, or each other.
    BokehFocus(const BokehOptions& options, Size frame);

    /// The focus of a frame that has its matte and its disparity, as far as they are known; to be called for each, in
    /// order: where the subject is not seen, the focus stays.
    Focus operator()(const Frame& frame);

private:
    float disparity_of(const Frame& frame) const;

    BokehOptions options_;
    Size size_;
    float last_;  // disparity
};
}  // namespace cinebokeh::demo
