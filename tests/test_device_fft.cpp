#include "cinebokeh/core/fft.hpp"
#include "support.hpp"

#if CINEBOKEH_GRID
#include "kernels/fft_cuda.cuh"

using namespace cinebokeh;

namespace {
template <class T>
struct PictureRows {
    Image<const T, DeviceSpace> re, im;
    CINEBOKEH_HD detail::Complex<T> operator()(int y, int x, int) const {
        return re.size.contains(x, y) ? detail::Complex<T>{re(x, y), im(x, y)} : detail::Complex<T>{};
    }
};
template <class T>
struct PlaneRows {
    detail::FftPlanes<T> planes;
    CINEBOKEH_HD detail::Complex<T> operator()(int y, int x, int) const { return planes.at(x, y, 1); }
};

// The definition, in double.
template <class T>
double error_of_forward(const std::vector<T>& re, const std::vector<T>& im, Size picture, Size size,
                        const std::vector<T>& got) {
    const double pi = 3.14159265358979323846;
    double worst = 0, largest = 0;
    for (int ky = 0; ky < size.height; ++ky)
        for (int kx = 0; kx < size.width; ++kx) {
            double sum_re = 0, sum_im = 0;
            for (int y = 0; y < picture.height; ++y)
                for (int x = 0; x < picture.width; ++x) {
                    const double angle =
                        -2 * pi *
                        (double(kx * x % size.width) / size.width + double(ky * y % size.height) / size.height);
                    const double a = double(re[size_t(y * picture.width + x)]);
                    const double b = double(im[size_t(y * picture.width + x)]);
                    sum_re += a * std::cos(angle) - b * std::sin(angle);
                    sum_im += a * std::sin(angle) + b * std::cos(angle);
                }
            const size_t i = 2 * size_t(ky * size.width + kx);
            const double error = std::hypot(double(got[i]) - sum_re, double(got[i + 1]) - sum_im);
            worst = error <= worst ? worst : error, largest = std::max(largest, std::hypot(sum_re, sum_im));
        }
    return worst / largest;
}

template <class Exec, class T>
void check_planes() {
    // Every radix, one row, one column, one pixel; several groups of lines; pictures smaller than the transform.
    const struct {
        Size picture, size;
    } cases[] = {{{1, 1}, {1, 1}},     {{7, 1}, {7, 1}},   {{1, 9}, {1, 10}},
                 {{11, 13}, {12, 14}}, {{40, 9}, {40, 9}}, {{20, 6}, {21, 8}}};
    for (const auto& c : cases) {
        CAPTURE(c.size.width);
        CAPTURE(c.size.height);
        Exec exec;
        const std::vector<float> re_noise = noise(c.picture, -1, 1, 1), im_noise = noise(c.picture, -1, 1, 2);
        const std::vector<T> re(re_noise.begin(), re_noise.end()), im(im_noise.begin(), im_noise.end());
        Buffer<T, Exec> a(exec, c.picture, re), b(exec, c.picture, im);
        Buffer<T, Exec> spectrum(exec, {4 * c.size.width * c.size.height, 1});  // two planes
        const detail::PlaneFftCuda<T> fft(exec, c.size);
        const detail::FftPlanes<T> planes{reinterpret_cast<detail::Complex<T>*>(spectrum.view().data), c.size,
                                          c.size.area()};
        CHECK(allocations_during([&] {
                  fft.forward(c.picture.height, 1, PictureRows<T>{a.view(), b.view()}, planes, 1);
              }) == 0);
        const auto all = spectrum.download();
        const std::vector<T> got(all.begin() + ptrdiff_t(2 * c.size.area()), all.end());
        const double epsilon = double(std::numeric_limits<T>::epsilon());
        CHECK(error_of_forward(re, im, c.picture, c.size, got) <= 16 * epsilon);

        // Back along y, then along x: the picture times the number of coefficients.
        const detail::FftColumn<T> columns{planes, 1, c.size.height};
        fft.columns().run(c.size.width, 1, true, false, columns, columns);
        const detail::FftRow<T> row{planes, 1};
        fft.rows().run(c.size.height, 1, true, true, PlaneRows<T>{planes}, row);
        const auto back = spectrum.download();
        double worst = 0;
        for (int y = 0; y < c.size.height; ++y)
            for (int x = 0; x < c.size.width; ++x) {
                const bool inside = c.picture.contains(x, y);
                const size_t from = size_t(y * c.picture.width + x);
                const size_t at = 2 * (c.size.area() + size_t(y * c.size.width + x));
                const double scale = double(c.size.area());
                worst = std::max(worst, std::abs(double(back[at]) / scale - (inside ? double(re[from]) : 0)));
                worst = std::max(worst, std::abs(double(back[at + 1]) / scale - (inside ? double(im[from]) : 0)));
            }
        CHECK(worst <= 16 * epsilon);
    }
}
}  // namespace

TEST_CASE_TEMPLATE("the FFT of planes on the device is the discrete Fourier transform", Exec, CUDA_EXECUTORS) {
    check_planes<Exec, float>();
    check_planes<Exec, double>();
}

TEST_CASE_TEMPLATE("the FFT on the device refuses lengths that it has no passes or no memory for", Exec,
                   CUDA_EXECUTORS) {
    Exec exec;
    CHECK_THROWS_AS(detail::LineFftCuda<float>(exec, 11), Error);
    CHECK_THROWS_AS(detail::LineFftCuda<float>(exec, 0), Error);
    CHECK_THROWS_AS(detail::LineFftCuda<double>(exec, 7000), Error);
}
#endif
