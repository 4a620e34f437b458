// Measures of mattes on Cpu. Sums are made row by row and added up in the order of the rows.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>

#include "cinebokeh/matte_measures.hpp"

namespace cinebokeh {
namespace detail {

// The separable filters of the gradient error, each of norm 1: a Gaussian and its derivative.
struct GradientFilter {
    static constexpr int radius = 4;
    double smooth[2 * radius + 1], slope[2 * radius + 1];

    GradientFilter() {
        constexpr double sigma = 1.4;
        double smooth_norm = 0, slope_norm = 0;
        for (int i = -radius; i <= radius; ++i) {
            const double g = std::exp(-0.5 * i * i / (sigma * sigma)), d = i * g;
            smooth[i + radius] = g, slope[i + radius] = d;
            smooth_norm += g * g, slope_norm += d * d;
        }
        for (double& g : smooth) g /= std::sqrt(smooth_norm);
        for (double& d : slope) d /= std::sqrt(slope_norm);
    }
};

// The root of a pixel's region; paths are halved on the way.
inline int root_of(int* parents, int i) {
    while (parents[i] != i) i = parents[i] = parents[parents[i]];
    return i;
}
}  // namespace detail

inline MatteMeasures::MatteMeasures(Cpu& exec, Size size) : exec_(&exec), size_(size) {
    require(!size.empty(), "MatteMeasures: empty size ", size.width, " x ", size.height);
    require(size.area() <= 0x7fffffff, "MatteMeasures: ", size.width, " x ", size.height, " pixels are too many");
    rows_ = {exec, {size.height, 1}};
    smooth_ = {exec, size}, slope_ = {exec, size}, magnitude_ = {exec, size}, magnitude2_ = {exec, size};
    parents_ = {exec, {int(size.area()), 1}}, regions_ = {exec, {int(size.area()), 1}};
    levels_ = {exec, size};
}

template <class... Images>
void MatteMeasures::check(const Images&... images) const {
    require(((images.size == size_) && ...), "MatteMeasures: an image is not ", size_.width, " x ", size_.height,
            " as planned");
}

template <class Row>
double MatteMeasures::sum_of_rows(const Row& row) {
    const auto sums = rows_.span();
    exec_->for_each_range(size_.height, 16, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) sums[size_t(y)] = row(y);
    });
    double sum = 0;
    for (const double part : sums) sum += part;
    return sum;
}

inline ConfusionMatrix MatteMeasures::confusion(HostImage<const float> result, HostImage<const float> truth,
                                                float threshold) {
    check(result, truth);
    int64_t counts[2][2] = {};  // [result][truth]
    for (int y = 0; y < size_.height; ++y)
        for (int x = 0; x < size_.width; ++x) ++counts[result(x, y) > threshold][truth(x, y) > threshold];
    return {counts[1][1], counts[1][0], counts[0][1], counts[0][0]};
}

inline AlphaError MatteMeasures::error(HostImage<const float> result, HostImage<const float> truth) {
    check(result, truth);
    const auto mean = [&](auto&& of) {
        const double sum = sum_of_rows([&](int y) {
            double part = 0;
            for (int x = 0; x < size_.width; ++x) part += of(double(result(x, y)) - double(truth(x, y)));
            return part;
        });
        return sum / double(size_.area());
    };
    return {mean([](double d) { return std::abs(d); }), mean([](double d) { return d * d; })};
}

inline void MatteMeasures::gradient_magnitude(HostImage<const float> matte, HostImage<double> magnitude) {
    const detail::GradientFilter filter;
    constexpr int radius = detail::GradientFilter::radius;
    const HostImage<double> smooth = smooth_.view(), slope = slope_.view();
    for_each_pixel(*exec_, size_, [=](int x, int y) {
        double g = 0, d = 0;
        for (int i = -radius; i <= radius; ++i) {
            const double value = matte.clamped(x + i, y);
            g += filter.smooth[i + radius] * value, d += filter.slope[i + radius] * value;
        }
        smooth(x, y) = g, slope(x, y) = d;
    });
    for_each_pixel(*exec_, size_, [=](int x, int y) {
        double along_x = 0, along_y = 0;
        for (int i = -radius; i <= radius; ++i) {
            along_x += filter.smooth[i + radius] * slope.clamped(x, y + i);
            along_y += filter.slope[i + radius] * smooth.clamped(x, y + i);
        }
        magnitude(x, y) = std::sqrt(along_x * along_x + along_y * along_y);
    });
}

inline double MatteMeasures::gradient(HostImage<const float> result, HostImage<const float> truth) {
    check(result, truth);
    const HostImage<double> a = magnitude_.view(), b = magnitude2_.view();
    gradient_magnitude(result, a), gradient_magnitude(truth, b);
    return sum_of_rows([&](int y) {
        double part = 0;
        for (int x = 0; x < size_.width; ++x) part += (a(x, y) - b(x, y)) * (a(x, y) - b(x, y));
        return part;
    });
}

// Joins the pixels where both mattes reach the level into regions, and finds the largest. parents_ is -1 elsewhere.
inline void MatteMeasures::find_largest_region(HostImage<const float> result, HostImage<const float> truth,
                                               float level) {
    int* parents = parents_.span().data;
    const auto join = [&](int a, int b) {
        a = detail::root_of(parents, a), b = detail::root_of(parents, b);
        parents[std::max(a, b)] = std::min(a, b);  // the root is the first pixel of the region
    };
    for (int y = 0, i = 0; y < size_.height; ++y)
        for (int x = 0; x < size_.width; ++x, ++i) {
            parents[i] = -1;
            if (!(result(x, y) >= level && truth(x, y) >= level)) continue;
            parents[i] = i;
            if (x > 0 && parents[i - 1] >= 0) join(i, i - 1);
            if (y > 0 && parents[i - size_.width] >= 0) join(i, i - size_.width);
        }
    int* pixels = regions_.span().data;
    std::fill_n(pixels, size_.area(), 0);
    largest_ = -1;
    for (int i = 0; i < int(size_.area()); ++i)
        if (parents[i] >= 0) ++pixels[parents[i] = detail::root_of(parents, i)];
    for (int i = 0; i < int(size_.area()); ++i)
        if (pixels[i] > (largest_ < 0 ? 0 : pixels[largest_])) largest_ = i;
}

inline double MatteMeasures::connectivity(HostImage<const float> result, HostImage<const float> truth) {
    check(result, truth);
    constexpr uint8_t unset = 255;
    const HostImage<uint8_t> levels = levels_.view();
    for (int y = 0; y < size_.height; ++y) std::fill_n(levels.row(y), size_.width, unset);
    for (int tenth = 1; tenth <= 10; ++tenth) {
        find_largest_region(result, truth, float(tenth) / 10);
        const int* parents = parents_.span().data;
        for (int y = 0, i = 0; y < size_.height; ++y)
            for (int x = 0; x < size_.width; ++x, ++i)
                if (levels(x, y) == unset && (largest_ < 0 || parents[i] != largest_))
                    levels(x, y) = uint8_t(tenth - 1);
    }
    return sum_of_rows([&](int y) {
        double part = 0;
        for (int x = 0; x < size_.width; ++x) {
            const double level = levels(x, y) == unset ? 1 : levels(x, y) / 10.0;
            const auto phi = [&](double value) { return value - level >= 0.15 ? 1 - (value - level) : 1; };
            part += std::abs(phi(result(x, y)) - phi(truth(x, y)));
        }
        return part;
    });
}

inline double MatteMeasures::temporal(HostImage<const float> result_before, HostImage<const float> result,
                                      HostImage<const float> truth_before, HostImage<const float> truth) {
    check(result_before, result, truth_before, truth);
    const double sum = sum_of_rows([&](int y) {
        double part = 0;
        for (int x = 0; x < size_.width; ++x) {
            const double change = double(result(x, y)) - double(result_before(x, y));
            const double true_change = double(truth(x, y)) - double(truth_before(x, y));
            part += (change - true_change) * (change - true_change);
        }
        return part;
    });
    return std::sqrt(sum / double(size_.area()));
}

inline double matte_flicker(Cpu& exec, HostImage<const Rgba8> frame_before, HostImage<const Rgba8> frame,
                            HostImage<const float> matte_before, HostImage<const float> matte) {
    const Size size = frame.size;
    require(frame_before.size == size && matte_before.size == size && matte.size == size,
            "matte_flicker: the images differ in size");
    constexpr int still = 6;          // codes
    constexpr double unit = 1 << 24;  // whole numbers add up to the same in any order
    std::atomic<int64_t> count{0}, sum{0};
    exec.for_each_range(size.height, 16, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            int64_t pixels = 0;
            double part = 0;
            for (int x = 0; x < size.width; ++x) {
                const Rgba8 a = frame_before(x, y), b = frame(x, y);
                const bool stays =
                    std::abs(a[0] - b[0]) <= still && std::abs(a[1] - b[1]) <= still && std::abs(a[2] - b[2]) <= still;
                const double change = double(matte(x, y)) - double(matte_before(x, y));
                pixels += stays, part += stays ? change * change : 0;
            }
            count += pixels, sum += int64_t(part * unit + 0.5);
        }
    });
    return count > 0 ? std::sqrt(double(sum) / unit / double(count)) : 0;
}
}  // namespace cinebokeh
