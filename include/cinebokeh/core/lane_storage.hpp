// Lanes in and out of memory, in any storage type: all sixteen, or the first few.
#pragma once
#include <type_traits>

#include "cinebokeh/core/float16.hpp"
#include "cinebokeh/core/intrinsics.hpp"
#include "cinebokeh/core/lanes.hpp"
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && !defined(__CUDACC__)
#define CINEBOKEH_AVX512 1
#else
#define CINEBOKEH_AVX512 0
#endif

namespace cinebokeh {

/// a * b + c, rounded once where the processor can.
inline Lanes multiply_add(const Lanes& a, const Lanes& b, const Lanes& c) {
#if CINEBOKEH_AVX512
    return {Lanes::Numbers(_mm512_fmadd_ps(__m512(a.v), __m512(b.v), __m512(c.v)))};
#elif defined(__FMA__) && defined(__GNUC__) && !defined(__CUDACC__)
    Lanes r;
    __m256 x[2], y[2], z[2];
    std::memcpy(x, &a, sizeof a), std::memcpy(y, &b, sizeof b), std::memcpy(z, &c, sizeof c);
    for (int i = 0; i < 2; ++i) x[i] = _mm256_fmadd_ps(x[i], y[i], z[i]);
    std::memcpy(&r, x, sizeof r);
    return r;
#else
    return a * b + c;
#endif
}

#if CINEBOKEH_AVX512
namespace detail {
inline __mmask16 first_lanes(int count) { return __mmask16(count >= 16 ? 0xffffu : (1u << count) - 1u); }
inline __m512 widen(const float* p, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, p); }
inline __m512 widen(const Half* p, __mmask16 mask) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p)); }
inline __m512 widen(const BFloat16* p, __mmask16 mask) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p)), 16));
}
inline __m256i round_to_bfloat16(__m512 v) {
#if defined(__AVX512BF16__)
    return (__m256i)_mm512_cvtneps_pbh(v);
#else
    const __m512i bits = _mm512_castps_si512(v),
                  odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i kept = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16));
#endif
}
}  // namespace detail
#endif

/// Loads the first `count` (at most 16) of the numbers at p; the other lanes are zero.
template <class T>
Lanes load_lanes(const T* p, int count = 16) {
#if CINEBOKEH_AVX512
    return {Lanes::Numbers(detail::widen(p, detail::first_lanes(count)))};
#else
    float values[16] = {};
    for (int i = 0; i < (count < 16 ? count : 16); ++i) values[i] = to_float(p[i]);
    return Lanes::load(values);
#endif
}

/// Rounds and stores the first `count` (at most 16) lanes.
template <class T>
void store_lanes(T* p, const Lanes& lanes, int count = 16) {
#if CINEBOKEH_AVX512
    const __mmask16 mask = detail::first_lanes(count);
    if constexpr (sizeof(T) == sizeof(float))
        _mm512_mask_storeu_ps(p, mask, __m512(lanes.v));
    else if constexpr (std::is_same_v<T, BFloat16>)
        _mm256_mask_storeu_epi16(p, mask, detail::round_to_bfloat16(__m512(lanes.v)));
    else
        _mm256_mask_storeu_epi16(p, mask, _mm512_cvtps_ph(__m512(lanes.v), _MM_FROUND_TO_NEAREST_INT));
#else
    float values[16];
    lanes.store(values);
    for (int i = 0; i < (count < 16 ? count : 16); ++i) p[i] = from_float<T>(values[i]);
#endif
}

/// Calls f(first, 16) for every whole run of sixteen in [0, count), then f(first, rest).
template <class F>
void for_each_lanes(int count, const F& f) {
    int first = 0;
    for (; first + 16 <= count; first += 16) f(first, 16);
    if (first < count) f(first, count - first);
}
}  // namespace cinebokeh
