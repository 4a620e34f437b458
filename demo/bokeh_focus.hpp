// Where the focal plane of each frame is, how strong the blur, and at which disparity its subject.
#pragma once
#include "bokeh_options.hpp"
#include "cinebokeh/pipeline/focus_track.hpp"
#include "focus_track_file.hpp"
#include "frame.hpp"

namespace cinebokeh::demo {

/// The largest radius of blur in a frame, in pixels; without disparity, of the planes of a matte.
float largest_radius(HostImage<const float> disparity, Focus focus);

class BokehFocus {
public:
    /// `unit`: of the times of the frames. Throws Error where the options do not fit the frames, or each other, or
    /// where the focus track cannot be read.
    BokehFocus(const BokehOptions& options, Size frame, TimeBase unit = {});

    /// The focus of a frame that has its matte and its disparity, as far as they are known; to be called for each, in
    /// order: where the subject is not seen, the focus stays.
    Focus operator()(const Frame& frame);
    /// The disparity of the subject, where the matte is to be believed rather than the disparity; empty where not, and
    /// where one of the two is not known or no subject is seen.
    std::optional<float> subject(const Frame& frame);
    /// Whether the matte is looked at.
    bool on_subject() const { return on_subject_; }

private:
    BokehFocus(const BokehOptions& options, FocusTrack track, const TrackLens& lens, TimeBase unit);

    double seconds_;  // per unit of time
    bool on_subject_, snap_;
    Cpu exec_{1};
    Autofocus<Cpu> autofocus_{exec_};
    std::vector<float> planes_;  // disparity where only the matte is known
    FocusTrackPlayer<Cpu> player_;
};
}  // namespace cinebokeh::demo
