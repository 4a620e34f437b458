// How near a rendered picture comes to the true one: PSNR, SSIM, and how alike the two change over time.
//
// SSIM is that of Z. Wang et al., "Image quality assessment: from error visibility to structural similarity" (IEEE
// Transactions on Image Processing, 2004), with its constants: a Gaussian window of 11 x 11 and sigma 1.5, K1 = 0.01,
// K2 = 0.03, L = 255, variances of the window (not estimates of a population). At the border the window is what lies
// in the picture, its weights divided by their sum. Red, green and blue count alike, alpha does not count.
#pragma once
#include <cstdint>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct ImageScore {
    double psnr = 0;    // dB: 10 log10(255^2 / mean squared error); infinite for equal pictures
    double ssim = 0;    // mean over pixels and channels; 1 for equal pictures
    size_t pixels = 0;  // that counted; where none did, psnr and ssim are NaN
};

/// Plan: compares pictures of one size.
///
/// Calculates in double, the squared error in whole numbers. Allocates in the constructor only. Deterministic, whatever
/// the threads.
class ImageQuality {
public:
    /// Throws Error if the size is empty or has more than 2^31 - 1 pixels.
    ImageQuality(Cpu& exec, Size size);

    /// Compares a result with the truth: squared error and SSIM of every pixel, which score() sums.
    ///
    ///   result, truth  [h, w]  sRGB codes; the alpha is not looked at
    ///
    /// Throws Error if a size differs.
    void compare(HostImage<const Rgba8> result, HostImage<const Rgba8> truth);

    /// The score of what was compared last: of all pixels, or of those where `mask` [h, w] is not 0.
    /// Throws Error if nothing was compared, or the size of the mask differs.
    ImageScore score(HostImage<const uint8_t> mask = {});

private:
    Cpu* exec_;
    Size size_;
    bool compared_ = false;
    Buffer<int32_t, Cpu> squares_;  // of the differences, summed over the channels
    Buffer<double, Cpu> ssim_;      // mean over the channels
    Buffer<double, Cpu> columns_;   // of each range of rows: a row of windowed sums along columns
    Buffer<double, Cpu> sums_;      // of each range: pixels, squares, SSIM
};

/// The basic relation loss of two frames of a video, eq. 8 of "Video bokeh rendering: make casual videography
/// cinematic" (2024): the mean over pixels and channels of |(result - result before) - (truth - truth before)|, in
/// units of 255 codes. Its mean over a video is the consistency, eq. 10: 0 where the result flickers as the truth does.
///
/// All four [h, w]. Throws Error if a size differs or is empty. Allocates nothing. Deterministic.
double relation_loss(Cpu& exec, HostImage<const Rgba8> result_before, HostImage<const Rgba8> result,
                     HostImage<const Rgba8> truth_before, HostImage<const Rgba8> truth);
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/image_quality_cpu.hpp"
