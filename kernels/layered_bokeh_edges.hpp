// The layered renderer: pixels on the outline of a surface are partly what is behind it. Where no matte says their
// shares they are found here, from the colours on both sides.
#pragma once
#include "kernels/layered_bokeh.hpp"
#include "kernels/layered_bokeh_tiles.hpp"

namespace cinebokeh::detail {

// The least and the largest radius of a neighbourhood.
struct RadiusRange {
    float low = 3e38f, high = -3e38f;

    CINEBOKEH_HD void add(float r) { low = r < low ? r : low, high = r > high ? r : high; }
    // Whether one surface ends here and another one goes on behind it.
    CINEBOKEH_HD bool is_edge() const {
        const float largest = high > -low ? high : -low;
        return high - low > 1.5f + 0.1f * largest;
    }
};

// Marks the tiles that hold an edge, a pixel around them included.
template <class Space, class Pixel>
struct MarkEdgeTiles {
    BokehSource<Space, Pixel> source;
    Image<uint8_t, Space> marks;

    template <class Team>
    CINEBOKEH_HD void operator()(int tx, int ty, const Team& team) const {
        const Size s = source.frame.size;
        const int x0 = tx * bokeh_tile - 1, y0 = ty * bokeh_tile - 1;
        RadiusRange range;
        for (int y = (y0 < 0 ? 0 : y0) + team.row; y < y0 + bokeh_tile + 2 && y < s.height; y += team.rows)
            for (int x = (x0 < 0 ? 0 : x0) + team.column; x < x0 + bokeh_tile + 2 && x < s.width; x += team.columns)
                range.add(source.main_radius(x, y));
        range = {team.least(range.low), team.most(range.high)};
        if (team.is_first) marks(tx, ty) = range.is_edge();
    }
};

// Parts the pixels of an edge: the share of the nearer surface is where the colour lies between those of both, which
// are means of pixels nearby that are wholly one or the other.
template <class Space, class Pixel>
struct PartEdges {
    BokehSource<Space, Pixel> source;
    BokehEdges<Space> edges;

    struct Mean {
        Float4 sum{};
        float weight = 0;
        CINEBOKEH_HD void add(const Float4& colour, float w) { sum = sum + colour * w, weight += w; }
        CINEBOKEH_HD Float4 value() const { return sum * (1 / weight); }
    };

    CINEBOKEH_HD float radius(int x, int y) const {
        const Size s = source.frame.size;
        return source.main_radius(clamp(x, 0, s.width - 1), clamp(y, 0, s.height - 1));
    }
    // Whether the matte leaves an edge here to be found: it knows its own outline.
    CINEBOKEH_HD bool away_from_matte(int x, int y) const {
        const Size s = source.frame.size;
        const float own = source.share(x, y);
        bool same = own == 0 || own == 1;
        for (int v = y - 1; v <= y + 1; ++v)
            for (int u = x - 1; u <= x + 1; ++u)
                same = same && source.share(clamp(u, 0, s.width - 1), clamp(v, 0, s.height - 1)) == own;
        return same;
    }
    CINEBOKEH_HD void operator()(int x, int y) const {
        if (!edges.tiles(x / bokeh_tile, y / bokeh_tile)) return;
        RadiusRange range;
        for (int v = y - 1; v <= y + 1; ++v)
            for (int u = x - 1; u <= x + 1; ++u) range.add(radius(u, v));
        (*this)(x, y, range);
    }
    // A pixel of a marked tile, and the range of the radii around it.
    CINEBOKEH_HD void operator()(int x, int y, const RadiusRange& range) const {
        edges.alpha(x, y) = 1;
        if (range.is_edge() && away_from_matte(x, y)) part(x, y, range);
    }

    CINEBOKEH_HD void part(int x, int y, const RadiusRange& range) const {
        const float own = radius(x, y), near_enough = (range.high - range.low) / 4;
        Mean pure[2], mixed[2];  // behind, before; indexed by constants, so that they can be registers
        for (int v = y - 2; v <= y + 2; ++v)
            for (int u = x - 2; u <= x + 2; ++u) {
                if (!source.frame.size.contains(u, v) || source.share(u, v) != source.share(x, y)) continue;
                const float r = radius(u, v);
                const bool before = range.high - r <= near_enough;
                if (!before && r - range.low > near_enough) continue;
                const float w = 1.f / float(1 + (u - x) * (u - x) + (v - y) * (v - y));
                const Float4 colour = light_of(source.frame(u, v));
                before ? mixed[1].add(colour, w) : mixed[0].add(colour, w);
                RadiusRange around;
                around.add(radius(u - 1, v)), around.add(radius(u + 1, v));
                around.add(radius(u, v - 1)), around.add(radius(u, v + 1));
                if (around.high - r > near_enough || r - around.low > near_enough) continue;
                before ? pure[1].add(colour, w) : pure[0].add(colour, w);
            }
        const Float4 b = (pure[0].weight > 0 ? pure[0] : mixed[0]).value();
        const Float4 f = (pure[1].weight > 0 ? pure[1] : mixed[1]).value(), colour = light_of(source.frame(x, y));
        const bool is_front = own - range.low > range.high - own;
        constexpr float hold = 2e-3f;  // of what the radius says, where both colours are alike
        float along = is_front ? hold : 0.f, length = hold;
        for (int c = 0; c < 3; ++c) {
            along += (colour[c] - b[c]) * (f[c] - b[c]);
            length += (f[c] - b[c]) * (f[c] - b[c]);
        }
        const float alpha = cut_to_one(along / length);
        if (is_front ? alpha > 0.95f : alpha < 0.05f) return;  // it is what its radius says
        const Float4 rest = colour - (f * alpha + b * (1 - alpha));
        edges.alpha(x, y) = clamp(alpha, 0.01f, 0.99f);
        edges.front(x, y) = source.with_radius(light(f + rest * alpha), is_front ? own : range.high);
        edges.back(x, y) = source.with_radius(light(b + rest * (1 - alpha)), is_front ? range.low : own);
    }
    CINEBOKEH_HD Float4 light(const Float4& c) const { return source.stretched(light_of(c)); }
};
}  // namespace cinebokeh::detail
