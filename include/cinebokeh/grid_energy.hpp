// The energy of a graph cut on a pixel grid: a unary logit per pixel and a contrast-sensitive Potts term.
//
// Boykov and Jolly, "Interactive graph cuts for optimal boundary and region segmentation" (ICCV 2001), with the
// contrast scale of Rother et al., "GrabCut" (2004). Two neighbours of different label pay
//   w = lambda / distance * (floor + (1 - floor) * exp(-beta * |dI|^2)),   beta = 1 / (2 * mean of |dI|^2),
// where dI is the difference of their red, green and blue (0..255), distance is 1 or sqrt(2), and the mean runs over
// the horizontal and vertical neighbours of the whole image. A pixel with logit u pays u for being background if u > 0,
// and -u for being foreground if u < 0.
//
// Pixels that are not active, or whose logit is beyond a limit, keep the sign of their logit: their edges to active
// pixels are folded into the terminals of those, and the cut never looks at them. That is what makes a narrow band
// cheap.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/maxflow.hpp"

namespace cinebokeh {

struct GridEnergyParams {
    float lambda = 3;              // weight of the Potts term against the logits, >= 0
    float contrast_floor = 0.02f;  // share of lambda that even the strongest edge pays, in [0, 1]
    float scale = 1000;            // integer capacity units per 1.0, > 0
    float inside_limit = 8;        // pixels with |logit| of at least this are fixed, > 0
};

/// Plan: turns images of one size into the capacities of a max-flow problem.
template <class Exec>
class GridEnergy {
public:
    using Space = typename Exec::Space;

    /// Throws Error if the size is empty. Allocates 13 bytes a pixel with four neighbours, 21
    /// with eight.
    GridEnergy(Exec& exec, Size size, Connectivity connectivity);

    /// Computes the capacities.
    ///
    ///   image   [h, w]  alpha is ignored
    ///   logit   [h, w]  unary: log of foreground over background; a NaN counts as a pixel fixed to the background
    ///   active  [h, w]  0: the label is fixed to foreground where logit > 0, else to background
    ///
    /// Throws Error if a size differs, a parameter is out of its range, or (inside_limit + 8 lambda) * scale exceeds
    /// max_capacity. Allocates nothing. Asynchronous on Cuda. Deterministic: bit-equal between runs and backends. The
    /// weight errs by half a capacity unit of rounding and 3e-5 lambda of the fixed-point exponential.
    void operator()(View<const Rgba8, Exec> image, View<const float, Exec> logit, View<const uint8_t, Exec> active,
                    const GridEnergyParams& params);

    /// What the last call computed, for GridMaxflow; a fixed pixel has no edges and a terminal of +-1. The diagonals
    /// are empty with four neighbours.
    GridCapacities<Space> capacities() const;

private:
    Exec* exec_;
    Size size_;
    Connectivity connectivity_;
    Buffer<uint32_t, Exec> partial_sums_;
    Buffer<uint64_t, Exec> row_sums_;
    Buffer<float, Exec> beta_;
    Buffer<uint8_t, Exec> state_;
    Buffer<int, Exec> terminal_, right_, down_, down_right_, down_left_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/grid_energy.hpp"
