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
    phases_ = Buffer<Float4, Cpu>(exec, {phase_columns() * params.stride, grid_.height});
    weights_ = Buffer<float, Cpu>(exec, {radius_ + 1, 1});
    double sum = 0;
    for (int pass = 0; pass < 2; ++pass)
        for (int d = -radius_; d <= radius_; ++d) {
            const double w = std::exp(-double(d) * d / (2.0 * params.sigma * params.sigma));
            if (pass == 0)
                sum += w;
            else if (d >= 0)
                weights_.span()[size_t(d)] = float(w / sum);
        }
}

namespace detail {
// sums = w0 a0 + w1 (a1 + b1), number by number: the middle of a symmetric filter...
inline void start_symmetric(const float* CINEBOKEH_RESTRICT a0, float w0, int count, float* CINEBOKEH_RESTRICT sums) {
    for (int i = 0; i < count; ++i) sums[i] = w0 * a0[i];
}
// ...and two more pairs of its taps.
inline void add_symmetric(const float* a1, const float* b1, float w1, const float* a2, const float* b2, float w2,
                          int count, float* CINEBOKEH_RESTRICT sums) {
    for (int i = 0; i < count; ++i) sums[i] += w1 * (a1[i] + b1[i]) + w2 * (a2[i] + b2[i]);
}
// A symmetric filter of any radius; at(d) is the row of numbers that tap d reads, weights the taps from 0 on.
template <class At>
void filter_symmetric(At at, const float* weights, int radius, int count, float* sums) {
    start_symmetric(at(0), weights[0], count, sums);
    for (int d = 1; d <= radius; d += 2) {
        const int e = std::min(d + 1, radius);  // an odd radius: the last pair counts once
        add_symmetric(at(d), at(-d), weights[d], at(e), at(-e), e > d ? weights[e] : 0, count, sums);
    }
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
        detail::filter_symmetric([&](int d) { return in.row(clamp(y + d, 0, image_.height - 1))->v; }, weights, radius_,
                                 width * 4, blurred->v);
        for (int r = 1; r <= radius_; ++r) blurred[-r] = blurred[0], blurred[width - 1 + r] = blurred[width - 1];
        // Columns that are a stride apart next to each other, so that one tap of all outputs is one run of numbers.
        Float4* phases = phases_.view().row(j);
        const int run = phase_columns();
        for (int c = 0; c < width + 2 * radius_; ++c)
            phases[c % params_.stride * run + c / params_.stride] = blurred[c - radius_];
        const auto tap = [&](int d) {
            const int c = params_.offset + radius_ + d;
            return phases[c % params_.stride * run + c / params_.stride].v;
        };
        detail::filter_symmetric(tap, weights, radius_, grid_.width * 4, out.row(j)->v);
    });
}
}  // namespace cinebokeh
