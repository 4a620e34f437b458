// Aperture blur: what an aperture of any shape makes of a plane that is out of focus. One radius for the whole image.
//
// A convolution with the picture of the aperture, by FFT in blocks: its cost hardly grows with the radius, and not at
// all with what the shape is. A disk of a small radius is faster as a stack of runs, see disk_blur.hpp.
#pragma once
#include "cinebokeh/aperture_image.hpp"
#include "cinebokeh/core/buffer.hpp"

#include "kernels/aperture_blur_cpu.hpp"
#if CINEBOKEH_GRID
#include "kernels/aperture_blur_cuda.cuh"
#endif

namespace cinebokeh {

struct ApertureBlurParams {
    float radius = 8;     // half of the longer side of the picture, pixels, in [0, 200]; up to 1/2 nothing is blurred
    float max_value = 1;  // larger values are cut off, in [2^-10, 2^20]
    bool turned = false;  // by 180 degrees, as before the focal plane, where light crosses over
};

/// Blurs Float4 images (linear light, premultiplied) with a picture; all four channels are filtered alike.
///
/// A bright point becomes the picture, its light as evenly strewn over each pixel as area averages make it, see
/// ScaledAperture; the weights sum to 1, so light is kept. Beyond the border the image continues with its border pixels
/// (replicate). Values are cut to [0, max_value], NaN counts as 0, and nothing comes out below 0.
///
/// Precision: that of a float of the brightest value within two reaches, or a few times as much.
///
/// Allocates in the constructor only. Asynchronous on Cuda. Deterministic: yes on each backend, whatever the threads;
/// between backends up to rounding.
template <class Exec>
class ApertureBlur {
public:
    /// Throws Error if the picture is none (see check), or a parameter is outside its range.
    ApertureBlur(Exec& exec, Size max_size, const ApertureImage& picture, ApertureBlurParams params = {})
        : exec_(&exec),
          max_size_(checked(max_size, params)),
          params_(params),
          convolver_(exec, max_size, ScaledAperture::reach(params.radius), 1) {
        const int reach = ScaledAperture::reach(params.radius), side = 2 * reach + 1;
        std::vector<float> weights(size_t(side) * size_t(side));
        ScaledAperture(picture).weights(params.radius, weights.data());
        convolver_.set_filter(exec, 0, reach, weights.data());
    }

    /// Blurs `in` [h, w] into `out` [h, w], another image.
    /// Throws Error if the sizes differ or exceed the plan, or if `out` is `in`.
    void operator()(View<const Float4, Exec> in, View<Float4, Exec> out) {
        require(in.size == out.size, "ApertureBlur: the input and the output differ in size");
        require(in.size.width <= max_size_.width && in.size.height <= max_size_.height, "ApertureBlur: an image of ",
                in.size.width, " x ", in.size.height, " is larger than the plan");
        if (in.size.empty()) return;
        require(in.data != out.data, "ApertureBlur: the input and the output are the same image");
        detail::convolve(*exec_, convolver_, params_.turned, {in, params_.max_value}, out);
    }

private:
    static Size checked(Size max_size, ApertureBlurParams p) {
        require(max_size.width >= 0 && max_size.height >= 0, "ApertureBlur: negative size");
        require(p.radius >= 0 && p.radius <= 200, "ApertureBlur: radius ", p.radius, " is outside [0, 200]");
        require(p.max_value >= 1.f / 1024 && p.max_value <= 1048576, "ApertureBlur: max_value ", p.max_value,
                " is outside [2^-10, 2^20]");
        return max_size;
    }

    Exec* exec_;
    Size max_size_;
    ApertureBlurParams params_;
    detail::BlockConvolver<typename Exec::Space> convolver_;
};
}  // namespace cinebokeh
