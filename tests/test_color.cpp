#include "cinebokeh/color.hpp"

#include <array>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definitions, in double: IEC 61966-2-1 and CIE 15, with the white point of the matrix itself.
double decoded(int code) {
    const double c = code / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
double encoded(double linear) {
    const double x = std::min(1.0, std::max(0.0, linear));
    return 255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055);
}
std::array<double, 3> lab_of(Rgba8 p) {
    const double matrix[3][3] = {
        {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
    double f[3];
    for (int i = 0; i < 3; ++i) {
        const double white = matrix[i][0] + matrix[i][1] + matrix[i][2];
        double t = 0;
        for (int c = 0; c < 3; ++c) t += matrix[i][c] / white * decoded(p[c]);
        f[i] = t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
    }
    return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

// Every 8-bit grey, the corners of the cube, and random colours: 64 x 64 of them.
constexpr Size palette_size{64, 64};
std::vector<Rgba8> palette() {
    std::vector<Rgba8> pixels = noise_rgba(palette_size);
    for (int i = 0; i < 256; ++i) pixels[i] = {uint8_t(i), uint8_t(i), uint8_t(i), uint8_t(255 - i)};
    for (int i = 0; i < 8; ++i)
        pixels[256 + i] = {uint8_t(i & 1 ? 255 : 0), uint8_t(i & 2 ? 255 : 0), uint8_t(i & 4 ? 255 : 0), 7};
    return pixels;
}
constexpr Size odd_sizes[] = {{1, 1}, {32, 8}, {31, 7}, {33, 9}, {130, 67}};
}  // namespace

TEST_CASE_TEMPLATE("sRGB decodes to the nearest float of the standard's curve", Exec, EXECUTORS) {
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, palette_size, palette());
    Buffer<Float4, Exec> out(exec, palette_size);
    srgb_to_linear(exec, in.view(), out.view());
    const auto pixels = palette();
    const auto linear = out.download();
    double worst = 0;
    for (size_t i = 0; i < pixels.size(); ++i) {
        for (int c = 0; c < 3; ++c) worst = std::max(worst, std::abs(double(linear[i][c]) - decoded(pixels[i][c])));
        worst = std::max(worst, std::abs(double(linear[i][3]) - pixels[i][3] / 255.0));
    }
    CHECK(worst <= 0x1p-25);  // half a unit in the last place of a float below one
}

TEST_CASE_TEMPLATE("encoding a decoded image gives the image back", Exec, EXECUTORS) {
    for (Size size : odd_sizes) {
        CAPTURE(size.width);
        Exec exec;
        const auto pixels = noise_rgba(size);
        Buffer<Rgba8, Exec> in(exec, size, pixels), back(exec, size);
        Buffer<Float4, Exec> linear(exec, size);
        srgb_to_linear(exec, in.view(), linear.view());
        linear_to_srgb(exec, linear.view(), back.view());
        CHECK(back.download() == pixels);
    }
}

TEST_CASE_TEMPLATE("linear light is encoded as the nearest code", Exec, EXECUTORS) {
    // Values on both sides of every edge between two codes, where a sloppy rounding shows, and beyond the range.
    std::vector<Float4> pixels;
    for (int code = 0; code < 255; ++code) {
        const double c = (code + 0.5) / 255;
        const float edge = float(c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
        pixels.push_back({std::nextafter(edge, 0.f), edge, std::nextafter(edge, 2.f), float(c)});
    }
    for (float x : noise(200, -0.2f, 1.2f)) pixels.push_back({x, x * x, x / 100, x});
    const Size size{int(pixels.size()), 1};
    Exec exec;
    Buffer<Float4, Exec> in(exec, size, pixels);
    Buffer<Rgba8, Exec> out(exec, size);
    linear_to_srgb(exec, in.view(), out.view());
    const auto codes = out.download();
    double worst = 0;
    for (size_t i = 0; i < pixels.size(); ++i) {
        for (int c = 0; c < 3; ++c) worst = std::max(worst, std::abs(codes[i][c] - encoded(pixels[i][c])));
        const double alpha = 255 * std::min(1.0, std::max(0.0, double(pixels[i][3])));
        worst = std::max(worst, std::abs(codes[i][3] - alpha));
    }
    // Half a code; a float next to an edge is within 1e-4 of a code of it, and the curve's published branch point
    // 0.0031308 is itself rounded, by less than 1e-5 of a code.
    CHECK(worst <= 0.5 + 1e-4);
}

TEST_CASE_TEMPLATE("values that are not numbers become code 0, infinite ones are clamped", Exec, EXECUTORS) {
    Exec exec;
    const float inf = INFINITY;
    Buffer<Float4, Exec> in(exec, {2, 1}, {{NAN, -inf, inf, NAN}, {1e30f, -0.f, 1e-40f, inf}});
    Buffer<Rgba8, Exec> out(exec, {2, 1});
    linear_to_srgb(exec, in.view(), out.view());
    CHECK(out.download() == std::vector<Rgba8>{{0, 0, 255, 0}, {255, 0, 0, 255}});

    Buffer<Float3, Exec> lab(exec, {2, 1}, {{NAN, 0, 0}, {1e30f, inf, -inf}});
    lab_to_srgb(exec, lab.view(), out.view());
    CHECK(out.download()[0] == Rgba8{0, 0, 0, 255});
}

TEST_CASE_TEMPLATE("Lab is within a hundredth of its definition", Exec, EXECUTORS) {
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, palette_size, palette());
    Buffer<Float3, Exec> out(exec, palette_size);
    srgb_to_lab(exec, in.view(), out.view());
    const auto pixels = palette();
    const auto lab = out.download();
    double worst = 0;
    for (size_t i = 0; i < pixels.size(); ++i)
        for (int c = 0; c < 3; ++c) worst = std::max(worst, std::abs(lab[i][c] - lab_of(pixels[i])[c]));
    // a = 500 (f(X) - f(Y)): each f is interpolated within 5e-6, and 20 bits of linear light move it by 7.8 * 5e-7.
    CHECK(worst <= 0.01);
    for (int i = 0; i < 256; ++i) CHECK((lab[i][1] == 0 && lab[i][2] == 0));  // greys are neutral
    CHECK(lab[255][0] == 100);
}

TEST_CASE_TEMPLATE("Lab is bit-equal on every executor", Exec, EXECUTORS) {
    Cpu cpu;
    Buffer<Rgba8, Cpu> expected_in(cpu, palette_size, palette());
    Buffer<Float3, Cpu> expected(cpu, palette_size);
    srgb_to_lab(cpu, expected_in.view(), expected.view());
    Exec exec;
    Buffer<Rgba8, Exec> in(exec, palette_size, palette());
    Buffer<Float3, Exec> out(exec, palette_size);
    srgb_to_lab(exec, in.view(), out.view());
    CHECK(out.download() == expected.download());
}

TEST_CASE_TEMPLATE("Lab and back gives the image back", Exec, EXECUTORS) {
    Exec exec;
    auto pixels = palette();
    for (Rgba8& p : pixels) p[3] = 255;
    Buffer<Rgba8, Exec> in(exec, palette_size, pixels), back(exec, palette_size);
    Buffer<Float3, Exec> lab(exec, palette_size);
    srgb_to_lab(exec, in.view(), lab.view());
    lab_to_srgb(exec, lab.view(), back.view());
    CHECK(back.download() == pixels);
}

TEST_CASE_TEMPLATE("luma is the rounded BT.601 sum, on padded and bottom-up images too", Exec, EXECUTORS) {
    for (Size size : odd_sizes) {
        Exec exec;
        const auto pixels = noise_rgba(size);
        Buffer<Rgba8, Exec> in(exec, size, pixels);
        Buffer<uint8_t, Exec> out(exec, size);
        const View<uint8_t, Exec> up = out.view();
        luma(exec, in.view(), View<uint8_t, Exec>(up.row(size.height - 1), size, -up.pitch));
        const auto grey = out.download();
        double worst = 0;
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                const Rgba8 p = pixels[size_t(y) * size.width + x];
                const double exact = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
                worst = std::max(worst, std::abs(grey[size_t(size.height - 1 - y) * size.width + x] - exact));
            }
        CHECK(worst <= 0.5 + 255 * 3 * 0x1p-16);  // three weights, each rounded to 15 bits
    }
}

TEST_CASE("colour conversions refuse images of different sizes and accept empty ones") {
    Cpu exec;
    Buffer<Rgba8, Cpu> a(exec, {4, 3}), b(exec, {3, 4}), none(exec, {0, 0});
    Buffer<Float4, Cpu> linear(exec, {3, 4}), no_linear(exec, {0, 0});
    Buffer<Float3, Cpu> lab(exec, {3, 4});
    Buffer<uint8_t, Cpu> grey(exec, {3, 4});
    CHECK_THROWS_AS(srgb_to_linear(exec, a.view(), linear.view()), Error);
    CHECK_THROWS_AS(linear_to_srgb(exec, linear.view(), a.view()), Error);
    CHECK_THROWS_AS(srgb_to_lab(exec, a.view(), lab.view()), Error);
    CHECK_THROWS_AS(lab_to_srgb(exec, lab.view(), a.view()), Error);
    CHECK_THROWS_AS(luma(exec, a.view(), grey.view()), Error);
    srgb_to_linear(exec, none.view(), no_linear.view());
    CHECK(allocations_during([&] { srgb_to_linear(exec, b.view(), linear.view()); }) == 0);
}
