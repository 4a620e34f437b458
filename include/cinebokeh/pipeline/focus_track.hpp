// Focus track: what is in focus when, and how wide the lens is open. Key frames; between two of them the focus is
// pulled.
#pragma once
#include <optional>
#include <vector>

#include "cinebokeh/autofocus.hpp"
#include "cinebokeh/defocus.hpp"

namespace cinebokeh {

/// How the focus leaves a key for the next one.
enum class FocusEasing {
    linear,  // at constant speed
    smooth,  // starting and ending slowly: a hand on the ring
    hold,    // not at all; it jumps when the next key is reached
};

/// What is in focus.
struct FocusTarget {
    enum class Kind {
        disparity,  // `value`
        distance,   // `value` metres; infinity is legal
        point,      // whatever surface is seen at (x, y)
        subject,    // whatever is under the matte
    };
    Kind kind = Kind::subject;
    float value = 0;
    float x = 0, y = 0;  // parts of the width and the height of the frame, in [0, 1]

    friend bool operator==(const FocusTarget&, const FocusTarget&) = default;
};

struct FocusKey {
    double time = 0;  // seconds from the beginning of the video, >= 0
    FocusTarget target;
    std::optional<float> f_number;  // of the lens, or
    std::optional<float> strength;  // K, pixels per unit of disparity; a key with neither keeps what the last one says
    FocusEasing easing = FocusEasing::smooth;

    friend bool operator==(const FocusKey&, const FocusKey&) = default;
};

/// Keys in the order of time.
class FocusTrack {
public:
    /// Where a time lies: `mix` of the way from one key to the next (the same one before the first and after the last).
    struct Moment {
        const FocusKey *from, *to;
        float mix;                                // eased, in [0, 1]
        std::optional<float> f_number, strength;  // f-numbers are mixed in stops; empty where no key says one
    };

    /// Throws Error, with the number of the key, if there is none, the times do not grow from key to key, a value is
    /// outside its range, or some keys have f-numbers and others strengths.
    explicit FocusTrack(std::vector<FocusKey> keys);

    /// Throws Error if the time is NaN.
    Moment at(double time) const;
    const std::vector<FocusKey>& keys() const { return keys_; }

private:
    std::vector<FocusKey> keys_;  // with f-numbers and strengths handed down
};

/// Turns a track into the focus of each frame.
///
/// Targets are looked up in the frame at hand, so a pull may start on a moving subject and end on another. Between keys
/// the disparity in focus is mixed: the blur then changes at the pace of the easing. A target that cannot be seen (no
/// matte, all NaN) stays where it was last, at first in the middle of the frame.
/// Allocates in the constructor only. Waits for the numbers that it reads.
template <class Exec>
class FocusTrackPlayer {
public:
    /// `lens` gives the f-number of tracks that give none, focal length and sensor; its focus distance is not used.
    /// Throws Error if the lens or the scale is impossible (see focus_of).
    FocusTrackPlayer(Exec& exec, FocusTrack track, const Lens& lens = {}, DisparityScale scale = {});

    ///   disparity  [h, w]
    ///   matte      [h, w]  or a view without data
    /// Throws Error if the sizes differ, the picture is empty, or what is in focus lies closer than the focal length.
    Focus operator()(double time, View<const float, Exec> disparity, View<const float, Exec> matte);

private:
    float disparity_of(const FocusTarget& target, View<const float, Exec> disparity, View<const float, Exec> matte);

    FocusTrack track_;
    Lens lens_;
    DisparityScale scale_;
    Autofocus<Exec> autofocus_;
    std::optional<float> last_;
};

// ---------------------------------------------------------------------------- implementation

inline FocusTrack::FocusTrack(std::vector<FocusKey> keys) : keys_(std::move(keys)) {
    require(!keys_.empty(), "FocusTrack: there is no key");
    const auto in_frame = [](float v) { return v >= 0 && v <= 1; };
    bool f_numbers = false, strengths = false;
    for (size_t i = 0; i < keys_.size(); ++i) {
        FocusKey& key = keys_[i];
        const FocusTarget& t = key.target;
        require(key.time >= 0 && std::isfinite(key.time), "FocusTrack: the time of key ", i, ", ", key.time,
                " s, is not a number >= 0");
        require(i == 0 || key.time > keys_[i - 1].time, "FocusTrack: key ", i, " at ", key.time,
                " s does not come after key ", i - 1, " at ", i ? keys_[i - 1].time : 0, " s");
        require(t.kind != FocusTarget::Kind::disparity || std::isfinite(t.value), "FocusTrack: the disparity of key ",
                i, " is not finite");
        require(t.kind != FocusTarget::Kind::distance || t.value > 0, "FocusTrack: the distance of key ", i, ", ",
                t.value, " m, is not positive");
        require(t.kind != FocusTarget::Kind::point || (in_frame(t.x) && in_frame(t.y)), "FocusTrack: the point of key ",
                i, ", (", t.x, ", ", t.y, "), is outside of [0, 1]");
        require(!key.f_number || (*key.f_number > 0 && std::isfinite(*key.f_number)),
                "FocusTrack: the f-number of key ", i, " is not a positive number");
        require(!key.strength || (*key.strength >= 0 && std::isfinite(*key.strength)),
                "FocusTrack: the strength of key ", i, " is not a number >= 0");
        f_numbers |= key.f_number.has_value(), strengths |= key.strength.has_value();
        require(!f_numbers || !strengths, "FocusTrack: key ", i,
                " mixes f-numbers with strengths: give one of the two in all keys");
        if (i && !key.f_number) key.f_number = keys_[i - 1].f_number;
        if (i && !key.strength) key.strength = keys_[i - 1].strength;
    }
}

inline FocusTrack::Moment FocusTrack::at(double time) const {
    require(!std::isnan(time), "FocusTrack: the time is not a number");
    size_t next = 0;
    while (next < keys_.size() && keys_[next].time <= time) ++next;
    const FocusKey& from = keys_[next ? next - 1 : 0];
    const FocusKey& to = keys_[next < keys_.size() ? next : next - 1];
    float mix = 0;
    if (&from != &to && from.easing != FocusEasing::hold) {
        const double t = (time - from.time) / (to.time - from.time);
        mix = float(from.easing == FocusEasing::smooth ? t * t * (3 - 2 * t) : t);
    }
    Moment moment{&from, &to, mix, from.f_number, from.strength};
    if (mix > 0 && from.f_number)  // from f / 2 to f / 8 the middle is f / 4
        moment.f_number = *from.f_number * std::pow(*to.f_number / *from.f_number, mix);
    else if (mix > 0 && to.f_number)
        moment.f_number = to.f_number;
    if (mix > 0 && from.strength)
        moment.strength = *from.strength + (*to.strength - *from.strength) * mix;
    else if (mix > 0 && to.strength)
        moment.strength = to.strength;
    return moment;
}

template <class Exec>
FocusTrackPlayer<Exec>::FocusTrackPlayer(Exec& exec, FocusTrack track, const Lens& lens, DisparityScale scale)
    : track_(std::move(track)), lens_(lens), scale_(scale), autofocus_(exec) {
    lens_.focus_distance = INFINITY;  // always possible; each frame sets its own
    focus_of(lens_, 1, scale_);
}

template <class Exec>
float FocusTrackPlayer<Exec>::disparity_of(const FocusTarget& target, View<const float, Exec> disparity,
                                           View<const float, Exec> matte) {
    using Kind = FocusTarget::Kind;
    if (target.kind == Kind::disparity) return target.value;
    if (target.kind == Kind::distance) return float(scale_.disparity(double(target.value)));
    const Size size = disparity.size;
    const auto pixel = [](float part, int count) { return std::min(int(part * float(count)), count - 1); };
    const auto seen = [&](float x, float y) {
        return autofocus_.at_point(disparity, pixel(x, size.width), pixel(y, size.height), 1 + size.height / 100);
    };
    std::optional<float> found;
    if (target.kind == Kind::point)
        found = seen(target.x, target.y);
    else if (matte.data)
        found = autofocus_.on_matte(disparity, matte);
    if (!found) found = last_;
    if (!found) found = seen(0.5f, 0.5f);
    return found.value_or(0.f);
}

template <class Exec>
Focus FocusTrackPlayer<Exec>::operator()(double time, View<const float, Exec> disparity,
                                         View<const float, Exec> matte) {
    require(!disparity.size.empty(), "FocusTrackPlayer: an empty picture");
    const FocusTrack::Moment moment = track_.at(time);
    float focused = disparity_of(moment.from->target, disparity, matte);
    if (moment.mix > 0) focused += (disparity_of(moment.to->target, disparity, matte) - focused) * moment.mix;
    last_ = focused;
    if (moment.strength) return {*moment.strength, focused};
    Lens lens = lens_;
    if (moment.f_number) lens.f_number = *moment.f_number;
    return focus_of_disparity(lens, disparity.size.width, scale_, focused);
}
}  // namespace cinebokeh
