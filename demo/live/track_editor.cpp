#include "track_editor.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
constexpr double apart = 0.01;  // seconds between two keys, at least

}  // namespace

RecordedFocus RecordedFocus::read(const std::string& file) {
    const std::optional<TrackLens> lens = read_track_lens(file);
    RecordedFocus focus{read_focus_track(file), lens.value_or(TrackLens{})};
    bool recorded = lens.has_value();
    for (const FocusKey& key : focus.track.keys())
        recorded = recorded && key.target.kind == FocusTarget::Kind::disparity && key.f_number;
    require(recorded, "the focus track '", file,
            "' is not one of disparities, f-numbers and their lens, as recordings have it: edit it as text");
    return focus;
}

float RecordedFocus::disparity_at(double time) const {
    const FocusTrack::Moment moment = track.at(time);
    const float from = moment.from->target.value;
    return from + (moment.to->target.value - from) * moment.mix;
}

Focus RecordedFocus::at(double time, int image_width) const {
    return lens.focus(f_number_at(time), disparity_at(time), image_width);
}

TrackEditor::TrackEditor(const std::string& file) : file_(file), focus_(RecordedFocus::read(file)) {}

void TrackEditor::set(std::vector<FocusKey> keys) {
    focus_.track = FocusTrack(std::move(keys));
    changed_ = true;
}

void TrackEditor::move(int index, double time) {
    std::vector<FocusKey> keys = focus_.track.keys();
    const size_t i = size_t(index);
    const double low = i ? keys[i - 1].time + apart : 0, high = i + 1 < keys.size() ? keys[i + 1].time - apart : 1e6;
    if (low <= high) keys[i].time = std::clamp(time, low, high);
    set(std::move(keys));
}

void TrackEditor::set_disparity(int index, float disparity) {
    std::vector<FocusKey> keys = focus_.track.keys();
    keys[size_t(index)].target.value = std::min(disparity, focus_.lens.nearest());
    set(std::move(keys));
}

void TrackEditor::set_f_number(int index, float f_number) {
    std::vector<FocusKey> keys = focus_.track.keys();
    keys[size_t(index)].f_number = std::clamp(f_number, widest, narrowest);
    set(std::move(keys));
}

int TrackEditor::add(double time) {
    std::vector<FocusKey> keys = focus_.track.keys();
    for (size_t i = 0; i < keys.size(); ++i)
        if (std::abs(keys[i].time - time) < apart) return int(i);
    const FocusKey key{std::max(time, 0.0),
                       {FocusTarget::Kind::disparity, focus_.disparity_at(time), 0, 0},
                       focus_.f_number_at(time),
                       {},
                       focus_.track.at(time).from->easing};
    const auto place = std::find_if(keys.begin(), keys.end(), [&](const FocusKey& k) { return k.time > key.time; });
    const int index = int(place - keys.begin());
    keys.insert(place, key);
    set(std::move(keys));
    return index;
}

void TrackEditor::erase(int index) {
    std::vector<FocusKey> keys = focus_.track.keys();
    if (keys.size() == 1) return;
    keys.erase(keys.begin() + index);
    set(std::move(keys));
}

void TrackEditor::set_easing(int index, FocusEasing easing) {
    std::vector<FocusKey> keys = focus_.track.keys();
    keys[size_t(index)].easing = easing;
    set(std::move(keys));
}

void TrackEditor::save() {
    write_focus_track(file_, focus_.track, focus_.lens);
    changed_ = false;
}
}  // namespace cinebokeh::demo
