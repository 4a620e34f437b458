// The guided filter of K. He, J. Sun, X. Tang (PAMI 2013) by its definition, in double: what the filter and the
// upsampling are compared with.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::guided_reference {

using Colour = std::array<double, 3>;

// Solves the 3 x 3 system by Gauss-Jordan elimination with pivoting.
inline Colour solve(double m[3][4]) {
    for (int i = 0; i < 3; ++i) {
        int pivot = i;
        for (int r = i + 1; r < 3; ++r)
            if (std::abs(m[r][i]) > std::abs(m[pivot][i])) pivot = r;
        std::swap(m[i], m[pivot]);
        for (int r = 0; r < 3; ++r) {
            if (r == i) continue;
            const double f = m[r][i] / m[i][i];
            for (int c = i; c < 4; ++c) m[r][c] -= f * m[i][c];
        }
    }
    return {m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]};
}

struct Function {
    Colour a;
    double b;
};

// Eq. 19-21 of the paper, one window after the other, means first and covariances about them.
inline std::vector<Function> reference_functions(const std::vector<Colour>& guide, const std::vector<double>& in,
                                                 Size s, int radius, double epsilon) {
    std::vector<Function> functions(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            Colour mean{};
            double mean_in = 0, n = 0;
            const auto over_window = [&](auto f) {
                for (int v = std::max(0, y - radius); v <= std::min(s.height - 1, y + radius); ++v)
                    for (int u = std::max(0, x - radius); u <= std::min(s.width - 1, x + radius); ++u)
                        f(size_t(v) * size_t(s.width) + size_t(u));
            };
            over_window([&](size_t i) {
                for (size_t c = 0; c < 3; ++c) mean[c] += guide[i][c];
                mean_in += in[i], n += 1;
            });
            for (double& m : mean) m /= n;
            mean_in /= n;
            double m[3][4] = {};
            over_window([&](size_t i) {
                for (size_t r = 0; r < 3; ++r) {
                    for (size_t c = 0; c < 3; ++c) m[r][c] += (guide[i][r] - mean[r]) * (guide[i][c] - mean[c]) / n;
                    m[r][3] += (guide[i][r] - mean[r]) * (in[i] - mean_in) / n;
                }
            });
            for (int i = 0; i < 3; ++i) m[i][i] += epsilon;
            const Colour a = solve(m);
            functions[size_t(y) * size_t(s.width) + size_t(x)] = {
                a, mean_in - a[0] * mean[0] - a[1] * mean[1] - a[2] * mean[2]};
        }
    return functions;
}
inline std::vector<Function> window_means(const std::vector<Function>& functions, Size s, int radius) {
    std::vector<Function> means(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            Function sum{};
            double n = 0;
            for (int v = std::max(0, y - radius); v <= std::min(s.height - 1, y + radius); ++v)
                for (int u = std::max(0, x - radius); u <= std::min(s.width - 1, x + radius); ++u, n += 1) {
                    const Function& f = functions[size_t(v) * size_t(s.width) + size_t(u)];
                    for (size_t c = 0; c < 3; ++c) sum.a[c] += f.a[c];
                    sum.b += f.b;
                }
            for (double& a : sum.a) a /= n;
            means[size_t(y) * size_t(s.width) + size_t(x)] = {sum.a, sum.b / n};
        }
    return means;
}
inline std::vector<double> reference_filter(const std::vector<Colour>& guide, const std::vector<double>& in, Size s,
                                            int radius, double epsilon) {
    const auto means = window_means(reference_functions(guide, in, s, radius, epsilon), s, radius);
    std::vector<double> out(s.area());
    for (size_t i = 0; i < out.size(); ++i) {
        out[i] = means[i].b;
        for (size_t c = 0; c < 3; ++c) out[i] += means[i].a[c] * guide[i][c];
    }
    return out;
}
inline std::vector<Colour> colours(const std::vector<Rgba8>& pixels) {
    std::vector<Colour> c;
    for (const Rgba8& p : pixels) c.push_back({double(p[0]), double(p[1]), double(p[2])});
    return c;
}

// An image of size `small` between the centres of its pixels, at a pixel of one that is `x_ratio` and `y_ratio` times
// as large: the four pixels around, each with its share. f(index, share).
template <class F>
void interpolate(Size small, double x_ratio, double y_ratio, int x, int y, const F& f) {
    const double u = std::min(std::max((x + 0.5) / x_ratio - 0.5, 0.0), small.width - 1.0);
    const double v = std::min(std::max((y + 0.5) / y_ratio - 0.5, 0.0), small.height - 1.0);
    for (int j = 0; j < 2; ++j)
        for (int i = 0; i < 2; ++i) {
            const int uu = std::min(int(u) + i, small.width - 1), vv = std::min(int(v) + j, small.height - 1);
            f(size_t(vv * small.width + uu), (i ? u - int(u) : 1 - (u - int(u))) * (j ? v - int(v) : 1 - (v - int(v))));
        }
}
// Linear functions of size `small`, interpolated and applied to the guide of size `large`.
inline std::vector<double> applied(const std::vector<Function>& functions, Size small, const std::vector<Colour>& guide,
                                   Size large, double x_ratio, double y_ratio) {
    std::vector<double> out(large.area());
    for (int y = 0; y < large.height; ++y)
        for (int x = 0; x < large.width; ++x) {
            const size_t at = size_t(y * large.width + x);
            interpolate(small, x_ratio, y_ratio, x, y, [&](size_t i, double share) {
                double value = functions[i].b;
                for (size_t c = 0; c < 3; ++c) value += functions[i].a[c] * guide[at][c];
                out[at] += share * value;
            });
        }
    return out;
}
}  // namespace cinebokeh::guided_reference
