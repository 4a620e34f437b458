// Products of small matrices by a warp, on tensor cores: 16 rows times a multiple of 8 columns, over the depth of four
// runs. A run is 16 bytes of a row of the first matrix or of a column of the second: what a lane loads at once.
//
// The order of the depth within a product is free as long as both matrices agree. So lane (group = lane / 4, quad =
// lane % 4) has run `quad` of rows `group` and `group + 8`, and run `quad` of column `group` of every eight columns;
// its words 2p and 2p + 1 are its part of product p, of two.
//
// Floats are split into two numbers of the tensor cores' format (11 significant bits), high and low; the product of
// both low parts is left out. The error of a product of floats is less than 2^-21 of it.
#pragma once
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/core/float16.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh::kernels {

/// 16 bytes of numbers, as registers.
struct alignas(16) Run {
    uint32_t word[4];
};
/// Values in a run.
template <class T>
inline constexpr int run_length = 16 / int(sizeof(T));
/// Runs that are multiplied in a step: one for every lane of a quad.
inline constexpr int step_runs = 4;

/// A float as the sum of two numbers that tensor cores read without loss, or nearly so: they ignore the 13 last bits.
CINEBOKEH_HD inline uint32_t high_part(float value) { return (detail::bits_of(value) + 0x1000u) & 0xffffe000u; }
CINEBOKEH_HD inline uint32_t low_part(float value) {  // keeps a NaN one, also where the high part is none
    return detail::bits_of(value - detail::float_of(high_part(value)));
}

#if defined(CINEBOKEH_SIM)
// How the simulator reads a register.
template <class T>
struct RegisterValues {
    static constexpr int count = 2;
    static float value(uint32_t word, int i) { return to_float(T{uint16_t(word >> 16 * i)}); }
};
template <>
struct RegisterValues<float> {
    static constexpr int count = 1;
    static float value(uint32_t word, int) { return detail::float_of(word & 0xffffe000u); }
};
#endif

/// sums += a * b, of `terms` pairs, one after the other; b has `count` times eight columns: the tensor cores' m16n8k16,
/// of 16-bit types, or m16n8k8.
template <class T, int terms, int count>
__device__ void multiply_fragments(float (&sums)[count][4], const uint32_t (&a)[terms][4],
                                   const uint32_t (&b)[terms][count][2]) {
#if defined(CINEBOKEH_SIM)
    sim::multiply_fragments<RegisterValues<T>>(sums, a, b);
#elif defined(__CUDA_ARCH__)
    static_assert(__CUDA_ARCH__ >= 800, "the layers of neural networks need a device of compute capability 8.0");
    CINEBOKEH_UNROLL
    for (int i = 0; i < terms; ++i) CINEBOKEH_UNROLL
    for (int j = 0; j < count; ++j)
        if constexpr (std::is_same_v<T, Half>)
            asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                : "+f"(sums[j][0]), "+f"(sums[j][1]), "+f"(sums[j][2]), "+f"(sums[j][3])
                : "r"(a[i][0]), "r"(a[i][1]), "r"(a[i][2]), "r"(a[i][3]), "r"(b[i][j][0]), "r"(b[i][j][1]));
        else if constexpr (std::is_same_v<T, BFloat16>)
            asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                : "+f"(sums[j][0]), "+f"(sums[j][1]), "+f"(sums[j][2]), "+f"(sums[j][3])
                : "r"(a[i][0]), "r"(a[i][1]), "r"(a[i][2]), "r"(a[i][3]), "r"(b[i][j][0]), "r"(b[i][j][1]));
        else
            asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                : "+f"(sums[j][0]), "+f"(sums[j][1]), "+f"(sums[j][2]), "+f"(sums[j][3])
                : "r"(a[i][0]), "r"(a[i][1]), "r"(a[i][2]), "r"(a[i][3]), "r"(b[i][j][0]), "r"(b[i][j][1]));
#endif
}

/// sums += rows * columns over a step: the runs of rows `group` and `group + 8`, and of the columns.
template <class T, int count>
__device__ void multiply_runs(float (&sums)[count][4], const Run& upper, const Run& lower,
                              const Run (&columns)[count]) {
    // Of floats: low * high, high * low, high * high, the small ones first.
    constexpr bool split = sizeof(T) == 4;
    constexpr int each = split ? 3 : 1;
    const auto part = [](uint32_t word, bool low) {
        return split ? (low ? low_part(detail::float_of(word)) : high_part(detail::float_of(word))) : word;
    };
    uint32_t a[2 * each][4], b[2 * each][count][2];
    CINEBOKEH_UNROLL
    for (int i = 0; i < 2 * each; ++i) {
        const int word = i % 2 * 2, term = i / 2;
        CINEBOKEH_UNROLL
        for (int k = 0; k < 4; ++k) a[i][k] = part((k % 2 ? lower : upper).word[word + k / 2], term == 0);
        CINEBOKEH_UNROLL
        for (int j = 0; j < count; ++j) CINEBOKEH_UNROLL
        for (int k = 0; k < 2; ++k) b[i][j][k] = part(columns[j].word[word + k], term == 1);
    }
    multiply_fragments<T>(sums, a, b);
}
}  // namespace cinebokeh::kernels
#endif
