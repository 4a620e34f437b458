// Foreground estimation, one functor each, for both backends.
#pragma once
#include "cinebokeh/color.hpp"

namespace cinebokeh::detail {

CINEBOKEH_HD inline Size cells_of(Size s, int step) { return {ceil_div(s.width, step), ceil_div(s.height, step)}; }
CINEBOKEH_HD inline float cut_to_one(float v) { return v > 0 ? (v < 1 ? v : 1.f) : 0.f; }  // NaN: 0

CINEBOKEH_HD inline Float4 linear_colour(const Rgba8& p) {
    const SrgbTables& tables = srgb_tables();
    return {tables.linear[p[0]], tables.linear[p[1]], tables.linear[p[2]], 1};
}

// An image of cells of step x step pixels, read between the centres of cells.
template <class Space>
struct CellImage {
    Image<const Float4, Space> cells;
    int step;

    CINEBOKEH_HD Float4 at(int x, int y) const {
        if (step == 1) return cells(x, y);
        const float inverse = 1.f / float(step);
        const float u = cut((float(x) + 0.5f) * inverse - 0.5f, cells.size.width);
        const float v = cut((float(y) + 0.5f) * inverse - 0.5f, cells.size.height);
        const int i = int(u), j = int(v);
        const int right = i + 1 < cells.size.width ? i + 1 : i, below = j + 1 < cells.size.height ? j + 1 : j;
        const float s = u - float(i), t = v - float(j);
        const Float4 *upper = cells.row(j), *lower = cells.row(below);
        const Float4 left = upper[i] + (lower[i] - upper[i]) * t,
                     end = upper[right] + (lower[right] - upper[right]) * t;
        return left + (end - left) * s;
    }
    CINEBOKEH_HD static float cut(float position, int count) {
        return position < 0 ? 0.f : position > float(count - 1) ? float(count - 1) : position;
    }
};

// Means over a cell of alpha (colour, alpha) and of (1 - alpha) (colour, 1 - alpha): the sums of the normal equations
// below. The mean of alpha (1 - alpha) follows from them, because all three add up to 1.
template <class Space>
struct AverageCell {
    Image<const Rgba8, Space> frame;
    Image<const float, Space> matte;
    int step;
    Image<Float4, Space> foreground, background;

    CINEBOKEH_HD void operator()(int i, int j) const {
        const int x1 = (i + 1) * step < frame.size.width ? (i + 1) * step : frame.size.width;
        const int y1 = (j + 1) * step < frame.size.height ? (j + 1) * step : frame.size.height;
        Float4 f{}, b{};
        for (int y = j * step; y < y1; ++y)
            for (int x = i * step; x < x1; ++x) {
                const float alpha = cut_to_one(matte(x, y));
                const Float4 colour = linear_colour(frame(x, y));
                if (alpha == 0) {  // most pixels are one or the other
                    b = b + colour;
                } else if (alpha == 1) {
                    f = f + colour;
                } else {
                    f = f + with_alpha(colour, alpha) * alpha;
                    b = b + with_alpha(colour, 1 - alpha) * (1 - alpha);
                }
            }
        const float inverse = 1.f / float((x1 - i * step) * (y1 - j * step));
        foreground(i, j) = f * inverse, background(i, j) = b * inverse;
    }
    CINEBOKEH_HD static Float4 with_alpha(const Float4& c, float alpha) { return {c[0], c[1], c[2], alpha}; }
};

// The colours F, B that explain the neighbourhood best: least squares of I - alpha F - (1 - alpha) B, held by a little
// weight at the means of eq. 4-5, which decide where the neighbourhood has one kind of pixel only. The far
// neighbourhood counts a thousandth.
template <class Space>
struct SolveColours {
    Image<const Float4, Space> near_foreground, near_background, far_foreground, far_background;
    Image<Float4, Space> foreground, background;

    CINEBOKEH_HD void operator()(int x, int y) const {
        constexpr float far_share = 1e-3f, hold = 1e-3f, least = 1e-7f;
        const Float4 f = near_foreground(x, y) + far_foreground(x, y) * far_share;
        const Float4 b = near_background(x, y) + far_background(x, y) * far_share;
        const float mixed = (1 + far_share - f[3] - b[3]) / 2, both = mixed > 0 ? mixed : 0.f;
        const float f_total = f[3] + both, b_total = b[3] + both;  // of alpha, of 1 - alpha
        const float f_inverse = f_total > least ? 1 / f_total : 0.f, b_inverse = b_total > least ? 1 / b_total : 0.f;
        const float determinant = (f[3] + hold) * (b[3] + hold) - both * both, inverse = 1 / determinant;
        Float4 subject, rest;
        for (int c = 0; c < 3; ++c) {
            const float p = f[c] * (1 + hold * f_inverse), q = b[c] * (1 + hold * b_inverse);
            subject[c] = cut_to_one(((b[3] + hold) * p - both * q) * inverse);
            rest[c] = cut_to_one(((f[3] + hold) * q - both * p) * inverse);
        }
        subject[3] = f_inverse > 0 ? 1.f : 0.f, rest[3] = b_inverse > 0 ? 1.f : 0.f;
        foreground(x, y) = subject * subject[3], background(x, y) = rest * rest[3];
    }
};

struct Separated {
    Float4 foreground, background;
};

// Eq. 6: what the local colours F, B do not explain of a pixel I = alpha F + (1 - alpha) B goes to the one that has the
// larger part in it.
template <class Space>
struct Separate {
    CellImage<Space> local_foreground, local_background;

    CINEBOKEH_HD Separated operator()(const Float4& colour, float alpha, int x, int y) const {
        if (!(alpha > 0 && alpha < 1)) return {colour, colour};
        const Float4 f = known_or(local_foreground.at(x, y), colour), b = known_or(local_background.at(x, y), colour);
        const Float4 unexplained = colour - (f * alpha + b * (1 - alpha));
        return {cut(f + unexplained * alpha), cut(b + unexplained * (1 - alpha))};
    }
    CINEBOKEH_HD static Float4 known_or(Float4 local, const Float4& colour) {
        if (!(local[3] > 0)) return colour;
        const float inverse = 1 / local[3];  // below 1 beside a cell without the colour
        return {local[0] * inverse, local[1] * inverse, local[2] * inverse, 1};
    }
    CINEBOKEH_HD static Float4 cut(const Float4& c) {
        return {cut_to_one(c[0]), cut_to_one(c[1]), cut_to_one(c[2]), 1};
    }
};

template <class Space>
struct ForegroundColour {
    Image<const Rgba8, Space> frame;
    Image<const float, Space> matte;
    Separate<Space> separate;
    Image<Float4, Space> foreground;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float alpha = cut_to_one(matte(x, y));
        const Float4 f = separate(linear_colour(frame(x, y)), alpha, x, y).foreground;
        foreground(x, y) = {f[0], f[1], f[2], alpha};
    }
};
}  // namespace cinebokeh::detail
