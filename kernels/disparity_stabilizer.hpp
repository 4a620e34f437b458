// The disparity stabiliser: its functors, and the robust fit on the host.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "cinebokeh/disparity_stabilizer.hpp"

namespace cinebokeh::detail {

template <class Space>
struct SampleDisparity {
    Image<const float, Space> in;
    int step;
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = in(x * step, y * step); }
};
template <class Space>
struct ScaleAndShift {
    Image<const float, Space> in;
    float scale, shift;
    Image<float, Space> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = fmaf(scale, in(x, y), shift); }
};

// The middle of value(i) over the pairs that are finite; `sorted` is scratch memory.
template <class Value>
float median_of_pairs(const std::vector<float>& a, const std::vector<float>& b, std::vector<float>& sorted,
                      Value&& value) {
    sorted.clear();
    for (size_t i = 0; i < a.size(); ++i)
        if (std::isfinite(a[i]) && std::isfinite(b[i])) sorted.push_back(value(i));
    if (sorted.empty()) return 0;
    const auto middle = sorted.begin() + ptrdiff_t(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
}

// scale * now + shift = before, for most pixels.
inline DisparityScaleShift fit_scale_shift(const std::vector<float>& now, const std::vector<float>& before,
                                           std::vector<float>& sorted) {
    const auto median = [&](auto&& value) { return median_of_pairs(now, before, sorted, value); };
    const float middle_now = median([&](size_t i) { return now[i]; });
    const float middle_before = median([&](size_t i) { return before[i]; });
    const float spread_now = median([&](size_t i) { return std::abs(now[i] - middle_now); });
    const float spread_before = median([&](size_t i) { return std::abs(before[i] - middle_before); });
    DisparityScaleShift fit;
    if (!(spread_now > 0 && spread_before > 0)) return fit;  // of one depth: no scale can be known
    double scale = double(spread_before) / double(spread_now);
    double shift = double(middle_before) - scale * double(middle_now);
    double kept = 0, all = 0;
    for (int round = 0; round < 8; ++round) {
        const auto error = [&](size_t i) { return scale * double(now[i]) + shift - double(before[i]); };
        // 4.7 standard deviations, of which the median is 0.67; never below a thousandth of the depth of the scene.
        const double reach =
            std::max(4.7 / 0.6745 * double(median([&](size_t i) { return float(std::abs(error(i))); })),
                     1e-3 * double(spread_before));
        double w = 0, x = 0, y = 0, xx = 0, yy = 0;
        all = 0;
        for (size_t i = 0; i < now.size(); ++i) {
            if (!std::isfinite(now[i]) || !std::isfinite(before[i])) continue;
            const double t = error(i) / reach, own = t * t < 1 ? (1 - t * t) * (1 - t * t) : 0;  // the biweight
            const double u = double(now[i]) - double(middle_now), v = double(before[i]) - double(middle_before);
            w += own, x += own * u, y += own * v, xx += own * u * u, yy += own * v * v, all += 1;
        }
        const double var_x = xx - x * x / w, var_y = yy - y * y / w;
        if (!(var_x > 0 && var_y > 0)) break;
        scale = std::sqrt(var_y / var_x);
        shift = double(middle_before) + y / w - scale * (double(middle_now) + x / w);
    }
    for (size_t i = 0; i < now.size(); ++i)  // what comes within a tenth of the depth of the scene has been recognised
        kept += std::abs(scale * double(now[i]) + shift - double(before[i])) <= 0.3 * double(spread_before);
    if (!(kept >= 0.5 * all) || !(scale > 0.25 && scale < 4)) return fit;
    return {float(scale), float(shift), false};
}
}  // namespace cinebokeh::detail
