// Autofocus: samples are collected on the backend, and judged on the host.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/autofocus.hpp"

namespace cinebokeh {
namespace detail {
constexpr int most_focus_samples = 16384;

template <class Space>
struct CollectFocusSamples {
    Image<const float, Space> disparity, matte;  // the matte may have no data
    int x, y, step;
    Image<Float2, Space> samples;  // value, weight

    CINEBOKEH_HD void operator()(int i, int j) const {
        const int px = x + i * step, py = y + j * step;
        const float d = disparity(px, py), m = matte.data ? matte(px, py) : 1.f;
        const bool finite = d - d == 0;
        samples(i, j) = {finite ? d : 0.f, finite && m >= 0.5f ? (m < 1 ? m : 1.f) : 0.f};
    }
};

// The weighted median of sorted samples [begin, end), which weigh `weight`.
inline float weighted_median(const Float2* begin, const Float2* end, double weight) {
    double sum = 0;
    for (; begin != end - 1; ++begin)
        if ((sum += double((*begin)[1])) >= weight / 2) break;
    return (*begin)[0];
}

// Sorts the samples.
inline std::optional<float> shortest_half(Float2* begin, Float2* end) {
    end = std::remove_if(begin, end, [](Float2 s) { return s[1] == 0; });
    if (begin == end) return {};
    std::sort(begin, end, [](Float2 a, Float2 b) { return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]); });
    double total = 0;
    for (const Float2* s = begin; s != end; ++s) total += double((*s)[1]);

    const Float2 *first = begin, *best_first = begin, *best_last = end - 1;
    double best = INFINITY, best_weight = total, weight = 0;  // of [first, last]
    for (const Float2* last = begin; last != end; ++last) {
        weight += double((*last)[1]);
        while (weight - double((*first)[1]) >= total / 2) weight -= double((*first++)[1]);
        const double length = double((*last)[0]) - double((*first)[0]);
        if (weight >= total / 2 && length <= best)  // equal ones: the nearer
            best = length, best_weight = weight, best_first = first, best_last = last;
    }
    return weighted_median(best_first, best_last + 1, best_weight);
}
}  // namespace detail

template <class Exec>
Autofocus<Exec>::Autofocus(Exec& exec)
    : exec_(&exec), samples_(exec, {detail::most_focus_samples, 1}), host_(size_t(detail::most_focus_samples)) {}

template <class Exec>
std::optional<float> Autofocus<Exec>::at_point(View<const float, Exec> disparity, int x, int y, int radius) {
    require(radius >= 0, "Autofocus: radius ", radius, " is negative");
    require(disparity.size.contains(x, y), "Autofocus: the point (", x, ", ", y, ") is outside of the picture of ",
            disparity.size.width, " x ", disparity.size.height);
    radius = std::min(radius, std::max(disparity.size.width, disparity.size.height));
    return of_samples(disparity, {}, {x - radius, y - radius, {2 * radius + 1, 2 * radius + 1}});
}

template <class Exec>
std::optional<float> Autofocus<Exec>::in_box(View<const float, Exec> disparity, FocusBox box) {
    return of_samples(disparity, {}, box);
}

template <class Exec>
std::optional<float> Autofocus<Exec>::on_matte(View<const float, Exec> disparity, View<const float, Exec> matte) {
    require(disparity.size == matte.size, "Autofocus: the disparity and the matte differ in size");
    return of_samples(disparity, matte, {0, 0, disparity.size});
}

template <class Exec>
std::optional<float> Autofocus<Exec>::of_samples(View<const float, Exec> disparity, View<const float, Exec> matte,
                                                 FocusBox box) {
    const int64_t right = std::min<int64_t>(int64_t(box.x) + box.size.width, disparity.size.width);
    const int64_t bottom = std::min<int64_t>(int64_t(box.y) + box.size.height, disparity.size.height);
    const int x = std::max(box.x, 0), y = std::max(box.y, 0);
    const Size inside{int(right - x), int(bottom - y)};
    if (right <= x || bottom <= y) return {};
    int step = 1;
    const auto grid = [&] { return Size{ceil_div(inside.width, step), ceil_div(inside.height, step)}; };
    while (grid().area() > size_t(detail::most_focus_samples)) ++step;
    const View<Float2, Exec> samples(samples_.view().data, grid());
    for_each_pixel(*exec_, grid(),
                   detail::CollectFocusSamples<typename Exec::Space>{disparity, matte, x, y, step, samples});
    copy(*exec_, View<const Float2, Exec>(samples), HostImage<Float2>(host_.data(), grid()));
    exec_->synchronize();
    return detail::shortest_half(host_.data(), host_.data() + grid().area());
}
}  // namespace cinebokeh
