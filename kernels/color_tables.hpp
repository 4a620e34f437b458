// The tables behind color.hpp, computed by the compiler, and the integer conversions that read them.
//
// On a device the tables are constant arrays in global memory, 34 KB, which stay in the first-level cache.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::detail {

// The n-th root of a, for a in (0, 1], by Newton's method from a first guess above the root.
constexpr double newton_root(double a, int n, double root, int steps) {
    for (int i = 0; i < steps; ++i) {
        double power = 1;
        for (int k = 1; k < n; ++k) power *= root;
        root -= (power * root - a) / (n * power);
    }
    return root;
}

// The sRGB transfer function, for code values in [0, 1].
constexpr double srgb_decode(double code) {
    if (code <= 0.04045) return code / 12.92;
    const double base = (code + 0.055) / 1.055;
    return base * base * newton_root(base * base, 5, 1, 40);
}

struct SrgbTables {
    static constexpr int buckets = 4096;  // of linear light; narrower than any code, so at most one edge in each

    float linear[256];      // decoded codes
    float edge[256];        // the least linear value that is encoded as code + 1; edge[255] is never reached
    int code[buckets + 1];  // of the least value of each bucket
};

constexpr SrgbTables make_srgb_tables() {
    SrgbTables tables{};
    for (int i = 0; i < 256; ++i) {
        tables.linear[i] = float(srgb_decode(i / 255.0));
        const double edge = i == 255 ? 2 : srgb_decode((i + 0.5) / 255);
        const float rounded = float(edge);  // rounded up to a float: x >= edge is then decided exactly
        tables.edge[i] = double(rounded) >= edge ? rounded : std::bit_cast<float>(std::bit_cast<uint32_t>(rounded) + 1);
    }
    for (int i = 0, code = 0; i <= SrgbTables::buckets; ++i) {
        while (float(i) / SrgbTables::buckets >= tables.edge[code]) ++code;
        tables.code[i] = code;
    }
    return tables;
}

// Lab in fixed point. Linear light has 20 fractional bits, the matrix too; X, Y, Z relative to white have 24, and
// f(t), the cube root of Lab, is interpolated linearly to 20 bits: 4096 steps keep it within 5e-6, 0.0025 units of a.
struct LabTables {
    static constexpr int steps = 4096;

    uint32_t linear[256];      // 20 fractional bits
    uint32_t root[steps + 1];  // f at a step, 21 bits, and its increase to the next step, the 11 bits below
};

constexpr LabTables make_lab_tables() {
    LabTables tables{};
    for (int i = 0; i < 256; ++i) tables.linear[i] = uint32_t(srgb_decode(i / 255.0) * (1 << 20) + 0.5);
    double root = 0.2;
    uint32_t value[LabTables::steps + 2]{};
    for (int i = 0; i <= LabTables::steps; ++i) {
        const double t = double(i) / LabTables::steps;
        const bool linear = t <= 216.0 / 24389;
        if (!linear) root = newton_root(t, 3, root, 5);
        value[i] = uint32_t((linear ? (24389.0 / 27 * t + 16) / 116 : root) * (1 << 20) + 0.5);
    }
    value[LabTables::steps + 1] = value[LabTables::steps];
    for (int i = 0; i <= LabTables::steps; ++i) tables.root[i] = value[i] << 11 | (value[i + 1] - value[i]);
    return tables;
}

inline constexpr SrgbTables host_srgb_tables = make_srgb_tables();
inline constexpr LabTables host_lab_tables = make_lab_tables();
#if defined(__CUDACC__)
static __device__ constexpr SrgbTables device_srgb_tables = make_srgb_tables();
static __device__ constexpr LabTables device_lab_tables = make_lab_tables();
#endif

CINEBOKEH_HD inline const SrgbTables& srgb_tables() {
#if defined(__CUDA_ARCH__)
    return device_srgb_tables;
#else
    return host_srgb_tables;
#endif
}
CINEBOKEH_HD inline const LabTables& lab_tables() {
#if defined(__CUDA_ARCH__)
    return device_lab_tables;
#else
    return host_lab_tables;
#endif
}

// The code of a linear value; NaN gives 0.
CINEBOKEH_HD inline int srgb_code(const SrgbTables& tables, float linear) {
    const float x = linear > 0 ? (linear < 1 ? linear : 1) : 0;
    const int code = tables.code[int(x * float(SrgbTables::buckets))];  // a power of two: no rounding
    return code + (x >= tables.edge[code]);
}

// The codes of `count` linear values, at most a piece: loops that a compiler can turn into vectors and gathers.
constexpr int srgb_piece = 256;
inline void srgb_codes(const SrgbTables& tables, const float* linear, int count, int* codes) {
    float cut[srgb_piece];
    for (int i = 0; i < count; ++i) {
        const float low = linear[i] > 0 ? linear[i] : 0.f;
        cut[i] = low < 1 ? low : 1.f;
    }
    for (int i = 0; i < count; ++i) codes[i] = tables.code[int(cut[i] * float(SrgbTables::buckets))];
    for (int i = 0; i < count; ++i) codes[i] += cut[i] >= tables.edge[codes[i]];
}

// Rows of the sRGB to XYZ matrix divided by the white point, with 20 fractional bits. Each row sums to one exactly.
struct XyzRow {
    uint32_t red, green, blue;
};
constexpr XyzRow xyz_row(double red, double green, double blue) {
    const double scale = (1 << 20) / (red + green + blue);
    const uint32_t r = uint32_t(red * scale + 0.5), b = uint32_t(blue * scale + 0.5);
    return {r, (1u << 20) - r - b, b};
}
inline constexpr XyzRow xyz_x = xyz_row(0.4124564, 0.3575761, 0.1804375);
inline constexpr XyzRow xyz_y = xyz_row(0.2126729, 0.7151522, 0.0721750);
inline constexpr XyzRow xyz_z = xyz_row(0.0193339, 0.1191920, 0.9503041);

CINEBOKEH_HD inline int lab_root(const LabTables& tables, uint64_t red, uint64_t green, uint64_t blue, XyzRow row) {
    const uint64_t sum = red * row.red + green * row.green + blue * row.blue;  // 40 fractional bits
    const uint32_t t = uint32_t((sum + (1 << 15)) >> 16);
    const uint32_t entry = tables.root[t >> 12];
    return int((entry >> 11) + (((entry & 2047) * (t & 4095) + 2048) >> 12));
}

inline constexpr int lab_fraction_bits = 20;

// L, a and b with 20 fractional bits, alpha ignored.
CINEBOKEH_HD inline Vec<int, 3> lab_fixed(const LabTables& tables, int red, int green, int blue) {
    const uint32_t r = tables.linear[red], g = tables.linear[green], b = tables.linear[blue];
    const int x = lab_root(tables, r, g, b, {xyz_x.red, xyz_x.green, xyz_x.blue});
    const int y = lab_root(tables, r, g, b, {xyz_y.red, xyz_y.green, xyz_y.blue});
    const int z = lab_root(tables, r, g, b, {xyz_z.red, xyz_z.green, xyz_z.blue});
    return {116 * y - (16 << lab_fraction_bits), 500 * (x - y), 200 * (y - z)};
}

// lab_fixed of N pixels: of a fixed length and by whole words, so that it is compiled to vector code.
template <int N>
void lab_fixed_block(const Rgba8* pixels, int (&lab)[3][N]) {
    uint32_t words[N];
    std::memcpy(words, pixels, sizeof words);
    constexpr bool little = std::endian::native == std::endian::little;
    constexpr int red = little ? 0 : 24, green = little ? 8 : 16, blue = little ? 16 : 8;
    for (int i = 0; i < N; ++i) {
        const Vec<int, 3> color =
            lab_fixed(host_lab_tables, words[i] >> red & 255, words[i] >> green & 255, words[i] >> blue & 255);
        lab[0][i] = color[0], lab[1][i] = color[1], lab[2][i] = color[2];
    }
}
}  // namespace cinebokeh::detail
