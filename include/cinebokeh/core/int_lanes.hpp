// Sixteen whole numbers of 32 bits that go through a calculation together, and the products of pairs of 16-bit numbers
// that processors have for them. Arithmetic wraps around.
#pragma once
#include <cstdint>
#include <cstring>

#include "cinebokeh/core/config.hpp"

#if defined(__GNUC__) && defined(__SSE2__) && !defined(__CUDACC__)
#define CINEBOKEH_INTRINSICS 1
#include <immintrin.h>
#else
#define CINEBOKEH_INTRINSICS 0
#endif

namespace cinebokeh {

struct IntLanes {
    static constexpr int count = 16;
#if defined(__GNUC__)
    typedef int32_t Numbers __attribute__((vector_size(64)));
#else
    struct Numbers {
        int32_t v[count];
        int32_t& operator[](int i) { return v[i]; }
        int32_t operator[](int i) const { return v[i]; }
    };
#endif
    Numbers v;

    static IntLanes load(const int32_t* p) {
        IntLanes r;
        std::memcpy(&r.v, p, sizeof r.v);
        return r;
    }
    void store(int32_t* p) const { std::memcpy(p, &v, sizeof v); }
    int32_t operator[](int i) const { return v[i]; }
    static IntLanes load_bytes(const uint8_t* p) {
#if CINEBOKEH_INTRINSICS && defined(__AVX512F__)
        return {Numbers(_mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
#else
        int32_t numbers[count];
        for (int i = 0; i < count; ++i) numbers[i] = p[i];
        return load(numbers);
#endif
    }
    /// Stores the low eight bits of each lane.
    void store_bytes(uint8_t* p) const {
#if CINEBOKEH_INTRINSICS && defined(__AVX512F__)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(0xffff, __m512i(v)));
#else
        int32_t numbers[count];
        store(numbers);
        for (int i = 0; i < count; ++i) p[i] = uint8_t(numbers[i]);
#endif
    }

#if defined(__GNUC__)
    static IntLanes all(int32_t x) { return {x - Numbers{}}; }  // a broadcast
    friend IntLanes operator+(const IntLanes& a, const IntLanes& b) { return {a.v + b.v}; }
    friend IntLanes operator&(const IntLanes& a, const IntLanes& b) { return {a.v & b.v}; }
    friend IntLanes operator<<(const IntLanes& a, int bits) { return {a.v << bits}; }
    friend IntLanes min(const IntLanes& a, const IntLanes& b) { return {a.v < b.v ? a.v : b.v}; }
#else
    template <class Of>
    static IntLanes each(Of of) {
        IntLanes r;
        for (int i = 0; i < count; ++i) r.v[i] = int32_t(of(i));
        return r;
    }
    static IntLanes all(int32_t x) {
        return each([=](int) { return x; });
    }
    friend IntLanes operator+(const IntLanes& a, const IntLanes& b) {
        return each([&](int i) { return uint32_t(a[i]) + uint32_t(b[i]); });
    }
    friend IntLanes operator&(const IntLanes& a, const IntLanes& b) {
        return each([&](int i) { return a[i] & b[i]; });
    }
    friend IntLanes operator<<(const IntLanes& a, int bits) {
        return each([&](int i) { return uint32_t(a[i]) << bits; });
    }
    friend IntLanes min(const IntLanes& a, const IntLanes& b) {
        return each([&](int i) { return a[i] < b[i] ? a[i] : b[i]; });
    }
#endif
    /// first, first + 1 ..
    static IntLanes counting_from(int32_t first) {
        constexpr int32_t steps[count] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        return all(first) + load(steps);
    }
};

/// Two 16-bit numbers in one word, for add_products.
constexpr int32_t pair_of(int low, int high) { return int32_t(uint32_t(uint16_t(low)) | uint32_t(high) << 16); }

/// sum + a.low * b.low + a.high * b.high in every lane, where lanes of a and b are pairs. One instruction with AVX-512.
inline IntLanes add_products(const IntLanes& sum, const IntLanes& a, const IntLanes& b) {
#if CINEBOKEH_INTRINSICS && defined(__AVX512VNNI__)
    return {IntLanes::Numbers(_mm512_dpwssd_epi32(__m512i(sum.v), __m512i(a.v), __m512i(b.v)))};
#elif CINEBOKEH_INTRINSICS
#if defined(__AVX2__)
    using Part = __m256i;
    auto multiply = [](Part x, Part y) { return _mm256_madd_epi16(x, y); };
#else
    using Part = __m128i;
    auto multiply = [](Part x, Part y) { return _mm_madd_epi16(x, y); };
#endif
    constexpr int parts = int(sizeof(IntLanes) / sizeof(Part));
    Part x[parts], y[parts];
    std::memcpy(x, &a.v, sizeof x), std::memcpy(y, &b.v, sizeof y);
    for (int i = 0; i < parts; ++i) x[i] = multiply(x[i], y[i]);
    IntLanes products;
    std::memcpy(&products.v, x, sizeof x);
    return sum + products;
#else
    IntLanes r;
    for (int i = 0; i < IntLanes::count; ++i)
        r.v[i] =
            int32_t(uint32_t(sum[i]) + uint32_t(int16_t(a[i]) * int16_t(b[i])) + uint32_t((a[i] >> 16) * (b[i] >> 16)));
    return r;
#endif
}

/// Writes the lanes of `a` in which x and y differ to `to`, one after the other, and returns how many they are. All
/// sixteen places of `to` may be written.
inline int store_where_different(const IntLanes& x, const IntLanes& y, const IntLanes& a, int32_t* to) {
#if CINEBOKEH_INTRINSICS && defined(__AVX512F__)
    const __mmask16 different = _mm512_cmpneq_epi32_mask(__m512i(x.v), __m512i(y.v));
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(different, __m512i(a.v)));
    return __builtin_popcount(different);
#else
    int n = 0;
    for (int i = 0; i < IntLanes::count; ++i) {
        to[n] = a[i];
        n += x[i] != y[i];
    }
    return n;
#endif
}
}  // namespace cinebokeh
