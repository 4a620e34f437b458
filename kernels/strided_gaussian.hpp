#pragma once
#include "cinebokeh/strided_gaussian.hpp"

namespace cinebokeh {

inline StridedGaussian::StridedGaussian(Cpu& exec, Size image, const Params& params)
    : exec_(&exec), image_(image), params_(params) {
    require(params.sigma > 0 && params.sigma < 1e4f, "StridedGaussian: sigma ", params.sigma, ", expected (0, 10000)");
    require(params.stride >= 1 && image.contains(params.offset, params.offset), "StridedGaussian: stride ",
            params.stride, " and offset ", params.offset, " do not sample an image of ", image.width, " x ",
            image.height);
    radius_ = int(std::ceil(3 * params.sigma));
    grid_ = {ceil_div(image.width - params.offset, params.stride),
             ceil_div(image.height - params.offset, params.stride)};
    rows_ = Buffer<Float4, Cpu>(exec, {image.width + 2 * radius_, grid_.height});
    weights_ = Buffer<float, Cpu>(exec, {2 * radius_ + 1, 1});
    double sum = 0;
    for (int pass = 0; pass < 2; ++pass)
        for (int d = -radius_; d <= radius_; ++d) {
            const double w = std::exp(-double(d) * d / (2.0 * params.sigma * params.sigma));
            if (pass == 0)
                sum += w;
            else
                weights_.span()[size_t(d + radius_)] = float(w / sum);
        }
}

namespace detail {
// Adds weight * row to sums, number by number.
inline void add_scaled(const float* CINEBOKEH_RESTRICT row, float weight, int count, float* CINEBOKEH_RESTRICT sums) {
    for (int i = 0; i < count; ++i) sums[i] += weight * row[i];
}
}  // namespace detail

inline void StridedGaussian::operator()(HostImage<const Float4> in, HostImage<Float4> out) {
    require(in.size == image_, "StridedGaussian: input of ", in.size.width, " x ", in.size.height, ", planned for ",
            image_.width, " x ", image_.height);
    require(out.size == grid_, "StridedGaussian: output of ", out.size.width, " x ", out.size.height, ", expected ",
            grid_.width, " x ", grid_.height);
    const float* weights = weights_.span().data;
    exec_->for_each(grid_.height, [&](int j) {
        Float4* blurred = rows_.view().row(j) + radius_;  // [w], column by column
        const int y = params_.offset + j * params_.stride, width = image_.width;
        for (int x = 0; x < width; ++x) blurred[x] = {0, 0, 0, 0};
        for (int d = -radius_; d <= radius_; ++d)
            detail::add_scaled(in.row(clamp(y + d, 0, image_.height - 1))->v, weights[d + radius_], width * 4,
                               blurred->v);
        for (int r = 1; r <= radius_; ++r) blurred[-r] = blurred[0], blurred[width - 1 + r] = blurred[width - 1];
        for (int i = 0; i < grid_.width; ++i) {
            const Float4* window = blurred + params_.offset + i * params_.stride - radius_;
            Float4 sum = {0, 0, 0, 0};
            for (int d = 0; d <= 2 * radius_; ++d)
                for (int c = 0; c < 4; ++c) sum[c] += weights[d] * window[d][c];
            out(i, j) = sum;
        }
    });
}
}  // namespace cinebokeh
