// Image quality on the CPU: the five windowed sums of SSIM are separable, columns first, row by row.
#pragma once
#include <array>
#include <atomic>
#include <cmath>
#include <limits>

namespace cinebokeh {

namespace detail {
constexpr int ssim_radius = 5;
constexpr int quality_grain = 16;  // rows that share one row of scratch

inline std::array<double, 2 * ssim_radius + 1> ssim_window() {
    std::array<double, 2 * ssim_radius + 1> weights{};
    for (int i = -ssim_radius; i <= ssim_radius; ++i)
        weights[size_t(i + ssim_radius)] = std::exp(-0.5 * i * i / (1.5 * 1.5));
    return weights;
}

/// One channel of one row: the means of a, b, a^2, b^2 and ab under the window, and SSIM of them, which is added.
class SsimRow {
public:
    SsimRow(HostImage<const Rgba8> a, HostImage<const Rgba8> b, double* columns)
        : a_(a), b_(b), width_(a.size.width), columns_(columns), window_(ssim_window()) {}

    void add(int y, int channel, double share, double* ssim) {
        sum_columns(y, channel);
        for (int x = 0; x < width_; ++x) {
            const int first = std::max(-ssim_radius, -x), last = std::min(ssim_radius, width_ - 1 - x);
            double weights = 0, mean[5] = {};
            for (int i = first; i <= last; ++i) {
                const double w = window_[size_t(i + ssim_radius)];
                weights += w;
                for (int k = 0; k < 5; ++k) mean[k] += w * columns_[k * width_ + x + i];
            }
            for (double& m : mean) m /= weights;
            ssim[x] += share * ssim_of(mean);
        }
    }

private:
    void sum_columns(int y, int channel) {
        std::fill_n(columns_, 5 * width_, 0.);
        const int first = std::max(-ssim_radius, -y), last = std::min(ssim_radius, a_.size.height - 1 - y);
        double weights = 0;
        for (int j = first; j <= last; ++j) weights += window_[size_t(j + ssim_radius)];
        for (int j = first; j <= last; ++j) {
            const double w = window_[size_t(j + ssim_radius)] / weights;
            const Rgba8 *in_a = a_.row(y + j), *in_b = b_.row(y + j);
            for (int x = 0; x < width_; ++x) {
                const double p = in_a[x][channel], q = in_b[x][channel];
                columns_[x] += w * p, columns_[width_ + x] += w * q;
                columns_[2 * width_ + x] += w * p * p, columns_[3 * width_ + x] += w * q * q;
                columns_[4 * width_ + x] += w * p * q;
            }
        }
    }
    static double ssim_of(const double (&mean)[5]) {
        constexpr double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
        const double a = mean[0], b = mean[1];
        const double variance_a = mean[2] - a * a, variance_b = mean[3] - b * b, covariance = mean[4] - a * b;
        return (2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (variance_a + variance_b + c2));
    }

    HostImage<const Rgba8> a_, b_;
    int width_;
    double* columns_;
    std::array<double, 2 * ssim_radius + 1> window_;
};
}  // namespace detail

inline ImageQuality::ImageQuality(Cpu& exec, Size size) : exec_(&exec), size_(size) {
    require(!size.empty() && size.area() <= size_t(std::numeric_limits<int32_t>::max()), "ImageQuality: a size of ",
            size.width, " x ", size.height);
    const int ranges = ceil_div(size.height, detail::quality_grain);
    squares_ = Buffer<int32_t, Cpu>(exec, size);
    ssim_ = Buffer<double, Cpu>(exec, size);
    columns_ = Buffer<double, Cpu>(exec, {5 * size.width, ranges});
    sums_ = Buffer<double, Cpu>(exec, {3, ranges});
}

inline void ImageQuality::compare(HostImage<const Rgba8> result, HostImage<const Rgba8> truth) {
    require(result.size == size_ && truth.size == size_, "ImageQuality: a picture is not of the size of the plan, ",
            size_.width, " x ", size_.height);
    exec_->for_each_range(size_.height, detail::quality_grain, [&](int begin, int end) {
        detail::SsimRow row(result, truth, columns_.view().row(begin / detail::quality_grain));
        for (int y = begin; y < end; ++y) {
            const Rgba8 *a = result.row(y), *b = truth.row(y);
            int32_t* squares = squares_.view().row(y);
            for (int x = 0; x < size_.width; ++x) {
                const int r = a[x][0] - b[x][0], g = a[x][1] - b[x][1], blue = a[x][2] - b[x][2];
                squares[x] = r * r + g * g + blue * blue;
            }
            double* ssim = ssim_.view().row(y);
            std::fill_n(ssim, size_.width, 0.);
            for (int c = 0; c < 3; ++c) row.add(y, c, 1. / 3, ssim);
        }
    });
    compared_ = true;
}

inline ImageScore ImageQuality::score(HostImage<const uint8_t> mask) {
    require(compared_, "ImageQuality: score before compare");
    require(!mask.data || mask.size == size_, "ImageQuality: a mask of ", mask.size.width, " x ", mask.size.height,
            " for pictures of ", size_.width, " x ", size_.height);
    const auto sums = sums_.view();
    exec_->for_each_range(size_.height, detail::quality_grain, [&](int begin, int end) {
        int64_t pixels = 0, squares = 0;
        double ssim = 0;
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < size_.width; ++x) {
                if (mask.data && !mask(x, y)) continue;
                ++pixels, squares += squares_.view()(x, y), ssim += ssim_.view()(x, y);
            }
        double* sum = sums.row(begin / detail::quality_grain);
        sum[0] = double(pixels), sum[1] = double(squares), sum[2] = ssim;  // whole numbers below 2^53 are exact
    });
    double pixels = 0, squares = 0, ssim = 0;
    for (int i = 0; i < sums.size.height; ++i) pixels += sums(0, i), squares += sums(1, i), ssim += sums(2, i);
    if (pixels == 0) return {std::nan(""), std::nan(""), 0};
    return {10 * std::log10(255. * 255. * 3 * pixels / squares), ssim / pixels, size_t(pixels)};
}

inline double relation_loss(Cpu& exec, HostImage<const Rgba8> result_before, HostImage<const Rgba8> result,
                            HostImage<const Rgba8> truth_before, HostImage<const Rgba8> truth) {
    const Size size = result.size;
    require(!size.empty() && result_before.size == size && truth_before.size == size && truth.size == size,
            "relation_loss: the pictures differ in size, or are empty");
    std::atomic<int64_t> total{0};  // whole numbers: the order of the sum does not matter
    exec.for_each_range(size.height, detail::quality_grain, [&](int begin, int end) {
        int64_t sum = 0;
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < size.width; ++x)
                for (int c = 0; c < 3; ++c)
                    sum +=
                        std::abs((result(x, y)[c] - result_before(x, y)[c]) - (truth(x, y)[c] - truth_before(x, y)[c]));
        total.fetch_add(sum, std::memory_order_relaxed);
    });
    return double(total.load()) / (255. * 3 * double(size.area()));
}
}  // namespace cinebokeh
