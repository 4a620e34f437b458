// The things of generated scenes: furry animals, people, plants, lanterns, wheels, glass balls.
#include <algorithm>

#include "scene_paint.hpp"

namespace cinebokeh::demo {
namespace {
constexpr float pi = 3.14159265f;

// Calls paint(pixel, x, y) for all pixels.
template <class Paint>
void for_layer(Layer& layer, const Paint& paint) {
    for (int y = 0; y < layer.size.height; ++y)
        for (int x = 0; x < layer.size.width; ++x) paint(layer.at(x, y), float(x), float(y));
}

// Fills a shape (signed distance in pixels), lit from the upper left as if it were round.
template <class Shape>
void fill_round(Layer& layer, const Shape& shape, Float3 colour, float grain, Random& random) {
    const float offset = between(random, 0, 500), height = float(layer.size.height);
    for_layer(layer, [&](Float4& pixel, float x, float y) {
        const float d = shape(x, y);
        if (d > 1) return;
        const float dx = shape(x + 1, y) - shape(x - 1, y), dy = shape(x, y + 1) - shape(x, y - 1);
        const float side = clamp(1 + d / (0.12f * height), 0.f, 1.f);  // 1 at the rim
        const float light = 0.80f - 0.28f * side * (dx * 0.5f + dy * 0.75f);
        const float texture = 1 + grain * (rough(offset + 14 * x / height, 14 * y / height) - 0.5f);
        lay(pixel, colour * (light * texture), coverage(d));
    });
}

// Hairs that start inside of the shape near its rim and point away from (x, y).
template <class Shape>
void add_hair(Layer& layer, const Shape& shape, float from_x, float from_y, float length, Float3 colour, float reach,
              Random& random) {
    const int count = int(0.35f * float(layer.size.area()) / std::max(1.f, length));
    for (int i = 0; i < count; ++i) {
        const float x = between(random, 0, float(layer.size.width)), y = between(random, 0, float(layer.size.height));
        const float d = shape(x, y);
        if (d > -1 || d < -reach) continue;
        const float angle = std::atan2(y - from_y, x - from_x) + between(random, -0.5f, 0.5f);
        const Float3 tone = colour * between(random, 0.6f, 1.15f);
        draw(layer, Strand{x, y, angle, between(random, -0.6f, 0.6f), length * between(random, 0.5f, 1.2f),
                           between(random, 0.35f, 0.8f), tone * 0.9f, tone * 1.1f});
    }
}

Painted furry_animal(int height, Random& random) {
    const float s = float(height), cx = 0.45f * s;
    Painted thing{Layer(0, 0, {int(0.9f * s), height}), Stand::ground};
    Layer& layer = thing.picture;
    const Float3 fur = colour_in(random, {0.02f, 0.12f}, {0.1f, 0.7f}, {0.35f, 0.9f});
    const float ear_height = between(random, 0.08f, 0.22f), head_y = 0.34f * s;
    const auto body = [&](float x, float y) { return ellipse(x - cx, y - 0.80f * s, 0.27f * s, 0.33f * s); };
    const auto head = [&](float x, float y) {
        const float a = std::abs(x - cx);
        return join(ellipse(x - cx, y - head_y, 0.23f * s, 0.20f * s),
                    ellipse(a - 0.15f * s, y - head_y + 0.17f * s, 0.06f * s, ear_height * s), 0.04f * s);
    };
    fill_round(layer, body, fur * 0.85f, 0.7f, random);
    add_hair(layer, body, cx, 0.7f * s, 0.07f * s, fur * 0.9f, 0.3f * s, random);
    fill_round(layer, head, fur, 0.6f, random);
    add_hair(layer, head, cx, head_y + 0.1f * s, 0.055f * s, fur, 0.2f * s, random);
    const Float3 iris = hsv(between(random, 0.05f, 0.6f), 0.8f, 0.8f);
    for (const float side : {-1.f, 1.f}) {
        const float x = cx + side * 0.085f * s, y = head_y - 0.01f * s;
        lay_disk(layer, x, y, 0.043f * s, {0.05f, 0.03f, 0.03f});
        lay_disk(layer, x, y, 0.034f * s, iris);
        lay_disk(layer, x, y, 0.020f * s, {0.02f, 0.02f, 0.02f});
        lay_disk(layer, x - 0.012f * s, y - 0.014f * s, std::max(0.8f, 0.010f * s), {1, 1, 1});
    }
    lay_disk(layer, cx, head_y + 0.085f * s, 0.03f * s, {0.1f, 0.06f, 0.06f});
    return thing;
}

Painted person(int height, Random& random) {
    const float s = float(height), cx = 0.3f * s;
    Painted thing{Layer(0, 0, {int(0.6f * s), height}), Stand::ground};
    Layer& layer = thing.picture;
    const Float3 coat = colour_in(random, {0, 1}, {0.3f, 0.9f}, {0.3f, 0.9f});
    const Float3 skin = mix(rgb(0xf1c9a5), rgb(0x6b4027), random.uniform());
    const Float3 hair = colour_in(random, {0.03f, 0.12f}, {0.2f, 0.8f}, {0.08f, 0.7f});
    const float head_y = 0.20f * s, lean = between(random, -0.03f, 0.03f) * s;
    const auto torso = [&](float x, float y) {
        const float shoulders = ellipse(x - cx, y - 0.62f * s, 0.20f * s, 0.27f * s);
        return join(shoulders, ellipse(x - cx, y - 1.0f * s, 0.24f * s, 0.30f * s), 0.05f * s);
    };
    const auto mane = [&](float x, float y) {
        return ellipse(x - cx - lean, y - head_y - 0.02f * s, 0.125f * s, 0.165f * s);
    };
    const auto face = [&](float x, float y) {
        return ellipse(x - cx - lean, y - head_y - 0.02f * s, 0.085f * s, 0.115f * s);
    };
    const auto neck = [&](float x, float y) {
        return ellipse(x - cx - lean / 2, y - 0.35f * s, 0.055f * s, 0.09f * s);
    };
    fill_round(layer, mane, hair, 0.8f, random);
    add_hair(layer, mane, cx + lean, head_y - 0.2f * s, 0.16f * s, hair, 0.1f * s, random);
    fill_round(layer, neck, skin * 0.8f, 0.1f, random);
    fill_round(layer, torso, coat, 0.35f, random);
    for (int stripe = 0; stripe < 5; ++stripe)
        for (int i = 0; i < int(0.3f * s); ++i) {
            const float x = cx - 0.15f * s + float(i), y = (0.5f + 0.09f * float(stripe)) * s + 0.02f * s * std::sin(x);
            if (torso(x, y) < -2) lay_disk(layer, x, y, 0.008f * s, coat * 0.5f, 0.4f);
        }
    fill_round(layer, face, skin, 0.15f, random);
    for (const float side : {-1.f, 1.f}) {
        lay_disk(layer, cx + lean + side * 0.033f * s, head_y + 0.01f * s, 0.012f * s, {0.1f, 0.07f, 0.06f});
        lay_disk(layer, cx + lean + side * 0.033f * s - 1, head_y + 0.01f * s - 1, 0.7f, {1, 1, 1});
    }
    lay_disk(layer, cx + lean, head_y + 0.085f * s, 0.018f * s, {0.6f, 0.2f, 0.2f}, 0.8f);
    return thing;
}

// A leaf: an ellipse along a direction with a lighter vein.
void add_leaf(Layer& layer, float x, float y, float angle, float length, Float3 colour) {
    const float c = std::cos(angle), s = std::sin(angle), half = length / 2, mx = x + c * half, my = y + s * half;
    const int reach = int(half) + 2;
    for (int py = std::max(0, int(my) - reach); py <= std::min(layer.size.height - 1, int(my) + reach); ++py)
        for (int px = std::max(0, int(mx) - reach); px <= std::min(layer.size.width - 1, int(mx) + reach); ++px) {
            const float dx = float(px) - mx, dy = float(py) - my, along = c * dx + s * dy, across = c * dy - s * dx;
            const float cover = coverage(ellipse(along, across, half, 0.36f * half));
            if (cover <= 0) continue;
            const float shade = across < 0 ? 1.12f : 0.85f, vein = std::abs(across) < 0.4f ? 1.2f : 1.f;
            lay(layer.at(px, py), colour * (shade * vein), cover);
        }
}

Painted plant(int height, Random& random) {
    const float s = float(height);
    Painted thing{Layer(0, 0, {int(0.9f * s), height}), Stand::ground};
    Layer& layer = thing.picture;
    const Float3 green = colour_in(random, {0.20f, 0.38f}, {0.4f, 0.8f}, {0.35f, 0.75f});
    const Float3 petal = colour_in(random, {0, 1}, {0.3f, 0.9f}, {0.95f, 0.95f});
    const int stems = 4 + int(random.below(4));
    for (int i = 0; i < stems; ++i) {
        float x = 0.45f * s + between(random, -0.06f, 0.06f) * s, y = s;
        float angle = -pi / 2 + between(random, -0.5f, 0.5f);
        const float bend = between(random, -0.8f, 0.8f) / s, length = between(random, 0.55f, 0.92f) * s;
        for (float at = 0; at < length; at += 0.7f) {
            x += 0.7f * std::cos(angle), y += 0.7f * std::sin(angle), angle += 0.7f * bend;
            lay_disk(layer, x, y, mix(0.010f, 0.004f, at / length) * s + 0.35f, green * 0.75f);
            if (random.below(uint32_t(0.075f * s) + 1) != 0 || at > 0.85f * length) continue;
            const float turn = random.below(2) ? 0.9f : -0.9f, leaf = between(random, 0.10f, 0.2f) * s;
            add_leaf(layer, x, y, angle + turn, leaf, green * between(random, 0.7f, 1.2f));
        }
        for (int p = 0; p < 8; ++p)
            add_leaf(layer, x, y, float(p) * pi / 4 + angle, 0.075f * s, petal * between(random, 0.8f, 1.05f));
        lay_disk(layer, x, y, 0.02f * s + 0.5f, rgb(0xf2c230));
    }
    return thing;
}

Painted lanterns(int height, Random& random) {
    const float s = float(height);
    Painted thing{Layer(0, 0, {int(0.5f * s), height}), Stand::hanging};
    Layer& layer = thing.picture;
    const float cx = 0.25f * s, cy = 0.68f * s, r = 0.2f * s;
    for (float y = 0; y < cy; y += 0.5f) lay_disk(layer, cx, y, 0.6f, {0.12f, 0.10f, 0.09f});
    const Float3 paper = colour_in(random, {0, 0.17f}, {0.5f, 0.9f}, {0.95f, 0.95f});
    for_layer(layer, [&](Float4& pixel, float x, float y) {
        const float d = ellipse(x - cx, y - cy, r, 1.25f * r);
        if (d > 1) return;
        const float rib = 0.8f + 0.2f * std::abs(std::sin((y - cy) * 9 / r));
        const float glow = smooth(1.3f, 0.f, std::hypot(x - cx, y - cy) / r);
        lay(pixel, mix(paper * (0.55f * rib), Float3{1, 0.97f, 0.85f}, glow * 0.8f), coverage(d));
    });
    for (const float y : {cy - 1.25f * r, cy + 1.25f * r})
        for (float x = cx - 0.3f * r; x < cx + 0.3f * r; x += 0.5f) lay_disk(layer, x, y, 0.03f * s, rgb(0x30201a));
    for (int i = 0; i < 14; ++i) {
        const float x = cx + between(random, -0.2f, 0.2f) * r;
        draw(layer,
             Strand{x, cy + 1.3f * r, pi / 2, between(random, -0.2f, 0.2f), 0.09f * s, 0.5f, paper, paper * 0.7f});
    }
    return thing;
}

// Spokes and a rim: nothing but thin structures.
Painted wheel(int height, Random& random) {
    const float s = float(height), c = 0.5f * s;
    Painted thing{Layer(0, 0, {height, height}), Stand::air};
    Layer& layer = thing.picture;
    const Float3 metal = colour_in(random, {0, 1}, {0, 0.5f}, {0.5f, 0.9f});
    const int spokes = 12 + int(random.below(16));
    for (int i = 0; i < spokes; ++i) {
        const float angle = (float(i) + 0.5f * float(i % 2)) * 2 * pi / float(spokes);
        for (float r = 0.04f * s; r < 0.44f * s; r += 0.5f)
            lay_disk(layer, c + r * std::cos(angle), c + r * std::sin(angle), 0.55f, metal);
    }
    for_layer(layer, [&](Float4& pixel, float x, float y) {
        const float r = std::hypot(x - c, y - c), shine = 0.6f + 0.4f * std::sin(3 * std::atan2(y - c, x - c));
        lay(pixel, rgb(0x191919) * (0.8f + 0.6f * shine), coverage(std::abs(r - 0.465f * s) - 0.022f * s));
        lay(pixel, metal * (0.5f + 0.5f * shine), coverage(std::abs(r - 0.435f * s) - 0.010f * s));
        lay(pixel, metal * 0.7f, coverage(r - 0.045f * s));
    });
    for (int i = 0; i < 5; ++i) {
        const float angle = between(random, 3.3f, 5.2f);
        lay_disk(layer, c + 0.435f * s * std::cos(angle), c + 0.435f * s * std::sin(angle), 1.2f, {1, 1, 1});
    }
    return thing;
}

// Clear glass: mostly transparent, with a bright rim and the reflection of a lamp.
Painted glass_ball(int height, Random& random) {
    const float s = float(height), c = 0.5f * s, r = 0.46f * s;
    Painted thing{Layer(0, 0, {height, height}), Stand::air};
    const Float3 tint = hsv(random.uniform(), 0.5f, 0.95f);
    for_layer(thing.picture, [&](Float4& pixel, float x, float y) {
        const float k = std::hypot(x - c, y - c) / r, inside = coverage((k - 1) * r);
        if (inside <= 0) return;
        const float rim = k * k * k * k * k * k;
        lay(pixel, mix(tint, Float3{1, 1, 1}, 0.5f * rim), inside * mix(0.22f, 0.85f, rim));
        const float window = std::max(std::abs(x - c + 0.35f * r) - 0.13f * r, std::abs(y - c + 0.4f * r) - 0.17f * r);
        lay(pixel, {1, 1, 1}, 0.95f * coverage(window));
        lay(pixel, mix(tint, Float3{1, 1, 1}, 0.5f),
            0.5f * smooth(0.5f, 0, std::hypot(x - c - 0.3f * r, y - c - 0.5f * r) / r));
    });
    return thing;
}

// A bare branch that forks, with berries that shine.
void grow(Layer& layer, float x, float y, float angle, float length, float width, int depth, Float3 bark,
          Random& random) {
    const float bend = between(random, -0.012f, 0.012f);
    for (float at = 0; at < length; at += 0.6f) {
        x += 0.6f * std::cos(angle), y += 0.6f * std::sin(angle), angle += bend;
        lay_disk(layer, x, y, width * (1 - 0.4f * at / length), bark * between(random, 0.85f, 1.1f));
        lay_disk(layer, x - 0.3f * width, y - 0.3f * width, 0.4f * width, bark * 1.5f, 0.3f);
    }
    if (depth == 0) {
        const float berry = std::max(1.6f, 2.2f * width);
        lay_disk(layer, x, y, berry, rgb(0xb01822));
        lay_disk(layer, x - 0.35f * berry, y - 0.35f * berry, 0.3f * berry, {1, 1, 1});
        return;
    }
    for (const float side : {-0.5f, 0.45f}) {
        const float turn = side * between(random, 0.6f, 1.3f), shorter = between(random, 0.6f, 0.85f);
        grow(layer, x, y, angle + turn, length * shorter, std::max(0.6f, width * 0.65f), depth - 1, bark, random);
    }
}

Painted branch(int height, Random& random) {
    const float s = float(height);
    Painted thing{Layer(0, 0, {height, height}), Stand::ground};
    const Float3 bark = colour_in(random, {0.04f, 0.1f}, {0.4f, 0.4f}, {0.25f, 0.5f});
    grow(thing.picture, 0.5f * s, s, -pi / 2 + between(random, -0.15f, 0.15f), 0.26f * s, 0.02f * s, 5, bark, random);
    return thing;
}
}  // namespace

Painted paint_thing(int height, Random& random) {
    using Paint = Painted (*)(int, Random&);
    constexpr Paint kinds[] = {furry_animal, person, plant, lanterns, furry_animal, person, wheel, branch, plant};
    if (random.below(12) == 0) return glass_ball(height / 2, random);
    return kinds[random.below(9)](height, random);
}
}  // namespace cinebokeh::demo
