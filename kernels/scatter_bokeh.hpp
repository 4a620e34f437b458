// What the scatter shares between its backends: the fixed point, the layers, and how they fill a pixel.
//
// Light is counted in whole numbers of at most 53 bits, which a double holds as exactly as an integer does: the CPU
// adds doubles, CUDA adds integers, and both arrive at the same sums in any order. A pixel is worth at most 2^45; those
// that reach one place lie at all distances d, each with its light over an area that grows as d^2, so their sum grows
// as the logarithm of the radius, and is below 2^53 at the largest radius for the thinnest aperture.
#pragma once
#include <cmath>

#include "cinebokeh/aperture.hpp"

namespace cinebokeh::detail {

constexpr int scatter_layers = 7;

struct ScatterPass {
    int layers = scatter_layers;  // 1: light is added up, without normalisation
    float largest_value = 1;
    float max_radius = 0;
    double to_fixed = 1;  // from a value, times the inverse area of the shape, to light per 1/256 pixel
    double to_value = 1;  // from the sum of a pixel
    float radius_scale = 1;
    int channel = -1;  // the only colour that is written; -1: all
};

inline ScatterPass scatter_pass(float max_value, int layers, float max_radius) {
    ScatterPass pass;
    int exponent = 0;
    std::frexp(max_value, &exponent);
    if (max_value == std::ldexp(1.f, exponent - 1)) --exponent;  // max_value <= 2^exponent
    pass.layers = layers;
    pass.largest_value = max_value;
    pass.max_radius = max_radius;
    pass.to_fixed = std::ldexp(1.0, 45 - exponent);
    pass.to_value = std::ldexp(1.0, exponent - 45);
    return pass;
}

// Layer 0 is the nearest.
CINEBOKEH_HD inline int scatter_layer(float defocus) {
    const float r = defocus < 0 ? -defocus : defocus;
    const int step = (r >= 1.5f) + (r >= 6.f) + (r >= 24.f);
    return defocus < 0 ? 3 + step : 3 - step;
}

// The shape that a pixel spreads over.
struct ScatterShape {
    int index;  // of its radius in the table
    int layer;
    bool turned;
    float radius;
};

template <class Space>
CINEBOKEH_HD ScatterShape shape_of(float defocus, const ApertureRuns<Space>& aperture, const ScatterPass& pass) {
    const float magnitude = defocus < 0 ? -defocus : defocus > 0 ? defocus : 0.f;  // NaN counts as 0
    const float radius = (magnitude < pass.max_radius ? magnitude : pass.max_radius) * pass.radius_scale;
    const int layer = pass.layers > 1 ? scatter_layer(defocus > 0 ? magnitude : -magnitude) : 0;
    return {aperture.index_of(radius), layer, defocus > 0, radius};
}

// Light per 1/256 pixel of the shape, a whole number.
CINEBOKEH_HD inline float light_of(float value, double scale, float largest) {
    // The scale is a float times a power of two: the product is exact in double, so fused or not the sum is the same.
    const float positive = value > 0 ? value : 0.f, cut = positive < largest ? positive : largest;
    return float(int64_t(double(cut) * scale + 0.5));
}

// The area of a shape with a cat's eye, in 1/256 pixel.
template <class Space>
CINEBOKEH_HD int64_t cut_area(const ApertureRuns<Space>& aperture, const ApertureRadius& radius, bool turned,
                              const CatEye& eye) {
    int64_t area = 0;
    for (int dy = -radius.rows; dy <= radius.rows; ++dy) {
        const ApertureRun run = cut(aperture.run(radius, dy, turned), eye, dy);
        area += run.right - run.left;
    }
    return area;
}

// 1 / the area of the shape of pixel (x, y) of a frame, where it may be cut by a cat's eye. One that nothing is left of
// becomes the pixel itself.
template <class Space>
CINEBOKEH_HD float inverse_area_at(int x, int y, Size frame, const ApertureRuns<Space>& aperture, ScatterShape& shape) {
    const ApertureRadius& radius = aperture.radii[size_t(shape.index)];
    if (!(aperture.cat_eye > 0) || shape.index == 0) return radius.inverse_area;
    const int64_t area =
        cut_area(aperture, radius, shape.turned, aperture.cat_eye_at(shape.radius, x, y, frame, shape.turned));
    if (area > 0) return float(1 / double(area));
    shape.index = 0;
    return aperture.radii[0].inverse_area;
}

// The layers fill the room of one pixel, from near to far.
struct FilledPixel {
    double colour[3] = {0, 0, 0}, room = 1;

    // `sums` are whole numbers.
    CINEBOKEH_HD void add(const double* sums, double to_value) {
        const float alpha = float(sums[3] * to_value);
        if (!(alpha > 0) || room <= 0) return;
        const float part = alpha > room ? float(room / double(alpha)) : 1.f;
        // Products of floats are exact in double, so fused or not the sums round alike.
        for (int c = 0; c < 3; ++c) colour[c] += double(float(sums[c] * to_value)) * double(part);
        room = alpha > room ? 0 : room - double(alpha);
    }
    CINEBOKEH_HD Float4 result() const {
        const double filled = 1 - room;
        if (!(filled > 0)) return {0, 0, 0, 0};
        return {float(colour[0] / filled), float(colour[1] / filled), float(colour[2] / filled), 1};
    }
};

CINEBOKEH_HD inline Float4 sum_of_light(const double* sums, const ScatterPass& pass) {
    Float4 value;
    for (int c = 0; c < 4; ++c) value[c] = float(sums[c] * pass.to_value);
    return value;
}

CINEBOKEH_HD inline void write_pixel(const Float4& value, int channel, Float4& out) {
    if (channel < 0) {
        out = value;
    } else {
        out[channel] = value[channel];
        if (channel == 1) out[3] = value[3];
    }
}
}  // namespace cinebokeh::detail
