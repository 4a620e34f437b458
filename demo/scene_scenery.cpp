// The backgrounds of generated scenes.
#include <algorithm>

#include "scene_paint.hpp"

namespace cinebokeh::demo {
namespace {
template <class Colour>
Layer painted(Size size, const Colour& colour) {
    Layer layer(0, 0, size);
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) lay(layer.at(x, y), colour(float(x), float(y)), 1);
    return layer;
}

Float3 lamp_colour(Random& random) {
    const Float3 colours[] = {rgb(0xffc36b), rgb(0xffe0a0), rgb(0xff7a4a), rgb(0x8fc7ff), rgb(0x7affc0), rgb(0xff5c8a)};
    return colours[random.below(6)];
}

Layer city_at_night(Size size, Random& random) {
    const float h = float(size.height), ground = between(random, 0.62f, 0.74f) * h, seed = between(random, 0, 99);
    const Float3 dusk = colour_in(random, {0.55f, 0.95f}, {0.5f, 0.5f}, {0.25f, 0.5f});
    Layer layer = painted(size, [&](float x, float y) {
        const Float3 sky =
            mix(rgb(0x070b18), dusk, smooth(0, ground, y)) * (0.85f + 0.3f * rough(seed + x / h * 3, y / h * 5));
        const Float3 street = mix(rgb(0x241d2c), rgb(0x0b0a10), smooth(ground, h, y));
        return mix(sky, street * (0.7f + 0.6f * rough(x / h * 30, seed + y / h * 90)),
                   smooth(ground - 1, ground + 1, y));
    });
    for (int row = 0; row < 3; ++row) {  // houses, the nearer rows lower and darker
        float x = between(random, -0.1f, 0) * h;
        while (x < float(size.width)) {
            const float width = between(random, 0.09f, 0.2f) * h,
                        top = ground - between(random, 0.15f, 0.55f - 0.12f * float(row)) * h;
            const Float3 wall = mix(dusk, rgb(0x14121c), 0.45f + 0.2f * float(row)) * between(random, 0.7f, 1.1f);
            const float pitch = between(random, 0.022f, 0.034f) * h;
            const int number = int(random.below(1000));
            for (int py = std::max(0, int(top)); py < int(ground); ++py)
                for (int px = std::max(0, int(x)); px < std::min(size.width, int(x + width)); ++px) {
                    const float wx = (float(px) - x) / pitch, wy = (float(py) - top) / (1.35f * pitch);
                    const bool pane = std::fmod(wx, 1.f) > 0.35f && std::fmod(wy, 1.f) > 0.4f && wy > 0.5f;
                    const float lit = hash(int(wx) + number, int(wy) + 37 * row);
                    Float3 colour = wall * (0.8f + 0.4f * rough(float(px) / h * 60, float(py) / h * 60));
                    if (pane)
                        colour = lit > 0.6f ? mix(rgb(0xffb860), rgb(0xfff0c8), lit * 2 - 1) * (0.5f + 0.5f * lit)
                                            : wall * 0.45f;
                    lay(layer.at(px, py), colour, 1);
                }
            x += width + between(random, -0.01f, 0.05f) * h;
        }
    }
    for (int i = 0; i < 34; ++i) {
        const float x = between(random, 0, float(size.width)), y = ground + between(random, -0.18f, 0.12f) * h;
        const float radius = between(random, 0.004f, 0.010f) * h;
        lay_light(layer, x, y, radius, lamp_colour(random));
    }
    return layer;
}

Layer meadow(Size size, Random& random) {
    const float h = float(size.height), horizon = between(random, 0.35f, 0.5f) * h, seed = between(random, 0, 99);
    const float hue = between(random, 0.17f, 0.33f);
    Layer layer = painted(size, [&](float x, float y) {
        const Float3 sky = mix(rgb(0x7fa8d8), rgb(0xe9e4d0), smooth(0, horizon, y)) *
                           (0.9f + 0.2f * rough(seed + x / h * 4, y / h * 8));
        const float blades =
            rough(seed + x / h * 70, y / h * 22) * smooth(horizon, h, y) + 0.5f * (1 - smooth(horizon, h, y));
        const Float3 grass = hsv(hue, 0.65f, 0.3f + 0.45f * blades);
        return mix(sky, grass, smooth(horizon - 2, horizon + 2, y));
    });
    for (int i = 0; i < 26; ++i) {  // trees: crowns of leaves with the sun in them
        const float x = between(random, -0.05f, 1.05f) * float(size.width),
                    y = horizon - between(random, -0.02f, 0.12f) * h;
        const float r = between(random, 0.05f, 0.13f) * h;
        const Float3 green = colour_in(random, {hue - 0.06f, hue + 0.05f}, {0.6f, 0.6f}, {0.2f, 0.42f});
        for (int k = 0; k < 240; ++k) {
            const float a = between(random, 0, 6.2832f), d = r * std::sqrt(random.uniform());
            lay_disk(layer, x + d * std::cos(a), y + 0.8f * d * std::sin(a), 0.012f * h,
                     green * between(random, 0.6f, 1.5f), 0.8f);
        }
    }
    const Float3 flower = hsv(random.uniform(), 0.6f, 1);
    for (int i = 0; i < 240; ++i) {
        const float t = random.uniform(), y = mix(horizon + 0.04f * h, h, t), x = between(random, 0, float(size.width));
        const bool dew = random.below(4) == 0;
        lay_disk(layer, x, y, mix(0.003f, 0.008f, t) * h + (dew ? 0.f : 0.6f),
                 dew ? Float3{1, 1, 1} : flower * between(random, 0.7f, 1));
    }
    return layer;
}

Layer sea_in_the_evening(Size size, Random& random) {
    const float h = float(size.height), horizon = between(random, 0.4f, 0.55f) * h, seed = between(random, 0, 99);
    const float sun = between(random, 0.25f, 0.75f) * float(size.width);
    const Float3 warm = hsv(between(random, 0.02f, 0.10f), 0.65f, 1),
                 cool = hsv(between(random, 0.55f, 0.75f), 0.5f, 0.4f);
    Layer layer = painted(size, [&](float x, float y) {
        const float away = std::hypot(x - sun, 1.6f * (y - horizon + 0.05f * h)) / h;
        const Float3 sky =
            mix(mix(cool, warm, smooth(0, horizon, y) * 0.8f), rgb(0xfff2c8), smooth(0.35f, 0.03f, away)) *
            (0.92f + 0.16f * rough(seed + x / h * 3, y / h * 14));
        const float waves = rough(seed + x / h * 12, (y - horizon) / h * 60);
        const Float3 water = mix(cool * 0.7f, warm * 0.8f, 0.25f + 0.5f * smooth(0.3f, 0, std::abs(x - sun) / h)) *
                             (0.55f + 0.7f * waves);
        return mix(sky, water, smooth(horizon - 1, horizon + 1, y));
    });
    for (int i = 0; i < 420; ++i) {  // glitter
        const float t = random.uniform(), y = mix(horizon + 2, h, t * t);
        const float side = between(random, -1, 1), away = random.uniform();
        const float x = sun + side * away * mix(0.05f, 0.45f, t) * h;
        lay_disk(layer, x, y, mix(0.5f, 0.006f * h, t), {1, 0.96f, 0.85f}, between(random, 0.5f, 1));
    }
    return layer;
}

Layer wall_with_lights(Size size, Random& random) {
    const float h = float(size.height), brick_h = between(random, 0.03f, 0.05f) * h, brick_w = 2.4f * brick_h,
                seed = between(random, 0, 99);
    const Float3 stone = colour_in(random, {0, 0.12f}, {0.2f, 0.6f}, {0.3f, 0.6f});
    Layer layer = painted(size, [&](float x, float y) {
        const int row = int(y / brick_h);
        const float along = x + (row % 2 ? brick_w / 2 : 0), inside = std::fmod(along, brick_w),
                    down = std::fmod(y, brick_h);
        const bool mortar = inside < 0.08f * brick_w || down < 0.16f * brick_h;
        const float tone = 0.75f + 0.5f * hash(int(along / brick_w), row) * 0.8f;
        const float light = 0.55f + 0.6f * smooth(1.2f, 0, std::hypot(x - 0.4f * float(size.width), y - 0.3f * h) / h);
        const float grain = 0.8f + 0.4f * rough(seed + x / h * 60, y / h * 60);
        return (mortar ? mix(stone, rgb(0xcabfae), 0.5f) * 0.7f : stone * tone) * (light * grain);
    });
    const int strings = 3 + int(random.below(3));
    for (int k = 0; k < strings; ++k) {  // strings of bulbs
        const float y0 = between(random, 0.05f, 0.8f) * h, sag = between(random, 0.05f, 0.2f) * h,
                    pitch = between(random, 0.05f, 0.09f) * h;
        for (float x = 0; x < float(size.width); x += 0.5f) {
            const float t = x / float(size.width) * 2 - 1;
            lay_disk(layer, x, y0 - sag * t * t, 0.6f, rgb(0x1a1410));
        }
        for (float x = pitch / 2; x < float(size.width); x += pitch) {
            const float t = x / float(size.width) * 2 - 1;
            lay_light(layer, x, y0 - sag * t * t + 0.012f * h, 0.008f * h, lamp_colour(random));
        }
    }
    return layer;
}
}  // namespace

Layer paint_scenery(Size size, Random& random) {
    using Paint = Layer (*)(Size, Random&);
    constexpr Paint kinds[] = {city_at_night, meadow, sea_in_the_evening, wall_with_lights};
    return kinds[random.below(4)](size, random);
}
}  // namespace cinebokeh::demo
