// Guided filter on CUDA: four launches, each with one thread per pixel that adds the pixels of its row or column.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "kernels/guided_filter.hpp"

namespace cinebokeh::detail {

using Double4 = Vec<double, 4>;

template <class Pixel>
struct WindowSums {
    typename Guide<Pixel>::Sum g[Guide<Pixel>::channels], gg[Guide<Pixel>::products];
    double p, gp[Guide<Pixel>::channels];
};

template <>
struct GuidedScratch<DeviceSpace> {
    GuidedScratch(Cuda& exec, Size max_size, int)
        : colour_sums(exec, max_size),
          coefficients(exec, max_size),
          coefficient_sums(exec, max_size),
          means(exec, max_size) {}

    template <class Pixel>
    Image<WindowSums<Pixel>, DeviceSpace> sums(Size size) {
        static_assert(sizeof(WindowSums<Pixel>) <= sizeof(WindowSums<Rgba8>));
        const auto view = colour_sums.view();
        return {reinterpret_cast<WindowSums<Pixel>*>(view.data), size, view.pitch};
    }
    Buffer<WindowSums<Rgba8>, Cuda> colour_sums;
    Buffer<Float4, Cuda> coefficients;
    Buffer<Double4, Cuda> coefficient_sums;
    Buffer<Float4, Cuda> means;
};

template <class Pixel>
struct MomentsAlongRow {
    Image<const Pixel, DeviceSpace> guide;
    Image<const float, DeviceSpace> in;
    int radius;
    Image<WindowSums<Pixel>, DeviceSpace> sums;

    CINEBOKEH_HD void operator()(int x, int y) const {
        using G = Guide<Pixel>;
        WindowSums<Pixel> s{};
        const int end = x + radius < in.size.width ? x + radius : in.size.width - 1;
        for (int u = x > radius ? x - radius : 0; u <= end; ++u) {
            const double p = finite_or_zero(in(u, y));
            typename G::Value g[G::channels];
            for (int c = 0; c < G::channels; ++c) g[c] = G::value(guide(u, y), c);
            int product = 0;
            s.p += p;
            for (int i = 0; i < G::channels; ++i) {
                s.g[i] += typename G::Sum(g[i]);
                s.gp[i] += p * double(g[i]);
                for (int j = i; j < G::channels; ++j) s.gg[product++] += typename G::Sum(g[i] * g[j]);
            }
        }
        sums(x, y) = s;
    }
};

template <class Pixel>
struct FunctionsOfWindows {
    Image<const WindowSums<Pixel>, DeviceSpace> sums;
    int radius;
    double epsilon;
    Image<Float4, DeviceSpace> coefficients;  // a, then b

    CINEBOKEH_HD void operator()(int x, int y) const {
        using G = Guide<Pixel>;
        const Size size = coefficients.size;
        const int y0 = y > radius ? y - radius : 0, y1 = y + radius < size.height ? y + radius : size.height - 1;
        const int x0 = x > radius ? x - radius : 0, x1 = x + radius < size.width ? x + radius : size.width - 1;
        WindowSums<Pixel> s{};
        for (int v = y0; v <= y1; ++v) {
            const WindowSums<Pixel>& row = sums(x, v);
            s.p += row.p;
            for (int i = 0; i < G::channels; ++i) s.g[i] += row.g[i], s.gp[i] += row.gp[i];
            for (int i = 0; i < G::products; ++i) s.gg[i] += row.gg[i];
        }
        double g[G::channels], gg[G::products];
        for (int i = 0; i < G::channels; ++i) g[i] = double(s.g[i]);
        for (int i = 0; i < G::products; ++i) gg[i] = double(s.gg[i]);
        float f[G::channels + 1];
        window_function(double(x1 - x0 + 1) * (y1 - y0 + 1), epsilon, g, gg, s.p, s.gp, f);
        Float4 packed{};
        for (int i = 0; i <= G::channels; ++i) packed[i] = f[i];
        coefficients(x, y) = packed;
    }
};

struct CoefficientsAlongRow {
    Image<const Float4, DeviceSpace> coefficients;
    int radius;
    Image<Double4, DeviceSpace> sums;

    CINEBOKEH_HD void operator()(int x, int y) const {
        Double4 s{};
        const int end = x + radius < sums.size.width ? x + radius : sums.size.width - 1;
        for (int u = x > radius ? x - radius : 0; u <= end; ++u)
            for (int i = 0; i < 4; ++i) s[i] += double(coefficients(u, y)[i]);
        sums(x, y) = s;
    }
};

struct MeansOfCoefficients {
    Image<const Double4, DeviceSpace> sums;
    int radius;
    Image<Float4, DeviceSpace> means;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Size size = means.size;
        const int y0 = y > radius ? y - radius : 0, y1 = y + radius < size.height ? y + radius : size.height - 1;
        const int x0 = x > radius ? x - radius : 0, x1 = x + radius < size.width ? x + radius : size.width - 1;
        Double4 s{};
        for (int v = y0; v <= y1; ++v) s = s + sums(x, v);
        const double n = double(x1 - x0 + 1) * (y1 - y0 + 1);
        means(x, y) = Float4{float(s[0] / n), float(s[1] / n), float(s[2] / n), float(s[3] / n)};
    }
};

template <class Pixel>
struct ApplyMeans {
    Image<const Float4, DeviceSpace> means;  // 1 / step as large
    Image<const Pixel, DeviceSpace> guide;
    int step;
    Image<float, DeviceSpace> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        constexpr int channels = Guide<Pixel>::channels;
        const SubsampleNeighbours u = between(x, step, means.size.width), v = between(y, step, means.size.height);
        const Float4 a = means(u.first, v.first) + u.fraction * (means(u.second, v.first) - means(u.first, v.first));
        const Float4 b = means(u.first, v.second) + u.fraction * (means(u.second, v.second) - means(u.first, v.second));
        const Float4 m = a + v.fraction * (b - a);
        float value = m[channels];
        for (int c = 0; c < channels; ++c) value += m[c] * float(Guide<Pixel>::value(guide(x, y), c));
        out(x, y) = value;
    }
};

template <class Pixel>
void guided_filter_upsampled(Cuda& exec, Image<const Pixel, DeviceSpace> small_guide,
                             Image<const float, DeviceSpace> small_in, int radius, float epsilon,
                             GuidedScratch<DeviceSpace>& scratch, Image<const Pixel, DeviceSpace> guide, int step,
                             Image<float, DeviceSpace> out) {
    const Size s = small_in.size;
    const auto sums = scratch.sums<Pixel>(s);
    const auto coefficients = scratch.coefficients.view().crop(0, 0, s);
    const auto coefficient_sums = scratch.coefficient_sums.view().crop(0, 0, s);
    const auto means = scratch.means.view().crop(0, 0, s);
    for_each_pixel(exec, s, MomentsAlongRow<Pixel>{small_guide, small_in, radius, sums});
    for_each_pixel(exec, s, FunctionsOfWindows<Pixel>{sums, radius, double(epsilon), coefficients});
    for_each_pixel(exec, s, CoefficientsAlongRow{coefficients, radius, coefficient_sums});
    for_each_pixel(exec, s, MeansOfCoefficients{coefficient_sums, radius, means});
    for_each_pixel(exec, out.size, ApplyMeans<Pixel>{means, guide, step, out});
}

template <class Pixel>
void guided_filter(Cuda& exec, Image<const Pixel, DeviceSpace> guide, Image<const float, DeviceSpace> in, int radius,
                   float epsilon, GuidedScratch<DeviceSpace>& scratch, Image<float, DeviceSpace> out) {
    guided_filter_upsampled<Pixel>(exec, guide, in, radius, epsilon, scratch, guide, 1, out);
}
}  // namespace cinebokeh::detail
