// Template matte: from a template that was found in a frame to a matte of the frame, pixel by pixel.
//
// The similarity and dissimilarity functions of seed-style template propagation, made to bear small deformations: a
// pixel is compared with all pixels of the placed template in a window around it, and what counts is which is more like
// it, the nearest pixel of the subject or the nearest of the background.
#pragma once
#include <cmath>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/moments.hpp"

namespace cinebokeh {

/// Where a crop lies in an image: pixel (u, v) of the crop at corner + scale * (u, v).
struct Placement {
    Float2 corner = {0, 0};
    float scale = 1;
};

/// Writes out(x, y) = in((x, y) placed), bilinear; outside the image the border pixel is read.
///
///   in   [h, w]    not empty
///   out  [h', w']  out
///
/// Throws Error if `in` is empty or the placement is not finite. Allocates nothing; asynchronous on Cuda.
template <class Exec>
void sample_window(Exec& exec, View<const uint8_t, Exec> in, const Placement& placement, View<uint8_t, Exec> out);

/// Writes the matte of a crop where it was placed, bilinear, and 0 around it.
template <class Exec>
void place_matte(Exec& exec, View<const float, Exec> crop, const Placement& placement, View<float, Exec> out);

/// The smallest box around the pixels above `threshold`; empty where there is none. Cpu. Allocates nothing.
Box bounding_box(Cpu& exec, HostImage<const float> matte, float threshold);

/// The area of the intersection over the area of the union (the J measure) of two mattes at .5; 1 where both are empty.
/// Throws Error if the sizes differ. Cpu. Allocates nothing.
double overlap(Cpu& exec, HostImage<const float> a, HostImage<const float> b);

/// Clears the parts of a matte that hang together by pixels above .5 (with their 4 neighbours) but have less than
/// `least` of the pixels of the largest part; the soft pixels around a part stay. Allocates in the constructor only.
/// Cpu. Deterministic.
class IslandFilter {
public:
    /// Throws Error if `largest` is empty.
    IslandFilter(Cpu& exec, Size largest);
    /// Throws Error if the matte is larger than the plan or `least` is not in [0, 1].
    void operator()(HostImage<float> matte, float least);

private:
    int flood(HostImage<const float> matte, int x, int y, int label);

    Buffer<int, Cpu> labels_, stack_, areas_;
};

/// How evidence adds up to log odds.
struct FusionWeights {
    float similarity = 1, colour = 1, shape = 1;
    float softness = 8;  // pixels of distance to the outline that count as one unit of shape
    float furthest = 4;  // units of shape at most, outside
    float bias = 0;
};

/// Writes sigmoid(ws similarity + wc colour + wp clamp(distance / softness, -furthest, 1) + bias), number by number; a
/// cue that is NaN counts as 0.
///
///   similarity, colour  [h, w]  log odds
///   distance            [h, w]  signed distance to the outline of the placed matte, pixels, positive inside
///   probability         [h, w]  out, in (0, 1)
///
/// Throws Error if sizes differ. Allocates nothing; asynchronous on Cuda.
template <class Exec>
void fuse_evidence(Exec& exec, View<const float, Exec> similarity, View<const float, Exec> colour,
                   View<const float, Exec> distance, const FusionWeights& weights, View<float, Exec> probability);

struct TemplateSimilarityParams {
    int window = 8;             // pixels to each side that a part of the subject may have moved within the template
    int step = 2;               // between the displacements that are tried
    float displacement = .15f;  // added to the distance, per squared pixel of displacement
    float floor = 12;           // squared Lab distance below which neither side is trusted much
    float gain = 3;             // log odds of a perfect match
};

/// Plan of the evidence that templates give about a region of a frame.
///
/// Distances are the mean squared differences of 3 x 3 pixels in Lab, lightness halved. Cpu. Allocates in the
/// constructor only. Deterministic: the same for any number of threads.
class TemplateSimilarity {
public:
    /// Throws Error if the region is empty or a parameter is out of range (window 0..64, step >= 1, the rest >= 0).
    TemplateSimilarity(Cpu& exec, Size largest_region, const TemplateSimilarityParams& params = {});

    /// Begins with a region [h, w] of the frame, CIE Lab, and no template.
    void begin(HostImage<const Float3> region);

    /// Compares the region with a template that was placed in it.
    ///
    ///   crop   [h', w']  CIE Lab
    ///   matte  [h', w']  0..1; above .5 is the subject; NaN is neither
    ///
    /// Throws Error if the sizes differ or the placement is not finite with a positive scale.
    void add(HostImage<const Float3> crop, HostImage<const float> matte, const Placement& placement);

    /// Writes gain (b - s) / (b + s + floor), s and b the smallest distances to the subject and to the background in
    /// any template; 0 where no template reaches. Throws Error if the size is not that of the region.
    void log_odds(HostImage<float> out) const;

private:
    void place_row(HostImage<const Float3> crop, HostImage<const float> matte, const Placement& placement, int row);
    void compare_rows(int begin, int end, int job);

    Cpu* exec_;
    TemplateSimilarityParams params_;
    Size largest_, size_;
    Buffer<float, Cpu> region_;                        // [3][h + 2, w + 2]: L / 2, a, b, the border replicated
    Buffer<float, Cpu> placed_;                        // [3][h + 2 r, w + 2 r], r = window + 1
    Buffer<float, Cpu> not_subject_, not_background_;  // [h + 2 r, w + 2 r]: 0 or a prohibitive distance
    Buffer<float, Cpu> subject_, background_;          // [h, w] smallest distances
    Buffer<float, Cpu> sums_;                          // per job: [rows of a band + 2][w]
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/template_matte.hpp"
#include "kernels/template_matte_cpu.hpp"
