// Dense CRF: refines a soft segmentation so that it follows the edges of the image.
//
// Every pair of pixels is connected (Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with
// Gaussian Edge Potentials", NIPS 2011). Mean field inference alternates a Gaussian filter over all pixels with an
// update of each pixel's marginals. The smoothness potential is a Gaussian of the position, filtered exactly (cut off
// beyond 4 standard deviations: 1e-4 of the weight); the appearance potential is a Gaussian of position and colour,
// filtered on a permutohedral lattice. Both are normalised symmetrically, D^-1/2 K D^-1/2. As in the authors' program,
// a pixel's message to itself stays in the sum.
#pragma once
#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/lattice.hpp"
#include "kernels/crf_pixel.hpp"
#include "kernels/crf_smoothness_cpu.hpp"
#include "kernels/crf_tiles_cpu.hpp"

namespace cinebokeh {

/// Equation 3 of the paper. The program of its authors calls sxy and srgb by these names, and the weights compat.
struct CrfParams {
    float smoothness_sxy = 3;      // pixels, standard deviation
    float smoothness_weight = 3;   // 0 switches the potential off
    float appearance_sxy = 50;     // pixels
    float appearance_srgb = 13;    // sRGB values, 0 to 255
    float appearance_weight = 10;  // 0 switches the potential off
    int iterations = 5;            // 0: the unary potential alone
};

namespace detail {
class BinaryCrfCpu;
class BinaryCrfCuda;
class DenseCrfCpu;
class DenseCrfCuda;
}  // namespace detail

/// Plan for two labels, foreground and background, with the Potts model.
///
///   BinaryCrf<Exec> crf(exec, max_size, params);
///   crf(image, probability, refined);
///
///   image        [h, w]  sRGB; alpha is ignored
///   probability  [h, w]  of the foreground, clamped to [1e-5, 1 - 1e-5]; its logit is the unary potential
///   refined      [h, w]  out, the marginals of the foreground, 0 to 1; may be the same memory as probability
///
/// Two labels need one channel: the message is w K (Q1 - Q0), added to the logit of the foreground. The constructor
/// throws Error if a parameter is negative or not finite, a standard deviation is not positive, or if the appearance
/// features span more cells than the lattice can tell apart, as with an appearance_srgb below about 0.4. It allocates
/// 650 bytes per pixel (900 on Cuda), enough for an image of pure noise; a natural image touches a tenth of that.
///
/// The call takes any size up to max_size on both sides. It throws Error if the sizes differ, are empty or too large,
/// and on Cpu if a probability is not a number (`refined` is then not written; on Cuda it counts as 1/2). It allocates
/// nothing, and is asynchronous on Cuda. Deterministic: the same bits for any number of threads, and between runs on
/// Cuda. The backends differ by the fixed point of the splat (2^-18), amplified by the iterations: 2e-3 at most.
template <class Exec>
using BinaryCrf = ForSpace<Exec, detail::BinaryCrfCpu, detail::BinaryCrfCuda>;

/// Plan for any number of labels, with the Potts model or a compatibility matrix.
///
///   DenseCrf<Exec> crf(exec, max_size, labels, params, compatibility);
///   crf(image, unary, marginals);
///
///   compatibility  [labels, labels]  a std::vector, row by row: mu(l, l') is the cost of label l beside label l'
///                                    (equation 3 of the paper), and may be negative. None asks for the Potts model: 1
///                                    off the diagonal, 0 on it.
///   image          [h, w]            sRGB; alpha is ignored
///   unary          [h, w, labels]    energies, -ln of the probabilities; an image of w * labels columns, labels
///                                    innermost
///   marginals      [h, w, labels]    out, 0 to 1, the labels of a pixel sum to one; may be the same memory as unary
///
/// Each label is filtered as a channel of its own; for two labels BinaryCrf computes the same in half the time. The
/// constructor throws Error as BinaryCrf does, for fewer than 1 or more than 256 labels, or for a matrix of the wrong
/// size or with a number that is not finite; it allocates.
///
/// The call takes any size up to max_size on both sides. It throws Error if the sizes differ, are empty or too large,
/// and on Cpu if an energy is not finite (`marginals` is then not written; on Cuda it counts as +-1e30, a NaN as 0). It
/// allocates nothing, and is asynchronous on Cuda. Deterministic as BinaryCrf is.
template <class Exec>
using DenseCrf = ForSpace<Exec, detail::DenseCrfCpu, detail::DenseCrfCuda>;

namespace detail {
inline void require_binary_crf(Size size, Size max_size, Size probability, Size refined) {
    require(!size.empty() && size.width <= max_size.width && size.height <= max_size.height, "BinaryCrf: an image of ",
            size.width, " x ", size.height, " for a plan of at most ", max_size.width, " x ", max_size.height);
    require(probability == size && refined == size, "BinaryCrf: image, probability and refined differ in size");
}
inline void require_dense_crf(Size size, Size max_size, Size wide, Size unary, Size marginals) {
    require(!size.empty() && size.width <= max_size.width && size.height <= max_size.height, "DenseCrf: an image of ",
            size.width, " x ", size.height, " for a plan of at most ", max_size.width, " x ", max_size.height);
    require(unary == wide && marginals == wide, "DenseCrf: unary and marginals are not ", wide.width, " x ",
            wide.height);
}

class BinaryCrfCpu {
public:
    BinaryCrfCpu(Cpu& exec, Size max_size, const CrfParams& params = {});

    void operator()(HostImage<const Rgba8> image, HostImage<const float> probability, HostImage<float> refined);

    const CrfParams& params() const { return params_; }

private:
    using Lattice = TiledLattice<5>;
    using Scratch = Lattice::Scratch;

    void start(HostImage<const float> probability);
    void normalize(HostImage<const Rgba8> image);
    void update_tile(Scratch& scratch, int t, HostImage<float> refined, bool last);

    Cpu* exec_;
    CrfParams params_;
    Size max_size_;
    CrfTiles tiles_;
    Lattice lattice_;
    SmoothnessFilter smoothness_;
    Buffer<float, Cpu> unary_;    // [tile, point] logit
    Buffer<float, Cpu> norm_;     // [tile, point] of the appearance potential, D^-1/2
    Buffer<float, Cpu> belief_;   // [h, w] Q1 - Q0
    Buffer<float, Cpu> message_;  // [h, w] of the smoothness potential
};

class DenseCrfCpu {
public:
    DenseCrfCpu(Cpu& exec, Size max_size, int labels, const CrfParams& params = {},
                const std::vector<float>& compatibility = {});

    void operator()(HostImage<const Rgba8> image, HostImage<const float> unary, HostImage<float> marginals);

    int labels() const { return labels_; }
    const CrfParams& params() const { return params_; }

private:
    using Lattice = TiledLattice<5>;
    using Scratch = Lattice::Scratch;

    void normalize(HostImage<const Rgba8> image);
    void add_appearance_message(int label);
    void update(HostImage<float> marginals, bool first);

    Cpu* exec_;
    CrfParams params_;
    Size max_size_;
    int labels_;
    CrfTiles tiles_;
    Lattice lattice_;
    SmoothnessFilter smoothness_;
    Buffer<float, Cpu> compatibility_;  // [labels, labels], empty for Potts
    Buffer<float, Cpu> norm_;           // [tile, point] of the appearance potential, D^-1/2
    Buffer<float, Cpu> unary_;          // [h, w, labels]
    Buffer<float, Cpu> belief_;         // [h, w, labels] the marginals of the iteration
    Buffer<float, Cpu> message_;        // [h, w, labels]
};
}  // namespace detail
}  // namespace cinebokeh

// ---------------------------------------------------------------------------------------------------- implementation

#include "kernels/crf_cpu.hpp"
#include "kernels/crf_cuda.cuh"
#include "kernels/crf_labels_cpu.hpp"
#include "kernels/crf_labels_cuda.cuh"
