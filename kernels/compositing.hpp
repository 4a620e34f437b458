// Compositing, one functor each, for both backends.
#pragma once
#include "kernels/foreground.hpp"

namespace cinebokeh::detail {

template <class Space>
struct CutMatte {
    Image<const float, Space> matte;
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = cut_to_one(matte(x, y)); }
};

template <class Space>
struct NeverBelow {
    Image<const float, Space> matte;
    Image<float, Space> widened;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float smooth = widened(x, y), alpha = matte(x, y);
        widened(x, y) = alpha < smooth ? cut_to_one(smooth) : alpha;
    }
};

// The widened matte of a pixel, never below its matte whatever the caller gives.
CINEBOKEH_HD inline float at_least(float widened, float alpha) {
    const float cut = cut_to_one(widened);
    return cut > alpha ? cut : alpha;
}

template <class Space>
struct PremultiplyBackground {
    Image<const Rgba8, Space> frame;
    Image<const float, Space> matte, widened;
    Separate<Space> separate;
    int step;
    Image<Float4, Space> background;

    CINEBOKEH_HD void operator()(int i, int j) const {
        const int x1 = (i + 1) * step < frame.size.width ? (i + 1) * step : frame.size.width;
        const int y1 = (j + 1) * step < frame.size.height ? (j + 1) * step : frame.size.height;
        Float4 sum{};
        for (int y = j * step; y < y1; ++y)
            for (int x = i * step; x < x1; ++x) {
                const float alpha = cut_to_one(matte(x, y)), usable = 1 - at_least(widened(x, y), alpha);
                if (usable > 0) sum = sum + separate(linear_colour(frame(x, y)), alpha, x, y).background * usable;
            }
        background(i, j) = sum * (1.f / float((x1 - i * step) * (y1 - j * step)));
    }
};

template <class Space>
struct Composite {
    Image<const Rgba8, Space> frame;
    Image<const float, Space> matte, widened;
    Separate<Space> separate;
    CellImage<Space> blurred;
    Image<Rgba8, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Rgba8 pixel = frame(x, y);
        const float alpha = cut_to_one(matte(x, y)), cover = at_least(widened(x, y), alpha);
        if (cover >= 1) {
            out(x, y) = pixel;
            return;
        }
        const Float4 b = blurred.at(x, y);
        Float4 colour = b * (b[3] > 1e-7f ? (1 - cover) / b[3] : 0.f);
        if (cover > 0 || !(b[3] > 1e-7f)) colour = add_sharp(colour, pixel, alpha, cover, b[3], x, y);
        const SrgbTables& tables = srgb_tables();
        out(x, y) = {uint8_t(srgb_code(tables, colour[0])), uint8_t(srgb_code(tables, colour[1])),
                     uint8_t(srgb_code(tables, colour[2])), pixel[3]};
    }

    // alpha F (1 - w) + w I, which is the formula of the header with (1 - alpha) B = I - alpha F. With nothing to blur,
    // the background of this very pixel stands in for it.
    CINEBOKEH_HD Float4 add_sharp(Float4 colour, const Rgba8& pixel, float alpha, float cover, float weight, int x,
                                  int y) const {
        const Float4 sharp = linear_colour(pixel);
        const Separated parts = separate(sharp, alpha, x, y);
        const float w = (cover - alpha) / (1 - alpha);
        colour = colour + parts.foreground * (alpha * (1 - w)) + sharp * w;
        return weight > 1e-7f ? colour : colour + parts.background * (1 - cover);
    }
};
}  // namespace cinebokeh::detail
