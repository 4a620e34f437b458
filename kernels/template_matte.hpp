// The parts of template_matte.hpp that are written once for both backends.
#pragma once
#include "cinebokeh/template_matte.hpp"

namespace cinebokeh {

namespace detail {
inline bool usable(const Placement& p) {
    return std::isfinite(p.corner[0]) && std::isfinite(p.corner[1]) && std::isfinite(p.scale) && p.scale > 0 &&
           std::fabs(p.corner[0]) < 1e6f && std::fabs(p.corner[1]) < 1e6f && p.scale < 1e3f && p.scale > 1e-3f;
}

template <class Space>
struct SampleWindow {
    Image<const uint8_t, Space> in;
    Image<uint8_t, Space> out;
    Placement placement;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float u = placement.corner[0] + placement.scale * float(x);
        const float v = placement.corner[1] + placement.scale * float(y);
        const int x0 = int(floorf(u)), y0 = int(floorf(v));
        const float fx = u - float(x0), fy = v - float(y0);
        const float top = float(in.clamped(x0, y0)) * (1 - fx) + float(in.clamped(x0 + 1, y0)) * fx;
        const float bottom = float(in.clamped(x0, y0 + 1)) * (1 - fx) + float(in.clamped(x0 + 1, y0 + 1)) * fx;
        out(x, y) = uint8_t(top * (1 - fy) + bottom * fy + 0.5f);
    }
};

template <class Space>
struct PlaceMatte {
    Image<const float, Space> crop;
    Image<float, Space> out;
    Placement placement;

    CINEBOKEH_HD float at(int x, int y) const { return crop.size.contains(x, y) ? crop(x, y) : 0.f; }
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float u = (float(x) - placement.corner[0]) / placement.scale;
        const float v = (float(y) - placement.corner[1]) / placement.scale;
        if (!(u > -1 && v > -1 && u < float(crop.size.width) && v < float(crop.size.height))) {
            out(x, y) = 0;
            return;
        }
        const int x0 = int(floorf(u)), y0 = int(floorf(v));
        const float fx = u - float(x0), fy = v - float(y0);
        const float top = at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx;
        const float bottom = at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx;
        out(x, y) = top * (1 - fy) + bottom * fy;
    }
};

template <class Space>
struct FuseEvidence {
    Image<const float, Space> similarity, colour, distance;
    Image<float, Space> probability;
    FusionWeights weights;

    CINEBOKEH_HD static float number(float v) { return v == v ? v : 0.f; }
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float logit = weights.similarity * number(similarity(x, y)) + weights.colour * number(colour(x, y)) +
                            weights.shape * clamp(number(distance(x, y)) / weights.softness, -weights.furthest, 1.f) +
                            weights.bias;
        probability(x, y) = 1 / (1 + expf(-logit));
    }
};
}  // namespace detail

template <class Exec>
void sample_window(Exec& exec, View<const uint8_t, Exec> in, const Placement& placement, View<uint8_t, Exec> out) {
    require(!in.size.empty(), "sample_window: the image is empty");
    require(detail::usable(placement), "sample_window: the placement is out of range");
    for_each_pixel(exec, out.size, detail::SampleWindow<typename Exec::Space>{in, out, placement});
}

template <class Exec>
void place_matte(Exec& exec, View<const float, Exec> crop, const Placement& placement, View<float, Exec> out) {
    require(detail::usable(placement), "place_matte: the placement is out of range");
    for_each_pixel(exec, out.size, detail::PlaceMatte<typename Exec::Space>{crop, out, placement});
}

template <class Exec>
void fuse_evidence(Exec& exec, View<const float, Exec> similarity, View<const float, Exec> colour,
                   View<const float, Exec> distance, const FusionWeights& weights, View<float, Exec> probability) {
    const Size s = probability.size;
    require(similarity.size == s && colour.size == s && distance.size == s, "fuse_evidence: images differ in size");
    require(weights.softness > 0 && weights.furthest >= 0, "fuse_evidence: softness or furthest out of range");
    for_each_pixel(exec, s,
                   detail::FuseEvidence<typename Exec::Space>{similarity, colour, distance, probability, weights});
}
}  // namespace cinebokeh
