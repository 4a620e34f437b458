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
// The samples as the lens has them.
class ThroughLens {
public:
    ThroughLens(const std::vector<FocusSample>& samples, const TrackLens& lens, int width)
        : samples_(samples), lens_(lens), width_(width) {
        for (const FocusSample& sample : samples)
            f_numbers_.push_back(lens.focus(1, sample.focus.disparity, width).strength / sample.focus.strength);
    }
    FocusKey key(size_t i) const {
        return {samples_[i].time,
                {FocusTarget::Kind::disparity, samples_[i].focus.disparity, 0, 0},
                f_numbers_[i],
                {},
                FocusEasing::linear};
    }
    // How far a sample is from what a track with keys at two others has there.
    float error(size_t i, size_t from, size_t to) const {
        const float mix = float((samples_[i].time - samples_[from].time) / (samples_[to].time - samples_[from].time));
        const float near = samples_[from].focus.disparity, far = samples_[to].focus.disparity;
        const float f_number = f_numbers_[from] * std::pow(f_numbers_[to] / f_numbers_[from], mix);
        return difference(lens_.focus(f_number, near + (far - near) * mix, width_), samples_[i].focus);
    }
    float difference_of(size_t i, size_t j) const { return difference(samples_[i].focus, samples_[j].focus); }

private:
    const std::vector<FocusSample>& samples_;
    const TrackLens& lens_;
    int width_;
    std::vector<float> f_numbers_;
};

// Marks the samples between `from` and `to` that must be keys.
void keep_between(const ThroughLens& samples, size_t from, size_t to, float tolerance, std::vector<bool>& kept) {
    size_t worst = from;
    float most = tolerance;
    for (size_t i = from + 1; i < to; ++i) {
        const float here = samples.error(i, from, to);
        if (here > most) most = here, worst = i;
    }
    if (worst == from) return;
    kept[worst] = true;
    keep_between(samples, from, worst, tolerance, kept);
    keep_between(samples, worst, to, tolerance, kept);
}
}  // namespace

FocusTrack track_through(const std::vector<FocusSample>& samples, const TrackLens& lens, int image_width,
                         float tolerance) {
    require(!samples.empty(), "a focus track needs a frame");
    const ThroughLens through(samples, lens, image_width);
    const size_t last = samples.size() - 1;
    std::vector<bool> kept(samples.size(), false);
    keep_between(through, 0, last, tolerance, kept);
    const bool moves =
        std::find(kept.begin(), kept.end(), true) != kept.end() || through.difference_of(0, last) > tolerance;
    kept.front() = true, kept.back() = kept.back() || moves;
    std::vector<FocusKey> keys;
    for (size_t i = 0; i < samples.size(); ++i)
        if (kept[i]) keys.push_back(through.key(i));
    return FocusTrack(std::move(keys));
}
}  // namespace cinebokeh::demo
