// Mean field inference on Cuda. Slicing the lattice, updating the pixels and splatting their new beliefs is one launch;
// between two of those lie the blur of the lattice and the smoothness filter.
#pragma once
#include "cinebokeh/crf.hpp"
#if CINEBOKEH_GRID
#include "kernels/crf_smoothness_cuda.cuh"
#include "kernels/lattice_filter_cuda.cuh"

namespace cinebokeh {
namespace detail {
inline LatticeLayout crf_layout(Size size) { return {size, 32}; }

struct CrfFeatures {
    Image<const Rgba8, DeviceSpace> image;
    float position, colour;  // standard deviations per pixel, per code

    __device__ void operator()(int x, int y, float (&f)[5]) const {
        const Rgba8 pixel = image(x, y);
        f[0] = float(x) * position, f[1] = float(y) * position;
        for (int c = 0; c < 3; ++c) f[2 + c] = float(pixel[c]) * colour;
    }
};
struct CrfOnes {
    static constexpr bool slices = false, splats = true;
    __device__ float operator()(int, int, float) const { return 1; }
};

/// Functor over pixels: the first beliefs.
struct CrfStart {
    Image<const float, DeviceSpace> probability;
    Image<float, DeviceSpace> unary, belief;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const float p = probability(x, y);
        unary(x, y) = crf_logit(p == p ? p : .5f);
        belief(x, y) = crf_belief(unary(x, y));
    }
};
/// What comes out of K 1 is D; splats the first beliefs.
struct CrfNormalize {
    static constexpr bool slices = true, splats = true;
    Image<const float, DeviceSpace> belief;
    Image<float, DeviceSpace> norm;

    __device__ float operator()(int x, int y, float sliced) const {
        norm(x, y) = 1 / sqrtf(sliced);
        return belief(x, y) * norm(x, y);
    }
};
/// One iteration at a pixel.
template <bool last>
struct CrfUpdate {
    static constexpr bool slices = true, splats = !last;
    Image<const float, DeviceSpace> unary, norm, message;  // empty: without the potential
    float weight;
    Image<float, DeviceSpace> out;  // beliefs, or probabilities at the end

    CINEBOKEH_HD float operator()(int x, int y, float sliced) const {
        const float n = norm.data ? norm(x, y) : 0;
        const float logit = unary(x, y) + weight * n * sliced + (message.data ? message(x, y) : 0);
        const float belief = crf_belief(logit);
        out(x, y) = last ? .5f + .5f * belief : belief;
        return belief * n;
    }
};
/// The same without a lattice, as a functor over pixels.
template <bool last>
struct CrfUpdateAlone {
    CrfUpdate<last> update;
    CINEBOKEH_HD void operator()(int x, int y) const { update(x, y, 0); }
};

/// What both CRFs have: the two filters and the normalisation of the appearance potential.
class CrfFiltersCuda {
public:
    CrfFiltersCuda(Cuda& exec, Size max_size, int channels, const CrfParams& with)
        : params(with),
          lattice(exec, crf_layout(max_size), 6 * int(max_size.area())),
          smoothness(exec, max_size, channels, with.smoothness_sxy),
          norm(exec, max_size) {}

    /// Places the pixels on the lattice and blurs a value of one at each.
    void build(Image<const Rgba8, DeviceSpace> image) {
        lattice.begin(feature_bounds(params, image.size));
        const CrfFeatures features{image, 1 / params.appearance_sxy, 1 / params.appearance_srgb};
        lattice.build(crf_layout(image.size), features);
        lattice.pass(crf_layout(image.size), CrfOnes{});
        lattice.blur(false);
    }

    CrfParams params;
    LatticeCuda<5> lattice;
    SmoothnessCuda smoothness;
    Buffer<float, Cuda> norm;  // [h, w] D^-1/2
};

class BinaryCrfCuda {
public:
    BinaryCrfCuda(Cuda& exec, Size max_size, const CrfParams& params = {})
        : exec_(&exec),
          max_size_(max_size),
          filters_(exec, max_size, 1, checked(params, max_size)),
          unary_(exec, max_size),
          belief_(exec, max_size),
          message_(exec, max_size) {}

    void operator()(Image<const Rgba8, DeviceSpace> image, Image<const float, DeviceSpace> probability,
                    Image<float, DeviceSpace> refined) {
        const Size size = image.size;
        require_binary_crf(size, max_size_, probability.size, refined.size);
        const auto part = [&](Buffer<float, Cuda>& b) { return b.view().crop(0, 0, size); };
        const bool appearance = params().appearance_weight > 0, smoothness = params().smoothness_weight > 0;
        for_each_pixel(*exec_, size, CrfStart{probability, part(unary_), part(belief_)});
        if (params().iterations == 0) update<true>(refined, false);
        if (smoothness) filters_.smoothness.resize(size);
        if (appearance && params().iterations > 0) {
            filters_.build(image);
            filters_.lattice.pass(crf_layout(size), CrfNormalize{part(belief_), part(filters_.norm)});
        }
        for (int i = 0; i < params().iterations; ++i) {
            if (appearance) filters_.lattice.blur(false);
            if (smoothness) filters_.smoothness.apply(part(belief_), params().smoothness_weight, part(message_));
            i + 1 == params().iterations ? update<true>(refined, true) : update<false>(part(belief_), true);
        }
    }

    const CrfParams& params() const { return filters_.params; }

private:
    template <bool last>
    void update(Image<float, DeviceSpace> out, bool filtered) {
        const bool appearance = filtered && params().appearance_weight > 0;
        CrfUpdate<last> step{unary_.view(), {}, {}, params().appearance_weight, out};
        if (appearance) step.norm = filters_.norm.view();
        if (filtered && params().smoothness_weight > 0) step.message = message_.view();
        if (appearance)
            filters_.lattice.pass(crf_layout(out.size), step);
        else
            for_each_pixel(*exec_, out.size, CrfUpdateAlone<last>{step});
    }

    Cuda* exec_;
    Size max_size_;
    CrfFiltersCuda filters_;
    Buffer<float, Cuda> unary_, belief_, message_;  // [h, w]
};
}  // namespace detail
}  // namespace cinebokeh
#endif
