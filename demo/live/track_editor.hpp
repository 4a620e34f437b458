// A focus track under the hands of a person: keys are dragged, added, deleted, eased.
#pragma once
#include <string>
#include <vector>

#include "focus_track_file.hpp"

namespace cinebokeh::demo {

/// The focus track of a recording: its keys are disparities with f-numbers.
struct RecordedFocus {
    FocusTrack track;
    TrackLens lens;

    /// Throws Error where the file cannot be read, or its keys are others.
    static RecordedFocus read(const std::string& file);
    float disparity_at(double time) const;
    float f_number_at(double time) const { return *track.at(time).f_number; }
    Focus at(double time, int image_width) const;
};

class TrackEditor {
public:
    static constexpr float widest = 1, narrowest = 22;  // f-numbers

    /// Throws Error as RecordedFocus::read.
    explicit TrackEditor(const std::string& file);

    const RecordedFocus& focus() const { return focus_; }
    int count() const { return int(focus_.track.keys().size()); }
    const FocusKey& key(int index) const { return focus_.track.keys()[size_t(index)]; }

    /// Moves a key in time, at most up to its neighbours.
    void move(int index, double time);
    /// At most to what the lens can focus on.
    void set_disparity(int index, float disparity);
    void set_f_number(int index, float f_number);
    /// Adds a key that changes nothing yet; returns its index, or that of the key that is there already.
    int add(double time);
    /// The last key stays: a track has one.
    void erase(int index);
    void set_easing(int index, FocusEasing easing);

    /// There are changes that are not on disk.
    bool changed() const { return changed_; }
    /// Throws Error where the file cannot be written.
    void save();

private:
    void set(std::vector<FocusKey> keys);

    std::string file_;
    RecordedFocus focus_;
    bool changed_ = false;
};
}  // namespace cinebokeh::demo
