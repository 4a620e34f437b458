// Global colour model: two smoothed colour histograms, of the subject and of the background, and their log-likelihood
// ratio (Swain and Ballard, "Color Indexing", IJCV 1991, turned into a Bayesian likelihood).
#pragma once
#include <algorithm>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Normalised histograms of the two sides over levels^3 bins of red, green and blue. Cpu; on Cuda it is
/// ColorHistogramCuda. Allocates in the constructor.
class ColorHistogram {
public:
    static constexpr int levels = 24;
    static constexpr int bins = levels * levels * levels;

    explicit ColorHistogram(Cpu& exec);

    /// Counts the pixels of a frame: the subject's (matte above .6) with the matte as weight, the background's (below
    /// .4) with `background_weight`; then smooths (Gaussian, sigma .7 bins) and normalises each to a sum of one. A side
    /// without pixels becomes all zeros.
    ///
    ///   image              [h, w]
    ///   matte              [h, w]  0..1; NaN is on neither side
    ///   background_weight  [h, w]  >= 0
    ///
    /// Throws Error if sizes differ. Allocates nothing. Deterministic.
    void count(HostImage<const Rgba8> image, HostImage<const float> matte, HostImage<const float> background_weight);

    /// this = keep * this + (1 - keep) * other, side by side.
    void blend(const ColorHistogram& other, float keep_subject, float keep_background);
    void copy_from(const ColorHistogram& other) { blend(other, 0, 0); }

    /// Writes log((p(colour | subject) + e) / (p(colour | background) + e)), e = .3 / bins, clamped to +-limit.
    ///
    ///   active    [h, w]  0: the pixel is skipped and gets 0
    ///   log_odds  [h, w]  out
    void log_odds(HostImage<const Rgba8> image, HostImage<const uint8_t> active, float limit,
                  HostImage<float> log_odds) const;

private:
    static int bin_of(Rgba8 p) {
        return ((p[0] * levels >> 8) * levels + (p[1] * levels >> 8)) * levels + (p[2] * levels >> 8);
    }
    void smooth_and_normalise(float* histogram);

    Cpu* exec_;
    Buffer<float, Cpu> sides_;          // [2, bins]: subject, background
    Buffer<float, Cpu> scratch_;        // [2, bins]
    mutable Buffer<float, Cpu> table_;  // [bins], of the log odds being written
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/color_histogram_cpu.hpp"
#include "kernels/color_histogram_cuda.cuh"
