// The two ends of Robust Video Matting: from a frame to tensors, and from a small matte to one of the full resolution.
// All of it is in float, whatever the network between is stored in.
#pragma once
#include "cinebokeh/nn/rvm.hpp"
#include "cinebokeh/nn/tensor_resize.hpp"

namespace cinebokeh::detail {

// Red, green and blue in 0..1, and their mean.
CINEBOKEH_HD inline Float4 rgb_and_mean(float r, float g, float b) { return {r, g, b, (r + g + b) * (1.f / 3)}; }
CINEBOKEH_HD inline Float4 rgb_and_mean(Rgba8 p) {
    return rgb_and_mean(float(p[0]) / 255, float(p[1]) / 255, float(p[2]) / 255);
}
template <class Space>
CINEBOKEH_HD Float4 interpolated(Image<const Float4, Space> image, TensorResizeAxis::Sample u,
                                 TensorResizeAxis::Sample v) {
    const Float4 *above = image.row(v.low), *below = image.row(v.high);
    Float4 out;
    for (int c = 0; c < 4; ++c) {
        const float a = above[u.low][c] + (above[u.high][c] - above[u.low][c]) * u.weight;
        const float b = below[u.low][c] + (below[u.high][c] - below[u.low][c]) * u.weight;
        out[c] = a + (b - a) * v.weight;
    }
    return out;
}
CINEBOKEH_HD inline uint8_t code_of(float value) { return uint8_t(clamp(value, 0.f, 1.f) * 255 + 0.5f); }

// The frame at the base resolution: for the guided filter, as the network's input, and for its decoder.
template <class T, class Space>
struct RvmInput {
    Image<const Rgba8, Space> frame;
    TensorResizeAxis rows, columns;
    Float4 mean, scale;  // normalised is (value - mean) * scale: the difference is exact where they are close
    Image<Float4, Space> base;
    Tensor<float, Space> normalised;
    Tensor<T, Space> plain;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const auto u = columns.sample(x), v = rows.sample(y);
        const Rgba8 *above = frame.row(v.low), *below = frame.row(v.high);
        float value[3];
        for (int c = 0; c < 3; ++c) {
            const float a = float(above[u.low][c]) * (1 - u.weight) + float(above[u.high][c]) * u.weight;
            const float b = float(below[u.low][c]) * (1 - u.weight) + float(below[u.high][c]) * u.weight;
            value[c] = (a * (1 - v.weight) + b * v.weight) / 255;
        }
        write(x, y, value);
        base(x, y) = rgb_and_mean(value[0], value[1], value[2]);
    }
    CINEBOKEH_HD void write(int x, int y, const float* value) const {
        float* to = normalised.pixel(0, y, x);
        T* as_it_is = plain.pixel(0, y, x);
        for (int c = 0; c < 3; ++c) to[c] = (value[c] - mean[c]) * scale[c], as_it_is[c] = from_float<T>(value[c]);
    }
};
// The same where the base resolution is that of the frame, without what the guided filter reads.
template <class T, class Space>
struct RvmInputAsItIs {
    RvmInput<T, Space> in;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Rgba8 pixel = in.frame(x, y);
        float value[3];
        for (int c = 0; c < 3; ++c) value[c] = float(pixel[c]) / 255;
        in.write(x, y, value);
    }
};

// The fast guided filter of radius 1: in every window the target is a linear function of the guide, a * guide + b.
// The windows lie inside of the image, so there are two less in each direction; images that are too small for one are
// continued by their border.
template <class Space>
struct RvmFastCoefficients {
    Image<const Float4, Space> guide, target;
    Image<Float4, Space> a, b;

    CINEBOKEH_HD void operator()(int x, int y) const {
        constexpr float epsilon = 1e-5f;
        const int left = guide.size.width > 2 ? x : x - 1, top = guide.size.height > 2 ? y : y - 1;
        // Sums of differences to one of the pixels: variances of nearly equal values do not cancel.
        const Float4 x0 = guide.clamped(left + 1, top + 1), y0 = target.clamped(left + 1, top + 1);
        Float4 sum_x{}, sum_y{}, sum_xy{}, sum_xx{};
        for (int v = 0; v < 3; ++v)
            for (int u = 0; u < 3; ++u) {
                const Float4 px = guide.clamped(left + u, top + v), py = target.clamped(left + u, top + v);
                for (int c = 0; c < 4; ++c) {
                    const float dx = px[c] - x0[c], dy = py[c] - y0[c];
                    sum_x[c] += dx, sum_y[c] += dy, sum_xy[c] += dx * dy, sum_xx[c] += dx * dx;
                }
            }
        Float4 slope, offset;
        for (int c = 0; c < 4; ++c) {
            const float mean_x = sum_x[c] * (1.f / 9), mean_y = sum_y[c] * (1.f / 9);
            const float covariance = sum_xy[c] * (1.f / 9) - mean_x * mean_y;
            const float variance = sum_xx[c] * (1.f / 9) - mean_x * mean_x;
            slope[c] = covariance / (variance + epsilon);
            offset[c] = mean_y + y0[c] - slope[c] * (mean_x + x0[c]);
        }
        a(x, y) = slope, b(x, y) = offset;
    }
};

// The learned box filter of the deep guided filter, zeros around the image; and what its convolutions read:
// covariance, variance (the hidden channels follow).
template <class Space>
struct RvmDeepStatistics {
    Image<const Float4, Space> guide, target;
    Float4 weights[9];
    Image<Float4, Space> mean_x, mean_y;
    Tensor<float, Space> statistics;  // [1, h, w, 8]

    CINEBOKEH_HD void operator()(int x, int y) const {
        Float4 mx{}, my{}, xy{}, xx{};
        for (int v = 0; v < 3; ++v)
            for (int u = 0; u < 3; ++u) {
                if (!guide.size.contains(x + u - 1, y + v - 1)) continue;
                const Float4 px = guide(x + u - 1, y + v - 1), py = target(x + u - 1, y + v - 1);
                for (int c = 0; c < 4; ++c) {
                    const float w = weights[3 * v + u][c];
                    mx[c] += w * px[c], my[c] += w * py[c], xy[c] += w * px[c] * py[c], xx[c] += w * px[c] * px[c];
                }
            }
        float* out = statistics.pixel(0, y, x);
        for (int c = 0; c < 4; ++c) out[c] = xy[c] - mx[c] * my[c], out[4 + c] = xx[c] - mx[c] * mx[c];
        mean_x(x, y) = mx, mean_y(x, y) = my;
    }
};
template <class Space>
struct RvmDeepOffset {
    Image<const Float4, Space> a, mean_x, mean_y;
    Image<Float4, Space> b;  // may be mean_y

    CINEBOKEH_HD void operator()(int x, int y) const {
        for (int c = 0; c < 4; ++c) b(x, y)[c] = mean_y(x, y)[c] - a(x, y)[c] * mean_x(x, y)[c];
    }
};

// Alpha and foreground from the frame and (residual of the foreground, alpha).
template <class Space>
struct RvmOutput {
    Image<const Rgba8, Space> frame;
    Image<float, Space> alpha;
    Image<Rgba8, Space> foreground;  // or null

    CINEBOKEH_HD void write(int x, int y, const Float4& pixel, const Float4& value) const {
        alpha(x, y) = clamp(value[3], 0.f, 1.f);
        if (foreground.data)
            foreground(x, y) = {code_of(pixel[0] + value[0]), code_of(pixel[1] + value[1]),
                                code_of(pixel[2] + value[2]), frame(x, y)[3]};
    }
};
template <class Space>
struct RvmDirect {
    RvmOutput<Space> out;
    Image<const Float4, Space> value;

    CINEBOKEH_HD void operator()(int x, int y) const { out.write(x, y, rgb_and_mean(out.frame(x, y)), value(x, y)); }
};
template <class Space>
struct RvmRefined {
    RvmOutput<Space> out;
    Image<const Float4, Space> a, b;
    TensorResizeAxis rows, columns;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const auto u = columns.sample(x), v = rows.sample(y);
        const Float4 pixel = rgb_and_mean(out.frame(x, y));
        const Float4 slope = interpolated(a, u, v), offset = interpolated(b, u, v);
        Float4 value;
        for (int c = 0; c < 4; ++c) value[c] = slope[c] * pixel[c] + offset[c];
        out.write(x, y, pixel, value);
    }
};
}  // namespace cinebokeh::detail
