// Where a subject is and how large: the zeroth and first moments of its matte.
#pragma once
#include <algorithm>
#include <cmath>

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
/// Allocates nothing. On Cuda it waits for the result, and a pixel counts in units of 2^-16 and at most 256.
/// Deterministic.
Moments moments(Cpu& exec, HostImage<const float> matte);
#if CINEBOKEH_GRID
Moments moments(Cuda& exec, Image<const float, DeviceSpace> matte);
#endif

/// The smallest box that holds something: its first column and row, and its size.
struct Box {
    int x = 0, y = 0;
    Size size;
};

/// Returns the box of the pixels that are not 0; an empty size where all are. Allocates nothing; on Cuda it waits for
/// the result. Deterministic.
Box bounding_box(Cpu& exec, HostImage<const uint8_t> region);
#if CINEBOKEH_GRID
Box bounding_box(Cuda& exec, Image<const uint8_t, DeviceSpace> region);
#endif

/// Returns the box `margin` pixels larger on every side, cut off at the borders of an image.
Box enlarged(const Box& box, int margin, Size image);

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

inline Box bounding_box(Cpu&, HostImage<const uint8_t> region) {
    int left = region.size.width, right = -1, top = -1, bottom = -1;
    for (int y = 0; y < region.size.height; ++y) {
        const uint8_t *row = region.row(y), *end = row + region.size.width;
        const auto set = [](uint8_t v) { return v != 0; };
        const uint8_t* first = std::find_if(row, end, set);
        if (first == end) continue;
        const uint8_t* last = end;
        while (!set(*--last)) {
        }
        left = std::min(left, int(first - row)), right = std::max(right, int(last - row));
        if (top < 0) top = y;
        bottom = y;
    }
    return bottom < 0 ? Box{} : Box{left, top, {right - left + 1, bottom - top + 1}};
}

inline Box enlarged(const Box& box, int margin, Size image) {
    const int left = std::max(0, box.x - margin), top = std::max(0, box.y - margin);
    const int right = std::min(image.width, box.x + box.size.width + margin);
    const int bottom = std::min(image.height, box.y + box.size.height + margin);
    return {left, top, {right - left, bottom - top}};
}
}  // namespace cinebokeh

#include "kernels/moments_cuda.cuh"
