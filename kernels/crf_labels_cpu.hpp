// Mean field inference for many labels on the CPU: the labels go through the filters one after the other.
#pragma once
#include "cinebokeh/crf.hpp"

namespace cinebokeh {

inline detail::DenseCrfCpu::DenseCrfCpu(Cpu& exec, Size max_size, int labels, const CrfParams& params,
                                        const std::vector<float>& compatibility)
    : exec_(&exec),
      params_(detail::checked(params, max_size)),
      max_size_(max_size),
      labels_(detail::checked_labels(labels, compatibility)),
      tiles_{max_size},
      lattice_(exec, tiles_.count()),
      smoothness_(exec, max_size, labels, params.smoothness_sxy),
      compatibility_(exec, {int(compatibility.size()), 1}),
      norm_(exec, {tiles_.count() * detail::lattice_tile, 1}),
      unary_(exec, {max_size.width * labels, max_size.height}),
      belief_(exec, unary_.size()),
      message_(exec, unary_.size()) {
    std::copy(compatibility.begin(), compatibility.end(), compatibility_.view().data);
}

/// Builds the lattice of the image and finds the normalisation.
inline void detail::DenseCrfCpu::normalize(HostImage<const Rgba8> image) {
    detail::build_appearance(lattice_, params_, image, tiles_);
    lattice_.for_each_tile([&](Scratch& scratch, int t) {
        float* norm = norm_.view().data + ptrdiff_t(t) * detail::lattice_tile;
        lattice_.slice(scratch, t, norm);
        for (int p = 0; p < tiles_[t].points(); ++p) norm[p] = 1 / std::sqrt(norm[p]);
    });
}

inline void detail::DenseCrfCpu::add_appearance_message(int label) {
    lattice_.for_each_tile([&](Scratch& scratch, int t) {
        const detail::CrfTile tile = tiles_[t];
        const float* norm = norm_.view().data + ptrdiff_t(t) * detail::lattice_tile;
        for (int y = 0, p = 0; y < tile.height; ++y) {
            const float* belief = belief_.view().row(tile.y + y) + tile.x * labels_ + label;
            for (int x = 0; x < tile.width; ++x, ++p) scratch.values[p] = norm[p] * belief[x * labels_];
        }
        lattice_.splat(scratch, t, scratch.values);
    });
    lattice_.blur(false);
    lattice_.for_each_tile([&](Scratch& scratch, int t) {
        const detail::CrfTile tile = tiles_[t];
        const float* norm = norm_.view().data + ptrdiff_t(t) * detail::lattice_tile;
        lattice_.slice(scratch, t, scratch.values);
        for (int y = 0, p = 0; y < tile.height; ++y) {
            float* message = message_.view().row(tile.y + y) + tile.x * labels_ + label;
            for (int x = 0; x < tile.width; ++x, ++p)
                message[x * labels_] += params_.appearance_weight * norm[p] * scratch.values[p];
        }
    });
}

/// Writes the marginals; the first time, there is no message yet.
inline void detail::DenseCrfCpu::update(HostImage<float> marginals, bool first) {
    const float* compatibility = compatibility_.view().data;
    const int width = marginals.size.width / labels_;
    exec_->for_each_range(marginals.size.height, 8, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            float* message = message_.view().row(y);
            if (first) std::fill_n(message, marginals.size.width, 0.f);
            for (int x = 0; x < width; ++x)
                detail::crf_marginals(unary_.view().row(y) + x * labels_, message + x * labels_, compatibility, labels_,
                                      marginals.row(y) + x * labels_);
        }
    });
}

inline void detail::DenseCrfCpu::operator()(HostImage<const Rgba8> image, HostImage<const float> unary,
                                            HostImage<float> marginals) {
    const Size size = image.size, wide{size.width * labels_, size.height};
    detail::require_dense_crf(size, max_size_, wide, unary.size, marginals.size);
    std::atomic<int> unusable{0};
    exec_->for_each(size.height, [&](int y) {
        const float* in = unary.row(y);
        int bad = 0;
        for (int x = 0; x < wide.width; ++x) bad |= !(std::fabs(in[x]) <= 1e30f);
        if (bad) unusable = 1;
    });
    require(unusable == 0, "DenseCrf: an energy is not finite");

    tiles_.size = size;
    copy(*exec_, unary, unary_.view().crop(0, 0, wide));
    const HostImage<float> belief = belief_.view().crop(0, 0, wide), message = message_.view().crop(0, 0, wide);
    const bool smoothness = params_.smoothness_weight > 0, appearance = params_.appearance_weight > 0;
    if (smoothness) smoothness_.resize(size);
    if (appearance && params_.iterations > 0) normalize(image);
    update(params_.iterations == 0 ? marginals : belief, true);
    for (int i = 0; i < params_.iterations; ++i) {
        if (smoothness)
            smoothness_.apply(belief, params_.smoothness_weight, message);
        else
            exec_->for_each(size.height, [&](int y) { std::fill_n(message.row(y), wide.width, 0.f); });
        for (int label = 0; appearance && label < labels_; ++label) add_appearance_message(label);
        update(i + 1 == params_.iterations ? marginals : belief, false);
    }
}
}  // namespace cinebokeh
