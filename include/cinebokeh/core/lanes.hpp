// Sixteen numbers that go through a calculation together, in one or a few SIMD registers. GCC and Clang compile the
// arithmetic for whatever vectors the processor has; elsewhere it is a loop over an array.
#pragma once
#include <cstring>

#include "cinebokeh/core/config.hpp"

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
