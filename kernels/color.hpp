// The colour conversions, one functor each, for both backends.
#pragma once
#include "cinebokeh/color.hpp"
#include "kernels/color_tables.hpp"

namespace cinebokeh {
namespace detail {

template <class Space>
struct SrgbToLinear {
    Image<const Rgba8, Space> in;
    Image<Float4, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const SrgbTables& tables = srgb_tables();
        const Rgba8 p = in(x, y);
        out(x, y) = {tables.linear[p[0]], tables.linear[p[1]], tables.linear[p[2]], float(p[3]) / 255.f};
    }
};

template <class Space>
struct LinearToSrgb {
    Image<const Float4, Space> in;
    Image<Rgba8, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const SrgbTables& tables = srgb_tables();
        const Float4 p = in(x, y);
        // In double the product is exact, so that the sum rounds once, with or without a fused multiply-add.
        const double alpha = p[3] > 0 ? (p[3] < 1 ? p[3] : 1) : 0;
        out(x, y) = {uint8_t(srgb_code(tables, p[0])), uint8_t(srgb_code(tables, p[1])),
                     uint8_t(srgb_code(tables, p[2])), uint8_t(alpha * 255 + 0.5)};
    }
};

template <class Space>
struct SrgbToLab {
    Image<const Rgba8, Space> in;
    Image<Float3, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Rgba8 p = in(x, y);
        const Vec<int, 3> lab = lab_fixed(lab_tables(), p[0], p[1], p[2]);
        constexpr float unit = 1.f / (1 << lab_fraction_bits);
        out(x, y) = {float(lab[0]) * unit, float(lab[1]) * unit, float(lab[2]) * unit};
    }
};

template <class Space>
struct LabToSrgb {
    Image<const Float3, Space> in;
    Image<Rgba8, Space> out;

    CINEBOKEH_HD static float cube(float f) {  // the inverse of the cube root of Lab
        return f > 6.f / 29 ? f * f * f : (116 * f - 16) * (27.f / 24389);
    }
    CINEBOKEH_HD void operator()(int x, int y) const {
        const Float3 lab = in(x, y);
        const float fy = (lab[0] + 16) / 116;
        const float X = 0.95047f * cube(fy + lab[1] / 500), Y = cube(fy), Z = 1.08883f * cube(fy - lab[2] / 200);
        const SrgbTables& tables = srgb_tables();
        out(x, y) = {uint8_t(srgb_code(tables, 3.2404542f * X - 1.5371385f * Y - 0.4985314f * Z)),
                     uint8_t(srgb_code(tables, -0.9692660f * X + 1.8760108f * Y + 0.0415560f * Z)),
                     uint8_t(srgb_code(tables, 0.0556434f * X - 0.2040259f * Y + 1.0572252f * Z)), uint8_t(255)};
    }
};

template <class Space>
struct Luma {
    Image<const Rgba8, Space> in;
    Image<uint8_t, Space> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const Rgba8 p = in(x, y);
        out(x, y) = uint8_t((9798 * p[0] + 19235 * p[1] + 3735 * p[2] + (1 << 14)) >> 15);  // the weights times 2^15
    }
};
}  // namespace detail

template <class Exec>
void srgb_to_linear(Exec& exec, View<const Rgba8, Exec> in, View<Float4, Exec> out) {
    require(in.size == out.size, "srgb_to_linear: the images differ in size");
    for_each_pixel(exec, in.size, detail::SrgbToLinear<typename Exec::Space>{in, out});
}

template <class Exec>
void linear_to_srgb(Exec& exec, View<const Float4, Exec> in, View<Rgba8, Exec> out) {
    require(in.size == out.size, "linear_to_srgb: the images differ in size");
    for_each_pixel(exec, in.size, detail::LinearToSrgb<typename Exec::Space>{in, out});
}

template <class Exec>
void srgb_to_lab(Exec& exec, View<const Rgba8, Exec> in, View<Float3, Exec> out) {
    require(in.size == out.size, "srgb_to_lab: the images differ in size");
    for_each_pixel(exec, in.size, detail::SrgbToLab<typename Exec::Space>{in, out});
}

template <class Exec>
void lab_to_srgb(Exec& exec, View<const Float3, Exec> in, View<Rgba8, Exec> out) {
    require(in.size == out.size, "lab_to_srgb: the images differ in size");
    for_each_pixel(exec, in.size, detail::LabToSrgb<typename Exec::Space>{in, out});
}

template <class Exec>
void luma(Exec& exec, View<const Rgba8, Exec> in, View<uint8_t, Exec> out) {
    require(in.size == out.size, "luma: the images differ in size");
    for_each_pixel(exec, in.size, detail::Luma<typename Exec::Space>{in, out});
}
}  // namespace cinebokeh
