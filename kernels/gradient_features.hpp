// Gradient features: one functor for CUDA, and rows of vectors on the CPU.
#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/core/fast_math.hpp"
#include "cinebokeh/gradient_features.hpp"

namespace cinebokeh {
namespace detail {
template <class Space>
struct GradientFeatures {
    Image<const Float3, Space> lab;
    Image<const uint8_t, Space> luma;
    Image<Float4, Space> colour, orientation;

    CINEBOKEH_HD float difference(int x0, int y0, int x1, int y1) const {
        return float(int(luma.clamped(x1, y1)) - int(luma.clamped(x0, y0)));
    }
    CINEBOKEH_HD void operator()(int x, int y) const {
        const float gx = (difference(x - 1, y - 1, x + 1, y - 1) + 2 * difference(x - 1, y, x + 1, y) +
                          difference(x - 1, y + 1, x + 1, y + 1)) /
                         8;
        const float gy = (difference(x - 1, y - 1, x - 1, y + 1) + 2 * difference(x, y - 1, x, y + 1) +
                          difference(x + 1, y - 1, x + 1, y + 1)) /
                         8;
        const float squared = gx * gx + gy * gy, magnitude = sqrtf(squared);
        // |g| cos(2 angle) and |g| sin(2 angle), without an angle.
        const float inverse = magnitude > 0 ? 1 / magnitude : 0.f;
        const float cosine = (gx * gx - gy * gy) * inverse, sine = 2 * gx * gy * inverse;
        const Float3 c = lab(x, y);
        colour(x, y) = {c[0], c[1], c[2], magnitude};
        orientation(x, y) = {cosine > 0 ? cosine : 0, sine > 0 ? sine : 0, cosine < 0 ? -cosine : 0,
                             sine < 0 ? -sine : 0};
    }
};

template <class Exec>
void write_gradient_features(Exec& exec, const GradientFeatures<typename Exec::Space>& f) {
    for_each_pixel(exec, f.lab.size, f);
}

// Pixels x .. x + count - 1 of row y. Everything is kept in local arrays, which no image can overlap.
struct GradientChunk {
    static constexpr int size = 64;
    float magnitude[size], cosine[size], sine[size];

    GradientChunk(HostImage<const uint8_t> luma, int x, int y, int count) {
        const uint8_t* rows[3];
        for (int i = 0; i < 3; ++i) rows[i] = luma.row(clamp(y + i - 1, 0, luma.size.height - 1));
        int smooth[size + 2], change[size + 2];  // along y, from one pixel to the left on
        const auto column = [&](int i, int from) {
            const int a = rows[0][from], b = rows[1][from], c = rows[2][from];
            smooth[i] = a + 2 * b + c, change[i] = c - a;
        };
        column(0, std::max(x - 1, 0));
        for (int i = 0; i < count; ++i) column(i + 1, x + i);
        column(count + 1, std::min(x + count, luma.size.width - 1));
        for (int i = 0; i < count; ++i) {
            const float gx = float(smooth[i + 2] - smooth[i]) / 8;
            const float gy = float(change[i] + 2 * change[i + 1] + change[i + 2]) / 8;
            const float squared = gx * gx + gy * gy, inverse = inverse_sqrt(squared);
            magnitude[i] = squared * inverse;
            cosine[i] = (gx * gx - gy * gy) * inverse, sine[i] = 2 * gx * gy * inverse;
        }
    }
};

inline void write_gradient_features(Cpu& exec, const GradientFeatures<HostSpace>& f) {
    exec.for_each_range(f.lab.size.height, 8, [&](int begin, int end) {
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < f.lab.size.width; x += GradientChunk::size) {
                const int count = std::min(GradientChunk::size, f.lab.size.width - x);
                const GradientChunk chunk(f.luma, x, y, count);
                const Float3* CINEBOKEH_RESTRICT lab = f.lab.row(y) + x;
                Float4* CINEBOKEH_RESTRICT colour = f.colour.row(y) + x;
                Float4* CINEBOKEH_RESTRICT orientation = f.orientation.row(y) + x;
                for (int i = 0; i < count; ++i) colour[i] = {lab[i][0], lab[i][1], lab[i][2], chunk.magnitude[i]};
                for (int i = 0; i < count; ++i) {
                    const float c = chunk.cosine[i], s = chunk.sine[i];
                    orientation[i] = {std::max(c, 0.f), std::max(s, 0.f), std::max(-c, 0.f), std::max(-s, 0.f)};
                }
            }
    });
}
}  // namespace detail

template <class Exec>
void gradient_features(Exec& exec, View<const Float3, Exec> lab, View<const uint8_t, Exec> luma,
                       View<Float4, Exec> colour, View<Float4, Exec> orientation) {
    require(lab.size == luma.size && lab.size == colour.size && lab.size == orientation.size,
            "gradient_features: the images differ in size");
    detail::write_gradient_features(exec,
                                    detail::GradientFeatures<typename Exec::Space>{lab, luma, colour, orientation});
}
}  // namespace cinebokeh
