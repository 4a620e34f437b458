// Mean field inference for many labels on Cuda: the labels go through the lattice one after the other, and one launch
// takes a label out and puts the next one in.
#pragma once
#include "kernels/crf_cuda.cuh"
#if CINEBOKEH_GRID

namespace cinebokeh::detail {

struct CrfKeepNorm {
    static constexpr bool slices = true, splats = false;
    Image<float, DeviceSpace> norm;
    __device__ float operator()(int x, int y, float sliced) const { return norm(x, y) = 1 / sqrtf(sliced); }
};
/// Adds the message of a label, unless it is the first pass, and splats the next label, unless it is the last.
template <bool first, bool last>
struct CrfLabel {
    static constexpr bool slices = !first, splats = !last;
    Image<const float, DeviceSpace> norm, belief;
    Image<float, DeviceSpace> message;
    int labels, next;
    float weight;

    __device__ float operator()(int x, int y, float sliced) const {
        if constexpr (!first) message(x * labels + next - 1, y) += weight * norm(x, y) * sliced;
        if constexpr (last) return 0;
        return norm(x, y) * belief(x * labels + next, y);
    }
};
/// Functor over the numbers of an image. Energies that are not finite count as the largest, a NaN as 0.
struct CrfTakeEnergies {
    Image<const float, DeviceSpace> in;
    Image<float, DeviceSpace> unary;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float e = in(x, y);
        unary(x, y) = e == e ? e < -1e30f ? -1e30f : e > 1e30f ? 1e30f : e : 0;
    }
};
struct CrfZero {
    Image<float, DeviceSpace> message;
    CINEBOKEH_HD void operator()(int x, int y) const { message(x, y) = 0; }
};
/// Functor over pixels.
struct CrfMarginals {
    Image<const float, DeviceSpace> unary, message;
    const float* compatibility;
    int labels;
    Image<float, DeviceSpace> marginals;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const int first = x * labels;
        crf_marginals(unary.row(y) + first, message.row(y) + first, compatibility, labels, marginals.row(y) + first);
    }
};

class DenseCrfCuda {
public:
    DenseCrfCuda(Cuda& exec, Size max_size, int labels, const CrfParams& params = {},
                 const std::vector<float>& compatibility = {})
        : exec_(&exec),
          max_size_(max_size),
          labels_(checked_labels(labels, compatibility)),
          filters_(exec, max_size, labels, checked(params, max_size)),
          compatibility_(exec, {int(compatibility.size()), 1}, compatibility),
          unary_(exec, {max_size.width * labels, max_size.height}),
          belief_(exec, unary_.size()),
          message_(exec, unary_.size()) {}

    void operator()(Image<const Rgba8, DeviceSpace> image, Image<const float, DeviceSpace> unary,
                    Image<float, DeviceSpace> marginals) {
        const Size size = image.size, wide{size.width * labels_, size.height};
        require_dense_crf(size, max_size_, wide, unary.size, marginals.size);
        const auto message = message_.view().crop(0, 0, wide), belief = belief_.view().crop(0, 0, wide);
        const bool appearance = params().appearance_weight > 0, smoothness = params().smoothness_weight > 0;
        for_each_pixel(*exec_, wide, CrfTakeEnergies{unary, unary_.view()});
        if (smoothness) filters_.smoothness.resize(size);
        if (appearance && params().iterations > 0) {
            filters_.build(image);
            filters_.lattice.pass(crf_layout(size), CrfKeepNorm{filters_.norm.view()});
        }
        for_each_pixel(*exec_, wide, CrfZero{message});
        update(size, params().iterations == 0 ? marginals : belief);
        for (int i = 0; i < params().iterations; ++i) {
            if (smoothness)
                filters_.smoothness.apply(belief, params().smoothness_weight, message);
            else
                for_each_pixel(*exec_, wide, CrfZero{message});
            if (appearance) add_appearance_messages(size);
            update(size, i + 1 == params().iterations ? marginals : belief);
        }
    }

    int labels() const { return labels_; }
    const CrfParams& params() const { return filters_.params; }

private:
    template <bool first, bool last>
    void label(Size size, int next) {
        filters_.lattice.pass(crf_layout(size),
                              CrfLabel<first, last>{filters_.norm.view(), belief_.view(), message_.view(), labels_,
                                                    next, params().appearance_weight});
    }
    void add_appearance_messages(Size size) {
        label<true, false>(size, 0);
        for (int next = 1; next <= labels_; ++next) {
            filters_.lattice.blur(false);
            next < labels_ ? label<false, false>(size, next) : label<false, true>(size, next);
        }
    }
    void update(Size size, Image<float, DeviceSpace> marginals) {
        const float* compatibility = compatibility_.size().empty() ? nullptr : compatibility_.view().data;
        for_each_pixel(*exec_, size, CrfMarginals{unary_.view(), message_.view(), compatibility, labels_, marginals});
    }

    Cuda* exec_;
    Size max_size_;
    int labels_;
    CrfFiltersCuda filters_;
    Buffer<float, Cuda> compatibility_;             // [labels, labels], empty for Potts
    Buffer<float, Cuda> unary_, belief_, message_;  // [h, w, labels]
};
}  // namespace cinebokeh::detail
#endif
