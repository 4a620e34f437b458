#pragma once
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
    ratio_ = Buffer<float, Cpu>(exec, grid_);
    const Size padded{grid_.width + 2 * lanes, grid_.height};
    for (int e = 0; e < params.entries; ++e)
        memory_.push_back({Buffer<float, Cpu>(exec, {padded.width, padded.height * dimensions}),
                           Buffer<float, Cpu>(exec, padded), Buffer<float, Cpu>(exec, padded)});
}

inline int PatchMemory::cell_centre(Size image, const PatchMemoryParams& params) {
    return std::min({params.stride / 2, image.width - 1, image.height - 1});
}

inline void PatchMemory::describe(HostImage<const Float4> colour, HostImage<const Float4> orientation) {
    smooth_colour_(colour, colour_.view());
    smooth_orientation_(orientation, orientation_.view());
    smooth_magnitude_(colour, magnitude_.view());
    for (int j = 0; j < grid_.height; ++j) {
        float* cell = cells_.view().row(j);
        for (int i = 0; i < grid_.width; ++i, cell += channels) {
            const Float4 c = colour_.view()(i, j), o = orientation_.view()(i, j);
            // Texture counts by its orientation, not by its contrast: divide by the magnitude around.
            const float texture = 1.5f / (magnitude_.view()(i, j)[3] + 4);
            cell[0] = c[0] * (.5f / 20), cell[1] = c[1] * (1.f / 20), cell[2] = c[2] * (1.f / 20);
            for (int k = 0; k < 4; ++k) cell[3 + k] = o[k] * texture;
        }
    }
}

namespace detail {
inline constexpr float never = 1e9f;         // the distance to a cell that may not be matched
inline constexpr float largest_match = 50;   // distances above are all "nothing alike"
inline constexpr float tap_scale = 1.f / 3;  // of the centre tap; the eight around it count .6 of that
inline float tap_weight(int tap) { return tap == 4 ? tap_scale : .6f * tap_scale; }
}  // namespace detail

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
            const int column = clamp(i, 0, grid_.width - 1);
            for (int tap = 0; tap < taps; ++tap) {
                const int x = clamp(column + tap % 3 - 1, 0, grid_.width - 1);
                const int y = clamp(j + tap / 3 - 1, 0, grid_.height - 1);
                const float* cell = cells_.view().row(y) + x * channels;
                for (int c = 0; c < channels; ++c)
                    e.descriptors.view()(at, j * dimensions + tap * channels + c) = detail::tap_weight(tap) * cell[c];
            }
        }
    });
}

inline void PatchMemory::match_cell(int i, int j, HostSpan<const Similarity> motions) {
    float query[dimensions];
    for (int tap = 0; tap < taps; ++tap) {
        const int x = clamp(i + tap % 3 - 1, 0, grid_.width - 1), y = clamp(j + tap / 3 - 1, 0, grid_.height - 1);
        for (int c = 0; c < channels; ++c)
            query[tap * channels + c] = detail::tap_weight(tap) * cells_.view()(x * channels + c, y);
    }
    float subject[lanes], background[lanes];  // the smallest distance in each column of the windows
    for (int l = 0; l < lanes; ++l) subject[l] = background[l] = detail::never;
    const float first = float(cell_centre(image_, params_)), stride = float(params_.stride);
    for (size_t m = 0; m < motions.count; ++m) {
        const Entry& entry = memory_[m];
        const Float2 centre = motions[m](first + float(i) * stride, first + float(j) * stride);
        const float cx = (centre[0] - first) / stride, cy = (centre[1] - first) / stride;
        // Far outside, the window holds nothing; the test is also false for NaN.
        if (!(std::abs(cx) < 1e6f && std::abs(cy) < 1e6f)) continue;
        const int left = int(std::lround(cx)) - params_.window, top = int(std::lround(cy)) - params_.window;
        if (left <= -lanes || left >= grid_.width) continue;
        for (int y = std::max(top, 0); y <= std::min(top + 2 * params_.window, grid_.height - 1); ++y) {
            float distance[lanes];
            const float dy = float(y) - cy;
            for (int l = 0; l < lanes; ++l) {
                const float dx = float(left + l) - cx;
                distance[l] = l > 2 * params_.window ? detail::never : params_.spatial_weight * (dx * dx + dy * dy);
            }
            for (int d = 0; d < dimensions; ++d) {
                const float* row = entry.descriptors.view().row(y * dimensions + d) + left + lanes;
                for (int l = 0; l < lanes; ++l) {
                    const float difference = row[l] - query[d];
                    distance[l] += difference * difference;
                }
            }
            const float* no_subject = entry.not_subject.view().row(y) + left + lanes;
            const float* no_background = entry.not_background.view().row(y) + left + lanes;
            for (int l = 0; l < lanes; ++l) {
                subject[l] = std::min(subject[l], distance[l] + no_subject[l]);
                background[l] = std::min(background[l], distance[l] + no_background[l]);
            }
        }
    }
    float f = detail::largest_match, b = detail::largest_match;
    for (int l = 0; l < lanes; ++l) f = std::min(f, subject[l]), b = std::min(b, background[l]);
    ratio_.view()(i, j) = params_.gain * (b - f) / (b + f + params_.ratio_floor);
}

inline void PatchMemory::match(HostSpan<const Similarity> motions, HostImage<const uint8_t> active,
                               HostImage<float> log_odds) {
    require(motions.count == memory_.size(), "PatchMemory: ", motions.count, " motions for ", memory_.size(),
            " entries");
    require(active.size == image_ && log_odds.size == image_, "PatchMemory: an image and the plan differ in size");
    for (const Entry& e : memory_) require(e.stored, "PatchMemory: an entry was never stored");
    const int first = cell_centre(image_, params_);
    exec_->for_each(grid_.height, [&](int j) {
        for (int i = 0; i < grid_.width; ++i) {
            ratio_.view()(i, j) = 0;
            if (active(first + i * params_.stride, first + j * params_.stride)) match_cell(i, j, motions);
        }
    });
    interpolate(*exec_, ratio_.view(), {params_.stride, first}, log_odds);
}
}  // namespace cinebokeh
