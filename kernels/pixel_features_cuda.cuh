// PixelFeatures on Cuda: seven strided blurs, and one launch that makes features of them.
#pragma once
#include <vector>

#include "cinebokeh/pixel_features.hpp"
#if CINEBOKEH_GRID
#include "kernels/strided_gaussian_cuda.cuh"

namespace cinebokeh {
namespace detail {
/// Functor over samples. The samples of a row are neighbours in memory, feature by feature, so that the classifier
/// reads as the warp writes.
struct FeaturesOfSample {
    Image<const Float4, DeviceSpace> colour[3], orientation[2], mean, square;
    Image<float, DeviceSpace> features;

    CINEBOKEH_HD static float root(float v) { return sqrtf(v > 0 ? v : 0); }
    CINEBOKEH_HD void operator()(int i, int j) const {
        constexpr float colour_scale[3] = {1.f / 15, 1.f / 15, 1.f / 12}, texture_scale[2] = {.5f, .75f};
        const auto write = [&](int k, float v) { features(i, j * PixelFeatures::count + k) = v; };
        for (int s = 0; s < 3; ++s) {
            const Float4 lab = colour[s](i, j);
            for (int c = 0; c < 3; ++c) write(3 * s + c, (lab[c] - (c == 0 ? 50.f : 0.f)) * colour_scale[s]);
        }
        for (int s = 0; s < 2; ++s) {
            const Float4 bins = orientation[s](i, j);
            for (int k = 0; k < 4; ++k) write(9 + 4 * s + k, root(bins[k]) * texture_scale[s]);
        }
        const Float4 m = mean(i, j), q = square(i, j);
        for (int c = 0; c < 3; ++c) write(17 + c, root(q[c] - m[c] * m[c]) * (1.f / 6));
    }
};
}  // namespace detail

/// PixelFeatures on Cuda: the same plan and call, asynchronous. Within 1e-2 of Cpu: the deviation of a colour is the
/// root of a difference of two squares up to 10^4, each off by their rounding.
class PixelFeaturesCuda {
public:
    static constexpr int count = PixelFeatures::count, stride = PixelFeatures::stride;

    PixelFeaturesCuda(Cuda& exec, Size image) : exec_(&exec), image_(image), offset_(detail::sample_offset(image)) {
        for (const detail::FeatureBlur& b : detail::feature_blurs) {
            const StridedGaussianCuda::Params params{
                .sigma = b.sigma, .stride = stride, .offset = offset_, .squares = b.squares};
            smooth_.emplace_back(exec, image, params);
            blurred_.emplace_back(exec, grid());
        }
    }
    Size grid() const { return smooth_[0].grid(); }
    int offset() const { return offset_; }

    void operator()(Image<const Float4, DeviceSpace> colour, Image<const Float4, DeviceSpace> orientation,
                    Image<float, DeviceSpace> features) {
        require(colour.size == image_ && orientation.size == image_,
                "PixelFeatures: an image and the plan differ in size");
        require(features.size == Size{grid().width, grid().height * count}, "PixelFeatures: features of ",
                features.size.width, " x ", features.size.height, ", expected ", grid().width, " x ",
                grid().height * count);
        for (size_t i = 0; i < smooth_.size(); ++i)
            smooth_[i](detail::feature_blurs[i].colour ? colour : orientation, blurred_[i].view());
        const auto& b = blurred_;
        for_each_pixel(*exec_, grid(),
                       detail::FeaturesOfSample{{b[0].view(), b[1].view(), b[2].view()},
                                                {b[3].view(), b[4].view()},
                                                b[5].view(),
                                                b[6].view(),
                                                features});
    }

private:
    Cuda* exec_;
    Size image_;
    int offset_;
    std::vector<StridedGaussianCuda> smooth_;
    std::vector<Buffer<Float4, Cuda>> blurred_;  // [grid]
};
}  // namespace cinebokeh
#endif
