#include "focus_recording.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
// How far the blur of a frame is from another one's, in pixels of radius.
float difference(const Focus& a, const Focus& b) {
    return std::max(std::abs(a.disparity - b.disparity) * b.strength, std::abs(a.strength - b.strength));
}
// How far a sample is from the line between two others.
float error_of(const FocusSample& sample, const FocusSample& from, const FocusSample& to) {
    const float mix = float((sample.time - from.time) / (to.time - from.time));
    const auto between = [mix](float a, float b) { return a + (b - a) * mix; };
    return difference(
        {between(from.focus.strength, to.focus.strength), between(from.focus.disparity, to.focus.disparity)},
        sample.focus);
}

// Marks the samples between `from` and `to` that must be keys.
void keep_between(const std::vector<FocusSample>& samples, size_t from, size_t to, float tolerance,
                  std::vector<bool>& kept) {
    size_t worst = from;
    float error = tolerance;
    for (size_t i = from + 1; i < to; ++i) {
        const float here = error_of(samples[i], samples[from], samples[to]);
        if (here > error) error = here, worst = i;
    }
    if (worst == from) return;
    kept[worst] = true;
    keep_between(samples, from, worst, tolerance, kept);
    keep_between(samples, worst, to, tolerance, kept);
}
}  // namespace

FocusTrack track_through(const std::vector<FocusSample>& samples, float tolerance) {
    require(!samples.empty(), "a focus track needs a frame");
    std::vector<bool> kept(samples.size(), false);
    keep_between(samples, 0, samples.size() - 1, tolerance, kept);
    const bool moves = std::find(kept.begin(), kept.end(), true) != kept.end() ||
                       difference(samples.front().focus, samples.back().focus) > tolerance;
    kept.front() = true, kept.back() = kept.back() || moves;
    std::vector<FocusKey> keys;
    for (size_t i = 0; i < samples.size(); ++i)
        if (kept[i])
            keys.push_back({samples[i].time,
                            {FocusTarget::Kind::disparity, samples[i].focus.disparity, 0, 0},
                            {},
                            samples[i].focus.strength,
                            FocusEasing::linear});
    return FocusTrack(std::move(keys));
}
}  // namespace cinebokeh::demo
