// A focus track under the hands of a person: keys are dragged, added, deleted, eased.
#pragma once
#include <string>
#include <vector>

#include "cinebokeh/pipeline/focus_track.hpp"

namespace cinebokeh::demo {

/// The focus of a moment of a track whose keys are all disparities with strengths, as recordings have them.
Focus focus_at(const FocusTrack& track, double time);

class TrackEditor {
public:
    /// Reads a focus track. Throws Error where that fails, or where a key is not a disparity with a strength.
    explicit TrackEditor(const std::string& file);

    const FocusTrack& track() const { return track_; }
    int count() const { return int(track_.keys().size()); }
    const FocusKey& key(int index) const { return track_.keys()[size_t(index)]; }

    /// Moves a key in time, at most up to its neighbours, and to another disparity.
    void move(int index, double time, float disparity);
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
    FocusTrack track_;
    bool changed_ = false;
};
}  // namespace cinebokeh::demo
