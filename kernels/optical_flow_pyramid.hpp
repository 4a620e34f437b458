// Scales of the optical flow: the frames in reduced sizes, the dense flow on one of them, and its enlargement.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::detail {

inline constexpr int flow_row_pixels = 4096;  // of the rows that one job works on
inline int flow_rows(Size size) { return std::max(1, flow_row_pixels / std::max(1, size.width)); }

/// The size at 1/2^scale, rounded up.
inline Size flow_scale_size(Size size, int scale) {
    const int factor = 1 << scale;
    return {ceil_div(size.width, factor), ceil_div(size.height, factor)};
}

/// The scale on which the frame is about four patches long: displacements of a quarter of the frame are then those of
/// one patch. Not so coarse that the short side holds no patch.
inline int coarsest_flow_scale(Size size, int patch_size) {
    int scale = 0;
    while (scale < 20 && std::max(size.width, size.height) > 4 * patch_size * 1.4142f * float(1 << scale)) ++scale;
    while (scale > 0 && std::min(size.width, size.height) >> scale < patch_size) --scale;
    return scale;
}

/// An image with a margin, so that code may read (and write) beyond its borders.
template <class T>
class MarginImage {
public:
    MarginImage() = default;
    MarginImage(Cpu& exec, Size size, int margin)
        : margin_(margin),
          left_(int(round_up(size_t(margin), 16))),  // rows start at a cache line
          buffer_(exec, {left_ + int(round_up(size_t(size.width + margin), 16)), size.height + 2 * margin}) {
        std::fill_n(reinterpret_cast<unsigned char*>(buffer_.view().data), buffer_.bytes(), (unsigned char)0);
    }
    /// The part of the image of the given size at its corner; the margin lies around it.
    HostImage<T> view(Size size) { return buffer_.view().crop(left_, margin_, size); }
    HostImage<const T> view(Size size) const { return buffer_.view().crop(left_, margin_, size); }

private:
    int margin_ = 0, left_ = 0;
    Buffer<T, Cpu> buffer_;
};

/// Continues row y of an image into its margin, and beyond the first and last row, by the nearest pixel.
inline void fill_margin(HostImage<float> image, int y, int margin) {
    float* row = image.row(y);
    const int width = image.size.width;
    std::fill(row - margin, row, row[0]);
    std::fill(row + width, row + width + margin, row[width - 1]);
    auto repeat = [&](int to) { std::copy(row - margin, row + width + margin, image.row(to) - margin); };
    for (int i = 1; i <= margin; ++i) {
        if (y == 0) repeat(-i);
        if (y == image.size.height - 1) repeat(y + i);
    }
}

/// One row of half the size: means of 2 x 2 pixels.
template <class T>
void halve_row(HostImage<const T> in, int y, float* CINEBOKEH_RESTRICT out) {
    const T* CINEBOKEH_RESTRICT a = in.row(2 * y);
    const T* CINEBOKEH_RESTRICT b = in.row(std::min(2 * y + 1, in.size.height - 1));
    const int pairs = in.size.width / 2;
    for (int x = 0; x < pairs; ++x) out[x] = 0.25f * float((a[2 * x] + a[2 * x + 1]) + (b[2 * x] + b[2 * x + 1]));
    if (in.size.width % 2) out[pairs] = 0.5f * float(a[2 * pairs] + b[2 * pairs]);
}

/// A frame on the scales 0 or 1 .. coarsest, each half of the one before. Levels have a margin of more than a patch.
class FlowPyramid {
public:
    FlowPyramid() = default;
    FlowPyramid(Cpu& exec, Size size, int finest, int coarsest, int patch_size)
        : size_(size), margin_(patch_size + 1), first_(std::min(finest, 1)) {
        for (int scale = first_; scale <= std::max(coarsest, first_); ++scale)
            levels_.emplace_back(exec, flow_scale_size(size, scale), margin_);
    }
    int coarsest() const { return first_ + int(levels_.size()) - 1; }
    HostImage<const float> level(int scale) const {
        return levels_[size_t(scale - first_)].view(flow_scale_size(size_, scale));
    }
    void build(Cpu& exec, HostImage<const uint8_t> frame) {
        if (first_ == 0)
            make(exec, 0, [&](int y, float* row) { std::copy_n(frame.row(y), size_.width, row); });
        else
            make(exec, 1, [&](int y, float* row) { halve_row(frame, y, row); });
        for (int scale = first_ + 1; scale <= coarsest(); ++scale) {
            const HostImage<const float> finer = level(scale - 1);
            make(exec, scale, [&](int y, float* row) { halve_row(finer, y, row); });
        }
    }

private:
    template <class MakeRow>
    void make(Cpu& exec, int scale, const MakeRow& make_row) {
        const HostImage<float> out = levels_[size_t(scale - first_)].view(flow_scale_size(size_, scale));
        exec.for_each_range(out.size.height, flow_rows(out.size), [&](int begin, int end) {
            for (int y = begin; y < end; ++y) make_row(y, out.row(y)), fill_margin(out, y, margin_);
        });
    }

    Size size_;
    int margin_ = 0, first_ = 0;
    std::vector<MarginImage<float>> levels_;
};

/// Dense flow in two planes, on the scale at hand.
class FlowField {
public:
    static constexpr int margin = 16;  // the patches of a small image write beyond its right border

    FlowField() = default;
    FlowField(Cpu& exec, Size largest)
        : size_(largest), u_(exec, largest, margin), v_(exec, largest, margin), weights_(exec, largest, margin) {}
    void resize(Size size) { size_ = size; }
    Size size() const { return size_; }
    HostImage<float> u() { return u_.view(size_); }
    HostImage<float> v() { return v_.view(size_); }
    HostImage<float> weights() { return weights_.view(size_); }  // of the patches, where they are averaged
    HostImage<const float> u() const { return u_.view(size_); }
    HostImage<const float> v() const { return v_.view(size_); }

private:
    Size size_;
    MarginImage<float> u_, v_, weights_;
};

/// Where a position of a finer grid lies between two samples of a coarser one.
struct FlowSample {
    int index;       // of the first sample
    int step;        // to the second: 0 at the borders, else 1
    float fraction;  // of the second
};
/// `position` is in pixels of the coarser grid from its border: its first sample lies at 0.5.
inline FlowSample flow_sample(float position, int count) {
    position = std::clamp(position - 0.5f, 0.f, float(count - 1));
    const int index = int(position);
    return {index, index + 1 < count ? 1 : 0, position - float(index)};
}

/// Enlarges the flow from a scale to the frame, bilinearly, and scales its displacements with it.
class FlowEnlargement {
public:
    FlowEnlargement() = default;
    FlowEnlargement(Cpu& exec, Size frame, int scale)
        : factor_(float(1 << scale)),
          columns_(exec, {frame.width, 1}),
          rows_(exec, {flow_scale_size(frame, scale).width, frame.height}) {
        const int count = flow_scale_size(frame, scale).width;
        for (int x = 0; x < frame.width; ++x) columns_.view()(x, 0) = flow_sample((float(x) + 0.5f) / factor_, count);
    }
    void operator()(Cpu& exec, const FlowField& field, HostImage<Float2> flow) {
        const HostImage<const float> u = field.u(), v = field.v();
        const HostImage<Float2> rows = rows_.view();
        exec.for_each_range(flow.size.height, flow_rows(flow.size), [&](int begin, int end) {
            for (int y = begin; y < end; ++y) {
                blend_rows(u, v, flow_sample((float(y) + 0.5f) / factor_, u.size.height), rows.row(y));
                blend_columns(rows.row(y), flow.row(y), flow.size.width);
            }
        });
    }

private:
    void blend_rows(HostImage<const float> u, HostImage<const float> v, FlowSample s,
                    Float2* CINEBOKEH_RESTRICT out) const {
        const float *u0 = u.row(s.index), *u1 = u.row(s.index + s.step);
        const float *v0 = v.row(s.index), *v1 = v.row(s.index + s.step);
        for (int x = 0; x < u.size.width; ++x)
            out[x] = {factor_ * (u0[x] + s.fraction * (u1[x] - u0[x])),
                      factor_ * (v0[x] + s.fraction * (v1[x] - v0[x]))};
    }
    void blend_columns(const Float2* CINEBOKEH_RESTRICT in, Float2* CINEBOKEH_RESTRICT out, int width) const {
        const FlowSample* columns = columns_.view().data;
        for (int x = 0; x < width; ++x) {
            const FlowSample s = columns[x];
            const Float2 a = in[s.index], b = in[s.index + s.step];
            out[x] = {a[0] + s.fraction * (b[0] - a[0]), a[1] + s.fraction * (b[1] - a[1])};
        }
    }

    float factor_ = 1;
    Buffer<FlowSample, Cpu> columns_;
    Buffer<Float2, Cpu> rows_;
};
}  // namespace cinebokeh::detail
