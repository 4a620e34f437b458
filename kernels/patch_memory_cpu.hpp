#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/patch_memory.hpp"

namespace cinebokeh {

inline PatchMemory::PatchMemory(Cpu& exec, Size image, const PatchMemoryParams& params)
    : exec_(&exec),
      image_(image),
      params_(params),
      smooth_colour_(exec, image, {.sigma = 1.2f, .stride = params.stride, .offset = cell_centre(image, params)}),
      smooth_orientation_(exec, image, {.sigma = 2, .stride = params.stride, .offset = cell_centre(image, params)}),
      smooth_magnitude_(exec, image, {.sigma = 6, .stride = params.stride, .offset = cell_centre(image, params)}) {
    require(params.entries >= 1 && params.window >= 0 && 2 * params.window + 1 <= lanes,
            "PatchMemory: ", params.entries, " entries and a window of ", params.window,
            " cells, expected >= 1 and <= 7");
    grid_ = smooth_colour_.grid();
    colour_ = Buffer<Float4, Cpu>(exec, grid_);
    orientation_ = Buffer<Float4, Cpu>(exec, grid_);
    magnitude_ = Buffer<Float4, Cpu>(exec, grid_);
    cells_ = Buffer<float, Cpu>(exec, {grid_.width * channels, grid_.height});
    queries_ = Buffer<float, Cpu>(exec, {grid_.width * dimensions, grid_.height});
    nearest_ = Buffer<float, Cpu>(exec, {grid_.width * 2 * lanes, grid_.height});
    ratio_ = Buffer<float, Cpu>(exec, grid_);
    const Size padded{grid_.width + 2 * lanes, grid_.height};
    for (int e = 0; e < params.entries; ++e)
        memory_.push_back({Buffer<float, Cpu>(exec, {padded.width, padded.height * dimensions}),
                           Buffer<float, Cpu>(exec, padded), Buffer<float, Cpu>(exec, padded)});
}

inline int PatchMemory::cell_centre(Size image, const PatchMemoryParams& params) {
    return std::min({params.stride / 2, image.width - 1, image.height - 1});
}

namespace detail {
inline constexpr float never = 1e9f;         // the distance to a cell that may not be matched
inline constexpr float largest_match = 50;   // distances above are all "nothing alike"
inline constexpr float tap_scale = 1.f / 3;  // of the centre tap; the eight around it count .6 of that
inline float tap_weight(int tap) { return tap == 4 ? tap_scale : .6f * tap_scale; }
}  // namespace detail

inline void PatchMemory::describe(HostImage<const Float4> colour, HostImage<const Float4> orientation) {
    smooth_colour_(colour, colour_.view());
    smooth_orientation_(orientation, orientation_.view());
    smooth_magnitude_(colour, magnitude_.view());
    exec_->for_each(grid_.height, [&](int j) {
        float* cell = cells_.view().row(j);
        for (int i = 0; i < grid_.width; ++i, cell += channels) {
            const Float4 c = colour_.view()(i, j), o = orientation_.view()(i, j);
            // Texture counts by its orientation, not by its contrast: divide by the magnitude around.
            const float texture = 1.5f / (magnitude_.view()(i, j)[3] + 4);
            cell[0] = c[0] * (.5f / 20), cell[1] = c[1] * (1.f / 20), cell[2] = c[2] * (1.f / 20);
            for (int k = 0; k < 4; ++k) cell[3 + k] = o[k] * texture;
        }
    });
    exec_->for_each(grid_.height, [&](int j) {
        float* descriptor = queries_.view().row(j);
        for (int i = 0; i < grid_.width; ++i, descriptor += dimensions)
            for (int tap = 0; tap < taps; ++tap) {
                const int x = clamp(i + tap % 3 - 1, 0, grid_.width - 1),
                          y = clamp(j + tap / 3 - 1, 0, grid_.height - 1);
                const float* cell = cells_.view().row(y) + x * channels;
                for (int c = 0; c < channels; ++c) descriptor[tap * channels + c] = detail::tap_weight(tap) * cell[c];
            }
    });
}

inline void PatchMemory::store(int entry, HostImage<const float> matte) {
    require(entry >= 0 && entry < params_.entries, "PatchMemory: entry ", entry, " of ", params_.entries);
    require(matte.size == image_, "PatchMemory: the matte and the plan differ in size");
    Entry& e = memory_[size_t(entry)];
    e.stored = true;
    const int first = cell_centre(image_, params_);
    exec_->for_each(grid_.height, [&](int j) {
        for (int i = -lanes; i < grid_.width + lanes; ++i) {
            const int at = i + lanes;
            const bool inside = i >= 0 && i < grid_.width;
            const float alpha = inside ? matte(first + i * params_.stride, first + j * params_.stride) : .5f;
            e.not_subject.view()(at, j) = alpha > .7f ? 0 : detail::never;
            e.not_background.view()(at, j) = alpha < .3f ? 0 : detail::never;
            const float* descriptor = queries_.view().row(j) + clamp(i, 0, grid_.width - 1) * dimensions;
            for (int d = 0; d < dimensions; ++d) e.descriptors.view()(at, j * dimensions + d) = descriptor[d];
        }
    });
}

// The cells of row j against the window rows of one entry. Memory rows are the outer loop: one of them fits the first
// cache, and all cells of row j look into the same ones.
inline void PatchMemory::match_row(int j, const Entry& entry, const Similarity& motion,
                                   HostImage<const uint8_t> active) {
    const float first = float(cell_centre(image_, params_)), stride = float(params_.stride);
    const float cy = (motion(first, first + float(j) * stride)[1] - first) / stride;
    if (!(std::abs(cy) < 1e6f)) return;  // far outside, or NaN: the window holds nothing
    const int top = int(std::lround(cy)) - params_.window;
    const ptrdiff_t step = entry.descriptors.view().pitch / ptrdiff_t(sizeof(float));
    for (int y = std::max(top, 0); y <= std::min(top + 2 * params_.window, grid_.height - 1); ++y)
        for (int i = 0; i < grid_.width; ++i) {
            if (!active(int(first) + i * params_.stride, int(first) + j * params_.stride)) continue;
            const float cx = (motion(first + float(i) * stride, first)[0] - first) / stride;
            if (!(std::abs(cx) < 1e6f)) continue;
            const int left = int(std::lround(cx)) - params_.window;
            if (left <= -lanes || left >= grid_.width) continue;
            const float* query = queries_.view().row(j) + i * dimensions;
            const float* column = entry.descriptors.view().row(y * dimensions) + left + lanes;
            Lanes sums[3] = {window_distance(float(left) - cx, float(y) - cy), Lanes::all(0), Lanes::all(0)};
            for (int d = 0; d < dimensions / 3; ++d)  // three chains, so that additions overlap
                for (int k = 0; k < 3; ++k) {
                    const int at = d + k * (dimensions / 3);
                    const Lanes difference = Lanes::load(column + at * step) - Lanes::all(query[at]);
                    sums[k] += difference * difference;
                }
            const Lanes distance = sums[0] + sums[1] + sums[2];
            float* nearest = nearest_.view().row(j) + 2 * lanes * i;
            min(Lanes::load(nearest), distance + Lanes::load(entry.not_subject.view().row(y) + left + lanes))
                .store(nearest);
            min(Lanes::load(nearest + lanes), distance + Lanes::load(entry.not_background.view().row(y) + left + lanes))
                .store(nearest + lanes);
        }
}

// What the displacement of sixteen neighbouring cells costs; cells beyond the window cost too much.
inline Lanes PatchMemory::window_distance(float dx, float dy) const {
    float cost[lanes];
    for (int l = 0; l < lanes; ++l)
        cost[l] = l > 2 * params_.window ? detail::never
                                         : params_.spatial_weight * ((dx + float(l)) * (dx + float(l)) + dy * dy);
    return Lanes::load(cost);
}

inline void PatchMemory::match(HostSpan<const Similarity> motions, HostImage<const uint8_t> active,
                               HostImage<float> log_odds) {
    require(motions.count == memory_.size(), "PatchMemory: ", motions.count, " motions for ", memory_.size(),
            " entries");
    require(active.size == image_ && log_odds.size == image_, "PatchMemory: an image and the plan differ in size");
    for (const Entry& e : memory_) require(e.stored, "PatchMemory: an entry was never stored");
    const int first = cell_centre(image_, params_);
    exec_->for_each(grid_.height, [&](int j) {
        float* nearest = nearest_.view().row(j);
        std::fill(nearest, nearest + 2 * lanes * grid_.width, detail::largest_match);
        for (size_t m = 0; m < motions.count; ++m) match_row(j, memory_[m], motions[m], active);
        for (int i = 0; i < grid_.width; ++i, nearest += 2 * lanes) {
            const float f = *std::min_element(nearest, nearest + lanes);
            const float b = *std::min_element(nearest + lanes, nearest + 2 * lanes);
            ratio_.view()(i, j) = params_.gain * (b - f) / (b + f + params_.ratio_floor);
        }
    });
    interpolate(*exec_, ratio_.view(), {params_.stride, first}, log_odds);
}
}  // namespace cinebokeh
