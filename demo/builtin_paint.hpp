// What the built-in clip is painted with: layers, noise, soft shapes, strands of fur.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

/// Premultiplied colour in [0, 1], sRGB values.
struct Layer {
    int left = 0, top = 0;  // where its first pixel lies in the frame
    Size size;
    std::vector<Float4> pixels;

    Layer() = default;
    Layer(int left_, int top_, Size size_) : left(left_), top(top_), size(size_), pixels(size_.area(), Float4{}) {}
    Float4& at(int x, int y) { return pixels[size_t(y) * size_t(size.width) + size_t(x)]; }
    const Float4& at(int x, int y) const { return pixels[size_t(y) * size_t(size.width) + size_t(x)]; }
};

/// Where a layer lies in a frame: turned around a point and moved.
struct Pose {
    float angle = 0, pivot_x = 0, pivot_y = 0, dx = 0, dy = 0;
};

/// A light that is added to the street.
struct Glow {
    float x, y, radius;  // of its bright disk, pixels
    Float3 colour;
    float speed;    // pixels a frame, sideways
    float twinkle;  // share of the brightness that comes and goes
    float phase;
    float disparity;
};

/// A snow flake behind the fox.
struct Flake {
    float x, y, radius, fall, sway, phase;
};

constexpr int street_margin = 80;        // the street is wider than the frame on both sides, which pans over it
Layer paint_far_street();                // houses, sky and pavement
std::vector<Layer> paint_near_street();  // lamp posts and a tree
std::vector<Glow> street_lights();
std::vector<Flake> snow_flakes();
Layer paint_fox_body();
Layer paint_fox_head(bool eyes_open);

/// Pseudo-random number in [0, 1) of two integers.
inline float hash(int x, int y) {
    uint32_t h = uint32_t(x) * 0x8da6b343u ^ uint32_t(y) * 0xd8163841u;
    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    return float((h ^ (h >> 15)) >> 8) / 16777216.f;
}
inline float mix(float a, float b, float t) { return a + (b - a) * t; }
inline Float3 mix(Float3 a, Float3 b, float t) { return a + (b - a) * t; }
inline float smooth(float low, float high, float x) {
    const float t = clamp((x - low) / (high - low), 0.f, 1.f);
    return t * t * (3 - 2 * t);
}
/// Smooth noise in [0, 1) with features one unit wide.
inline float value_noise(float x, float y) {
    const int ix = int(std::floor(x)), iy = int(std::floor(y));
    const float tx = smooth(0, 1, x - float(ix)), ty = smooth(0, 1, y - float(iy));
    return mix(mix(hash(ix, iy), hash(ix + 1, iy), tx), mix(hash(ix, iy + 1), hash(ix + 1, iy + 1), tx), ty);
}
/// A colour from 0xrrggbb.
inline Float3 rgb(unsigned hex) {
    return {float(hex >> 16 & 255) / 255.f, float(hex >> 8 & 255) / 255.f, float(hex & 255) / 255.f};
}

/// Lays a colour over a pixel.
inline void lay(Float4& pixel, Float3 colour, float alpha) {
    pixel = Float4{colour[0], colour[1], colour[2], 1} * alpha + pixel * (1 - alpha);
}

/// Signed distance to an ellipse, nearly; negative inside.
inline float ellipse(float x, float y, float radius_x, float radius_y) {
    const float k = std::hypot(x / radius_x, y / radius_y);
    const float g = std::hypot(x / (radius_x * radius_x), y / (radius_y * radius_y));
    return g > 0 ? k * (k - 1) / g : -std::min(radius_x, radius_y);
}
/// Union of two shapes with a rounded seam of width k.
inline float join(float a, float b, float k) {
    const float h = std::max(k - std::abs(a - b), 0.f) / k;
    return std::min(a, b) - h * h * k / 4;
}
/// How much of a pixel a shape covers, from its signed distance in pixels.
inline float coverage(float distance) { return clamp(0.5f - distance, 0.f, 1.f); }

/// A hair: from its root along a direction, bending, thinner and fainter towards the tip.
struct Strand {
    float x, y;           // root, pixels of the frame
    float angle, bend;    // radians, and radians over the whole length
    float length, width;  // pixels
    Float3 root, tip;     // colours
};
void draw(Layer& layer, const Strand& strand);
}  // namespace cinebokeh::demo
