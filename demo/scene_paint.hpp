// Procedural things to photograph: what stands in a generated scene, and what is behind it.
#pragma once
#include "builtin_paint.hpp"
#include "cinebokeh/core/random.hpp"

namespace cinebokeh::demo {

/// How a thing is held in the scene.
enum class Stand {
    ground,   // its lower edge stands on the ground, or below the frame
    hanging,  // its upper edge hangs from above the frame
    air       // anywhere
};

struct Painted {
    Layer picture;  // premultiplied, sRGB values; `left` and `top` are 0
    Stand stand = Stand::air;
};

/// Paints one of the kinds of things, about `height` pixels high. The same seed gives the same thing.
Painted paint_thing(int height, Random& random);

/// Paints one of the kinds of backgrounds: a city at night, a meadow, the sea in the evening, a wall with lights.
Layer paint_scenery(Size size, Random& random);

/// Uniform in [low, high).
inline float between(Random& random, float low, float high) { return mix(low, high, random.uniform()); }

/// A colour from hue (a turn is 1), saturation and value, all in [0, 1].
inline Float3 hsv(float hue, float saturation, float value) {
    Float3 colour;
    for (int c = 0; c < 3; ++c) {
        const float at = hue * 6 + (c == 0 ? 0.f : c == 1 ? 4.f : 2.f);
        const float ramp = std::abs(std::fmod(at, 6.f) - 3) - 1;
        colour[c] = value * mix(1.f, clamp(ramp, 0.f, 1.f), saturation);
    }
    return colour;
}

struct Range {
    float low, high;
};
/// A colour of a hue, a saturation and a value within ranges. What is drawn at random is drawn in statements of their
/// own everywhere: the order of evaluation within an expression differs between compilers.
inline Float3 colour_in(Random& random, Range hue, Range saturation, Range value) {
    const float h = between(random, hue.low, hue.high), s = between(random, saturation.low, saturation.high);
    return hsv(h, s, between(random, value.low, value.high));
}

/// Noise in [0, 1) with details down to 1/8 of a unit.
inline float rough(float x, float y) {
    return (4 * value_noise(x, y) + 2 * value_noise(2 * x + 17, 2 * y) + value_noise(4 * x, 4 * y + 31) +
            value_noise(8 * x + 5, 8 * y + 3)) /
           8;
}

/// Lays a disk with a soft rim over the picture.
inline void lay_disk(Layer& layer, float x, float y, float radius, Float3 colour, float alpha = 1) {
    for (int py = std::max(0, int(y - radius - 1)); py <= std::min(layer.size.height - 1, int(y + radius + 1)); ++py)
        for (int px = std::max(0, int(x - radius - 1)); px <= std::min(layer.size.width - 1, int(x + radius + 1));
             ++px) {
            const float cover = coverage(std::hypot(float(px) - x, float(py) - y) - radius);
            if (cover > 0) lay(layer.at(px, py), colour, alpha * cover);
        }
}

/// A point of light: white in the middle, with a faint halo of its colour.
inline void lay_light(Layer& layer, float x, float y, float radius, Float3 colour) {
    lay_disk(layer, x, y, radius * 2.2f, colour, 0.25f);
    lay_disk(layer, x, y, radius, mix(colour, Float3{1, 1, 1}, 0.75f));
}
}  // namespace cinebokeh::demo
