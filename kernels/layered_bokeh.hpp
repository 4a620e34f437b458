// The layered renderer, what both backends share: the layers, what a pixel shows, the frame at three sizes, and what of
// it lies in a layer.
#pragma once
#include "cinebokeh/highlights.hpp"
#include "kernels/foreground.hpp"

namespace cinebokeh::detail {

constexpr int bokeh_layers = 64;  // at most: a bit each in a LayerSet
constexpr int bokeh_tile = 16;    // pixels; whole cells of every level
constexpr int bokeh_levels = 3;   // level l has cells of 2^l x 2^l pixels
using LayerSet = uint64_t;

// One layer: everything around the radius `at`. Radii grow from far to near.
struct BokehLayer {
    float behind, at, before;        // the radii of the layers around it (infinite: none) and of its own
    float known_until, hidden_from;  // nearer than this it is hidden: by degrees, from the first radius to the second
    int level;                       // of the cells in which it is blurred

    // How much of something at radius r belongs to this layer: what lies between two layers is a mixture of both.
    CINEBOKEH_HD float coverage(float r) const {
        const float t = r < at ? (r - behind) / (at - behind) : (before - r) / (before - at);
        return !(t < 1) ? 1.f : t > 0 ? t : 0.f;  // with no layer on that side t is NaN
    }
    // How much of this layer can be seen where the frame shows something at radius r.
    CINEBOKEH_HD float known(float r) const {
        const float t = (hidden_from - r) / (hidden_from - known_until);
        return t < 1 ? (t > 0 ? t : 0.f) : 1.f;
    }
};

// Layers that are added up in one image of their level. Groups are numbered from near to far.
struct BokehGroup {
    LayerSet set = 0;
    int level = 0, slot = 0;  // slot: which image of that level
};
constexpr int bokeh_slots = 4;  // before and behind the focal plane, two each
constexpr int bokeh_groups = bokeh_levels * bokeh_slots;

struct BokehStack {
    int count = 0, focus = -1, groups = 0;  // focus: the layer of radius 0, -1 where there is none
    int near_groups = 0;                    // those before the layer in focus
    int own_groups = 0;                     // and those just behind it
    BokehLayer layer[bokeh_layers];
    BokehGroup group[bokeh_groups];

    // The layers that a surface at radius r is a mixture of.
    CINEBOKEH_HD LayerSet layers_at(float r) const {
        int low = 0, high = count - 1;  // the last layer not in front of r is in [low, high]
        while (low < high) {
            const int middle = (low + high + 1) / 2;
            if (layer[middle].at <= r)
                low = middle;
            else
                high = middle - 1;
        }
        const LayerSet own = LayerSet(1) << low;
        return r > layer[low].at && low + 1 < count ? own | own << 1 : own;
    }

    // Groups are weighed as wholes where they are put together. A surface that reaches across from one to the next must
    // not have there what is behind it, so the first layers of a level are a group of their own.
    void make_groups() {
        groups = near_groups = 0;
        float first = 0;
        for (int k = count; k-- > 0;) {
            if (k == focus) continue;
            const BokehLayer& own = layer[k];
            const bool is_far = own.at < 0;
            const int slots = is_far ? 2 : 0;
            const BokehGroup* last = groups ? &group[groups - 1] : nullptr;
            if (!last || last->level != own.level || (last->slot & 2) != slots) {
                group[groups++] = {0, own.level, slots};
                first = own.at;
            } else if (last->slot == slots && first - own.at > 2 * (own.known_until - own.at)) {
                group[groups++] = {0, own.level, slots + 1};
            }
            group[groups - 1].set |= LayerSet(1) << k;
            if (!is_far) near_groups = groups;
        }
        const BokehGroup* next = near_groups < groups ? &group[near_groups] : nullptr;
        own_groups = near_groups + (next && next->level == 0);
    }
    int group_of(int k) const {
        int g = 0;
        while (!(group[g].set >> k & 1)) ++g;
        return g;
    }
};

// Radii below half a pixel are in focus, and the step to the next ones is smooth.
CINEBOKEH_HD inline float effective_radius(float r, float farthest, float nearest) {
    if (!(r < -0.5f || r > 0.5f)) return 0;  // NaN as well
    if (r > -1 && r < 1) r = r > 0 ? 2 * r - 1 : 2 * r + 1;
    return r < farthest ? farthest : r > nearest ? nearest : r;
}

// What a pixel shows: a surface, and where it does not cover the pixel (alpha < 1) another one behind it. Linear light,
// the last component is the radius.
struct BokehPixel {
    Float4 front, back;
    float alpha;
};

CINEBOKEH_HD inline Float4 light_of(const Rgba8& p) { return linear_colour(p); }
CINEBOKEH_HD inline Float4 light_of(const Float4& p) {
    return {p[0] > 0 ? p[0] : 0.f, p[1] > 0 ? p[1] : 0.f, p[2] > 0 ? p[2] : 0.f, 1};
}

// The shares of pixels on edges, found without a matte. The images hold hold something in marked tiles where alpha is
// below 1.
template <class Space>
struct BokehEdges {
    Image<uint8_t, Space> tiles;  // whether there are any
    Image<float, Space> alpha;
    Image<Float4, Space> front, back;  // as in BokehPixel
};

template <class Space, class Pixel>
struct BokehSource {
    Image<const Pixel, Space> frame;
    Image<const float, Space> defocus;        // of two planes there is none
    float farthest, nearest;                  // radii are cut to this range
    Image<const float, Space> matte, behind;  // with a matte: defocus is that of the subject, behind of what is not it
    Separate<Space> separate;

    bool subject_is_near = true;  // two planes have no maps: the subject is the nearer or the farther end of the range
    BokehEdges<Space> edges{};    // that no matte parts
    Highlights highlights{};      // of what is blurred; colours are parted as they are in the frame

    CINEBOKEH_HD float front_radius(int x, int y) const {
        if (!defocus.data) return subject_is_near ? nearest : farthest;
        return effective_radius(defocus(x, y), farthest, nearest);
    }
    CINEBOKEH_HD float back_radius(int x, int y) const {
        if (!behind.data) return subject_is_near ? farthest : nearest;
        return effective_radius(behind(x, y), farthest, nearest);
    }
    CINEBOKEH_HD float share(int x, int y) const { return matte.data ? cut_to_one(matte(x, y)) : 1.f; }
    // Of what has the larger share in the pixel.
    CINEBOKEH_HD float main_radius(int x, int y) const {
        return share(x, y) >= 0.5f ? front_radius(x, y) : back_radius(x, y);
    }
    CINEBOKEH_HD Float4 stretched(const Float4& c) const {
        return highlights.gain > 1 ? HighlightCurve{highlights}(c) : c;
    }
    CINEBOKEH_HD Float4 light(int x, int y) const { return stretched(light_of(frame(x, y))); }
    CINEBOKEH_HD static Float4 with_radius(const Float4& c, float r) { return {c[0], c[1], c[2], r}; }
    CINEBOKEH_HD bool on_edge(int x, int y) const {
        return edges.tiles.data && edges.tiles(x / bokeh_tile, y / bokeh_tile) && edges.alpha(x, y) < 1;
    }

    CINEBOKEH_HD BokehPixel at(int x, int y) const {
        const Float4 colour = light_of(frame(x, y));
        const float alpha = share(x, y);
        if (alpha > 0 && alpha < 1) {
            const Separated parts = separate(colour, alpha, x, y);
            return {with_radius(stretched(parts.foreground), front_radius(x, y)),
                    with_radius(stretched(parts.background), back_radius(x, y)), alpha};
        }
        if (on_edge(x, y)) return {edges.front(x, y), edges.back(x, y), edges.alpha(x, y)};
        return {with_radius(stretched(colour), main_radius(x, y)), {}, 1};
    }
};

// The frame at half and at quarter size: means of cells whose pixels have about one radius, the last component; NaN
// there means that a cell must be looked at more closely.
template <class Space, class Pixel>
struct BokehPyramid {
    BokehSource<Space, Pixel> pixels;
    Image<Float4, Space> half, quarter;
};

// Collects what a cell is made of, and whether it is all of about one radius.
struct CellMean {
    Float4 sum{};
    float low = 3e38f, high = -3e38f;
    int count = 0;
    bool whole = true;

    CINEBOKEH_HD void add(const Float4& v) {
        sum = sum + v, ++count;
        low = v[3] < low ? v[3] : low, high = v[3] > high ? v[3] : high;
        whole = whole && v[3] == v[3];
    }
    CINEBOKEH_HD Float4 mean() const {
        const float largest = high > -low ? high : -low;
        Float4 m = sum * (1.f / float(count));
        if (!whole || !(high - low <= 0.25f + 0.04f * largest)) m[3] = NAN;
        return m;
    }
};

template <class Space, class Pixel>
struct HalveFrame {
    BokehPyramid<Space, Pixel> pyramid;

    CINEBOKEH_HD void operator()(int i, int j) const {
        const Size s = pyramid.pixels.frame.size;
        CellMean cell;
        for (int y = 2 * j; y < 2 * j + 2 && y < s.height; ++y)
            for (int x = 2 * i; x < 2 * i + 2 && x < s.width; ++x) {
                const BokehPixel p = pyramid.pixels.at(x, y);
                cell.add(p.front);
                cell.whole = cell.whole && p.alpha == 1;
            }
        pyramid.half(i, j) = cell.mean();
    }
};
template <class Space, class Pixel>
struct QuarterFrame {
    BokehPyramid<Space, Pixel> pyramid;

    CINEBOKEH_HD void operator()(int i, int j) const {
        CellMean cell;
        for (int y = 2 * j; y < 2 * j + 2 && y < pyramid.half.size.height; ++y)
            for (int x = 2 * i; x < 2 * i + 2 && x < pyramid.half.size.width; ++x) cell.add(pyramid.half(x, y));
        pyramid.quarter(i, j) = cell.mean();
    }
};

// Calls visit(radius, colour, weight) for everything that a cell shows, in the largest pieces of one radius.
template <int level, class Space, class Pixel, class Visit>
CINEBOKEH_HD void visit_cell(const BokehPyramid<Space, Pixel>& pyramid, int i, int j, Visit& visit) {
    if constexpr (level == 0) {
        const BokehPixel p = pyramid.pixels.at(i, j);
        visit(p.front[3], p.front, p.alpha);
        if (p.alpha < 1) visit(p.back[3], p.back, 1 - p.alpha);
    } else {
        const Float4 mean = level == 1 ? pyramid.half(i, j) : pyramid.quarter(i, j);
        const Size whole = pyramid.pixels.frame.size, finer = level == 1 ? whole : pyramid.half.size;
        if (mean[3] == mean[3]) {  // cells at the border may be cut off
            const int side = 1 << level, right = whole.width - i * side, bottom = whole.height - j * side;
            visit(mean[3], mean, float((right < side ? right : side) * (bottom < side ? bottom : side)));
            return;
        }
        for (int y = 2 * j; y < 2 * j + 2 && y < finer.height; ++y)
            for (int x = 2 * i; x < 2 * i + 2 && x < finer.width; ++x) visit_cell<level - 1>(pyramid, x, y, visit);
    }
}

// How much of a cell belongs to a layer: colour and coverage, premultiplied, of the part that is known.
struct LayerPart {
    const BokehLayer& layer;
    Float4 sum{};
    float known = 0, total = 0;

    CINEBOKEH_HD void operator()(float radius, const Float4& colour, float weight) {
        total += weight;
        const float seen = layer.known(radius) * weight, covered = seen * layer.coverage(radius);
        known += seen;
        if (covered > 0) sum = sum + Float4{colour[0] * covered, colour[1] * covered, colour[2] * covered, covered};
    }
};
}  // namespace cinebokeh::detail
