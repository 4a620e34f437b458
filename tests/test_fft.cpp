#include "cinebokeh/core/fft.hpp"

#include <complex>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition, separably: rows, then columns.
template <class T>
std::vector<std::complex<double>> reference_transform(const std::vector<T>& image, Size s) {
    const double two_pi = 2 * std::acos(-1.0);
    std::vector<std::complex<double>> rows(s.area()), out(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int k = 0; k < s.width; ++k)
            for (int x = 0; x < s.width; ++x)
                rows[size_t(y * s.width + k)] +=
                    std::polar(double(image[size_t(y * s.width + x)]), -two_pi * (k * x % s.width) / s.width);
    for (int k = 0; k < s.height; ++k)
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x)
                out[size_t(k * s.width + x)] +=
                    rows[size_t(y * s.width + x)] * std::polar(1.0, -two_pi * (k * y % s.height) / s.height);
    return out;
}
template <class T>
std::vector<T> noise_of(Size s) {
    const std::vector<float> values = noise(s, -1, 1);
    return std::vector<T>(values.begin(), values.end());
}
// Each side a prime radix, a power of four, mixed radices, one line only, more rows than a group of 16, odd sides.
const Size sizes[] = {{1, 1},   {2, 1},   {1, 7},   {3, 5},   {5, 3},   {7, 4},  {16, 16},
                      {15, 16}, {36, 35}, {64, 10}, {49, 25}, {30, 48}, {105, 6}};
}  // namespace

TEST_CASE("smooth_size is the next product of 2, 3, 5 and 7") {
    CHECK(smooth_size(-3) == 1);
    CHECK(smooth_size(1) == 1);
    CHECK(smooth_size(11) == 12);
    CHECK(smooth_size(121) == 125);
    CHECK(smooth_size(256) == 256);
    CHECK(smooth_size(481) == 486);
    CHECK(smooth_size(1081) == 1120);
}

TEST_CASE_TEMPLATE("the transform of an image is its Fourier sum", T, float, double) {
    for (Size s : sizes) {
        CAPTURE(s.width);
        CAPTURE(s.height);
        Cpu exec;
        RealFft2d<T> fft(exec, s);
        const std::vector<T> image = noise_of<T>(s);
        std::vector<T> spectrum(fft.spectrum_count());
        fft.forward(host_view(image, s), {spectrum.data(), spectrum.size()});
        const auto expected = reference_transform(image, s);
        // Each of the at most 7 passes per axis rounds a few times: 16 units of the largest coefficient's rounding.
        double largest = 0, worst = 0;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x <= s.width / 2; ++x) {
                const std::complex<double> e = expected[size_t(y * s.width + x)];
                const HostSpan<const T> f{spectrum.data(), spectrum.size()};
                largest = std::max(largest, std::abs(e));
                const std::complex<double> got(double(fft.at(f, x, y, 0)), double(fft.at(f, x, y, 1)));
                const double error = std::abs(got - e);
                worst = error <= worst ? worst : error;
            }
        CHECK(worst <= 16 * double(std::numeric_limits<T>::epsilon()) * largest);
    }
}

TEST_CASE_TEMPLATE("the inverse transform returns the image times the number of pixels", T, float, double) {
    for (Size s : sizes) {
        CAPTURE(s.width);
        CAPTURE(s.height);
        Cpu exec;
        RealFft2d<T> fft(exec, s);
        const std::vector<T> image = noise_of<T>(s);
        std::vector<T> memory(fft.spectrum_count() + 1), back(s.area());
        const HostSpan<T> spectrum{memory.data() + 1, fft.spectrum_count()};  // a spectrum need not be aligned
        fft.forward(host_view(image, s), spectrum);
        fft.inverse(HostSpan<const T>{spectrum.data, spectrum.count}, host_view(back, s));
        for (T& v : back) v /= T(s.area());
        CHECK(worst_error(back, image) <= 16 * double(std::numeric_limits<T>::epsilon()));
    }
}

TEST_CASE("a smaller image is filled up with zeros and a smaller result is the top left part") {
    Cpu exec;
    const Size plan{30, 28}, part{17, 21};
    RealFft2d<double> fft(exec, plan);
    const std::vector<double> image = noise_of<double>(part);
    std::vector<double> padded(plan.area()), all(plan.area()), corner(part.area());
    for (int y = 0; y < part.height; ++y)
        for (int x = 0; x < part.width; ++x) padded[size_t(y * plan.width + x)] = image[size_t(y * part.width + x)];
    std::vector<double> a(fft.spectrum_count(), -1.), b(fft.spectrum_count(), 1.);
    fft.forward(host_view(image, part), {a.data(), a.size()});
    fft.forward(host_view(padded, plan), {b.data(), b.size()});
    CHECK(a == b);
    fft.inverse({a.data(), a.size()}, host_view(all, plan));
    fft.inverse({a.data(), a.size()}, host_view(corner, part));
    std::vector<double> top_left;
    for (int y = 0; y < part.height; ++y)
        top_left.insert(top_left.end(), &all[size_t(y * plan.width)], &all[size_t(y * plan.width)] + part.width);
    // Rows share lines with other rows, so only the rounding differs: 16 units of 840 (the number of pixels).
    CHECK(worst_error(corner, top_left) <= 16 * std::numeric_limits<double>::epsilon() * 840);
}

TEST_CASE("the transform has the same bits with any number of threads, and allocates nothing") {
    const Size s{90, 70};
    const std::vector<float> image = noise_of<float>(s);
    std::vector<float> first;
    for (int threads : {1, 2, 5}) {
        Cpu exec(threads);
        RealFft2d<float> fft(exec, s);
        std::vector<float> spectrum(fft.spectrum_count()), back(s.area());
        CHECK(allocations_during([&] {
                  fft.forward(host_view(image, s), {spectrum.data(), spectrum.size()});
                  fft.inverse({spectrum.data(), spectrum.size()}, host_view(back, s));
              }) == 0);
        spectrum.insert(spectrum.end(), back.begin(), back.end());
        if (first.empty()) first = spectrum;
        CHECK(spectrum == first);
    }
}

TEST_CASE("the transform refuses lengths with other factors, larger images and spectra of the wrong count") {
    Cpu exec;
    CHECK_THROWS_AS(RealFft2d<float>(exec, {11, 8}), Error);
    CHECK_THROWS_AS(RealFft2d<float>(exec, {8, 26}), Error);
    CHECK_THROWS_AS(RealFft2d<float>(exec, {0, 8}), Error);
    RealFft2d<float> fft(exec, {8, 8});
    std::vector<float> image(100), spectrum(fft.spectrum_count());
    CHECK_THROWS_AS(fft.forward(host_view(image, {9, 8}), {spectrum.data(), spectrum.size()}), Error);
    CHECK_THROWS_AS(fft.inverse({spectrum.data(), spectrum.size()}, host_view(image, {8, 9})), Error);
    CHECK_THROWS_AS(fft.forward(host_view(image, {8, 8}), {spectrum.data(), spectrum.size() - 1}), Error);
}
