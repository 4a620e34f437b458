// Fitting and evaluating mixtures of Gaussians in Lab.
#pragma once
#include <array>

#include "cinebokeh/color.hpp"
#include "cinebokeh/color_model.hpp"

namespace cinebokeh {
namespace detail {

// The weighted moments of the samples of one component.
struct ColorMoments {
    double weight = 0, first[3] = {}, second[6] = {};  // second: ll, aa, bb, la, lb, ab

    void add(const ColorSample& s) {
        const double w = s.weight, l = s.lab[0], a = s.lab[1], b = s.lab[2];
        weight += w;
        first[0] += w * l, first[1] += w * a, first[2] += w * b;
        second[0] += w * l * l, second[1] += w * a * a, second[2] += w * b * b;
        second[3] += w * l * a, second[4] += w * l * b, second[5] += w * a * b;
    }
    Float3 mean() const { return {float(first[0] / weight), float(first[1] / weight), float(first[2] / weight)}; }
};

inline ColorModel::Component color_component(const ColorMoments& moments, double share, double least_spread) {
    double m[3], s[6];
    for (int i = 0; i < 3; ++i) m[i] = moments.first[i] / moments.weight;
    for (int i = 0; i < 3; ++i)
        s[i] = std::max(0.0, moments.second[i] / moments.weight - m[i] * m[i]) + least_spread * least_spread;
    s[3] = moments.second[3] / moments.weight - m[0] * m[1];
    s[4] = moments.second[4] / moments.weight - m[0] * m[2];
    s[5] = moments.second[5] / moments.weight - m[1] * m[2];
    // The inverse by cofactors: with the spread on the diagonal the matrix is positive definite.
    const double ll = s[1] * s[2] - s[5] * s[5], aa = s[0] * s[2] - s[4] * s[4], bb = s[0] * s[1] - s[3] * s[3];
    const double la = s[4] * s[5] - s[3] * s[2], lb = s[3] * s[5] - s[4] * s[1], ab = s[3] * s[4] - s[0] * s[5];
    const double determinant = s[0] * ll + s[3] * la + s[4] * lb;
    const double half = 0.5 / determinant;
    return {{float(m[0]), float(m[1]), float(m[2])},
            {float(half * ll), float(half * aa), float(half * bb), float(2 * half * la), float(2 * half * lb),
             float(2 * half * ab)},
            float(std::log(share) - 0.5 * std::log(determinant) - 1.5 * std::log(2 * 3.14159265358979323846))};
}

inline bool is_usable(const ColorSample& s) {
    return s.weight > 0 && s.weight < 1e30f && std::abs(s.lab[0]) + std::abs(s.lab[1]) + std::abs(s.lab[2]) < 1e4f;
}
inline float lab_distance2(Float3 a, Float3 b) {
    const Float3 d = a - b;
    return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

class ColorClusters {
public:
    ColorClusters(HostSpan<const ColorSample> samples, int wanted) : samples_(samples) {
        seed(wanted);
        for (int i = 0; i < 10 && count_ > 1; ++i) {
            measure();
            for (int k = 0; k < count_; ++k)
                if (moments_[k].weight > 0) mean_[k] = moments_[k].mean();
        }
        measure();
    }
    int count() const { return count_; }
    const ColorMoments& operator[](int k) const { return moments_[k]; }

private:
    int nearest(Float3 lab, float& distance) const {
        int best = 0;
        distance = lab_distance2(lab, mean_[0]);
        for (int k = 1; k < count_; ++k) {
            const float d = lab_distance2(lab, mean_[k]);
            if (d < distance) distance = d, best = k;
        }
        return best;
    }
    // The first mean is that of all; each further one the sample that counts most, by weight times squared distance.
    void seed(int wanted) {
        ColorMoments all;
        for (const ColorSample& s : samples_)
            if (is_usable(s)) all.add(s);
        if (!(all.weight > 0)) return;
        mean_[0] = all.mean(), count_ = 1;
        while (count_ < wanted) {
            float most = 0;
            Float3 next{};
            for (const ColorSample& s : samples_) {
                if (!is_usable(s)) continue;
                float distance;
                nearest(s.lab, distance);
                if (s.weight * distance > most) most = s.weight * distance, next = s.lab;
            }
            if (!(most > 0)) return;  // as many colours as components
            mean_[count_++] = next;
        }
    }
    void measure() {
        for (int k = 0; k < count_; ++k) moments_[k] = {};
        for (const ColorSample& s : samples_) {
            float distance;
            if (is_usable(s)) moments_[nearest(s.lab, distance)].add(s);
        }
    }

    HostSpan<const ColorSample> samples_;
    Float3 mean_[ColorModel::max_components];
    ColorMoments moments_[ColorModel::max_components];
    int count_ = 0;
};

template <class Space>
struct ColorLogit {
    Image<const Rgba8, Space> image;
    Image<const uint8_t, Space> active;
    Image<float, Space> logit;
    ColorModel subject, background;
    float limit;

    CINEBOKEH_HD void operator()(int x, int y) const {
        if (!active(x, y)) return;
        const Rgba8 p = image(x, y);
        const Vec<int, 3> fixed = lab_fixed(lab_tables(), p[0], p[1], p[2]);
        constexpr float unit = 1.f / (1 << lab_fraction_bits);
        const Float3 lab{float(fixed[0]) * unit, float(fixed[1]) * unit, float(fixed[2]) * unit};
        logit(x, y) = clamp(subject(lab) - background(lab), -limit, limit);
    }
};
}  // namespace detail

inline ColorModel fit_color_model(HostSpan<const ColorSample> samples, const ColorModelParams& params) {
    require(params.components >= 1 && params.components <= ColorModel::max_components,
            "fit_color_model: ", params.components, " components are not in [1, ", ColorModel::max_components, "]");
    require(params.least_spread > 0 && params.least_spread <= 1e3f,
            "fit_color_model: least_spread is not in (0, 1000]");
    require(params.unseen_share > 0 && params.unseen_share < 1, "fit_color_model: unseen_share is not in (0, 1)");
    const detail::ColorClusters clusters(samples, params.components);
    double total = 0;
    for (int k = 0; k < clusters.count(); ++k) total += clusters[k].weight;
    ColorModel model;
    constexpr double lab_volume = 100.0 * 200 * 200;  // a box around the colours of sRGB
    const double unseen = clusters.count() == 0 ? 1 : double(params.unseen_share);
    model.log_unseen = float(std::log(unseen / lab_volume));
    for (int k = 0; k < clusters.count(); ++k)
        if (clusters[k].weight > 0)
            model.component[model.components++] = detail::color_component(
                clusters[k], (1 - unseen) * clusters[k].weight / total, double(params.least_spread));
    return model;
}

template <class Exec>
void color_logit(Exec& exec, View<const Rgba8, Exec> image, View<const uint8_t, Exec> active, const ColorModel& subject,
                 const ColorModel& background, float limit, View<float, Exec> logit) {
    require(image.size == active.size && image.size == logit.size, "color_logit: the images differ in size");
    require(limit > 0, "color_logit: limit is not positive");
    for_each_pixel(exec, image.size,
                   detail::ColorLogit<typename Exec::Space>{image, active, logit, subject, background, limit});
}
}  // namespace cinebokeh
