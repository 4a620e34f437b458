#pragma once
#include <cmath>

#include "cinebokeh/color_histogram.hpp"

namespace cinebokeh {

inline ColorHistogram::ColorHistogram(Cpu& exec)
    : exec_(&exec),
      sides_(exec, {bins, 2}, std::vector<float>(2 * size_t(bins))),
      scratch_(exec, {bins, 2}),
      table_(exec, {bins, 1}) {}

inline void ColorHistogram::count(HostImage<const Rgba8> image, HostImage<const float> matte,
                                  HostImage<const float> background_weight) {
    require(image.size == matte.size && image.size == background_weight.size,
            "ColorHistogram: image, matte and weight differ in size");
    exec_->for_each(2, [&](int side) {
        float* histogram = sides_.view().row(side);
        std::fill(histogram, histogram + bins, 0.f);
        for (int y = 0; y < image.size.height; ++y)
            for (int x = 0; x < image.size.width; ++x) {
                const float alpha = matte(x, y);
                if (side == 0 && alpha > .6f) histogram[bin_of(image(x, y))] += alpha;
                if (side == 1 && alpha < .4f) histogram[bin_of(image(x, y))] += background_weight(x, y);
            }
        smooth_and_normalise(histogram);
    });
}

// Separable Gaussian over the three axes, radius 3; what lies outside the cube is empty.
inline void ColorHistogram::smooth_and_normalise(float* histogram) {
    constexpr int radius = 3;
    float weights[2 * radius + 1], total = 0;
    for (int d = -radius; d <= radius; ++d) total += weights[d + radius] = std::exp(-float(d * d) / (2 * .7f * .7f));
    float* other = scratch_.view().row(histogram == sides_.view().row(1));
    for (int step = 1; step < bins; step *= levels) {  // 1: blue, levels: green, levels^2: red
        std::fill(other, other + bins, 0.f);
        for (int d = -radius; d <= radius; ++d) {
            const float w = weights[d + radius] / total;
            const int first = std::max(0, -d) * step, last = (levels - std::max(0, d)) * step;
            for (int line = 0; line < bins; line += step * levels) {
                const float* CINEBOKEH_RESTRICT in = histogram + line + d * step;
                float* CINEBOKEH_RESTRICT out = other + line;
                for (int i = first; i < last; ++i) out[i] += w * in[i];
            }
        }
        std::copy(other, other + bins, histogram);
    }
    double sum = 0;
    for (int i = 0; i < bins; ++i) sum += double(histogram[i]);
    const float inverse = sum > 0 ? float(1 / sum) : 0;
    for (int i = 0; i < bins; ++i) histogram[i] *= inverse;
}

inline void ColorHistogram::blend(const ColorHistogram& other, float keep_subject, float keep_background) {
    for (int side = 0; side < 2; ++side) {
        const float keep = side ? keep_background : keep_subject;
        float* mine = sides_.view().row(side);
        const float* theirs = other.sides_.view().row(side);
        for (int i = 0; i < bins; ++i) mine[i] = keep * mine[i] + (1 - keep) * theirs[i];
    }
}

inline void ColorHistogram::log_odds(HostImage<const Rgba8> image, HostImage<const uint8_t> active, float limit,
                                     HostImage<float> log_odds) const {
    require(image.size == active.size && image.size == log_odds.size,
            "ColorHistogram: image, active and log_odds differ in size");
    const float *subject = sides_.view().row(0), *background = sides_.view().row(1);
    constexpr float e = .3f / bins;
    float* table = table_.span().data;
    exec_->for_each_range(bins, 2048, [&](int begin, int end) {
        for (int i = begin; i < end; ++i)
            table[i] = clamp(std::log((subject[i] + e) / (background[i] + e)), -limit, limit);
    });
    exec_->for_each_range(image.size.height, 16, [&](int begin, int end) {
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < image.size.width; ++x) log_odds(x, y) = active(x, y) ? table[bin_of(image(x, y))] : 0;
    });
}
}  // namespace cinebokeh
