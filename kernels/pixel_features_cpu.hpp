#pragma once
#include <algorithm>
#include <cmath>

#include "cinebokeh/pixel_features.hpp"

namespace cinebokeh {
namespace detail {
// Which image each of the seven blurs reads, and how wide it is.
enum class FeatureSource { colour, orientation, squared_colour };
struct FeatureBlur {
    FeatureSource source;
    float sigma;  // pixels
};
inline constexpr FeatureBlur feature_blurs[7] = {
    {FeatureSource::colour, 1},         {FeatureSource::colour, 3},      {FeatureSource::colour, 8},
    {FeatureSource::orientation, 2},    {FeatureSource::orientation, 6}, {FeatureSource::colour, 4},
    {FeatureSource::squared_colour, 4},
};

struct SquareColour {
    HostImage<const Float4> colour;
    HostImage<Float4> squared;
    void operator()(int x, int y) const {
        const Float4 c = colour(x, y);
        squared(x, y) = {c[0] * c[0], c[1] * c[1], c[2] * c[2], 0};
    }
};

inline int sample_offset(Size image) { return std::min({1, image.width - 1, image.height - 1}); }
template <size_t... I>
std::array<StridedGaussian, 7> feature_gaussians(Cpu& exec, Size image, std::index_sequence<I...>) {
    return {StridedGaussian(
        exec, image,
        {.sigma = feature_blurs[I].sigma, .stride = PixelFeatures::stride, .offset = sample_offset(image)})...};
}
}  // namespace detail

inline PixelFeatures::PixelFeatures(Cpu& exec, Size image)
    : exec_(&exec),
      image_(image),
      offset_(detail::sample_offset(image)),
      smooth_(detail::feature_gaussians(exec, image, std::make_index_sequence<7>())),
      squared_(exec, image) {
    for (auto& b : blurred_) b = Buffer<Float4, Cpu>(exec, grid());
}

inline void PixelFeatures::operator()(HostImage<const Float4> colour, HostImage<const Float4> orientation,
                                      HostImage<float> features) {
    require(colour.size == image_ && orientation.size == image_, "PixelFeatures: an image and the plan differ in size");
    require(features.size == Size{grid().width, grid().height * count}, "PixelFeatures: features of ",
            features.size.width, " x ", features.size.height, ", expected ", grid().width, " x ",
            grid().height * count);
    for_each_pixel(*exec_, image_, detail::SquareColour{colour, squared_.view()});
    for (size_t b = 0; b < 7; ++b) {
        const detail::FeatureSource source = detail::feature_blurs[b].source;
        smooth_[b](source == detail::FeatureSource::colour        ? colour
                   : source == detail::FeatureSource::orientation ? orientation
                                                                  : std::as_const(squared_).view(),
                   blurred_[b].view());
    }
    exec_->for_each(grid().height, [&](int j) {
        const auto row = [&](int k) { return features.row(j * count + k); };
        for (int i = 0; i < grid().width; ++i) {
            constexpr float colour_scale[3] = {1.f / 15, 1.f / 15, 1.f / 12}, texture_scale[2] = {.5f, .75f};
            for (int s = 0; s < 3; ++s)
                for (int c = 0; c < 3; ++c)
                    row(3 * s + c)[i] = (blurred_[size_t(s)].view()(i, j)[c] - (c == 0 ? 50.f : 0.f)) * colour_scale[s];
            for (int s = 0; s < 2; ++s)
                for (int k = 0; k < 4; ++k)
                    row(9 + 4 * s + k)[i] =
                        std::sqrt(std::max(blurred_[size_t(3 + s)].view()(i, j)[k], 0.f)) * texture_scale[s];
            const Float4 mean = blurred_[5].view()(i, j), square = blurred_[6].view()(i, j);
            for (int c = 0; c < 3; ++c)
                row(17 + c)[i] = std::sqrt(std::max(square[c] - mean[c] * mean[c], 0.f)) * (1.f / 6);
        }
    });
}
}  // namespace cinebokeh
