// OverlapNcc on Cuda: eq. 3-5 of Padfield 2012 in double precision. Two real images make one complex transform, and two
// of the six correlations one transform back: (f + i f^2) times the valid map of the moving image gives two of them at
// once, the mirror image of that two more.
#pragma once
#include "cinebokeh/ncc.hpp"
#if CINEBOKEH_GRID
#include "cinebokeh/core/cuda_block.hpp"
#include "kernels/fft_cuda.cuh"

namespace cinebokeh {
namespace detail {
/// An image with its valid map, and what makes its valid pixels centred and of unit variance: the result does not
/// depend on either, the rounding does.
struct OverlapImage {
    Image<const float, DeviceSpace> image;
    Image<const uint8_t, DeviceSpace> valid;
    const double* mean_and_scale;  // a scale of 0: a valid pixel is not finite, and nothing is seen of the image
    CINEBOKEH_HD double at(int x, int y) const {
        const bool seen = valid(x, y) && mean_and_scale[1] != 0;
        return seen ? (double(image(x, y)) - mean_and_scale[0]) * mean_and_scale[1] : 0;
    }
};

/// Rows of the transforms: batch 0 is f + i f^2 of the fixed image, 1 that of the moving one, turned by 180 degrees, 2
/// the two valid maps.
struct LoadOverlap {
    OverlapImage fixed, moving;
    CINEBOKEH_HD Complex<double> operator()(int y, int x, int batch) const {
        const Size f = fixed.image.size, m = moving.image.size;
        const bool in_fixed = f.contains(x, y), in_moving = m.contains(x, y);
        const int turned_x = m.width - 1 - x, turned_y = m.height - 1 - y;
        if (batch == 2)
            return {in_fixed && fixed.valid(x, y) ? 1. : 0., in_moving && moving.valid(turned_x, turned_y) ? 1. : 0.};
        double v = 0;
        if (batch == 0 && in_fixed) v = fixed.at(x, y);
        if (batch == 1 && in_moving) v = moving.at(turned_x, turned_y);
        return {v, v * v};
    }
};

/// Columns of the transforms back: batch 0 is f and f^2 under the moving valid map, 1 the moving image and its square
/// under the fixed valid map, 2 the products and the overlap.
struct LoadOverlapProduct {
    FftPlanes<double> planes;
    CINEBOKEH_HD Complex<double> operator()(int x, int y, int batch) const {
        const Complex<double> valid = planes.at(x, y, 2), minus_valid = planes.at_minus(x, y, 2);
        const Complex<double> fixed_valid = first_of_pair(valid, minus_valid);
        const Complex<double> moving_valid = second_of_pair(valid, minus_valid);
        if (batch == 0) return planes.at(x, y, 0) * moving_valid;
        if (batch == 1) return planes.at(x, y, 1) * fixed_valid;
        const Complex<double> f = first_of_pair(planes.at(x, y, 0), planes.at_minus(x, y, 0));
        const Complex<double> m = first_of_pair(planes.at(x, y, 1), planes.at_minus(x, y, 1));
        return f * m + times_i(fixed_valid * moving_valid);
    }
};
struct OverlapMaxima {
    unsigned long long denominator;  // its bits, which are in the order of the numbers
    int overlap;
};
}  // namespace detail

namespace kernels {
inline constexpr int overlap_threads = 256;
struct OverlapShared {
    BlockSum<double, overlap_threads> sum;
};

/// The mean of the valid pixels and 1 over their deviation: block 0 of the fixed image, block 1 of the moving one.
static __global__ void measure_overlap_images(detail::OverlapImage fixed, detail::OverlapImage moving, double* out) {
    OverlapShared& s = static_shared<OverlapShared>();
    const detail::OverlapImage& from = blockIdx.x == 0 ? fixed : moving;
    const int pixels = from.image.size.width * from.image.size.height;
    auto sum = [&](auto value_of) {
        double mine = 0;
        for (int i = int(threadIdx.x); i < pixels; i += overlap_threads) {
            const int x = i % from.image.size.width, y = i / from.image.size.width;
            if (from.valid(x, y)) mine += value_of(double(from.image(x, y)));
        }
        return s.sum.of(mine);
    };
    const double count = sum([](double) { return 1.; }), total = sum([](double v) { return v; });
    const double mean = count > 0 ? total / count : 0;
    const double squares = sum([=](double v) { return (v - mean) * (v - mean); });
    if (threadIdx.x != 0) return;
    out[2 * blockIdx.x] = mean;
    out[2 * blockIdx.x + 1] = squares > 0 ? sqrt(count / squares) : squares == 0 ? 1 : 0;
}

/// Overlap, numerator and denominator of a place, from the transforms back.
struct OverlapTerms {
    int overlap;
    double numerator, denominator;
    __device__ OverlapTerms(const detail::FftPlanes<double>& planes, double scale, int x, int y) {
        const Complex<double> fixed = planes.at(x, y, 3), moving = planes.at(x, y, 4), both = planes.at(x, y, 5);
        overlap = int(rint(both.im * scale));
        const double count = overlap > 1 ? overlap : 1, f = fixed.re * scale, m = moving.re * scale;
        const double f2 = fixed.im * scale - f * f / count, m2 = moving.im * scale - m * m / count;
        numerator = both.re * scale - f * m / count;
        denominator = sqrt((f2 < 0 ? 0 : f2) * (m2 < 0 ? 0 : m2));
    }
};

static __global__ void largest_overlap_terms(detail::FftPlanes<double> planes, double scale, Size size,
                                             detail::OverlapMaxima* maxima) {
    detail::OverlapMaxima mine{0, 0};
    for (int y = int(blockIdx.x); y < size.height; y += int(gridDim.x))
        for (int x = int(threadIdx.x); x < size.width; x += int(blockDim.x)) {
            const OverlapTerms terms(planes, scale, x, y);
            mine.overlap = max(mine.overlap, terms.overlap);
            mine.denominator = max(mine.denominator, (unsigned long long)(__double_as_longlong(terms.denominator)));
        }
    for (int d = 16; d > 0; d /= 2) mine.denominator = max(mine.denominator, __shfl_xor_sync(~0u, mine.denominator, d));
    mine.overlap = __reduce_max_sync(~0u, mine.overlap);
    if (threadIdx.x % 32 != 0) return;
    atomicMax(&maxima->denominator, mine.denominator), atomicMax(&maxima->overlap, mine.overlap);
}

static __global__ void overlap_response(detail::FftPlanes<double> planes, double scale, double smallest_overlap,
                                        const detail::OverlapMaxima* maxima, Image<float, DeviceSpace> out) {
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y);
    if (x >= out.size.width) return;
    const OverlapTerms terms(planes, scale, x, y);
    const double tolerance = 1e3 * 2.220446049250313e-16 * __longlong_as_double((long long)(maxima->denominator));
    const bool defined = terms.denominator > tolerance && terms.overlap >= 1 &&
                         double(terms.overlap) >= smallest_overlap * double(maxima->overlap);
    out(x, y) = defined ? float(clamp(terms.numerator / terms.denominator, -1.0, 1.0)) : 0.f;
}
}  // namespace kernels

namespace detail {
class OverlapNccCuda {
public:
    OverlapNccCuda(Cuda& exec, Size fixed, Size moving, const OverlapNccParams& params = {})
        : exec_(&exec), fixed_(checked(fixed)), moving_(checked(moving)), params_(params), fft_(exec, padded()) {
        require(params.smallest_overlap >= 0 && params.smallest_overlap <= 1, "OverlapNcc: smallest_overlap is ",
                params.smallest_overlap, ", not in [0, 1]");
        planes_ = {exec, {int(padded().area()), 6}};
        measures_ = {exec, {4, 1}}, maxima_ = {exec, {1, 1}};
    }

    Size response_size() const { return {fixed_.width + moving_.width - 1, fixed_.height + moving_.height - 1}; }
    void operator()(Image<const float, DeviceSpace> fixed, Image<const uint8_t, DeviceSpace> fixed_valid,
                    Image<const float, DeviceSpace> moving, Image<const uint8_t, DeviceSpace> moving_valid,
                    Image<float, DeviceSpace> out) {
        require(fixed.size == fixed_ && fixed_valid.size == fixed_,
                "OverlapNcc: fixed image or valid map of another size");
        require(moving.size == moving_ && moving_valid.size == moving_,
                "OverlapNcc: moving image or valid map of another size");
        require(out.size == response_size(), "OverlapNcc: a response of ", out.size.width, " x ", out.size.height,
                ", not ", response_size().width, " x ", response_size().height);
        double* measures = measures_.view().data;
        const OverlapImage f{fixed, fixed_valid, measures}, m{moving, moving_valid, measures + 2};
        exec_->launch(dim3(2), dim3(kernels::overlap_threads), 0, kernels::measure_overlap_images, f, m, measures);

        const FftPlanes<double> planes{planes_.view().data, padded(),
                                       size_t(planes_.view().pitch) / sizeof(Complex<double>)};
        const Size size = response_size();
        fft_.forward(std::max(fixed_.height, moving_.height), 3, LoadOverlap{f, m}, planes, 0);
        fft_.columns().run(padded().width, 3, true, false, LoadOverlapProduct{planes},
                           FftColumn<double>{planes, 3, size.height});
        fft_.rows().run(size.height, 3, true, true, FftRow<double>{planes, 3}, FftRow<double>{planes, 3});

        const double scale = 1 / double(padded().area());
        CINEBOKEH_CUDA(cudaMemsetAsync(maxima_.view().data, 0, maxima_.bytes(), exec_->stream()));
        exec_->launch(dim3(unsigned(std::min(size.height, 264))), dim3(256), 0, kernels::largest_overlap_terms, planes,
                      scale, size, maxima_.view().data);
        exec_->launch(dim3(unsigned(ceil_div(size.width, 256)), unsigned(size.height)), dim3(256), 0,
                      kernels::overlap_response, planes, scale, params_.smallest_overlap,
                      std::as_const(maxima_).view().data, out);
    }

private:
    static Size checked(Size size) {
        require(!size.empty(), "OverlapNcc: an image is empty");
        return size;
    }
    Size padded() const { return {smooth_size(response_size().width), smooth_size(response_size().height)}; }

    Cuda* exec_;
    Size fixed_, moving_;
    OverlapNccParams params_;
    PlaneFftCuda<double> fft_;
    Buffer<Complex<double>, Cuda> planes_;  // three transforms, and three back
    Buffer<double, Cuda> measures_;         // mean and scale of each image
    Buffer<OverlapMaxima, Cuda> maxima_;
};
}  // namespace detail

template <class Exec>
requires std::is_same_v<typename Exec::Space, DeviceSpace>
class OverlapNcc<Exec> : public detail::OverlapNccCuda {
public:
    using OverlapNccCuda::OverlapNccCuda;
};
}  // namespace cinebokeh
#endif
