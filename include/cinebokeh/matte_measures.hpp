// How good a matte is: as a segmentation, as a matte, and over time.
//
// MAD, MSE, and the gradient and connectivity errors of C. Rhemann et al., "A perceptually motivated online benchmark
// for image matting" (CVPR 2009), section 3; dtSSD of M. Erofeev et al., "Perceptually motivated benchmark for video
// matting" (BMVC 2015). All pixels count: there is no trimap. Mattes are in [0, 1].
#pragma once
#include <cstdint>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Pixels by what the result says (positive: above the threshold) and whether that is so. Sums of them are those of
/// several pictures.
struct ConfusionMatrix {
    int64_t true_positive = 0, false_positive = 0, false_negative = 0, true_negative = 0;

    int64_t count() const { return true_positive + false_positive + false_negative + true_negative; }
    /// |both| / |either|; 1 where both are empty.
    double intersection_over_union() const {
        const int64_t either = true_positive + false_positive + false_negative;
        return either > 0 ? double(true_positive) / double(either) : 1;
    }
    /// The share of pixels that are right; 1 of none.
    double accuracy() const { return count() > 0 ? double(true_positive + true_negative) / double(count()) : 1; }
    ConfusionMatrix& operator+=(const ConfusionMatrix& other) {
        true_positive += other.true_positive, false_positive += other.false_positive;
        false_negative += other.false_negative, true_negative += other.true_negative;
        return *this;
    }
};

struct AlphaError {
    double mean_absolute = 0;  // MAD
    double mean_squared = 0;   // MSE
};

/// Plan: measures on pictures of one size, which all arguments must have: [h, w].
///
/// Calculates in double. Throws Error in the constructor if the size is empty or has more than 2^31 - 1 pixels, and in
/// calls if a size differs. Values that are not finite make the result so. Allocates in the constructor only.
/// Deterministic, whatever the threads.
class MatteMeasures {
public:
    MatteMeasures(Cpu& exec, Size size);

    ConfusionMatrix confusion(HostImage<const float> result, HostImage<const float> truth, float threshold = 0.5f);
    AlphaError error(HostImage<const float> result, HostImage<const float> truth);

    /// The sum over all pixels of (|grad result| - |grad truth|)^2. The gradients are those of a Gaussian of sigma 1.4
    /// pixels, cut off at 4, each filter normalised to the sum of squares 1; the border is replicated. Papers print it
    /// divided by 1000.
    double gradient(HostImage<const float> result, HostImage<const float> truth);

    /// The sum over all pixels of |phi(result) - phi(truth)|. A pixel of value v is connected at the level l, the
    /// largest of 0, .1, ... 1 up to which it belongs to the largest 4-connected region (of equal ones the first, row
    /// by row) where both mattes reach the level; phi = 1 - (v - l) where v - l >= .15, else 1. Papers print it divided
    /// by 1000.
    double connectivity(HostImage<const float> result, HostImage<const float> truth);

    /// dtSSD of two frames in a row: the root of the mean square of (result - result_before) - (truth - truth_before).
    double temporal(HostImage<const float> result_before, HostImage<const float> result,
                    HostImage<const float> truth_before, HostImage<const float> truth);

private:
    template <class... Images>
    void check(const Images&... images) const;
    template <class Row>
    double sum_of_rows(const Row& row);
    void gradient_magnitude(HostImage<const float> matte, HostImage<double> magnitude);
    void find_largest_region(HostImage<const float> result, HostImage<const float> truth, float level);

    Cpu* exec_;
    Size size_;
    Buffer<double, Cpu> rows_;                                     // partial sums
    Buffer<double, Cpu> smooth_, slope_, magnitude_, magnitude2_;  // filtered along x; of the gradients
    Buffer<int, Cpu> parents_, regions_;                           // union-find over the pixels; pixels by root
    Buffer<uint8_t, Cpu> levels_;                                  // in tenths; 255: none yet
    int largest_ = -1;                                             // root of the largest region
};

/// dtSSD without a truth: the root of the mean square of matte - matte_before, over the pixels where the frame stays as
/// it is and the matte has no reason to change. Those are the pixels of which no channel differs by more than 6 codes;
/// 0 where there are none.
///
///   frame_before, frame, matte_before, matte  [h, w]
///
/// Throws Error if a size differs. Sums to multiples of 2^-24 a row. Allocates nothing. Deterministic, whatever the
/// threads.
double matte_flicker(Cpu& exec, HostImage<const Rgba8> frame_before, HostImage<const Rgba8> frame,
                     HostImage<const float> matte_before, HostImage<const float> matte);
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/matte_measures_cpu.hpp"
