// Guided filter on CUDA: sums along columns, in which a thread goes down some rows and adds and takes away what comes
// and goes; then each thread adds the sums of its row's window. Once for the moments, once for the coefficients.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "kernels/guided_filter.hpp"

namespace cinebokeh::detail {

using Double4 = Vec<double, 4>;
constexpr int guided_rows = 16;  // that a thread goes down

// Sums over pixels: of the guide and its products, of the input and its products with the guide.
template <class Pixel>
struct WindowSums {
    using G = Guide<Pixel>;
    typename G::Sum g[G::channels + G::products];
    double p[1 + G::channels];

    // Takes the pixel away where `sign` is -1.
    CINEBOKEH_HD void add(const Pixel& guide, float in, int sign) {
        const double value = sign * finite_or_zero(in);
        typename G::Value v[G::channels];
        for (int c = 0; c < G::channels; ++c) v[c] = G::value(guide, c);
        int product = G::channels;
        p[0] += value;
        for (int i = 0; i < G::channels; ++i) {
            g[i] += typename G::Sum(sign * v[i]);  // whole numbers wrap around and come back
            p[1 + i] += value * double(v[i]);
            for (int j = i; j < G::channels; ++j) g[product++] += typename G::Sum(sign * (v[i] * v[j]));
        }
    }
};

// The same as images, one below the other.
template <class Pixel>
struct WindowPlanes {
    using G = Guide<Pixel>;
    Image<typename G::Sum, DeviceSpace> g;
    Image<double, DeviceSpace> p;
    int height;  // of one

    CINEBOKEH_HD void store(int x, int y, const WindowSums<Pixel>& s) const {
        for (int i = 0; i < G::channels + G::products; ++i) g(x, y + i * height) = s.g[i];
        for (int i = 0; i <= G::channels; ++i) p(x, y + i * height) = s.p[i];
    }
    CINEBOKEH_HD void add(int x, int y, WindowSums<Pixel>& s) const {
        for (int i = 0; i < G::channels + G::products; ++i) s.g[i] += g(x, y + i * height);
        for (int i = 0; i <= G::channels; ++i) s.p[i] += p(x, y + i * height);
    }
};

template <>
struct GuidedScratch<DeviceSpace> {
    GuidedScratch(Cuda& exec, Size max_size, int)
        : whole(exec, {max_size.width, 9 * max_size.height}),
          fractional(exec, {max_size.width, 4 * max_size.height}),
          coefficients(exec, max_size),
          coefficient_sums(exec, max_size),
          means(exec, max_size) {}

    WindowPlanes<Rgba8> planes(const Rgba8&, Size s) {
        return {whole.view().crop(0, 0, {s.width, 9 * s.height}), fractional.view().crop(0, 0, {s.width, 4 * s.height}),
                s.height};
    }
    WindowPlanes<float> planes(const float&, Size s) {
        return {fractional.view().crop(0, 0, {s.width, 2 * s.height}),
                fractional.view().crop(0, 2 * s.height, {s.width, 2 * s.height}), s.height};
    }
    Buffer<uint32_t, Cuda> whole;
    Buffer<double, Cuda> fractional;
    Buffer<Float4, Cuda> coefficients;
    Buffer<Double4, Cuda> coefficient_sums;
    Buffer<Float4, Cuda> means;
};

// Calls add(row, sign) and store(row) so that at each of the rows of a strip the rows within the radius are there.
template <class Add, class Store>
CINEBOKEH_HD void go_down(int strip, int height, int radius, const Add& add, const Store& store) {
    const int begin = strip * guided_rows, end = begin + guided_rows < height ? begin + guided_rows : height;
    for (int v = begin > radius ? begin - radius : 0; v < begin + radius && v < height; ++v) add(v, 1);
    for (int y = begin; y < end; ++y) {
        if (y + radius < height) add(y + radius, 1);
        store(y);
        if (y >= radius) add(y - radius, -1);
    }
}

template <class Pixel>
struct MomentsAlongColumn {
    Image<const Pixel, DeviceSpace> guide;
    Image<const float, DeviceSpace> in;
    int radius;
    WindowPlanes<Pixel> planes;

    CINEBOKEH_HD void operator()(int x, int strip) const {
        WindowSums<Pixel> s{};
        go_down(
            strip, in.size.height, radius, [&](int y, int sign) { s.add(guide(x, y), in(x, y), sign); },
            [&](int y) { planes.store(x, y, s); });
    }
};

// The pixels of a window, cut off at the border.
struct GuidedWindow {
    int left, right;  // the columns
    double n;

    CINEBOKEH_HD GuidedWindow(int x, int y, int radius, Size size)
        : left(x > radius ? x - radius : 0), right(x + radius < size.width ? x + radius : size.width - 1) {
        const int top = y > radius ? y - radius : 0;
        n = double(right - left + 1) * ((y + radius < size.height ? y + radius : size.height - 1) - top + 1);
    }
};

template <class Pixel>
struct FunctionsOfWindows {
    WindowPlanes<Pixel> planes;
    int radius;
    double epsilon;
    Image<Float4, DeviceSpace> coefficients;  // a, then b

    CINEBOKEH_HD void operator()(int x, int y) const {
        using G = Guide<Pixel>;
        const GuidedWindow window(x, y, radius, coefficients.size);
        WindowSums<Pixel> s{};
        for (int u = window.left; u <= window.right; ++u) planes.add(u, y, s);
        double g[G::channels], gg[G::products], gp[G::channels];
        for (int i = 0; i < G::channels; ++i) g[i] = double(s.g[i]), gp[i] = s.p[1 + i];
        for (int i = 0; i < G::products; ++i) gg[i] = double(s.g[G::channels + i]);
        float f[G::channels + 1];
        window_function(window.n, epsilon, g, gg, s.p[0], gp, f);
        Float4 packed{};
        for (int i = 0; i <= G::channels; ++i) packed[i] = f[i];
        coefficients(x, y) = packed;
    }
};

struct CoefficientsAlongColumn {
    Image<const Float4, DeviceSpace> coefficients;
    int radius;
    Image<Double4, DeviceSpace> sums;

    CINEBOKEH_HD void operator()(int x, int strip) const {
        Double4 s{};
        go_down(
            strip, sums.size.height, radius,
            [&](int y, int sign) {
                const Float4 f = coefficients(x, y);
                for (int i = 0; i < 4; ++i) s[i] += double(f[i]) * sign;
            },
            [&](int y) { sums(x, y) = s; });
    }
};

struct MeansOfCoefficients {
    Image<const Double4, DeviceSpace> sums;
    int radius;
    Image<Float4, DeviceSpace> means;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const GuidedWindow window(x, y, radius, means.size);
        Double4 s{};
        for (int u = window.left; u <= window.right; ++u) s = s + sums(u, y);
        const double n = window.n;
        means(x, y) = Float4{float(s[0] / n), float(s[1] / n), float(s[2] / n), float(s[3] / n)};
    }
};

template <class Pixel>
struct ApplyMeans {
    Image<const Float4, DeviceSpace> means;
    Image<const Pixel, DeviceSpace> guide;
    GuidedScale<DeviceSpace> scale;
    Image<float, DeviceSpace> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const SmallNeighbours u = between(x, scale.x, means.size.width), v = between(y, scale.y, means.size.height);
        float value = apply_means(interpolated(means, u, v), guide(x, y));
        if (scale.bounds.data) {
            const Float2 range = interpolated(scale.bounds, u, v);
            value = clamp(value, range[0], range[1]);
        }
        out(x, y) = value;
    }
    template <class V>
    CINEBOKEH_HD static V interpolated(const Image<const V, DeviceSpace>& image, const SmallNeighbours& u,
                                       const SmallNeighbours& v) {
        const V a = image(u.first, v.first) + u.fraction * (image(u.second, v.first) - image(u.first, v.first));
        const V b = image(u.first, v.second) + u.fraction * (image(u.second, v.second) - image(u.first, v.second));
        return a + v.fraction * (b - a);
    }
};

template <class Pixel>
void guided_filter_upsampled(Cuda& exec, Image<const Pixel, DeviceSpace> small_guide,
                             Image<const float, DeviceSpace> small_in, int radius, float epsilon,
                             GuidedScratch<DeviceSpace>& scratch, Image<const Pixel, DeviceSpace> guide,
                             const GuidedScale<DeviceSpace>& scale, Image<float, DeviceSpace> out) {
    const Size s = small_in.size;
    const Size strips{s.width, ceil_div(s.height, guided_rows)};
    const auto planes = scratch.planes(Pixel{}, s);
    const auto coefficients = scratch.coefficients.view().crop(0, 0, s);
    const auto coefficient_sums = scratch.coefficient_sums.view().crop(0, 0, s);
    const auto means = scratch.means.view().crop(0, 0, s);
    for_each_pixel(exec, strips, MomentsAlongColumn<Pixel>{small_guide, small_in, radius, planes});
    for_each_pixel(exec, s, FunctionsOfWindows<Pixel>{planes, radius, double(epsilon), coefficients});
    for_each_pixel(exec, strips, CoefficientsAlongColumn{coefficients, radius, coefficient_sums});
    for_each_pixel(exec, s, MeansOfCoefficients{coefficient_sums, radius, means});
    for_each_pixel(exec, out.size, ApplyMeans<Pixel>{means, guide, scale, out});
}

template <class Pixel>
void guided_filter(Cuda& exec, Image<const Pixel, DeviceSpace> guide, Image<const float, DeviceSpace> in, int radius,
                   float epsilon, GuidedScratch<DeviceSpace>& scratch, Image<float, DeviceSpace> out) {
    guided_filter_upsampled<Pixel>(exec, guide, in, radius, epsilon, scratch, guide, {1, 1, {}}, out);
}
}  // namespace cinebokeh::detail
