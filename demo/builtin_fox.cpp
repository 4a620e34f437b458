// The fox of the built-in clip: soft shapes covered with some ten thousand strands of fur.
#include <algorithm>
#include <functional>

#include "builtin_paint.hpp"

namespace cinebokeh::demo {
namespace {
constexpr float centre_x = 640, centre_y = 330, unit = 250;  // the face, in pixels of the frame

const Float3 orange = rgb(0xd9702a), deep_orange = rgb(0xa8481a), cream = rgb(0xf6ead8), dark = rgb(0x2b1a18),
             wool = rgb(0xb02438), wool_dark = rgb(0x6f1226), wool_light = rgb(0xf3dfc4);

struct Point {
    float x, y;
};

// Signed distance to a triangle.
float triangle(Point p, Point a, Point b, Point c) {
    float distance = 1e9f;
    bool inside = true;
    const Point corners[4] = {a, b, c, a};
    const float turn = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    for (int i = 0; i < 3; ++i) {
        const Point q = corners[i], e{corners[i + 1].x - q.x, corners[i + 1].y - q.y}, d{p.x - q.x, p.y - q.y};
        const float t = clamp((d.x * e.x + d.y * e.y) / (e.x * e.x + e.y * e.y), 0.f, 1.f);
        distance = std::min(distance, std::hypot(d.x - t * e.x, d.y - t * e.y));
        inside = inside && (e.x * d.y - e.y * d.x) * turn >= 0;
    }
    return inside ? -distance : distance;
}

// The shapes below take face units, with |u|: the fox is symmetric.
float ear(float u, float v) { return triangle({u, v}, {0.14f, -0.42f}, {0.60f, -0.20f}, {0.52f, -0.98f}) - 0.05f; }
float inner_ear(float u, float v) {
    return triangle({u, v}, {0.29f, -0.42f}, {0.51f, -0.32f}, {0.485f, -0.80f}) - 0.015f;
}
float skull(float u, float v) {
    float d = ellipse(u, v + 0.10f, 0.60f, 0.50f);
    const float c = std::cos(0.55f), s = std::sin(0.55f), x = u - 0.40f, y = v - 0.19f;
    d = join(d, ellipse(c * x + s * y, c * y - s * x, 0.38f, 0.23f), 0.12f);
    return join(d, ellipse(u, v - 0.38f, 0.25f, 0.26f), 0.22f);
}
float head(float u, float v) { return join(skull(u, v), ear(u, v), 0.10f); }

// White where a fox is white: muzzle and cheeks, up to the inner corner of the eye.
float white_share(float u, float v) {
    const float edge = u < 0.13f ? 0.52f - 2.9f * u : mix(0.145f, 0.03f, smooth(0.13f, 0.60f, u));
    const float muzzle = smooth(-0.035f, 0.035f, v - edge);
    const float brow = smooth(0.02f, -0.02f, ellipse(u - 0.22f, v + 0.20f, 0.06f, 0.035f)) * 0.8f;
    return std::max(muzzle, brow);
}

Float3 fur_colour(float u, float v) {
    const float a = std::abs(u);
    const float in_ear = smooth(0.02f, -0.02f, inner_ear(a, v));
    Float3 colour = mix(orange, deep_orange, smooth(0.1f, -0.5f, v) * 0.55f + 0.25f * value_noise(u * 9, v * 9));
    colour = mix(colour, deep_orange, smooth(0.10f, 0.0f, a) * smooth(-0.5f, -0.1f, v) * 0.55f);
    colour = mix(colour, cream, white_share(a, v));
    if (v < -0.25f) {
        colour = mix(colour, dark, smooth(-0.62f, -0.85f, v));
        colour = mix(colour, mix(rgb(0x4a2a26), rgb(0xd8b9a0), smooth(-0.75f, -0.35f, v)), in_ear);
    }
    return colour;
}

// A warm lamp from the left above, the blue of the night from the right.
Float3 lit(Float3 colour, float u, float v, float edge_distance) {
    const float z2 = std::max(0.f, 1 - u * u - v * v);
    const float key = std::max(0.f, -0.55f * u - 0.5f * v + 0.67f * std::sqrt(z2));
    const float fill = std::max(0.f, 0.8f * u - 0.1f * v + 0.3f);
    const float rim = smooth(-34, 0, edge_distance);
    const Float3 light =
        Float3{0.42f, 0.40f, 0.46f} + Float3{0.74f, 0.63f, 0.50f} * key + Float3{0.05f, 0.10f, 0.20f} * fill;
    Float3 out;
    for (int c = 0; c < 3; ++c) out[c] = colour[c] * light[c];
    const Float3 glow = u < 0 ? Float3{0.42f, 0.24f, 0.10f} : Float3{0.05f, 0.22f, 0.34f};
    return out + glow * (rim * (0.35f + 0.65f * smooth(0.0f, 0.4f, std::abs(u))));
}

struct Fur {
    std::function<float(float, float)> shape;    // signed distance, pixels of the frame
    std::function<Float3(float, float)> colour;  // lit, at a pixel
    std::function<float(float, float)> length;   // pixels
    Point from;                                  // the fur lies away from here
    float spacing;
};

void paint_fur(Layer& layer, const Fur& fur, int seed) {
    for (int y = 0; y < layer.size.height; ++y)
        for (int x = 0; x < layer.size.width; ++x) {
            const float px = float(layer.left + x), py = float(layer.top + y), inside = coverage(fur.shape(px, py) + 3);
            if (inside > 0) lay(layer.at(x, y), fur.colour(px, py) * 0.8f, inside);
        }
    struct Root {
        Strand strand;
        float order;
    };
    std::vector<Root> roots;
    const int columns = int(float(layer.size.width) / fur.spacing), rows = int(float(layer.size.height) / fur.spacing);
    for (int j = 0; j < rows; ++j)
        for (int i = 0; i < columns; ++i) {
            const float x = float(layer.left) + (float(i) + hash(i + seed, j)) * fur.spacing;
            const float y = float(layer.top) + (float(j) + hash(i, j + seed + 77)) * fur.spacing;
            if (fur.shape(x, y) > -2) continue;
            const float dx = x - fur.from.x, dy = y - fur.from.y;
            const float r0 = hash(i * 3 + seed, j * 5), r1 = hash(i * 7, j * 3 + seed),
                        r2 = hash(i + 911, j * 11 + seed);
            const float angle = std::atan2(dy, dx) + (r0 - 0.5f) * 0.75f + (value_noise(x / 22, y / 22) - 0.5f) * 0.9f;
            const Float3 colour = fur.colour(x, y) * mix(0.72f, 1.22f, r1);
            const Strand strand{x,
                                y,
                                angle,
                                (r2 - 0.5f) * 0.9f,
                                fur.length(x, y) * mix(0.7f, 1.3f, r2),
                                mix(0.8f, 1.5f, r0),
                                colour * 0.86f,
                                colour * 1.1f};
            roots.push_back({strand, -(dx * dx + dy * dy)});
        }
    // From the outside to the inside: tips lie on the roots of the fur behind them.
    std::sort(roots.begin(), roots.end(), [](const Root& a, const Root& b) { return a.order < b.order; });
    for (const Root& root : roots) draw(layer, root.strand);
}

// Calls paint(pixel, u, v) for the pixels of the layer in face units.
template <class Paint>
void for_face(Layer& layer, const Paint& paint) {
    for (int y = 0; y < layer.size.height; ++y)
        for (int x = 0; x < layer.size.width; ++x)
            paint(layer.at(x, y), (float(layer.left + x) - centre_x) / unit, (float(layer.top + y) - centre_y) / unit);
}

float shape_in(float units) { return coverage(units * unit); }  // coverage of a shape in face units

void paint_open_eye(Float4& pixel, float x, float y) {
    const float dx = x, dy = y;
    lay(pixel, dark * 0.6f, shape_in(ellipse(dx, dy, 0.098f, 0.086f)));
    const float iris = ellipse(dx, dy, 0.080f, 0.076f);
    const Float3 amber = mix(rgb(0xf2a93a), rgb(0x7c3d0c), smooth(0.03f, -0.08f, dy));
    lay(pixel, amber, shape_in(iris));
    lay(pixel, rgb(0x0c0706), shape_in(ellipse(dx, dy, 0.050f, 0.062f)));
    lay(pixel, rgb(0xffffff), 0.95f * shape_in(ellipse(dx + 0.026f, dy + 0.030f, 0.020f, 0.020f)));
    lay(pixel, rgb(0x9fd8ff), 0.65f * shape_in(ellipse(dx - 0.030f, dy - 0.026f, 0.012f, 0.012f)));
    const float lid = std::max(ellipse(dx, dy, 0.108f, 0.096f), -ellipse(dx, dy - 0.022f, 0.106f, 0.100f));
    lay(pixel, dark * 0.5f, shape_in(lid));
}

void paint_closed_eye(Float4& pixel, float x, float y) {
    const float arc = std::abs(ellipse(x, y + 0.05f, 0.10f, 0.085f)) - 0.011f;
    if (y > -0.02f) lay(pixel, dark * 0.6f, shape_in(arc));
}

void paint_face(Layer& layer, bool eyes_open) {
    for_face(layer, [&](Float4& pixel, float u, float v) {
        const float a = std::abs(u), side = u < 0 ? -1.f : 1.f;
        const float ex = a - 0.265f, ey = v + 0.005f, c = std::cos(0.22f), s = std::sin(0.22f);
        const float x = c * ex - s * ey, y = c * ey + s * ex;  // almonds rise outwards
        if (std::abs(x) < 0.16f && std::abs(y) < 0.16f) {
            if (eyes_open)
                paint_open_eye(pixel, x * side, y);
            else
                paint_closed_eye(pixel, x, y);
        }
        if (v > 0.3f) {
            const float mouth = std::abs(ellipse(a - 0.075f, v - 0.525f, 0.078f, 0.050f)) - 0.006f;
            if (v > 0.53f) lay(pixel, dark, 0.8f * shape_in(mouth));
            lay(pixel, dark, 0.8f * shape_in(std::max(a - 0.006f, std::abs(v - 0.51f) - 0.04f)));
            const float nose =
                join(ellipse(u, v - 0.435f, 0.095f, 0.052f), ellipse(u, v - 0.465f, 0.055f, 0.045f), 0.03f);
            lay(pixel, rgb(0x17100f), shape_in(nose));
            lay(pixel, rgb(0xb9a9a4), 0.75f * smooth(0.012f, -0.012f, ellipse(u + 0.03f, v - 0.412f, 0.032f, 0.012f)));
        }
    });
}
}  // namespace

Layer paint_fox_head(bool eyes_open) {
    Layer layer(centre_x - 290, 20, {580, 600});
    const auto face = [](float x) { return (x - centre_x) / unit; };
    const auto row = [](float y) { return (y - centre_y) / unit; };
    const auto shape = [&](float x, float y) { return head(std::abs(face(x)), row(y)) * unit; };
    Fur fur;
    fur.shape = shape;
    fur.colour = [&](float x, float y) { return lit(fur_colour(face(x), row(y)), face(x), row(y), shape(x, y)); };
    fur.length = [&](float x, float y) {
        const float a = std::abs(face(x)), v = row(y);
        const float cheek = smooth(0.30f, 0.62f, a) * smooth(-0.05f, 0.2f, v),
                    muzzle = smooth(0.34f, 0.1f, std::hypot(a, v - 0.4f));
        return mix(mix(15, 38, cheek), 7, muzzle);
    };
    fur.from = {centre_x, centre_y + 0.42f * unit};
    fur.spacing = 3;
    paint_fur(layer, fur, 1);
    paint_face(layer, eyes_open);
    return layer;
}

namespace {
float chest(float x, float y) {
    return join(ellipse(x - 640, y - 830, 300, 330), ellipse(x - 640, y - 470, 150, 110), 60);
}

// The scarf: a roll around the neck that hangs lower in front, and an end that hangs down.
float sag(float x) { return 528 - 0.0011f * (x - 640) * (x - 640); }
float scarf_roll(float x, float y) {
    const float dx = std::max(std::abs(x - 640) - 138, 0.f), dy = std::max(std::abs(y - sag(x)) - 8, 0.f);
    return std::hypot(dx, dy) - 50;
}
float lean(float y) { return 742 + 0.16f * (y - 560); }
float scarf_end(float x, float y) { return std::max(std::abs(x - lean(y)) - 46 - 0.06f * (y - 560), 550 - y); }

// Knitting: rows of small V's, lit like the fur.
Float3 knit(float along, float across, float shade) {
    const float stitch = 0.5f + 0.5f * std::sin(along * 0.55f + 2.2f * std::abs(std::sin(across * 0.26f)));
    const float ridge = 0.5f + 0.5f * std::cos(across * 0.52f);
    const bool stripe = std::fmod(along + 4000, 96.f) < 26;
    const Float3 base =
        stripe ? mix(rgb(0xb89f80), wool_light, stitch * ridge) : mix(wool_dark, wool, 0.25f + 0.75f * stitch * ridge);
    return base * shade;
}
}  // namespace

Layer paint_fox_body() {
    Layer layer(250, 380, {780, 380});
    Fur fur;
    fur.shape = chest;
    fur.colour = [](float x, float y) {
        const float u = (x - 640) / 340,
                    front = smooth(0.42f, 0.22f, std::abs(u) + 0.05f * value_noise(x / 15, y / 15));
        return lit(mix(mix(orange, deep_orange, 0.4f), cream, front), u, (y - 790) / 340, chest(x, y)) * 0.86f;
    };
    fur.length = [](float, float) { return 30.f; };
    fur.from = {640, 340};
    fur.spacing = 3.5f;
    paint_fur(layer, fur, 5);
    for (int y = 0; y < layer.size.height; ++y)
        for (int x = 0; x < layer.size.width; ++x) {
            const float px = float(layer.left + x), py = float(layer.top + y),
                        light = mix(1.1f, 0.62f, smooth(440, 850, px));
            const float shadow = 1 - 0.45f * smooth(34, -6, scarf_roll(px, py - 20));
            Float4& pixel = layer.at(x, y);
            if (py > 540) pixel = Float4{pixel[0] * shadow, pixel[1] * shadow, pixel[2] * shadow, pixel[3]};
            lay(pixel, knit(py, px - lean(py), light * shadow), coverage(scarf_end(px, py) + 2 * std::sin(py * 0.5f)));
            const float roll = scarf_roll(px, py) + 1.5f * std::sin(px * 0.27f),
                        round = std::sqrt(clamp(-roll / 50, 0.f, 1.f));
            const float across = py - sag(px),
                        chin = 1 - 0.35f * smooth(90, 20, std::hypot(px - 640, (py - 480) * 1.6f));
            lay(pixel, knit(px + 0.3f * across, across * 1.1f, light * chin * mix(0.5f, 1.15f, round)), coverage(roll));
        }
    return layer;
}

void draw(Layer& layer, const Strand& strand) {
    const int steps = std::max(2, int(strand.length / 0.7f));
    float x = strand.x - float(layer.left), y = strand.y - float(layer.top);
    for (int i = 0; i < steps; ++i) {
        const float t = float(i) / float(steps - 1), angle = strand.angle + strand.bend * t;
        x += std::cos(angle) * 0.7f, y += std::sin(angle) * 0.7f;
        const float radius = strand.width * mix(1.f, 0.35f, t), alpha = mix(0.75f, 0.30f, t);
        const Float3 colour = mix(strand.root, strand.tip, t);
        for (int py = int(y - radius); py <= int(y + radius + 1); ++py)
            for (int px = int(x - radius); px <= int(x + radius + 1); ++px) {
                if (!layer.size.contains(px, py)) continue;
                const float cover = coverage(std::hypot(float(px) - x, float(py) - y) - radius);
                if (cover > 0) lay(layer.at(px, py), colour, alpha * cover);
            }
    }
}
}  // namespace cinebokeh::demo
