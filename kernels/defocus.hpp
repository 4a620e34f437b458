// The defocus maps, one functor each, for both backends. A difference times a factor: there is nothing a compiler could
// contract, so the backends agree.
#pragma once
#include "cinebokeh/defocus.hpp"

namespace cinebokeh {
namespace detail {

CINEBOKEH_HD inline float defocus_of(float difference, float strength) {
    const float s = difference * strength;  // NaN where the difference is, and of infinity times 0
    return s > 0   ? (s < largest_defocus ? s : largest_defocus)
           : s < 0 ? (s > -largest_defocus ? s : -largest_defocus)
                   : 0.f;
}

template <class Space>
struct DefocusOfDisparity {
    Image<const float, Space> disparity;
    Focus focus;
    Image<float, Space> defocus;

    CINEBOKEH_HD void operator()(int x, int y) const {
        defocus(x, y) = defocus_of(disparity(x, y) - focus.disparity, focus.strength);
    }
};

template <class Space>
struct DefocusOfDepth {
    Image<const float, Space> depth;
    Focus focus;  // in 1 / metre
    Image<float, Space> defocus;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float z = depth(x, y);
        defocus(x, y) = z <= 0 ? largest_defocus : defocus_of(float(1 / double(z)) - focus.disparity, focus.strength);
    }
};
}  // namespace detail

template <class Exec>
void defocus_map(Exec& exec, View<const float, Exec> disparity, Focus focus, View<float, Exec> defocus) {
    require(disparity.size == defocus.size, "defocus_map: the images differ in size");
    require(focus.strength >= 0 && std::isfinite(focus.strength), "defocus_map: strength ", focus.strength,
            " is not a number >= 0");
    require(std::isfinite(focus.disparity), "defocus_map: the disparity in focus, ", focus.disparity,
            ", is not a number");
    for_each_pixel(exec, disparity.size, detail::DefocusOfDisparity<typename Exec::Space>{disparity, focus, defocus});
}

template <class Exec>
void defocus_of_depth(Exec& exec, View<const float, Exec> depth, const Lens& lens, View<float, Exec> defocus) {
    require(depth.size == defocus.size, "defocus_of_depth: the images differ in size");
    if (depth.size.empty()) return;
    for_each_pixel(exec, depth.size,
                   detail::DefocusOfDepth<typename Exec::Space>{depth, focus_of(lens, depth.size.width), defocus});
}
}  // namespace cinebokeh
