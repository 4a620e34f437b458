#include "bokeh_focus.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/core/error.hpp"
#include "cinebokeh/plane_disparity.hpp"

namespace cinebokeh::demo {
namespace {
FocusTarget target_of(const BokehOptions& options, Size frame) {
    using Kind = FocusTarget::Kind;
    if (options.focus == FocusOn::subject) return {Kind::subject, 0, 0, 0};
    if (options.focus == FocusOn::disparity) return {Kind::disparity, options.focus_disparity, 0, 0};
    require(frame.contains(options.x, options.y), "--focus ", options.x, ",", options.y, " is outside of the frame, ",
            frame.width, " x ", frame.height);
    const float x = float(options.x) + 0.5f, y = float(options.y) + 0.5f;
    return {Kind::point, 0, x / float(frame.width), y / float(frame.height)};
}

// What is said on the command line of aperture holds where the track says nothing.
FocusTrack track_of(const BokehOptions& options, Size frame) {
    std::vector<FocusKey> keys(1);
    if (options.focus_track.empty())
        keys[0].target = target_of(options, frame);
    else
        keys = read_focus_track(options.focus_track).keys();
    const auto silent = [](const FocusKey& key) { return !key.f_number && !key.strength; };
    if (std::all_of(keys.begin(), keys.end(), silent)) {
        keys[0].f_number = options.f_number;
        if (!options.f_number) keys[0].strength = options.strength.value_or(float(frame.height) / 45);
    }
    return FocusTrack(std::move(keys));
}

// What is said on the command line goes before what the track says.
TrackLens lens_of(const BokehOptions& options) {
    std::optional<TrackLens> of_track;
    if (!options.focus_track.empty()) of_track = read_track_lens(options.focus_track);
    TrackLens lens = of_track.value_or(TrackLens{});
    if (options.focal_length) lens.lens.focal_length = *options.focal_length / 1000;
    if (options.sensor_width) lens.lens.sensor_width = *options.sensor_width / 1000;
    if (options.scale) lens.scale = *options.scale;
    return lens;
}
}  // namespace

float largest_radius(HostImage<const float> disparity, Focus focus) {
    float low = 0, high = 1;  // of the planes of a matte
    if (disparity.data) {
        low = high = disparity(0, 0);
        for (int y = 0; y < disparity.size.height; ++y)
            for (int x = 0; x < disparity.size.width; ++x)
                low = std::min(low, disparity(x, y)), high = std::max(high, disparity(x, y));
    }
    return focus.strength * std::max(std::abs(low - focus.disparity), std::abs(high - focus.disparity));
}

BokehFocus::BokehFocus(const BokehOptions& options, Size frame, TimeBase unit)
    : BokehFocus(options, track_of(options, frame), lens_of(options), unit) {}

BokehFocus::BokehFocus(const BokehOptions& options, FocusTrack track, const TrackLens& lens, TimeBase unit)
    : seconds_(double(unit.num) / unit.den),
      on_subject_(std::any_of(track.keys().begin(), track.keys().end(),
                              [](const FocusKey& key) { return key.target.kind == FocusTarget::Kind::subject; })),
      snap_(options.snap),
      player_(exec_, std::move(track), lens.lens, lens.scale) {}

Focus BokehFocus::operator()(const Frame& frame) {
    const double time = double(frame.time) * seconds_;
    const HostImage<const float> matte{frame.matte.empty() ? nullptr : frame.matte.data(), frame.size};
    if (!frame.disparity.empty()) return player_(time, frame.disparity_view(), matte);
    planes_.resize(frame.size.area());
    const HostImage<float> planes{planes_.data(), frame.size};
    plane_disparity<Cpu>(exec_, matte, {}, planes);
    return player_(time, planes, matte);
}

std::optional<float> BokehFocus::subject(const Frame& frame) {
    if (!snap_ || frame.drawn || frame.disparity.empty() || frame.matte.empty()) return {};
    return autofocus_.on_matte(frame.disparity_view(), frame.matte_view());
}
}  // namespace cinebokeh::demo
