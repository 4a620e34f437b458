// A few rows of the output at a time go down the columns into scratch memory that stays in the cache, columns that are
// a stride apart next to each other: then one tap of all outputs of a row is one run of numbers.
#pragma once
#include <algorithm>

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
    jobs_ = std::min(ceil_div(grid_.height, rows_at_once), 4 * exec.threads());
    scratch_ = Buffer<Float4, Cpu>(exec, {scratch_pixels(), jobs_});
    columns_ = Buffer<int, Cpu>(exec, {image.width + 2 * radius_, 1});
    for (int c = 0; c < columns_.size().width; ++c)
        columns_.span()[size_t(c)] = c % params.stride * phase_columns() + c / params.stride;
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
// A symmetric filter of any radius; at(d) is the row of numbers that tap d reads, weights the taps from 0 on. The sums
// of a few vectors stay in registers over all taps.
template <int vectors, bool squares, class At>
void filter_vectors(const At& at, int i, const float* weights, int radius, float* sums) {
    const auto load = [i](const float* row, int v) {
        const Lanes a = Lanes::load(row + i + v * Lanes::count);
        return squares ? a * a : a;
    };
    Lanes sum[vectors];
    const float* middle = at(0);
    for (int v = 0; v < vectors; ++v) sum[v] = weights[0] * load(middle, v);
    for (int d = 1; d <= radius; ++d) {
        const float *a = at(d), *b = at(-d);
        for (int v = 0; v < vectors; ++v) sum[v] += weights[d] * (load(a, v) + load(b, v));
    }
    for (int v = 0; v < vectors; ++v) sum[v].store(sums + i + v * Lanes::count);
}
template <bool squares, class At>
void filter_symmetric(const At& at, const float* weights, int radius, int count, float* sums) {
    constexpr int vectors = 4, lanes = Lanes::count;
    int i = 0;
    for (; i + vectors * lanes <= count; i += vectors * lanes)
        filter_vectors<vectors, squares>(at, i, weights, radius, sums);
    for (; i + lanes <= count; i += lanes) filter_vectors<1, squares>(at, i, weights, radius, sums);
    if (i < count && count >= lanes) {  // the last vector overlaps the one before
        filter_vectors<1, squares>(at, count - lanes, weights, radius, sums);
        return;
    }
    const auto value = [&](int d) { return squares ? at(d)[i] * at(d)[i] : at(d)[i]; };
    for (; i < count; ++i) {
        sums[i] = weights[0] * value(0);
        for (int d = 1; d <= radius; ++d) sums[i] += weights[d] * (value(d) + value(-d));
    }
}
}  // namespace detail

inline void StridedGaussian::operator()(HostImage<const Float4> in, HostImage<Float4> out) {
    require(in.size == image_, "StridedGaussian: input of ", in.size.width, " x ", in.size.height, ", planned for ",
            image_.width, " x ", image_.height);
    require(out.size == grid_, "StridedGaussian: output of ", out.size.width, " x ", out.size.height, ", expected ",
            grid_.width, " x ", grid_.height);
    exec_->for_each(jobs_, [&](int job) {
        for (int j = job * rows_at_once; j < grid_.height; j += jobs_ * rows_at_once)
            blur_rows(in, j, scratch_.view().row(job),
                      out.crop(0, j, {grid_.width, std::min(rows_at_once, grid_.height - j)}));
    });
}

inline void StridedGaussian::blur_rows(HostImage<const Float4> in, int begin, Float4* scratch,
                                       HostImage<Float4> out) const {
    constexpr int tile = 16;  // columns that go down all rows: what they read fits the first cache
    const int row_pixels = phase_columns() * params_.stride;
    for (int x = 0; x < image_.width; x += tile) {
        const int first = std::max(0, std::min(x, image_.width - tile));  // the last tile overlaps the one before
        for (int j = 0; j < out.size.height; ++j)
            blur_down(in, begin + j, first, std::min(tile, image_.width - first), scratch + j * row_pixels);
    }
    for (int j = 0; j < out.size.height; ++j) blur_across(scratch + j * row_pixels, out.row(j));
}

inline void StridedGaussian::blur_down(HostImage<const Float4> in, int j, int x, int count, Float4* phases) const {
    const int y = params_.offset + j * params_.stride, bottom = image_.height - 1;
    const auto row = [&](int d) { return in.row(clamp(y + d, 0, bottom))[x].v; };
    Float4 blurred[16];
    if (params_.squares)
        detail::filter_symmetric<true>(row, weights_.span().data, radius_, count * 4, blurred->v);
    else
        detail::filter_symmetric<false>(row, weights_.span().data, radius_, count * 4, blurred->v);
    const int* CINEBOKEH_RESTRICT column = columns_.span().data + radius_ + x;
    for (int c = 0; c < count; ++c) phases[column[c]] = blurred[c];
}

inline void StridedGaussian::blur_across(Float4* phases, Float4* out) const {
    const int* column = columns_.span().data + radius_;
    const int last = image_.width - 1;
    for (int r = 1; r <= radius_; ++r)
        phases[column[-r]] = phases[column[0]], phases[column[last + r]] = phases[column[last]];
    const int* tap = columns_.span().data + params_.offset + radius_;
    detail::filter_symmetric<false>([&](int d) { return phases[tap[d]].v; }, weights_.span().data, radius_,
                                    grid_.width * 4, out->v);
}
}  // namespace cinebokeh
