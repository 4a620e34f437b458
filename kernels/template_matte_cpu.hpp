#pragma once
#include <algorithm>

#include "cinebokeh/template_matte.hpp"

namespace cinebokeh {

inline Box bounding_box(Cpu&, HostImage<const float> matte, float threshold) {
    int left = matte.size.width, right = -1, top = matte.size.height, bottom = -1;
    for (int y = 0; y < matte.size.height; ++y)
        for (int x = 0; x < matte.size.width; ++x)
            if (matte(x, y) > threshold) {
                left = std::min(left, x), right = std::max(right, x);
                top = std::min(top, y), bottom = std::max(bottom, y);
            }
    if (right < 0) return {};
    return {left, top, {right - left + 1, bottom - top + 1}};
}

inline double overlap(Cpu&, HostImage<const float> a, HostImage<const float> b) {
    require(a.size == b.size, "overlap: the mattes differ in size");
    int64_t both = 0, any = 0;
    for (int y = 0; y < a.size.height; ++y) {
        int row_both = 0, row_any = 0;
        for (int x = 0; x < a.size.width; ++x) {
            const int in_a = a(x, y) > 0.5f, in_b = b(x, y) > 0.5f;
            row_both += in_a & in_b, row_any += in_a | in_b;
        }
        both += row_both, any += row_any;
    }
    return any ? double(both) / double(any) : 1;
}

inline IslandFilter::IslandFilter(Cpu& exec, Size largest)
    : labels_(exec, largest), stack_(exec, {int(largest.area()), 1}), areas_(exec, {int(largest.area()) + 1, 1}) {
    require(!largest.empty(), "IslandFilter: an empty image");
}

// Labels the part that (x, y) belongs to and returns its area.
inline int IslandFilter::flood(HostImage<const float> matte, int x, int y, int label) {
    const HostImage<int> labels = labels_.view();
    int* stack = stack_.span().data;
    int waiting = 0, area = 0;
    auto visit = [&](int u, int v) {
        if (!matte.size.contains(u, v) || labels(u, v) || !(matte(u, v) > 0.5f)) return;
        labels(u, v) = label;
        stack[waiting++] = v * matte.size.width + u;
    };
    for (visit(x, y); waiting > 0; ++area) {
        const int at = stack[--waiting], u = at % matte.size.width, v = at / matte.size.width;
        visit(u - 1, v), visit(u + 1, v), visit(u, v - 1), visit(u, v + 1);
    }
    return area;
}

inline void IslandFilter::operator()(HostImage<float> matte, float least) {
    require(matte.size.width <= labels_.size().width && matte.size.height <= labels_.size().height,
            "IslandFilter: a matte of ", matte.size.width, " x ", matte.size.height, ", the largest is ",
            labels_.size().width, " x ", labels_.size().height);
    require(least >= 0 && least <= 1, "IslandFilter: least is ", least);
    const HostImage<int> labels = labels_.view();
    int* areas = areas_.span().data;
    int count = 0, largest = 0;
    for (int y = 0; y < matte.size.height; ++y) std::fill_n(labels.row(y), matte.size.width, 0);
    for (int y = 0; y < matte.size.height; ++y)
        for (int x = 0; x < matte.size.width; ++x)
            if (!labels(x, y) && matte(x, y) > 0.5f) {
                ++count;
                areas[count] = flood(matte, x, y, count);
                largest = std::max(largest, areas[count]);
            }
    for (int y = 0; y < matte.size.height; ++y)
        for (int x = 0; x < matte.size.width; ++x)
            if (labels(x, y) && float(areas[labels(x, y)]) < least * float(largest)) matte(x, y) = 0;
}

namespace detail {
inline constexpr float unreachable = 1e9f;  // squared distance of what is not there
inline constexpr int similarity_band = 16;  // rows that a job compares at a time
}  // namespace detail

inline TemplateSimilarity::TemplateSimilarity(Cpu& exec, Size largest, const TemplateSimilarityParams& params)
    : exec_(&exec), params_(params), largest_(largest) {
    require(!largest.empty(), "TemplateSimilarity: an empty region");
    require(params.window >= 0 && params.window <= 64 && params.step >= 1,
            "TemplateSimilarity: window or step out of range");
    require(params.displacement >= 0 && params.floor > 0 && params.gain >= 0,
            "TemplateSimilarity: a parameter is out of range");
    const int reach = params.window + 1;
    const Size padded{largest.width + 2, largest.height + 2};
    const Size wide{largest.width + 2 * reach, largest.height + 2 * reach};
    region_ = Buffer<float, Cpu>(exec, {padded.width, 3 * padded.height});
    placed_ = Buffer<float, Cpu>(exec, {wide.width, 3 * wide.height});
    not_subject_ = Buffer<float, Cpu>(exec, wide);
    not_background_ = Buffer<float, Cpu>(exec, wide);
    subject_ = Buffer<float, Cpu>(exec, largest);
    background_ = Buffer<float, Cpu>(exec, largest);
    sums_ = Buffer<float, Cpu>(exec, {padded.width, (detail::similarity_band + 3) * exec.threads()});
}

inline void TemplateSimilarity::begin(HostImage<const Float3> region) {
    require(!region.size.empty() && region.size.width <= largest_.width && region.size.height <= largest_.height,
            "TemplateSimilarity: a region of ", region.size.width, " x ", region.size.height, ", the largest is ",
            largest_.width, " x ", largest_.height);
    size_ = region.size;
    for (int y = -1; y <= size_.height; ++y)
        for (int x = -1; x <= size_.width; ++x)
            for (int c = 0; c < 3; ++c)
                region_.view().row(c * (largest_.height + 2) + y + 1)[x + 1] =
                    region.clamped(x, y)[c] * (c == 0 ? 0.5f : 1.f);
    for (int y = 0; y < size_.height; ++y) {
        std::fill_n(subject_.view().row(y), size_.width, detail::unreachable);
        std::fill_n(background_.view().row(y), size_.width, detail::unreachable);
    }
}

inline void TemplateSimilarity::place_row(HostImage<const Float3> crop, HostImage<const float> matte,
                                          const Placement& placement, int row) {
    const int reach = params_.window + 1, plane = largest_.height + 2 * reach;
    const float v = (float(row - reach) - placement.corner[1]) / placement.scale;
    for (int i = 0; i < size_.width + 2 * reach; ++i) {
        const float u = (float(i - reach) - placement.corner[0]) / placement.scale;
        const float to_x = std::floor(u), to_y = std::floor(v), fx = u - to_x, fy = v - to_y;
        const int x = int(to_x), y = int(to_y);
        for (int c = 0; c < 3; ++c) {
            const float top = crop.clamped(x, y)[c] * (1 - fx) + crop.clamped(x + 1, y)[c] * fx;
            const float bottom = crop.clamped(x, y + 1)[c] * (1 - fx) + crop.clamped(x + 1, y + 1)[c] * fx;
            placed_.view().row(c * plane + row)[i] = (top * (1 - fy) + bottom * fy) * (c == 0 ? 0.5f : 1.f);
        }
        const int near_x = int(std::floor(u + 0.5f)), near_y = int(std::floor(v + 0.5f));
        const bool inside = crop.size.contains(near_x, near_y);
        const float alpha = inside ? matte(near_x, near_y) : 0.f;
        not_subject_.view()(i, row) = inside && alpha > 0.5f ? 0.f : detail::unreachable;
        not_background_.view()(i, row) = inside && alpha <= 0.5f ? 0.f : detail::unreachable;
    }
}

inline void TemplateSimilarity::add(HostImage<const Float3> crop, HostImage<const float> matte,
                                    const Placement& placement) {
    require(crop.size == matte.size && !crop.size.empty(), "TemplateSimilarity: crop and matte differ in size");
    require(detail::usable(placement), "TemplateSimilarity: the placement is out of range");
    exec_->for_each(size_.height + 2 * (params_.window + 1), [&](int row) { place_row(crop, matte, placement, row); });
    const int bands = ceil_div(size_.height, detail::similarity_band), jobs = exec_->threads();
    exec_->for_each(jobs, [&](int job) {
        for (int band = job; band < bands; band += jobs)
            compare_rows(band * detail::similarity_band, std::min(size_.height, (band + 1) * detail::similarity_band),
                         job);
    });
}

inline void TemplateSimilarity::compare_rows(int begin, int end, int job) {
    const int reach = params_.window + 1, width = size_.width;
    const int region_plane = largest_.height + 2, placed_plane = largest_.height + 2 * reach;
    const int first_sum = job * (detail::similarity_band + 3);
    float* CINEBOKEH_RESTRICT difference = sums_.view().row(first_sum + detail::similarity_band + 2);
    for (int dy = -params_.window; dy <= params_.window; dy += params_.step)
        for (int dx = -params_.window; dx <= params_.window; dx += params_.step) {
            for (int y = begin - 1; y <= end; ++y) {  // sums of three pixels along each row
                const float *a[3], *b[3];
                for (int c = 0; c < 3; ++c) {
                    a[c] = region_.view().row(c * region_plane + y + 1);
                    b[c] = placed_.view().row(c * placed_plane + y + reach + dy) + reach + dx - 1;
                }
                for (int x = 0; x < width + 2; ++x) {
                    const float l = a[0][x] - b[0][x], u = a[1][x] - b[1][x], v = a[2][x] - b[2][x];
                    difference[x] = l * l + u * u + v * v;
                }
                float* CINEBOKEH_RESTRICT sum = sums_.view().row(first_sum + y - begin + 1);
                for (int x = 0; x < width; ++x) sum[x] = difference[x] + difference[x + 1] + difference[x + 2];
            }
            const float displacement = params_.displacement * float(dx * dx + dy * dy);
            for (int y = begin; y < end; ++y) {
                const float* s0 = sums_.view().row(first_sum + y - begin);
                const float* s1 = sums_.view().row(first_sum + y - begin + 1);
                const float* s2 = sums_.view().row(first_sum + y - begin + 2);
                const float* no_subject = not_subject_.view().row(y + reach + dy) + reach + dx;
                const float* no_background = not_background_.view().row(y + reach + dy) + reach + dx;
                float* CINEBOKEH_RESTRICT subject = subject_.view().row(y);
                float* CINEBOKEH_RESTRICT background = background_.view().row(y);
                for (int x = 0; x < width; ++x) {
                    const float d = (s0[x] + s1[x] + s2[x]) * (1 / 9.f) + displacement;
                    subject[x] = std::min(subject[x], d + no_subject[x]);
                    background[x] = std::min(background[x], d + no_background[x]);
                }
            }
        }
}

inline void TemplateSimilarity::log_odds(HostImage<float> out) const {
    require(out.size == size_, "TemplateSimilarity: the output is not as large as the region");
    // Where only one side is within reach, the other is as far as a clear difference of colour.
    const float far = 30 * params_.floor;
    for (int y = 0; y < size_.height; ++y)
        for (int x = 0; x < size_.width; ++x) {
            const float s = std::min(subject_.view()(x, y), far), b = std::min(background_.view()(x, y), far);
            out(x, y) = params_.gain * (b - s) / (b + s + params_.floor);
        }
}
}  // namespace cinebokeh
