// Where a subject is and how large: the zeroth and first moments of its matte.
#pragma once
#include <cmath>
#include <vector>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Centre of mass in pixels, and the square root of the area (the sum of the matte) in pixels.
struct Moments {
    Float2 centroid = {0, 0};
    float scale = 0;
};

/// Returns the moments of a matte; the centre of the image and scale 0 for an empty one. NaN counts as 0.
///
///   matte  [h, w]  >= 0
///
/// Cpu. Allocates nothing. Deterministic.
Moments moments(Cpu& exec, HostImage<const float> matte);

// ---------------------------------------------------------------------------- implementation

inline Moments moments(Cpu&, HostImage<const float> matte) {
    constexpr int lanes = 8;
    double area = 0, first_x = 0, first_y = 0;
    for (int y = 0; y < matte.size.height; ++y) {
        const float* row = matte.row(y);
        double sum[lanes] = {}, weighted[lanes] = {};
        for (int begin = 0; begin < matte.size.width; begin += lanes)
            for (int l = 0; l < std::min(lanes, matte.size.width - begin); ++l) {
                const double alpha = row[begin + l] > 0 ? double(row[begin + l]) : 0;
                sum[l] += alpha, weighted[l] += alpha * (begin + l);
            }
        for (int l = 0; l < lanes; ++l) area += sum[l], first_x += weighted[l], first_y += sum[l] * y;
    }
    if (!(area > 0)) return {{float(matte.size.width - 1) / 2, float(matte.size.height - 1) / 2}, 0};
    return {{float(first_x / area), float(first_y / area)}, float(std::sqrt(area))};
}
}  // namespace cinebokeh
