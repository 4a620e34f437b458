// False colours, one functor each, for both backends.
#pragma once
#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

CINEBOKEH_HD inline Rgba8 opaque(float red, float green, float blue) {
    const auto code = [](float v) { return uint8_t(clamp(v, 0.f, 1.f) * 255 + 0.5f); };
    return {code(red), code(green), code(blue), 255};
}

// Piecewise linear through five colours.
CINEBOKEH_HD inline Rgba8 heat_color(float t) {
    constexpr float stops[5][3] = {{0.05f, 0.03f, 0.15f},
                                   {0.40f, 0.05f, 0.45f},
                                   {0.80f, 0.22f, 0.27f},
                                   {0.98f, 0.62f, 0.16f},
                                   {0.99f, 0.98f, 0.75f}};
    const float at = clamp(t, 0.f, 1.f) * 4;
    const int i = at < 3 ? int(at) : 3;
    const float u = at - float(i);
    const auto mixed = [&](int c) { return stops[i][c] + (stops[i + 1][c] - stops[i][c]) * u; };
    return opaque(mixed(0), mixed(1), mixed(2));
}

CINEBOKEH_HD inline Rgba8 diverging_color(float t) {  // t in [-1, 1]
    const float a = clamp(t, -1.f, 1.f), strength = a < 0 ? -a : a, root = sqrtf(strength);
    return a < 0 ? opaque(0.15f * strength, 0.5f * root, root) : opaque(root, 0.55f * root, 0.1f * strength);
}

template <class Space>
struct FalseColor {
    Image<const float, Space> values;
    float low, scale;
    Palette palette;
    Image<Rgba8, Space> picture;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float value = values(x, y), t = (value - low) * scale;
        if (!(value == value))
            picture(x, y) = {255, 0, 255, 255};
        else if (palette == Palette::grey)
            picture(x, y) = opaque(t, t, t);
        else if (palette == Palette::heat)
            picture(x, y) = heat_color(t);
        else
            picture(x, y) = diverging_color(value < 0 ? -value / low : value * scale / (1 + low * scale));
    }
};

template <class Space>
struct NearestLevel {
    Image<const float, Space> values;
    ValueLevels levels;
    Image<float, Space> numbers;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float value = values(x, y);
        int nearest = 0;
        while (nearest + 1 < levels.count && levels.at[nearest + 1] - value < value - levels.at[nearest]) ++nearest;
        numbers(x, y) = value == value ? float(nearest - levels.zero) : value;
    }
};

template <class Space>
struct FocusZebra {
    Image<const float, Space> defocus;
    float within;
    int phase;
    Image<Rgba8, Space> picture;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float radius = defocus(x, y);
        if (!(radius <= within && radius >= -within) || ((x + y + phase) / 6) % 3 != 0) return;
        const Rgba8 pixel = picture(x, y);
        picture(x, y) = {uint8_t(pixel[0] / 2 + 127), uint8_t(pixel[1] / 2 + 75), uint8_t(pixel[2] / 2 + 10), pixel[3]};
    }
};

template <class Space>
struct OutlineLabels {
    Image<const int, Space> labels;
    Image<Rgba8, Space> picture;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const int label = labels(x, y), right = x + 1 < labels.size.width ? labels(x + 1, y) : label;
        const int below = y + 1 < labels.size.height ? labels(x, y + 1) : label;
        if (label == right && label == below) return;
        const Rgba8 pixel = picture(x, y);
        picture(x, y) = {uint8_t(pixel[0] / 4), uint8_t(pixel[1] / 4), uint8_t(pixel[2] / 4), pixel[3]};
    }
};

template <class Space>
struct OverCheckerboard {
    Image<const Rgba8, Space> picture;
    Image<Rgba8, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Rgba8 pixel = picture(x, y);
        const int board = (x / 16 + y / 16) % 2 ? 110 : 150, alpha = pixel[3];
        const auto over = [&](int c) { return uint8_t((c * alpha + board * (255 - alpha) + 127) / 255); };
        out(x, y) = {over(pixel[0]), over(pixel[1]), over(pixel[2]), 255};
    }
};
}  // namespace cinebokeh::detail
