// Dilation and erosion with a disk: the largest, or smallest, value within a distance.
//
// The disk holds the offsets with x^2 + y^2 <= radius^2 (radius need not be whole). It is a stack of horizontal runs,
// and the extreme of a run of any length is that of two overlapping runs of a power of two (the sparse table of Bender
// and Farach-Colton, "The LCA problem revisited", LATIN 2000), so a pixel costs 2 radius + 1 pairs of comparisons.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Dilates and erodes images of one size or smaller. T is uint8_t (binary or grey) or float.
///
/// Pixels outside the image do not take part, nor do values that are NaN; where nothing is left the result of a
/// dilation is the lowest value of T, of an erosion the highest. Exact. Allocates in the constructor only. Asynchronous
/// on Cuda. Deterministic: yes, and equal between backends bit for bit.
template <class T, class Exec>
class Morphology {
    static_assert(std::is_same_v<T, uint8_t> || std::is_same_v<T, float>);

public:
    /// `radius` in pixels, in [0, 1000]. Throws Error if it is outside.
    Morphology(Exec& exec, Size max_size, float radius);

    /// Writes the largest value within the radius of each pixel of `in` [h, w] to `out` [h, w], another image.
    /// Throws Error if the sizes differ or exceed the plan, or if `out` is `in`.
    void dilate(View<const T, Exec> in, View<T, Exec> out);
    /// Writes the smallest value within the radius of each pixel; otherwise like dilate.
    void erode(View<const T, Exec> in, View<T, Exec> out);

private:
    template <class Extreme>
    void run(View<const T, Exec> in, View<T, Exec> out);

    Exec* exec_;
    Size max_size_;
    int rows_;                       // above and below the centre of the disk
    Buffer<int, Exec> half_widths_;  // of the runs, [0] at the centre of the disk
    Buffer<T, Exec> runs_;           // extremes of runs of 1, 2, 4... pixels
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation

#include "kernels/morphology.hpp"

namespace cinebokeh {

template <class T, class Exec>
Morphology<T, Exec>::Morphology(Exec& exec, Size max_size, float radius) : exec_(&exec), max_size_(max_size) {
    require(max_size.width >= 0 && max_size.height >= 0, "Morphology: negative size");
    require(radius >= 0 && radius <= 1000, "Morphology: radius ", radius, " is outside [0, 1000]");
    rows_ = int(radius);
    std::vector<int> half_widths;
    for (int dy = 0; dy <= rows_; ++dy) {
        int half = rows_;
        while (double(half) * half + double(dy) * dy > double(radius) * double(radius)) --half;
        half_widths.push_back(half);
    }
    half_widths_ = Buffer<int, Exec>(exec, {int(half_widths.size()), 1}, half_widths);
    runs_ = Buffer<T, Exec>(exec, detail::runs_size(exec, max_size, rows_));
}

template <class T, class Exec>
template <class Extreme>
void Morphology<T, Exec>::run(View<const T, Exec> in, View<T, Exec> out) {
    require(in.size == out.size, "Morphology: the input and the output differ in size");
    require(in.size.width <= max_size_.width && in.size.height <= max_size_.height, "Morphology: an image of ",
            in.size.width, " x ", in.size.height, " is larger than the plan");
    if (in.size.empty()) return;
    require(in.data != out.data, "Morphology: the input and the output are the same image");
    detail::morphology<Extreme>(*exec_, in, half_widths_.span(), runs_.view(), out);
}

template <class T, class Exec>
void Morphology<T, Exec>::dilate(View<const T, Exec> in, View<T, Exec> out) {
    run<detail::Largest<T>>(in, out);
}
template <class T, class Exec>
void Morphology<T, Exec>::erode(View<const T, Exec> in, View<T, Exec> out) {
    run<detail::Smallest<T>>(in, out);
}
}  // namespace cinebokeh
