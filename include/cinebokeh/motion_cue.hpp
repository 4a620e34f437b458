// Motion cue: does a pixel move like the background or like the subject?
//
// Two affine motions are fitted to the optical flow by RANSAC (Fischler and Bolles 1981), one where the predicted matte
// says background and one where it says subject, and every pixel's flow is compared with both.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/random.hpp"

namespace cinebokeh {

/// (x, y) -> (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), in pixels.
struct AffineMotion {
    Vec<float, 6> m = {{1, 0, 0, 0, 1, 0}};

    CINEBOKEH_HD Float2 operator()(float x, float y) const {
        return {m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
    }
};

/// Fits an affine motion to point pairs: RANSAC over triples, then least squares on the inliers. Allocates nothing.
///
///   from, to   [n]  positions in pixels
///   threshold  pixels; a pair is an inlier where the motion maps `from` at most this far from `to`
///
/// Returns false, and leaves `motion` alone, with fewer than 12 pairs or where they span no area.
/// Deterministic for a given generator state.
bool fit_affine(HostSpan<const Float2> from, HostSpan<const Float2> to, float threshold, Random& random,
                AffineMotion& motion);

struct MotionCueParams {
    int stride = 8;                  // pixels between the flow vectors that are fitted
    float background_threshold = 1;  // pixels, inlier distance of the two fits
    float subject_threshold = 1.5f;
    float near = 30;  // pixels around the subject that teach what background residuals are
};

/// Plan for frames of one size. Cpu; on Cuda it is MotionCueCuda. Allocates in the constructor only.
class MotionCue {
public:
    MotionCue(Cpu& exec, Size image, const MotionCueParams& params = {});

    /// Writes two log odds that a pixel belongs to the subject.
    ///
    ///   flow       [h, w]        displacement in pixels from this frame to the one before
    ///   predicted  [h, w]        matte predicted for this frame, 0..1
    ///   signed_distance [h, w]   pixels to the predicted outline, positive inside
    ///   active     [h, w]        0: the pixel is skipped and gets 0
    ///   salience   [h, w]        out; from how usual the residual to the background's motion is on either side, in +-3
    ///   likeness   [h, w]        out; log((residual to background + 1) / (residual to subject + 1)), in +-2
    ///
    /// An output is 0 everywhere where the motion it needs could not be fitted. Throws Error if sizes differ.
    /// Deterministic: the same for any number of threads.
    void operator()(HostImage<const Float2> flow, HostImage<const float> predicted,
                    HostImage<const float> signed_distance, HostImage<const uint8_t> active, HostImage<float> salience,
                    HostImage<float> likeness);

private:
    static constexpr int levels = 32;        // of the residual, a tenth of a natural log each
    static constexpr int rows_counted = 32;  // by one job
    bool fit(HostImage<const Float2> flow, HostImage<const float> predicted, bool subject, AffineMotion& motion);
    void find_levels(HostImage<const Float2> flow, const AffineMotion& background);
    void learn_levels(HostImage<const float> predicted, HostImage<const float> signed_distance, float* log_ratio);

    Cpu* exec_;
    Size image_;
    MotionCueParams params_;
    Buffer<Float2, Cpu> from_, to_;  // [samples]
    Buffer<uint8_t, Cpu> level_;     // [h, w]
    Buffer<float, Cpu> residual_;    // [h, w], squared pixels, to the background's motion
    Buffer<int, Cpu> counts_;        // [ranges of rows, 2 * levels], on the subject and near it
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/motion_cue_cpu.hpp"
#include "kernels/motion_cue_cuda.cuh"
