// Autofocus: the disparity of what somebody points at, robust against what else is in the window.
//
// The answer is the weighted median of the shortest half: of all intervals of disparity that hold half of the weight,
// the shortest one (the shorth of Andrews et al., "Robust Estimates of Location", 1972). Where two surfaces share the
// window that is the larger of them, never something between, and the nearer one where they are alike.
#pragma once
#include <optional>
#include <vector>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// A rectangle of pixels; what lies outside of the picture counts for nothing.
struct FocusBox {
    int x = 0, y = 0;  // of the top left pixel
    Size size;
};

/// Looks at no more than 16,384 pixels, on a regular grid. Pixels whose disparity is not finite count for nothing.
/// Every call waits for the result: it is a number for the host. Empty where nothing counts.
/// Allocates in the constructor only. Deterministic, and equal between backends.
template <class Exec>
class Autofocus {
public:
    explicit Autofocus(Exec& exec);

    /// The disparity at pixel (x, y), of a square of 2 radius + 1 pixels. Throws Error if radius is negative or (x, y)
    /// lies outside of the picture.
    std::optional<float> at_point(View<const float, Exec> disparity, int x, int y, int radius = 4);
    std::optional<float> in_box(View<const float, Exec> disparity, FocusBox box);
    /// The disparity of the subject: pixels weigh as much as their matte, cut to [0, 1]; below 1/2 (NaN too) they are
    /// not looked at: mixed pixels lie on no surface. Throws Error if the sizes differ.
    std::optional<float> on_matte(View<const float, Exec> disparity, View<const float, Exec> matte);

private:
    std::optional<float> of_samples(View<const float, Exec> disparity, View<const float, Exec> matte, FocusBox box);

    Exec* exec_;
    Buffer<Float2, Exec> samples_;
    std::vector<Float2> host_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/autofocus.hpp"
