// The smoothness potential on the CPU: a separable Gaussian with symmetric normalisation, for interleaved channels.
//
// Pixels beyond the border do not exist: D is smaller there. D is the product of a factor per column and one per row.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/weighted_sum.hpp"

namespace cinebokeh::detail {

class SmoothnessFilter {
public:
    SmoothnessFilter(Cpu& exec, Size max_size, int channels, float sigma)
        : exec_(&exec),
          channels_(channels),
          sigma_(sigma),
          max_radius_(radius_for(max_size)),
          slots_(std::max(1, exec.threads())),
          taps_(exec, {2 * max_radius_ + 1, 1}),
          column_norm_(exec, {max_size.width * channels, 1}),
          row_norm_(exec, {max_size.height, 1}),
          rows_(exec, {(max_size.width + 2 * max_radius_) * channels, slots_}),
          row_weights_(exec, {2 * max_radius_ + 1, slots_}) {}

    /// Sets the size of the image the next calls work on.
    void resize(Size size) {
        size_ = size, radius_ = radius_for(size);
        for (int r = -radius_; r <= radius_; ++r)
            taps()[r + radius_] = std::exp(-0.5f * (float(r) / sigma_) * (float(r) / sigma_));
        for (int x = 0; x < size.width; ++x)
            std::fill_n(column_norm_.view().data + x * channels_, channels_, norm_at(x, size.width));
        for (int y = 0; y < size.height; ++y) row_norm_.view().data[y] = norm_at(y, size.height);
    }

    /// out = weight * D^-1/2 K D^-1/2 in, images of [h, w, channels].
    void apply(HostImage<const float> in, float weight, HostImage<float> out) {
        std::atomic<int> next{0};
        const int grain = 16, jobs = ceil_div(size_.height, grain);
        exec_->for_each(std::min(slots_, jobs), [&](int slot) {
            for (int job; (job = next.fetch_add(1)) < jobs;)
                for (int y = job * grain; y < std::min(size_.height, (job + 1) * grain); ++y)
                    filter_row(in, y, weight, slot, out.row(y));
        });
    }

private:
    static constexpr float cutoff = 4;  // standard deviations

    int radius_for(Size size) const {
        const int longest = std::max(size.width, size.height);
        return cutoff * sigma_ < float(longest) ? int(std::ceil(cutoff * sigma_)) : longest;
    }
    float* taps() { return taps_.view().data; }
    float norm_at(int at, int count) {
        double sum = 0;
        for (int r = std::max(-radius_, -at); r <= std::min(radius_, count - 1 - at); ++r) sum += taps()[r + radius_];
        return float(1 / std::sqrt(sum));
    }
    void filter_row(HostImage<const float> in, int y, float weight, int slot, float* out) {
        const int first = std::max(0, y - radius_), last = std::min(size_.height - 1, y + radius_);
        const int count = size_.width * channels_;
        float* row_weights = row_weights_.view().row(slot);
        for (int r = first; r <= last; ++r)
            row_weights[r - first] = taps()[r - y + radius_] * row_norm_.view().data[r] * row_norm_.view().data[y];

        float* padded = rows_.view().row(slot);
        float* row = padded + radius_ * channels_;
        std::fill_n(padded, radius_ * channels_, 0.f);
        std::fill_n(row + count, radius_ * channels_, 0.f);
        weighted_sum(row_weights, last - first + 1, row, count, [&](int k) { return in.row(first + k); });
        const float* norm = column_norm_.view().data;
        for (int x = 0; x < count; ++x) row[x] *= norm[x];
        weighted_sum(taps(), 2 * radius_ + 1, out, count, [&](int k) { return padded + k * channels_; });
        for (int x = 0; x < count; ++x) out[x] *= norm[x] * weight;
    }

    Cpu* exec_;
    int channels_;
    float sigma_;
    int max_radius_, slots_, radius_ = 0;
    Size size_;
    Buffer<float, Cpu> taps_, column_norm_, row_norm_;
    Buffer<float, Cpu> rows_, row_weights_;  // one row per thread
};
}  // namespace cinebokeh::detail
