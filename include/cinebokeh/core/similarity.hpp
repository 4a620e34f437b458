// A similarity without rotation: how a subject moved and grew between two frames, as its centroid and scale tell it.
#pragma once
#include "cinebokeh/core/image.hpp"

namespace cinebokeh {

/// Maps a position p (pixels) to (p - from) * scale + to.
struct Similarity {
    Float2 from = {0, 0};
    Float2 to = {0, 0};
    float scale = 1;

    CINEBOKEH_HD Float2 operator()(float x, float y) const {
        return {(x - from[0]) * scale + to[0], (y - from[1]) * scale + to[1]};
    }
    CINEBOKEH_HD Similarity inverse() const { return {to, from, 1 / scale}; }
};
}  // namespace cinebokeh
