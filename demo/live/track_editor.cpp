#include "track_editor.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/core/error.hpp"
#include "focus_track_file.hpp"

namespace cinebokeh::demo {
namespace {
constexpr double apart = 0.01;  // seconds between two keys, at least

FocusTrack read(const std::string& file) {
    FocusTrack track = read_focus_track(file);
    for (const FocusKey& key : track.keys())
        require(key.target.kind == FocusTarget::Kind::disparity && key.strength, "the focus track '", file,
                "' has keys that are no disparity with a strength, as recordings have them: edit it as text");
    return track;
}
}  // namespace

Focus focus_at(const FocusTrack& track, double time) {
    const FocusTrack::Moment moment = track.at(time);
    const float from = moment.from->target.value, to = moment.to->target.value;
    return {moment.strength.value_or(0.f), from + (to - from) * moment.mix};
}

TrackEditor::TrackEditor(const std::string& file) : file_(file), track_(read(file)) {}

void TrackEditor::set(std::vector<FocusKey> keys) {
    track_ = FocusTrack(std::move(keys));
    changed_ = true;
}

void TrackEditor::move(int index, double time, float disparity) {
    std::vector<FocusKey> keys = track_.keys();
    const size_t i = size_t(index);
    const double low = i ? keys[i - 1].time + apart : 0, high = i + 1 < keys.size() ? keys[i + 1].time - apart : 1e6;
    if (low <= high) keys[i].time = std::clamp(time, low, high);
    keys[i].target.value = disparity;
    set(std::move(keys));
}

int TrackEditor::add(double time) {
    std::vector<FocusKey> keys = track_.keys();
    for (size_t i = 0; i < keys.size(); ++i)
        if (std::abs(keys[i].time - time) < apart) return int(i);
    const Focus focus = focus_at(track_, time);
    FocusKey key{std::max(time, 0.0),
                 {FocusTarget::Kind::disparity, focus.disparity, 0, 0},
                 {},
                 focus.strength,
                 track_.at(time).from->easing};
    const auto place = std::find_if(keys.begin(), keys.end(), [&](const FocusKey& k) { return k.time > key.time; });
    const int index = int(place - keys.begin());
    keys.insert(place, key);
    set(std::move(keys));
    return index;
}

void TrackEditor::erase(int index) {
    std::vector<FocusKey> keys = track_.keys();
    if (keys.size() == 1) return;
    keys.erase(keys.begin() + index);
    set(std::move(keys));
}

void TrackEditor::set_easing(int index, FocusEasing easing) {
    std::vector<FocusKey> keys = track_.keys();
    keys[size_t(index)].easing = easing;
    set(std::move(keys));
}

void TrackEditor::save() {
    write_focus_track(file_, track_);
    changed_ = false;
}
}  // namespace cinebokeh::demo
