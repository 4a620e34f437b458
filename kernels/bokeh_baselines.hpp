// The renderers to compare with, one functor each, for both backends.
#pragma once
#include <cmath>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

CINEBOKEH_HD inline float cut_radius(float r, float largest) {
    return r > -largest ? (r < largest ? r : largest) : r <= -largest ? -largest : 0.f;  // NaN: 0
}

template <class Space>
struct PlainScatter {
    Image<const Float4, Space> frame;
    Image<const float, Space> defocus;
    float max_radius;
    Image<Float4, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const int reach = int(max_radius) + 1;
        float total = 0;
        Float4 sum{};
        for (int v = y > reach ? y - reach : 0; v <= y + reach && v < frame.size.height; ++v)
            for (int u = x > reach ? x - reach : 0; u <= x + reach && u < frame.size.width; ++u) {
                const float signed_radius = cut_radius(defocus(u, v), max_radius);
                const float radius = signed_radius < 0 ? -signed_radius : signed_radius;
                const int dx = u < x ? x - u : u - x, dy = v < y ? y - v : v - y, own = int(radius) + 1;
                if (dx > own || dy > own) continue;
                const float w = weight(radius, std::sqrt(float(dx * dx + dy * dy)));
                total += w;
                for (int c = 0; c < 3; ++c) sum[c] += w * frame(u, v)[c];
            }
        sum = sum * (1 / total);  // the pixel itself has a weight of its own
        out(x, y) = {sum[0], sum[1], sum[2], frame(x, y)[3]};
    }
    CINEBOKEH_HD static float weight(float radius, float distance) {
        return (0.5f + 0.5f * std::tanh(4 * (radius - distance))) / (radius * radius + 0.2f);
    }
};

template <class Space>
struct CutLayer {
    Image<const Float4, Space> frame;
    Image<const float, Space> defocus;
    float max_radius;
    int half_layers, index;
    Image<Float4, Space> layer;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float r = max_radius > 0 ? cut_radius(defocus(x, y), max_radius) / max_radius : 0.f;
        const bool inside = int((r + 1) * float(half_layers) + 0.5f) == index;
        const Float4 c = frame(x, y);
        layer(x, y) = inside ? Float4{c[0], c[1], c[2], 1} : Float4{};
    }
};
template <class Space>
struct LayLayerOver {
    Image<const Float4, Space> layer, frame;
    bool first, last;
    Image<Float4, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Float4 over = layer(x, y);
        const Float4 sum = first ? over : over + out(x, y) * (1 - over[3]);
        out(x, y) = sum;
        if (!last) return;
        const float scale = sum[3] > 1e-6f ? 1 / sum[3] : 0.f;
        out(x, y) = {sum[0] * scale, sum[1] * scale, sum[2] * scale, frame(x, y)[3]};
    }
};

template <class Space>
struct TakeBucket {
    Image<const Float4, Space> blurred;
    Image<const float, Space> defocus;
    float from;
    Image<Float4, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float r = defocus(x, y);
        if (!(r >= from || r <= -from)) return;
        const Float4 c = blurred(x, y);
        out(x, y) = {c[0], c[1], c[2], out(x, y)[3]};
    }
};
template <class Space>
struct PastePortrait {
    Image<const Float4, Space> frame;
    Image<const float, Space> matte;
    Image<Float4, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float m = matte(x, y), alpha = m > 0 ? (m < 1 ? m : 1.f) : 0.f;
        out(x, y) = alpha == 1 ? frame(x, y) : out(x, y) + (frame(x, y) - out(x, y)) * alpha;
    }
};
}  // namespace cinebokeh::detail
