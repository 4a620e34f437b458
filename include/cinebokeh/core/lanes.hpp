// Sixteen numbers that go through a calculation together, in one or a few SIMD registers. GCC and Clang compile the
// arithmetic for whatever vectors the processor has; elsewhere it is a loop over an array.
#pragma once
#include <cstring>

#include "cinebokeh/core/config.hpp"

#if defined(__GNUC__) && !defined(__CUDACC__) && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define CINEBOKEH_SHUFFLE 1
#endif
#endif

namespace cinebokeh {

struct Lanes {
    static constexpr int count = 16;
#if defined(__GNUC__)
    typedef float Numbers __attribute__((vector_size(64)));
#else
    struct Numbers {
        float v[count];
        float& operator[](int i) { return v[i]; }
        float operator[](int i) const { return v[i]; }
    };
#endif
    Numbers v;

    static Lanes all(float x) {
#if defined(__GNUC__)
        return {x - Numbers{}};  // a broadcast
#else
        Lanes r;
        for (int i = 0; i < count; ++i) r.v[i] = x;
        return r;
#endif
    }
    static Lanes load(const float* p) {
        Lanes r;
        std::memcpy(&r.v, p, sizeof r.v);
        return r;
    }
    void store(float* p) const { std::memcpy(p, &v, sizeof v); }
    float operator[](int i) const { return v[i]; }

    /// Lane l of the result is lane l - 1 (or l + 1); at the end that has no neighbour it is the lane itself.
    friend Lanes left_neighbours(const Lanes& a) {
#if defined(CINEBOKEH_SHUFFLE)
        return {__builtin_shufflevector(a.v, a.v, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)};
#else
        Lanes r = a;
        for (int i = 1; i < count; ++i) r.v[i] = a.v[i - 1];
        return r;
#endif
    }
    friend Lanes right_neighbours(const Lanes& a) {
#if defined(CINEBOKEH_SHUFFLE)
        return {__builtin_shufflevector(a.v, a.v, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15)};
#else
        Lanes r = a;
        for (int i = 0; i + 1 < count; ++i) r.v[i] = a.v[i + 1];
        return r;
#endif
    }

    Lanes& operator+=(const Lanes& b) { return *this = *this + b; }
#if defined(__GNUC__)
    friend Lanes operator+(const Lanes& a, const Lanes& b) { return {a.v + b.v}; }
    friend Lanes operator-(const Lanes& a, const Lanes& b) { return {a.v - b.v}; }
    friend Lanes operator*(const Lanes& a, const Lanes& b) { return {a.v * b.v}; }
    friend Lanes operator*(float a, const Lanes& b) { return {a * b.v}; }
    friend Lanes min(const Lanes& a, const Lanes& b) { return {a.v < b.v ? a.v : b.v}; }
    friend Lanes max(const Lanes& a, const Lanes& b) { return {a.v > b.v ? a.v : b.v}; }
#else
    template <class Op>
    static Lanes each(const Lanes& a, const Lanes& b, Op op) {
        Lanes r;
        for (int i = 0; i < count; ++i) r.v[i] = op(a.v[i], b.v[i]);
        return r;
    }
    friend Lanes operator+(const Lanes& a, const Lanes& b) {
        return each(a, b, [](float x, float y) { return x + y; });
    }
    friend Lanes operator-(const Lanes& a, const Lanes& b) {
        return each(a, b, [](float x, float y) { return x - y; });
    }
    friend Lanes operator*(const Lanes& a, const Lanes& b) {
        return each(a, b, [](float x, float y) { return x * y; });
    }
    friend Lanes operator*(float a, const Lanes& b) { return all(a) * b; }
    friend Lanes min(const Lanes& a, const Lanes& b) {
        return each(a, b, [](float x, float y) { return x < y ? x : y; });
    }
    friend Lanes max(const Lanes& a, const Lanes& b) {
        return each(a, b, [](float x, float y) { return x > y ? x : y; });
    }
#endif
};
}  // namespace cinebokeh
