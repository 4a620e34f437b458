#include "scene_tracer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
constexpr int tile = 16;
constexpr int most_layers = 64;
constexpr double blocked = 1e-9;  // light that is not followed any further

Double4 texel(const Texture& texture, int i, int j, bool endless) {
    if (endless) {
        i = clamp(i, 0, texture.size.width - 1), j = clamp(j, 0, texture.size.height - 1);
    } else if (!texture.size.contains(i, j)) {
        return {};
    }
    return texture.texels[size_t(j) * size_t(texture.size.width) + size_t(i)];
}

// The colour between four texels of which some lie outside.
Double4 sample_border(const SceneLayer& layer, double u, double v) {
    const Texture& texture = *layer.texture;
    const double right = texture.size.width, bottom = texture.size.height;
    const bool endless = layer.endless;
    if (endless)
        u = clamp(u, 0., right - 1), v = clamp(v, 0., bottom - 1);
    else if (!(u > -1 && v > -1 && u < right && v < bottom))
        return {};
    const int i = int(u + 1) - 1, j = int(v + 1) - 1;  // rounded down: u and v are above -1
    const double s = u - i, t = v - j;
    return (texel(texture, i, j, endless) * (1 - s) + texel(texture, i + 1, j, endless) * s) * (1 - t) +
           (texel(texture, i, j + 1, endless) * (1 - s) + texel(texture, i + 1, j + 1, endless) * s) * t;
}

inline Double4 sample(const SceneLayer& layer, double u, double v) {
    const Texture& texture = *layer.texture;
    if (!(u >= 0 && v >= 0 && u < texture.size.width - 1 && v < texture.size.height - 1))
        return sample_border(layer, u, v);
    const int i = int(u), j = int(v);
    const double s = u - i, t = v - j;
    const Double4* upper = &texture.texels[size_t(j) * size_t(texture.size.width) + size_t(i)];
    const Double4* lower = upper + texture.size.width;
    const Double4 above = upper[0] + (upper[1] - upper[0]) * s, below = lower[0] + (lower[1] - lower[0]) * s;
    return above + (below - above) * t;
}

struct Hit {
    double disparity;
    Double4 colour;
    int seen;
};

// The layers that may be seen in a part of the frame, the nearest first.
struct Candidates {
    std::array<int, most_layers> layer;
    int count = 0;
    bool crossing = false;  // the order may differ from ray to ray
    double radius = 0;      // the largest blur, pixels
};

struct Box {
    double left, top, right, bottom;
};
Box grown(const Box& b, double by) { return {b.left - by, b.top - by, b.right + by, b.bottom + by}; }
double slope(const SceneLayer& layer) { return std::hypot(layer.slope_x, layer.slope_y); }

// How far from a pixel of the box the lens sees the layer: the largest |U delta|.
double reach(const SceneLayer& layer, SceneLens lens, const Box& box) {
    double away = 0;
    for (const double x : {box.left, box.right})
        for (const double y : {box.top, box.bottom})
            away = std::max(away, std::abs(layer.disparity_at(x, y) - lens.focus));
    return lens.strength * away / (1 - lens.strength * slope(layer));
}

// Whether a texel of the layer shows in the box: the box, seen in the texture, touches it. The image of a convex box is
// convex where the disparity is positive in all of it, so its corners bound it.
bool touches(const SceneLayer& layer, const Box& box) {
    if (layer.endless) return true;
    double low_u = INFINITY, low_v = INFINITY, high_u = -INFINITY, high_v = -INFINITY;
    for (const double x : {box.left, box.right})
        for (const double y : {box.top, box.bottom}) {
            const double d = layer.disparity_at(x, y);
            if (!(d > 0)) return true;
            const double u = layer.u_0 + (layer.u_x * x + layer.u_y * y) / d;
            const double v = layer.v_0 + (layer.v_x * x + layer.v_y * y) / d;
            low_u = std::min(low_u, u), high_u = std::max(high_u, u);
            low_v = std::min(low_v, v), high_v = std::max(high_v, v);
        }
    return high_u > -1 && high_v > -1 && low_u < layer.texture->size.width && low_v < layer.texture->size.height;
}

Candidates candidates_in(const std::vector<SceneLayer>& layers, SceneLens lens, const Box& box) {
    Candidates found;
    std::array<double, most_layers> middle{}, low{}, high{};
    for (size_t i = 0; i < layers.size(); ++i) {
        const double radius = reach(layers[i], lens, box);
        const Box seen = grown(box, radius);
        if (!touches(layers[i], seen)) continue;
        low[i] = INFINITY, high[i] = -INFINITY;
        for (const double x : {seen.left, seen.right})
            for (const double y : {seen.top, seen.bottom}) {
                const double d = layers[i].disparity_at(x, y);
                low[i] = std::min(low[i], d), high[i] = std::max(high[i], d);
            }
        middle[i] = (low[i] + high[i]) / 2;
        found.layer[size_t(found.count++)] = int(i);
        found.radius = std::max(found.radius, radius);
    }
    const auto begin = found.layer.begin(), end = begin + found.count;
    std::stable_sort(begin, end, [&](int a, int b) { return middle[size_t(a)] > middle[size_t(b)]; });
    for (int k = 1; k < found.count; ++k)
        for (int j = 0; j < k; ++j)
            found.crossing |= low[size_t(found.layer[size_t(j)])] <= high[size_t(found.layer[size_t(k)])];
    return found;
}

// A layer as the rays of one pixel see it. With e = 1 - U . grad d the ray through U meets it where
//   disparity = (focus e + away) / e,   u = u_0 + ((u_x x + u_y y) e + (u_x, u_y) . U away) / (focus e + away).
struct Seen {
    const SceneLayer* layer;
    int index;
    double away, focus;  // d(p) - focus, and the disparity of the focal plane
    double u, v;         // u_x x + u_y y, v_x x + v_y y

    Seen(const SceneLayer& from, int number, SceneLens lens, Double2 at)
        : layer(&from),
          index(number),
          away(from.disparity_at(at[0], at[1]) - lens.focus),
          focus(lens.focus),
          u(from.u_x * at[0] + from.u_y * at[1]),
          v(from.v_x * at[0] + from.v_y * at[1]) {}
    Seen() = default;

    double slant(Double2 through) const { return 1 - (layer->slope_x * through[0] + layer->slope_y * through[1]); }
    double disparity(Double2 through) const { return focus + away / slant(through); }
    Double4 colour(Double2 through) const {
        const double e = slant(through), d = focus * e + away;
        if (!(d > 0)) return {};
        const double scale = 1 / d, toward_u = layer->u_x * through[0] + layer->u_y * through[1],
                     toward_v = layer->v_x * through[0] + layer->v_y * through[1];
        return sample(*layer, layer->u_0 + (u * e + toward_u * away) * scale,
                      layer->v_0 + (v * e + toward_v * away) * scale);
    }
};

// The candidates as one pixel sees them.
struct Sight {
    std::array<Seen, most_layers> seen;
    int count;
    bool crossing;

    Sight(const std::vector<SceneLayer>& layers, const Candidates& candidates, SceneLens lens, Double2 at)
        : count(candidates.count), crossing(candidates.crossing) {
        for (size_t k = 0; k < size_t(count); ++k)
            seen[k] = {layers[size_t(candidates.layer[k])], candidates.layer[k], lens, at};
    }
    /// Calls see(colour, what was seen) for what a ray meets, the nearest first, until it returns false.
    template <class See>
    void follow(Double2 through, const See& see) const {
        if (crossing) return follow_sorted(through, see);
        for (size_t k = 0; k < size_t(count); ++k) {
            const Double4 colour = seen[k].colour(through);
            if (colour[3] > 0 && !see(colour, seen[k])) return;
        }
    }

private:
    template <class See>
    void follow_sorted(Double2 through, const See& see) const {
        std::array<Hit, most_layers> hits;
        size_t met = 0;
        for (size_t k = 0; k < size_t(count); ++k) {
            const Hit hit{seen[k].disparity(through), seen[k].colour(through), int(k)};
            if (!(hit.colour[3] > 0)) continue;
            size_t at = met++;
            for (; at > 0 && hits[at - 1].disparity < hit.disparity; --at) hits[at] = hits[at - 1];
            hits[at] = hit;
        }
        for (size_t k = 0; k < met; ++k)
            if (!see(hits[k].colour, seen[size_t(hits[k].seen)])) return;
    }
};

void check(const std::vector<SceneLayer>& layers, SceneLens lens, Size size) {
    require(!size.empty(), "scene: an empty frame");
    require(layers.size() <= size_t(most_layers), "scene: ", layers.size(), " layers, ", most_layers, " are possible");
    require(std::isfinite(lens.strength) && lens.strength >= 0 && std::isfinite(lens.focus),
            "scene: a lens of strength ", lens.strength, " focused at ", lens.focus);
    for (const SceneLayer& layer : layers) {
        require(layer.texture != nullptr && !layer.texture->size.empty(), "scene: a layer without a texture");
        require(lens.strength * slope(layer) < 1, "scene: the lens reaches through a plane of slope ", slope(layer));
    }
}

// Calls work(x, y of the pixel, its offset from the centre, candidates) for all pixels, tile by tile on all threads.
template <class Work>
void for_each_tiled(Cpu& exec, const std::vector<SceneLayer>& layers, SceneLens lens, Size size, const Work& work) {
    const double cx = 0.5 * (size.width - 1), cy = 0.5 * (size.height - 1);
    const int columns = ceil_div(size.width, tile), rows = ceil_div(size.height, tile);
    exec.for_each(columns * rows, [&](int index) {
        const int x0 = index % columns * tile, y0 = index / columns * tile;
        const int x1 = std::min(x0 + tile, size.width), y1 = std::min(y0 + tile, size.height);
        const Candidates candidates = candidates_in(layers, lens, {x0 - cx, y0 - cy, x1 - 1 - cx, y1 - 1 - cy});
        for (int y = y0; y < y1; ++y)
            for (int x = x0; x < x1; ++x) work(x, y, Double2{x - cx, y - cy}, candidates);
    });
}

Float4 to_float(const Double4& c) { return {float(c[0]), float(c[1]), float(c[2]), float(c[3])}; }
}  // namespace

std::vector<Double2> lens_points(int count) {
    const double pi = std::acos(-1.), golden = (std::sqrt(5.) - 1) / 2;
    const int quarter = std::max(1, ceil_div(count, 4));
    std::vector<Double2> points;
    points.reserve(size_t(quarter) * 4);
    for (int i = 0; i < quarter; ++i) {
        const double radius = std::sqrt((i + 0.5) / quarter), turn = i * golden;
        const double angle = (turn - std::floor(turn)) * pi / 2;
        const double x = radius * std::cos(angle), y = radius * std::sin(angle);
        for (const Double2 p : {Double2{x, y}, Double2{-y, x}, Double2{-x, -y}, Double2{y, -x}}) points.push_back(p);
    }
    return points;
}

int lens_points_for(double radius) {
    if (!(radius > 0)) return 1;
    const double wanted = 2 * std::acos(-1.) * radius * radius;
    int count = 256;
    while (count < 4096 && count < wanted) count *= 2;
    return count;
}

void trace_bokeh(Cpu& exec, const std::vector<SceneLayer>& layers, SceneLens lens, HostImage<Float4> bokeh) {
    check(layers, lens, bokeh.size);
    if (lens.strength == 0) lens.focus = 0;       // a pinhole: the same arithmetic as trace_pinhole
    std::array<std::vector<Double2>, 13> points;  // of 2^i points
    points[0] = {{0, 0}};
    for (int i = 8; i <= 12; ++i) {
        points[size_t(i)] = lens_points(1 << i);
        for (Double2& p : points[size_t(i)]) p = p * lens.strength;
    }
    const auto trace_pixel = [&](int x, int y, Double2 at, const Candidates& candidates) {
        size_t power = 0;
        while (1 << power < lens_points_for(candidates.radius)) ++power;
        const Sight sight(layers, candidates, lens, at);
        Double4 sum{};
        for (const Double2& through : points[power]) {
            double passing = 1;
            sight.follow(through, [&](const Double4& colour, const Seen&) {
                sum = sum + colour * passing;
                passing *= 1 - colour[3];
                return passing > blocked;
            });
        }
        bokeh(x, y) = to_float(sum * (1. / double(points[power].size())));
    };
    for_each_tiled(exec, layers, lens, bokeh.size, trace_pixel);
}

void trace_pinhole(Cpu& exec, const std::vector<SceneLayer>& layers, int subject, const PinholeImages& out) {
    check(layers, {}, out.picture.size);
    require(out.disparity.size == out.picture.size && out.matte.size == out.picture.size,
            "scene: the images differ in size");
    for_each_tiled(exec, layers, {}, out.picture.size, [&](int x, int y, Double2 at, const Candidates& candidates) {
        Double4 sum{};
        double passing = 1, disparity = 0, share = 0;
        Sight(layers, candidates, {}, at).follow({}, [&](const Double4& colour, const Seen& seen) {
            sum = sum + colour * passing;
            if (seen.index == subject) share += colour[3] * passing;
            const double behind = passing * (1 - colour[3]);
            if (passing > 0.5 && behind <= 0.5) disparity = seen.away;  // the lens {} is focused at 0
            passing = behind;
            return passing > blocked;
        });
        out.picture(x, y) = to_float(sum);
        out.disparity(x, y) = float(disparity);
        out.matte(x, y) = float(share);
    });
}
}  // namespace cinebokeh::demo
