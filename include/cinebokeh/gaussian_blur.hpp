// Gaussian blur: the exact separable filter, its taps cut off at a whole radius and normalised.
#pragma once
#include <cmath>
#include <vector>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// The 2 radius + 1 taps of a sampled Gaussian, normalised to sum 1 in double. Throws Error unless sigma is finite and
/// > 0 and radius >= 0. Allocates the result.
inline std::vector<float> gaussian_taps(float sigma, int radius);

/// Blurs images with a Gaussian. T is float, Float2, Float3 or Float4; all channels are filtered alike.
///
/// Beyond the border the image continues with its border pixels (replicate), so a constant image keeps its value up to
/// rounding. Accumulates in float: the error is below (2 radius + 3) * 1.2e-7 of the largest |value| nearby.
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes on each backend, whatever the threads;
/// between backends up to that rounding.
template <class T, class Exec>
class GaussianBlur {
    static_assert(sizeof(T) % sizeof(float) == 0 && sizeof(T) <= 16, "float, Float2, Float3 or Float4");

public:
    /// Plans for images of at most `max_size`. `sigma` in pixels, > 0; `radius` of the filter in pixels, 0 asks for
    /// ceil(3 sigma). Throws Error if sigma is not in (0, 1000] or the radius is negative or above 4096.
    GaussianBlur(Exec& exec, Size max_size, float sigma, int radius = 0);

    /// Blurs `in` [h, w] into `out` [h, w], which may be the same image.
    /// Throws Error if the sizes differ or exceed the plan and, on Cpu, if a value is not finite; `out` is then not
    /// written. On Cuda such a value spreads to the pixels within the radius.
    void operator()(View<const T, Exec> in, View<T, Exec> out);

    int radius() const { return radius_; }

private:
    static int checked_radius(Size max_size, float sigma, int radius);

    Exec* exec_;
    Size max_size_;
    int radius_;
    Buffer<float, Exec> taps_;
    Buffer<T, Exec> columns_;  // blurred along columns; each row has `radius` replicated pixels at both ends
};

// ---------------------------------------------------------------------------- implementation

inline std::vector<float> gaussian_taps(float sigma, int radius) {
    require(sigma > 0 && std::isfinite(sigma), "gaussian_taps: sigma ", sigma, " is not a positive number");
    require(radius >= 0, "gaussian_taps: negative radius ", radius);
    std::vector<double> exact(size_t(2 * radius + 1));
    double sum = 0;
    for (int i = -radius; i <= radius; ++i)
        sum += exact[size_t(i + radius)] = std::exp(-0.5 * i * i / (double(sigma) * double(sigma)));
    std::vector<float> taps(exact.size());
    for (size_t i = 0; i < taps.size(); ++i) taps[i] = float(exact[i] / sum);
    return taps;
}
}  // namespace cinebokeh

#include "kernels/gaussian_blur_cpu.hpp"
#if CINEBOKEH_GRID
#include "kernels/gaussian_blur_cuda.cuh"
#endif

namespace cinebokeh {

template <class T, class Exec>
int GaussianBlur<T, Exec>::checked_radius(Size max_size, float sigma, int radius) {
    require(max_size.width >= 0 && max_size.height >= 0, "GaussianBlur: negative size");
    require(sigma > 0 && sigma <= 1000, "GaussianBlur: sigma ", sigma, " is outside (0, 1000]");
    require(radius >= 0 && radius <= 4096, "GaussianBlur: radius ", radius, " is outside [0, 4096]");
    return radius > 0 ? radius : int(std::ceil(3 * sigma));
}

template <class T, class Exec>
GaussianBlur<T, Exec>::GaussianBlur(Exec& exec, Size max_size, float sigma, int radius)
    : exec_(&exec),
      max_size_(max_size),
      radius_(checked_radius(max_size, sigma, radius)),
      taps_(exec, {2 * radius_ + 1, 1}, gaussian_taps(sigma, radius_)),
      columns_(exec, {max_size.width + 2 * radius_, max_size.height}) {}

template <class T, class Exec>
void GaussianBlur<T, Exec>::operator()(View<const T, Exec> in, View<T, Exec> out) {
    require(in.size == out.size, "GaussianBlur: the input and the output differ in size");
    require(in.size.width <= max_size_.width && in.size.height <= max_size_.height, "GaussianBlur: an image of ",
            in.size.width, " x ", in.size.height, " is larger than the plan");
    if (in.size.empty()) return;
    const Size padded{in.size.width + 2 * radius_, in.size.height};
    detail::gaussian_blur(*exec_, in, taps_.span(), columns_.view().crop(0, 0, padded), out);
}
}  // namespace cinebokeh
