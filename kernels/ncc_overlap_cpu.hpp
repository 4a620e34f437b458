// OverlapNcc on the CPU: eq. 3-5 of Padfield 2012 in double precision, six forward and six inverse transforms.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "cinebokeh/ncc.hpp"

namespace cinebokeh {

inline OverlapNcc<Cpu>::OverlapNcc(Cpu& exec, Size fixed, Size moving, const OverlapNccParams& params)
    : exec_(&exec),
      fixed_(fixed),
      moving_(moving),
      params_(params),
      fft_(exec, {smooth_size(fixed.width + moving.width - 1), smooth_size(fixed.height + moving.height - 1)}) {
    require(!fixed.empty() && !moving.empty(), "OverlapNcc: an image is empty");
    require(params.smallest_overlap >= 0 && params.smallest_overlap <= 1, "OverlapNcc: smallest_overlap is ",
            params.smallest_overlap, ", not in [0, 1]");
    image_ = Buffer<double, Cpu>(exec, response_size());
    spectra_ = Buffer<double, Cpu>(exec, {int(fft_.spectrum_count()), 7});
    results_ = Buffer<double, Cpu>(exec, {response_size().width, 6 * response_size().height});
}

// Transforms image, square and valid map. The mean goes first: the result does not depend on it, the rounding does.
inline void OverlapNcc<Cpu>::load(HostImage<const float> image, HostImage<const uint8_t> valid, bool turned,
                                  int first_spectrum) {
    double sum = 0, count = 0;
    for (int y = 0; y < image.size.height; ++y)
        for (int x = 0; x < image.size.width; ++x)
            if (valid(x, y)) sum += double(image(x, y)), count += 1;
    require(std::isfinite(sum), "OverlapNcc: a valid pixel is not finite");
    const double mean = count > 0 ? sum / count : 0;
    const HostImage<double> out = image_.view().crop(0, 0, image.size);
    for (int which = 0; which < 3; ++which) {
        for (int y = 0; y < image.size.height; ++y)
            for (int x = 0; x < image.size.width; ++x) {
                const double v = valid(x, y) ? double(image(x, y)) - mean : 0.0;
                const double value = which == 0 ? v : which == 1 ? v * v : double(valid(x, y) != 0);
                (turned ? out(image.size.width - 1 - x, image.size.height - 1 - y) : out(x, y)) = value;
            }
        fft_.forward(out, spectrum(first_spectrum + which));
    }
}

inline void OverlapNcc<Cpu>::correlate(int fixed_spectrum, int moving_spectrum, int result_index) {
    const double *f = spectrum(fixed_spectrum).data, *m = spectrum(moving_spectrum).data;
    const double scale = 1 / double(fft_.size().area());
    double* out = spectrum(6).data;
    const size_t count = fft_.block_count() / 2;
    exec_->for_each(fft_.blocks(), [&](int block) {
        const size_t from = size_t(block) * 2 * count;
        for (size_t i = from; i < from + count; ++i) {
            const double re = f[i] * m[i] - f[i + count] * m[i + count];
            out[i + count] = (f[i] * m[i + count] + f[i + count] * m[i]) * scale;
            out[i] = re * scale;
        }
    });
    fft_.inverse(spectrum(6), result(result_index));
}

inline void OverlapNcc<Cpu>::combine(HostImage<float> out) {
    // Results: 0 overlap, 1 fixed, 2 moving, 3 products, 4 fixed squares, 5 moving squares (then the denominator).
    double largest_overlap = 0, largest_denominator = 0;
    for (int y = 0; y < out.size.height; ++y)
        for (int x = 0; x < out.size.width; ++x) {
            const double overlap = std::round(result(0)(x, y)), f = result(1)(x, y), m = result(2)(x, y);
            const double count = std::max(overlap, 1.0);
            const double f2 = std::max(0.0, result(4)(x, y) - f * f / count);
            const double m2 = std::max(0.0, result(5)(x, y) - m * m / count);
            result(0)(x, y) = overlap;
            result(3)(x, y) -= f * m / count;
            result(5)(x, y) = std::sqrt(f2 * m2);
            largest_overlap = std::max(largest_overlap, overlap);
            largest_denominator = std::max(largest_denominator, result(5)(x, y));
        }
    const double tolerance = 1e3 * std::numeric_limits<double>::epsilon() * largest_denominator;
    for (int y = 0; y < out.size.height; ++y)
        for (int x = 0; x < out.size.width; ++x) {
            const double denominator = result(5)(x, y), overlap = result(0)(x, y);
            const bool defined =
                denominator > tolerance && overlap >= 1 && overlap >= params_.smallest_overlap * largest_overlap;
            out(x, y) = defined ? float(clamp(result(3)(x, y) / denominator, -1.0, 1.0)) : 0.f;
        }
}

inline void OverlapNcc<Cpu>::operator()(HostImage<const float> fixed, HostImage<const uint8_t> fixed_valid,
                                        HostImage<const float> moving, HostImage<const uint8_t> moving_valid,
                                        HostImage<float> out) {
    require(fixed.size == fixed_ && fixed_valid.size == fixed_, "OverlapNcc: fixed image or valid map of another size");
    require(moving.size == moving_ && moving_valid.size == moving_,
            "OverlapNcc: moving image or valid map of another size");
    require(out.size == response_size(), "OverlapNcc: a response of ", out.size.width, " x ", out.size.height, ", not ",
            response_size().width, " x ", response_size().height);
    load(fixed, fixed_valid, false, 0);
    load(moving, moving_valid, true, 3);
    correlate(2, 5, 0), correlate(0, 5, 1), correlate(2, 3, 2);
    correlate(0, 3, 3), correlate(1, 5, 4), correlate(2, 4, 5);
    combine(out);
}
}  // namespace cinebokeh
