// Patch memory on the CPU. All cells of a block are compared at one displacement after the other: neighbouring
// descriptors then share the differences of the cells that they have in common, so that a comparison costs seven
// numbers, not 63, and two sums of three.
#pragma once
#include <algorithm>
#include <climits>
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
    require(params.entries >= 1 && params.window >= 0 && params.window <= 7, "PatchMemory: ", params.entries,
            " entries and a window of ", params.window, " cells, expected >= 1 and <= 7");
    grid_ = smooth_colour_.grid();
    colour_ = Buffer<Float4, Cpu>(exec, grid_);
    orientation_ = Buffer<Float4, Cpu>(exec, grid_);
    magnitude_ = Buffer<Float4, Cpu>(exec, grid_);
    cells_ = make_cells(exec);
    ratio_ = Buffer<float, Cpu>(exec, grid_);
    const Size padded{grid_.width + 2 * lanes, grid_.height};
    for (int e = 0; e < params.entries; ++e)
        memory_.push_back({make_cells(exec), Buffer<float, Cpu>(exec, padded), Buffer<float, Cpu>(exec, padded)});
}

inline PatchMemory::Cells PatchMemory::make_cells(Cpu& exec) const {
    const Size size{grid_.width + 2 * lanes, (grid_.height + 2) * channels};
    return {Buffer<float, Cpu>(exec, size, std::vector<float>(size.area()))};
}

inline int PatchMemory::cell_centre(Size image, const PatchMemoryParams& params) {
    return std::min({params.stride / 2, image.width - 1, image.height - 1});
}
inline float PatchMemory::centre(float position) const {
    return (position - float(cell_centre(image_, params_))) / float(params_.stride);
}

namespace detail {
inline constexpr float never = 1e9f;        // the distance to a cell that may not be matched
inline constexpr float largest_match = 50;  // distances above are all "nothing alike"
// Squared weights of the taps: the centre counts 1/3, the eight around it .6 of that.
inline constexpr float side_tap = .36f / 9, centre_tap = 1.f / 9;
}  // namespace detail

inline void PatchMemory::describe(HostImage<const Float4> colour, HostImage<const Float4> orientation) {
    smooth_colour_(colour, colour_.view());
    smooth_orientation_(orientation, orientation_.view());
    smooth_magnitude_(colour, magnitude_.view());
    exec_->for_each(grid_.height + 2, [&](int row) {
        const int j = clamp(row - 1, 0, grid_.height - 1);
        float* out[channels];
        for (int k = 0; k < channels; ++k) out[k] = cells_.rows.view().row(row * channels + k) + lanes;
        for (int i = 0; i < grid_.width; ++i) {
            const Float4 c = colour_.view()(i, j), o = orientation_.view()(i, j);
            // Texture counts by its orientation, not by its contrast: divide by the magnitude around.
            const float texture = 1.5f / (magnitude_.view()(i, j)[3] + 4);
            out[0][i] = c[0] * (.5f / 20), out[1][i] = c[1] * (1.f / 20), out[2][i] = c[2] * (1.f / 20);
            for (int k = 0; k < 4; ++k) out[3 + k][i] = o[k] * texture;
        }
        for (float* channel : out) channel[-1] = channel[0], channel[grid_.width] = channel[grid_.width - 1];
    });
}

inline void PatchMemory::store(int entry, HostImage<const float> matte) {
    require(entry >= 0 && entry < params_.entries, "PatchMemory: entry ", entry, " of ", params_.entries);
    require(matte.size == image_, "PatchMemory: the matte and the plan differ in size");
    Entry& e = memory_[size_t(entry)];
    e.stored = true;
    copy(*exec_, std::as_const(cells_.rows).view(), e.cells.rows.view());
    const int first = cell_centre(image_, params_);
    exec_->for_each(grid_.height, [&](int j) {
        for (int i = -lanes; i < grid_.width + lanes; ++i) {
            const bool inside = i >= 0 && i < grid_.width;
            const float alpha = inside ? matte(first + i * params_.stride, first + j * params_.stride) : .5f;
            e.not_subject.view()(i + lanes, j) = alpha > .7f ? 0 : detail::never;
            e.not_background.view()(i + lanes, j) = alpha < .3f ? 0 : detail::never;
        }
    });
}

// Horizontal displacements, and what each costs every column of a block: beyond a column's window too much.
struct PatchMemory::Displacements {
    static constexpr int most = 32;
    int first, count;
    float x[lanes], y[strip];  // where the windows of the columns and rows are centred: cells of the entry
    Lanes cost[most];
};

// The squared differences of the cells of one row, from one left of the block to one right of it.
inline void PatchMemory::compare_row(const Entry& entry, int left, int j, int dy, const Displacements& d,
                                     Lanes* differences) const {
    Lanes query[channels];
    const float* remembered[channels];
    for (int k = 0; k < channels; ++k) {
        query[k] = Lanes::load(cells_.at(left - 1, j, k));
        remembered[k] = entry.cells.at(left - 1 + d.first, j + dy, k);
    }
    for (int i = 0; i < d.count; ++i) {
        Lanes sum = Lanes::all(0);
        for (int k = 0; k < channels; ++k) {
            const Lanes difference = query[k] - Lanes::load(remembered[k] + i);
            sum += difference * difference;
        }
        differences[i] = sum;
    }
}

inline void PatchMemory::match_displacements(const Block& b, const Entry& entry, const Displacements& d) const {
    const auto matched = [&](int j, int dy) {  // whether the window of row j holds row j + dy of the entry
        return j >= b.top && j < b.bottom && j + dy >= 0 && j + dy < grid_.height &&
               std::abs(j + dy - int(std::lround(d.y[j - b.top]))) <= params_.window;
    };
    const auto [low, high] = std::minmax_element(d.y, d.y + (b.bottom - b.top));
    const int first = std::max(int(std::lround(*low)) - params_.window, 0) - (b.bottom - 1);
    const int last = std::min(int(std::lround(*high)) + params_.window, grid_.height - 1) - b.top;
    Lanes differences[3][Displacements::most];  // of rows j - 1, j and j + 1, modulo 3
    for (int dy = first; dy <= last; ++dy)
        for (int j = b.top - 1; j <= b.bottom; ++j) {
            if (!matched(j - 1, dy) && !matched(j, dy) && !matched(j + 1, dy)) continue;
            compare_row(entry, b.left, j, dy, d, differences[(j + 3) % 3]);
            if (!matched(j - 1, dy)) continue;
            Nearest& nearest = b.nearest[j - 1 - b.top];
            const float away = float(j - 1 + dy) - d.y[j - 1 - b.top];
            const Lanes cost = Lanes::all(params_.spatial_weight * away * away);
            const float* not_subject = entry.not_subject.view().row(j - 1 + dy) + lanes + b.left - 1 + d.first;
            const float* not_background = entry.not_background.view().row(j - 1 + dy) + lanes + b.left - 1 + d.first;
            for (int i = 0; i < d.count; ++i) {
                const Lanes here = differences[(j + 2) % 3][i];
                const Lanes column = differences[(j + 1) % 3][i] + here + differences[j % 3][i];
                const Lanes around = left_neighbours(column) + column + right_neighbours(column);
                const Lanes distance =
                    detail::side_tap * around + (detail::centre_tap - detail::side_tap) * here + (d.cost[i] + cost);
                nearest.subject = min(nearest.subject, distance + Lanes::load(not_subject + i));
                nearest.background = min(nearest.background, distance + Lanes::load(not_background + i));
            }
        }
}

// Finds the displacements of a block, and takes as many of them at a time as there is room for.
inline void PatchMemory::match_entry(const Block& b, const Entry& entry, const Similarity& motion) const {
    const float origin = float(cell_centre(image_, params_)), stride = float(params_.stride);
    Displacements d;
    int low = INT_MAX, high = INT_MIN;
    for (int l = 0; l < lanes; ++l) {
        d.x[l] = centre(motion(origin + float(b.left - 1 + l) * stride, origin)[0]);
        if (!(std::abs(d.x[l]) < 1e6f)) return;  // far outside, or NaN: the windows hold nothing
        const int column = int(std::lround(d.x[l])) - (b.left - 1 + l);
        low = std::min(low, column - params_.window), high = std::max(high, column + params_.window);
    }
    for (int j = b.top; j < b.bottom; ++j) {
        d.y[j - b.top] = centre(motion(origin, origin + float(j) * stride)[1]);
        if (!(std::abs(d.y[j - b.top]) < 1e6f)) return;
    }
    low = std::max(low, 1 - b.left - block), high = std::min(high, grid_.width - 1 - b.left);  // some column hits
    for (d.first = low; d.first <= high; d.first += Displacements::most) {
        d.count = std::min(Displacements::most, high - d.first + 1);
        for (int i = 0; i < d.count; ++i) {
            float cost[lanes];
            for (int l = 0; l < lanes; ++l) {
                const int column = b.left - 1 + l + d.first + i;
                const float away = float(column) - d.x[l];
                const bool inside = std::abs(column - int(std::lround(d.x[l]))) <= params_.window;
                cost[l] = inside ? params_.spatial_weight * away * away : detail::never;
            }
            d.cost[i] = Lanes::load(cost);
        }
        match_displacements(b, entry, d);
    }
}

inline void PatchMemory::match(HostSpan<const Similarity> motions, HostImage<const uint8_t> active,
                               HostImage<float> log_odds) {
    require(motions.count == memory_.size(), "PatchMemory: ", motions.count, " motions for ", memory_.size(),
            " entries");
    require(active.size == image_ && log_odds.size == image_, "PatchMemory: an image and the plan differ in size");
    for (const Entry& e : memory_) require(e.stored, "PatchMemory: an entry was never stored");
    const int first = cell_centre(image_, params_), blocks = ceil_div(grid_.width, block);
    const auto wanted = [&](int i, int j) { return active(first + i * params_.stride, first + j * params_.stride); };
    exec_->for_each(ceil_div(grid_.height, strip) * blocks, [&](int job) {
        const int left = job % blocks * block, right = std::min(left + block, grid_.width);
        const int top = job / blocks * strip, bottom = std::min(top + strip, grid_.height);
        Block b{left, bottom, top, nullptr};  // the rows that hold an active cell
        for (int j = top; j < bottom; ++j)
            for (int i = left; i < right; ++i)
                if (wanted(i, j)) b.top = std::min(b.top, j), b.bottom = j + 1;
        Nearest nearest[strip];
        std::fill_n(nearest, strip, Nearest{Lanes::all(detail::largest_match), Lanes::all(detail::largest_match)});
        b.nearest = nearest + (b.top - top);
        for (size_t m = 0; m < motions.count && b.top < b.bottom; ++m) match_entry(b, memory_[m], motions[m]);
        for (int j = top; j < bottom; ++j)
            for (int i = left; i < right; ++i) {
                const float f = nearest[j - top].subject[i - left + 1], n = nearest[j - top].background[i - left + 1];
                ratio_.view()(i, j) = wanted(i, j) ? params_.gain * (n - f) / (n + f + params_.ratio_floor) : 0;
            }
    });
    interpolate(*exec_, ratio_.view(), {params_.stride, first}, log_odds);
}
}  // namespace cinebokeh
