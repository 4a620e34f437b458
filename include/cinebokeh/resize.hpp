// Resize: resampling an image to another size.
//
// Pixels are squares with centres at half-integers, so that an image and its resized copy cover the same area (OpenCV's
// convention). Positions are computed with whole numbers: no drift across wide images, and no difference between
// backends in which pixels are read.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh {

enum class ResizeFilter {
    nearest,   // the pixel under the centre of the output pixel
    bilinear,  // between the four nearest pixel centres, the border replicated; aliases where it shrinks below half
    area,      // along each axis: the mean over the output pixel's exact area where it shrinks, else bilinear
};

/// What can be resized: Rgba8, uint8_t, float, Float2, Float3, Float4. Each channel for itself: alpha is straight.
template <class T>
inline constexpr bool resizable = false;

/// Resizes an image.
///
///   in      [h, w]    T
///   filter            see ResizeFilter
///   out     [h', w']  out, T; the size asked for
///
/// 8-bit: area is rounded from the exact mean; bilinear uses weights of 11 bits, within 0.62 of the exact value.
/// float: NaN and infinity spread to the output pixels that read them.
///
/// Throws Error if `in` is empty and `out` is not, or a side exceeds 65535. Allocates nothing. Asynchronous on Cuda.
/// Deterministic; 8-bit images and `nearest` bit-equal between backends, others within 4 roundings.
template <class T>
requires resizable<T>
void resize(Cpu& exec, View<const std::type_identity_t<T>, Cpu> in, ResizeFilter filter, View<T, Cpu> out);
#if CINEBOKEH_GRID
template <class T>
requires resizable<T>
void resize(Cuda& exec, View<const std::type_identity_t<T>, Cuda> in, ResizeFilter filter, View<T, Cuda> out);
#endif

/// The size that `frame` is reduced to so that it has about `pixels` of them; never larger than the frame.
/// Throws Error if the frame is empty or no pixel is asked for.
inline Size reduced_size(Size frame, int pixels) {
    require(!frame.empty() && pixels > 0, "reduced_size: a frame of ", frame.width, " x ", frame.height, " to ", pixels,
            " pixels");
    const double scale = std::min(1.0, std::sqrt(double(pixels) / double(frame.area())));
    return {std::max(1, int(std::lround(frame.width * scale))), std::max(1, int(std::lround(frame.height * scale)))};
}
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/resize_cpu.hpp"
#include "kernels/resize_cuda.cuh"
