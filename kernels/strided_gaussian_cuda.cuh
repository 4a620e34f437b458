// StridedGaussian on Cuda: the rows of samples first, then the samples. Neighbouring threads read neighbouring pixels,
// and what several of them read comes from the first-level cache.
#pragma once
#include <vector>

#include "cinebokeh/strided_gaussian.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {

// What all taps of one blur share.
struct StridedTaps {
    int radius, stride, offset;
    const float* weights;  // [radius + 1], from the middle tap outwards

    template <class Read>
    CINEBOKEH_HD Float4 sum(Read&& read) const {
        Float4 s = weights[0] * read(0);
        for (int d = 1; d <= radius; ++d) s = s + weights[d] * (read(d) + read(-d));
        return s;
    }
};
/// Functor over (column of the image, row of samples).
template <bool squares>
struct StridedColumns {
    Image<const Float4, DeviceSpace> in;
    StridedTaps taps;
    Image<Float4, DeviceSpace> rows;

    CINEBOKEH_HD void operator()(int x, int j) const {
        const int y = taps.offset + j * taps.stride, last = in.size.height - 1;
        rows(x, j) = taps.sum([&](int d) {
            const Float4 v = in(x, clamp(y + d, 0, last));
            return squares ? Float4{v[0] * v[0], v[1] * v[1], v[2] * v[2], v[3] * v[3]} : v;
        });
    }
};
/// Functor over samples.
struct StridedRows {
    Image<const Float4, DeviceSpace> rows;
    StridedTaps taps;
    Image<Float4, DeviceSpace> out;

    CINEBOKEH_HD void operator()(int i, int j) const {
        const int x = taps.offset + i * taps.stride, last = rows.size.width - 1;
        out(i, j) = taps.sum([&](int d) { return rows(clamp(x + d, 0, last), j); });
    }
};
}  // namespace detail

/// StridedGaussian on Cuda: the same plan and call, asynchronous. Within 1e-5 of Cpu, relative to the largest input.
class StridedGaussianCuda {
public:
    using Params = StridedGaussian::Params;

    StridedGaussianCuda(Cuda& exec, Size image, const Params& params)
        : exec_(&exec),
          image_(image),
          squares_(params.squares),
          taps_{int(std::ceil(3 * params.sigma)), params.stride, params.offset, nullptr} {
        require(params.sigma > 0 && params.sigma < 1e4f, "StridedGaussian: sigma ", params.sigma,
                ", expected (0, 10000)");
        require(params.stride >= 1 && image.contains(params.offset, params.offset), "StridedGaussian: stride ",
                params.stride, " and offset ", params.offset, " do not sample an image of ", image.width, " x ",
                image.height);
        grid_ = {ceil_div(image.width - params.offset, params.stride),
                 ceil_div(image.height - params.offset, params.stride)};
        std::vector<float> weights;
        double sum = 0;
        const auto weight = [&](int d) { return std::exp(-double(d) * d / (2.0 * params.sigma * params.sigma)); };
        for (int d = -taps_.radius; d <= taps_.radius; ++d) sum += weight(d);
        for (int d = 0; d <= taps_.radius; ++d) weights.push_back(float(weight(d) / sum));
        weights_ = Buffer<float, Cuda>(exec, {taps_.radius + 1, 1}, weights);
        rows_ = Buffer<Float4, Cuda>(exec, {image.width, grid_.height});
    }

    Size grid() const { return grid_; }

    void operator()(Image<const Float4, DeviceSpace> in, Image<Float4, DeviceSpace> out) {
        squares_ ? blur<true>(in, out) : blur<false>(in, out);
    }

private:
    template <bool squares>
    void blur(Image<const Float4, DeviceSpace> in, Image<Float4, DeviceSpace> out) {
        require(in.size == image_, "StridedGaussian: input of ", in.size.width, " x ", in.size.height, ", planned for ",
                image_.width, " x ", image_.height);
        require(out.size == grid_, "StridedGaussian: output of ", out.size.width, " x ", out.size.height, ", expected ",
                grid_.width, " x ", grid_.height);
        detail::StridedTaps taps = taps_;
        taps.weights = weights_.view().data;
        for_each_pixel(*exec_, rows_.size(), detail::StridedColumns<squares>{in, taps, rows_.view()});
        for_each_pixel(*exec_, grid_, detail::StridedRows{rows_.view(), taps, out});
    }

    Cuda* exec_;
    Size image_, grid_;
    bool squares_;
    detail::StridedTaps taps_;
    Buffer<float, Cuda> weights_;
    Buffer<Float4, Cuda> rows_;  // [grid.h, w]
};
}  // namespace cinebokeh
#endif
