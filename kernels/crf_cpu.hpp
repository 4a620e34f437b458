// Mean field inference on the CPU. Slicing the lattice, updating the pixels and splatting their new beliefs is one pass
// over each tile; only the sums over tiles and the smoothness filter lie between two passes.
#pragma once
#include <atomic>

#include "cinebokeh/crf.hpp"

namespace cinebokeh {
namespace detail {

inline FeatureBounds<5> feature_bounds(const CrfParams& p, Size size) {
    const float colour = 255 / p.appearance_srgb;
    return {{0, 0, 0, 0, 0},
            {float(size.width) / p.appearance_sxy, float(size.height) / p.appearance_sxy, colour, colour, colour}};
}

inline CrfParams checked(const CrfParams& p, Size max_size) {
    require(!max_size.empty(), "crf: max_size is ", max_size.width, " x ", max_size.height);
    require(max_size.width <= 65536 && max_size.height <= 65536 && CrfTiles{max_size}.count() <= 65536,
            "crf: max_size is too large, ", max_size.width, " x ", max_size.height);
    require(p.iterations >= 0, "crf: ", p.iterations, " iterations");
    require(p.smoothness_weight >= 0 && p.smoothness_weight < 1e6f, "crf: smoothness_weight is ", p.smoothness_weight);
    require(p.appearance_weight >= 0 && p.appearance_weight < 1e6f, "crf: appearance_weight is ", p.appearance_weight);
    require(p.smoothness_sxy > 0, "crf: smoothness_sxy is ", p.smoothness_sxy);
    require(p.appearance_sxy > 0, "crf: appearance_sxy is ", p.appearance_sxy);
    require(p.appearance_srgb > 0, "crf: appearance_srgb is ", p.appearance_srgb);
    require_lattice_range(feature_bounds(p, max_size));
    return p;
}

/// Writes position and colour of the pixels of a tile in standard deviations; returns the number of pixels.
inline int write_features(const CrfParams& p, HostImage<const Rgba8> image, const CrfTile& tile,
                          float (*features)[lattice_tile]) {
    const float position = 1 / p.appearance_sxy, colour = 1 / p.appearance_srgb;
    for (int y = 0, first = 0; y < tile.height; ++y, first += tile.width) {
        const Rgba8* row = image.row(tile.y + y) + tile.x;
        for (int x = 0; x < tile.width; ++x) {
            features[0][first + x] = float(tile.x + x) * position;
            features[1][first + x] = float(tile.y + y) * position;
            for (int c = 0; c < 3; ++c) features[2 + c][first + x] = float(row[x][c]) * colour;
        }
    }
    return tile.points();
}

inline int checked_labels(int labels, const std::vector<float>& compatibility) {
    require(labels >= 1 && labels <= 256, "DenseCrf: ", labels, " labels");
    require(compatibility.empty() || compatibility.size() == size_t(labels) * size_t(labels),
            "DenseCrf: a compatibility matrix of ", compatibility.size(), " numbers for ", labels, " labels");
    for (float mu : compatibility) require(std::fabs(mu) <= 1e6f, "DenseCrf: a compatibility is ", mu);
    return labels;
}

/// Builds the lattice of the image and blurs a value of one at every pixel: slicing gives D = K 1.
inline void build_appearance(TiledLattice<5>& lattice, const CrfParams& params, HostImage<const Rgba8> image,
                             const CrfTiles& tiles) {
    lattice.build(feature_bounds(params, tiles.size), tiles.count(),
                  [&](int t, auto* features) { return write_features(params, image, tiles[t], features); });
    lattice.for_each_tile([&](auto& scratch, int t) {
        std::fill_n(scratch.values, tiles[t].points(), 1.f);
        lattice.splat(scratch, t, scratch.values);
    });
    lattice.blur(false);
}
}  // namespace detail

inline detail::BinaryCrfCpu::BinaryCrfCpu(Cpu& exec, Size max_size, const CrfParams& params)
    : exec_(&exec),
      params_(detail::checked(params, max_size)),
      max_size_(max_size),
      tiles_{max_size},
      lattice_(exec, tiles_.count()),
      smoothness_(exec, max_size, 1, params.smoothness_sxy),
      unary_(exec, {tiles_.count() * detail::lattice_tile, 1}),
      norm_(exec, unary_.size()),
      belief_(exec, max_size),
      message_(exec, max_size) {}

inline void detail::BinaryCrfCpu::start(HostImage<const float> probability) {
    std::atomic<int> nans{0};
    exec_->for_each(tiles_.count(), [&](int t) {
        const detail::CrfTile tile = tiles_[t];
        float* unary = unary_.view().data + ptrdiff_t(t) * detail::lattice_tile;
        int nan = 0;
        for (int y = 0; y < tile.height; ++y, unary += tile.width) {
            const float* in = probability.row(tile.y + y) + tile.x;
            float* belief = belief_.view().row(tile.y + y) + tile.x;
            for (int x = 0; x < tile.width; ++x) {
                nan |= in[x] != in[x];
                unary[x] = detail::crf_logit(in[x]);
                belief[x] = detail::crf_belief(unary[x]);
            }
        }
        if (nan) nans = 1;
    });
    require(nans == 0, "BinaryCrf: a probability is not a number");
}

/// Builds the lattice of the image, finds the normalisation, and splats the first beliefs.
inline void detail::BinaryCrfCpu::normalize(HostImage<const Rgba8> image) {
    detail::build_appearance(lattice_, params_, image, tiles_);
    lattice_.for_each_tile([&](Scratch& scratch, int t) {
        const detail::CrfTile tile = tiles_[t];
        float* norm = norm_.view().data + ptrdiff_t(t) * detail::lattice_tile;
        lattice_.slice(scratch, t, norm);
        for (int p = 0; p < tile.points(); ++p) norm[p] = 1 / std::sqrt(norm[p]);
        for (int y = 0, p = 0; y < tile.height; ++y) {
            const float* belief = belief_.view().row(tile.y + y) + tile.x;
            for (int x = 0; x < tile.width; ++x, ++p) scratch.values[p] = belief[x] * norm[p];
        }
        lattice_.splat(scratch, t, scratch.values);
    });
}

inline void detail::BinaryCrfCpu::update_tile(Scratch& scratch, int t, HostImage<float> refined, bool last) {
    const detail::CrfTile tile = tiles_[t];
    const ptrdiff_t base = ptrdiff_t(t) * detail::lattice_tile;
    const float *unary = unary_.view().data + base, *norm = norm_.view().data + base;
    const bool appearance = params_.appearance_weight > 0, smoothness = params_.smoothness_weight > 0;
    const float weight = params_.appearance_weight;
    float* logit = scratch.values;
    if (appearance) {
        lattice_.slice(scratch, t, logit);
        for (int p = 0; p < tile.points(); ++p) logit[p] = unary[p] + weight * norm[p] * logit[p];
    } else {
        std::copy_n(unary, tile.points(), logit);
    }
    for (int y = 0; y < tile.height; ++y) {
        float* row = logit + y * tile.width;
        const float* message = message_.view().row(tile.y + y) + tile.x;
        if (smoothness)
            for (int x = 0; x < tile.width; ++x) row[x] += message[x];
        if (last) {
            float* out = refined.row(tile.y + y) + tile.x;
            for (int x = 0; x < tile.width; ++x) out[x] = 0.5f + 0.5f * detail::crf_belief(row[x]);
        } else {
            float* belief = belief_.view().row(tile.y + y) + tile.x;
            for (int x = 0; x < tile.width; ++x) belief[x] = detail::crf_belief(row[x]);
            for (int x = 0; x < tile.width; ++x) row[x] = belief[x] * norm[y * tile.width + x];
        }
    }
    if (appearance && !last) lattice_.splat(scratch, t, logit);
}

inline void detail::BinaryCrfCpu::operator()(HostImage<const Rgba8> image, HostImage<const float> probability,
                                             HostImage<float> refined) {
    const Size size = image.size;
    detail::require_binary_crf(size, max_size_, probability.size, refined.size);
    tiles_.size = size;
    start(probability);
    const bool appearance = params_.appearance_weight > 0 && params_.iterations > 0;
    if (params_.smoothness_weight > 0) smoothness_.resize(size);
    if (appearance) normalize(image);
    if (params_.iterations == 0)
        for_each_pixel(*exec_, size, [&](int x, int y) { refined(x, y) = 0.5f + 0.5f * belief_.view()(x, y); });
    for (int i = 0; i < params_.iterations; ++i) {
        if (appearance) lattice_.blur(false);
        const HostImage<float> message = message_.view().crop(0, 0, size);
        if (params_.smoothness_weight > 0) smoothness_.apply(belief_.view(), params_.smoothness_weight, message);
        const bool last = i + 1 == params_.iterations;
        lattice_.for_each_tile(tiles_.count(),
                               [&](Scratch& scratch, int t) { update_tile(scratch, t, refined, last); });
    }
}
}  // namespace cinebokeh
