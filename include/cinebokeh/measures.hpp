// How well a sequence of masks matches the truth: region similarity J, contour accuracy F, and their statistics.
//
// Perazzi et al., "A benchmark dataset and evaluation methodology for video object segmentation" (CVPR 2016), equal to
// its reference implementation to the last bit: boundary map, tolerance disk, and what empty masks score.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Returns |a and b| / |a or b|, the Jaccard index J; 1 where both are empty. Any value but 0 counts as object.
///
///   a, b  [h, w]
///
/// Throws Error if the sizes differ or are empty. Allocates nothing; on Cuda it waits for the result. Deterministic.
double intersection_over_union(Cpu& exec, HostImage<const uint8_t> a, HostImage<const uint8_t> b);
#if CINEBOKEH_GRID
double intersection_over_union(Cuda& exec, Image<const uint8_t, DeviceSpace> a, Image<const uint8_t, DeviceSpace> b);
#endif

struct ContourScore {
    double precision = 0;  // share of the result's boundary that lies near the truth's
    double recall = 0;     // share of the truth's boundary that lies near the result's
    double f = 0;          // their harmonic mean
};

namespace detail {
class ContourAccuracyCpu;
class ContourAccuracyCuda;
}  // namespace detail

/// Plan: the contour accuracy F of masks of one size.
///
///   ContourAccuracy<Exec> contour(exec, size, tolerance = 0.008);
///   ContourScore score = contour(result, truth);
///
///   result, truth  [h, w]  any value but 0 counts as object
///
/// Two boundary pixels match within ceil(tolerance * diagonal) pixels, which radius() returns; a tolerance of 1 or more
/// is in pixels. Two empty boundaries score 1, one empty boundary 0. The constructor throws Error if the size is empty
/// or the tolerance is not in [0, 1000], and allocates less than a byte a pixel. The call throws Error if a size
/// differs; it allocates nothing, and on Cuda waits for the result. Deterministic, and equal on all backends.
template <class Exec>
using ContourAccuracy = ForSpace<Exec, detail::ContourAccuracyCpu, detail::ContourAccuracyCuda>;

namespace detail {
/// The disk x^2 + y^2 <= radius^2 of a tolerance.
struct ToleranceDisk {
    int radius;
    ToleranceDisk(Size size, double tolerance);
    std::vector<int> half_widths() const;  // by row from the centre, [radius + 1]
};

class ContourAccuracyCpu {
public:
    ContourAccuracyCpu(Cpu& exec, Size size, double tolerance = 0.008);
    ContourScore operator()(HostImage<const uint8_t> result, HostImage<const uint8_t> truth);
    int radius() const { return disk_.radius; }

private:
    Cpu* exec_;
    Size size_;
    ToleranceDisk disk_;
    Buffer<uint64_t, Cpu> bits_;   // of each mask: mask, boundary, dilated boundary; 64 pixels to a word
    Buffer<uint64_t, Cpu> grown_;  // of each mask: a boundary row, dilated along x step by step
    Buffer<int, Cpu> half_width_;  // of the disk, by row
};
}  // namespace detail

/// How the bins of the decay are cut. The reference stores their ends as bytes, which wrap after 256 frames.
enum class DecayBins { reference, exact };

struct SequenceStatistics {
    double mean = 0;
    double recall = 0;  // share of the frames that score above 0.5
    double decay = 0;   // mean of the first quarter minus mean of the last
};

/// Summarises the scores of all frames of a sequence; the first and the last frame are left out.
///
///   scores  [frames]  finite, except for the first and the last
///
/// Throws Error for fewer than 3 frames or a score that is not finite. The decay is NaN where a wrapped bin of
/// DecayBins::reference is empty. Allocates nothing. Deterministic.
SequenceStatistics sequence_statistics(HostSpan<const double> scores, DecayBins bins = DecayBins::exact);
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/measures_cpu.hpp"
#include "kernels/measures_cuda.cuh"
