#include "strokes.hpp"

#include <algorithm>

namespace cinebokeh::demo {

void Strokes::begin(uint8_t label, float radius, Float2 at) { strokes_.push_back({label, radius, {at}}); }

bool Strokes::extend(Float2 to) {
    if (strokes_.empty()) return false;
    std::vector<Float2>& points = strokes_.back().points;
    const Float2 step = to - points.back();
    const bool grows = step[0] * step[0] + step[1] * step[1] >= 1;
    if (grows) points.push_back(to);
    return grows;
}

void Strokes::undo() {
    if (!strokes_.empty()) strokes_.pop_back();
}

bool Strokes::complete() const {
    const auto has = [&](uint8_t label) {
        return std::any_of(strokes_.begin(), strokes_.end(), [&](const Stroke& s) { return s.label == label; });
    };
    return has(subject_scribble) && has(background_scribble);
}

std::vector<uint8_t> Strokes::labels(Cpu& exec, Size frame) const {
    std::vector<uint8_t> labels(frame.area(), 0);
    for (const Stroke& stroke : strokes_)
        draw_scribble(exec, {stroke.points.data(), stroke.points.size()}, stroke.radius, stroke.label,
                      {labels.data(), frame});
    return labels;
}
}  // namespace cinebokeh::demo
