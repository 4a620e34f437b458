// The two 16-bit floating point formats, as storage: numbers are widened to float, calculated with, and rounded back.
#pragma once
#include <cstdint>
#include <cstring>

#include "cinebokeh/core/config.hpp"
#include "cinebokeh/core/intrinsics.hpp"

namespace cinebokeh {

/// IEEE binary16: 11 significant bits, largest finite number 65504.
struct Half {
    uint16_t bits;
};
/// The upper half of a float: 8 significant bits and the range of a float.
struct BFloat16 {
    uint16_t bits;
};
static_assert(sizeof(Half) == 2 && sizeof(BFloat16) == 2);

namespace detail {
CINEBOKEH_HD inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
CINEBOKEH_HD inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
// binary16 in whole numbers, for processors that have no instruction for it.
CINEBOKEH_HD inline float widen_half(uint16_t bits) {
    const uint32_t sign = uint32_t(bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
    if (magnitude >= 0x7c00u) return float_of(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
    // Exponents are rebased by multiplying with 2^112, which also makes normal numbers of subnormal ones.
    return float_of(sign | bits_of(float_of(magnitude << 13) * 0x1p112f));
}
CINEBOKEH_HD inline uint16_t round_to_half(float value) {
    const uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return uint16_t(sign | 0x7e00u);   // not a number
    if (magnitude >= 0x477ff000u) return uint16_t(sign | 0x7c00u);  // 65520 and more
    if (magnitude < 0x38800000u)  // subnormal: adding 1/2 leaves multiples of 2^-24 in the lower bits, rounded to even
        return uint16_t(sign | (bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u));
    return uint16_t(sign | (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13);
}
}  // namespace detail

CINEBOKEH_HD inline float to_float(float value) { return value; }
CINEBOKEH_HD inline float to_float(BFloat16 value) { return detail::float_of(uint32_t(value.bits) << 16); }
CINEBOKEH_HD inline float to_float(Half value) {
#if defined(__CUDA_ARCH__)
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value.bits));
    return wide;
#elif defined(__F16C__)
    return _cvtsh_ss(value.bits);
#else
    return detail::widen_half(value.bits);
#endif
}

/// Rounds to the nearest number of a storage type, ties to even; too large becomes infinite, a NaN stays one.
template <class T>
CINEBOKEH_HD T from_float(float value);
template <>
CINEBOKEH_HD inline float from_float<float>(float value) {
    return value;
}
template <>
CINEBOKEH_HD inline BFloat16 from_float<BFloat16>(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    unsigned short rounded;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(rounded) : "f"(value));
    return {rounded};
#else
    const uint32_t bits = detail::bits_of(value);
    const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    return {uint16_t(is_nan ? bits >> 16 | 0x40u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
#endif
}
template <>
CINEBOKEH_HD inline Half from_float<Half>(float value) {
#if defined(__CUDA_ARCH__)
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return {bits};
#elif defined(__F16C__)
    return {uint16_t(_cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT))};
#else
    return {detail::round_to_half(value)};
#endif
}
}  // namespace cinebokeh
