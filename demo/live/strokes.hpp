// Strokes that the user draws on the frozen frame: with undo, as labels for the subject finder.
#pragma once
#include <cstdint>
#include <vector>

#include "cinebokeh/scribbles.hpp"

namespace cinebokeh::demo {

class Strokes {
public:
    struct Stroke {
        uint8_t label;               // subject_scribble or background_scribble
        float radius;                // pixels
        std::vector<Float2> points;  // pixels of the frame; (0, 0) is the centre of the first
    };

    void begin(uint8_t label, float radius, Float2 at);
    /// Goes on with the newest stroke. Whether it grew: by a pixel at least.
    bool extend(Float2 to);
    void undo();
    void clear() { strokes_.clear(); }
    bool empty() const { return strokes_.empty(); }
    /// Both the subject and the background are marked: a subject can be found.
    bool complete() const;
    const std::vector<Stroke>& all() const { return strokes_; }
    /// One byte a pixel, as SubjectFinder takes it.
    std::vector<uint8_t> labels(Cpu& exec, Size frame) const;

private:
    std::vector<Stroke> strokes_;
};
}  // namespace cinebokeh::demo
