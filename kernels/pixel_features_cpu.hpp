#pragma once
#include <algorithm>

#include "cinebokeh/core/fast_math.hpp"
#include "cinebokeh/pixel_features.hpp"

namespace cinebokeh {
namespace detail {
// Which image each of the seven blurs reads, and how wide it is.
struct FeatureBlur {
    bool colour;   // else orientation
    float sigma;   // pixels
    bool squares;  // of the colour
};
inline constexpr FeatureBlur feature_blurs[7] = {
    {true, 1, false},  {true, 3, false}, {true, 8, false}, {false, 2, false},
    {false, 6, false}, {true, 4, false}, {true, 4, true},
};

inline int sample_offset(Size image) { return std::min({1, image.width - 1, image.height - 1}); }
template <size_t... I>
std::array<StridedGaussian, 7> feature_gaussians(Cpu& exec, Size image, std::index_sequence<I...>) {
    return {StridedGaussian(exec, image,
                            {.sigma = feature_blurs[I].sigma,
                             .stride = PixelFeatures::stride,
                             .offset = sample_offset(image),
                             .squares = feature_blurs[I].squares})...};
}
}  // namespace detail

inline PixelFeatures::PixelFeatures(Cpu& exec, Size image)
    : exec_(&exec),
      image_(image),
      offset_(detail::sample_offset(image)),
      smooth_(detail::feature_gaussians(exec, image, std::make_index_sequence<7>())) {
    constexpr int rows = StridedGaussian::rows_at_once;
    jobs_ = std::min(ceil_div(grid().height, rows), 4 * exec.threads());
    int pixels = 0;
    for (const StridedGaussian& s : smooth_) pixels = std::max(pixels, s.scratch_pixels());
    scratch_ = Buffer<Float4, Cpu>(exec, {2 * rows * grid().width + pixels, jobs_});
}

inline void PixelFeatures::operator()(HostImage<const Float4> colour, HostImage<const Float4> orientation,
                                      HostImage<float> features) {
    require(colour.size == image_ && orientation.size == image_, "PixelFeatures: an image and the plan differ in size");
    require(features.size == Size{grid().width, grid().height * count}, "PixelFeatures: features of ",
            features.size.width, " x ", features.size.height, ", expected ", grid().width, " x ",
            grid().height * count);
    exec_->for_each(jobs_, [&](int job) {
        for (int j = job; j * StridedGaussian::rows_at_once < grid().height; j += jobs_)
            write_rows(colour, orientation, j * StridedGaussian::rows_at_once, scratch_.view().row(job), features);
    });
}

// A few rows of samples. What is blurred is used before the next blur.
inline void PixelFeatures::write_rows(HostImage<const Float4> colour, HostImage<const Float4> orientation, int begin,
                                      Float4* scratch, HostImage<float> features) const {
    const Size rows{grid().width, std::min(StridedGaussian::rows_at_once, grid().height - begin)};
    const HostImage<Float4> blurred(scratch, rows), squares(scratch + rows.area(), rows);
    const auto blur = [&](int b, HostImage<Float4> out) {
        smooth_[size_t(b)].blur_rows(detail::feature_blurs[b].colour ? colour : orientation, begin,
                                     scratch + 2 * rows.area(), out);
    };
    // Feature k, from what `read` finds at a sample.
    const auto write = [&](int k, auto read) {
        for (int j = 0; j < rows.height; ++j) {
            const Float4 *CINEBOKEH_RESTRICT mean = blurred.row(j), *CINEBOKEH_RESTRICT square = squares.row(j);
            float* CINEBOKEH_RESTRICT out = features.row((begin + j) * count + k);
            for (int i = 0; i < rows.width; ++i) out[i] = read(mean[i], square[i]);
        }
    };
    constexpr float colour_scale[3] = {1.f / 15, 1.f / 15, 1.f / 12}, texture_scale[2] = {.5f, .75f};
    for (int s = 0; s < 3; ++s) {
        blur(s, blurred);
        for (int c = 0; c < 3; ++c)
            write(3 * s + c, [c, middle = c == 0 ? 50.f : 0.f, scale = colour_scale[s]](Float4 mean, Float4) {
                return (mean[c] - middle) * scale;
            });
    }
    for (int s = 0; s < 2; ++s) {
        blur(3 + s, blurred);
        for (int c = 0; c < 4; ++c)
            write(9 + 4 * s + c,
                  [c, scale = texture_scale[s]](Float4 mean, Float4) { return detail::square_root(mean[c]) * scale; });
    }
    blur(5, blurred), blur(6, squares);
    for (int c = 0; c < 3; ++c)
        write(17 + c, [c](Float4 mean, Float4 square) {
            return detail::square_root(square[c] - mean[c] * mean[c]) * (1.f / 6);
        });
}
}  // namespace cinebokeh
