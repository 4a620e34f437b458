// The inner loops of splat and slice on the CPU: the points of a tile and the corners of the simplices they lie in.
#pragma once
#include "cinebokeh/core/lane_storage.hpp"
#include "kernels/lattice_build_cpu.hpp"

namespace cinebokeh::detail {

/// sums[simplex_of[p]][j] = sum over the points p of weights[p][j] * values[p]. Reads weights up to the next multiple
/// of lattice_block.
template <int corners, class Weights>
void add_points(const Weights* weights, const uint16_t* simplex_of, const float* values, int points, int simplices,
                float (*sums)[corners]) {
    std::fill_n(sums[0], simplices * corners, 0.f);
    for (int first = 0; first < points; first += lattice_block) {
        float as_float[lattice_block * corners];  // converted ahead, as one flat loop: four times faster
        const uint16_t* fixed = weights[first].v;
        for (int i = 0; i < lattice_block * corners; ++i) as_float[i] = float(fixed[i]);
        for (int p = first; p < std::min(first + lattice_block, points); ++p) {
            float *sum = sums[simplex_of[p]], added[corners];
            const float *weight = as_float + (p - first) * corners, value = values[p];
            for (int j = 0; j < corners; ++j) added[j] = sum[j] + weight[j] * value;
            for (int j = 0; j < corners; ++j) sum[j] = added[j];
        }
    }
}

#if CINEBOKEH_AVX512
/// Lane p is the sum of the products of weights[p] and simplices[simplex_of[p]], of sixteen points with eight corners.
template <class Weights>
Lanes interpolate_sixteen(const Weights* weights, const uint16_t* simplex_of, const float (*simplices)[8]) {
    __m512 product[8];  // of two points each
    for (int i = 0; i < 8; ++i) {
        const __m256i fixed = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights + 2 * i));
        const __m512 corners = _mm512_castpd_ps(
            _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_castps_pd(_mm256_loadu_ps(simplices[simplex_of[2 * i]]))),
                               _mm256_castps_pd(_mm256_loadu_ps(simplices[simplex_of[2 * i + 1]])), 1));
        product[i] = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(fixed)), corners);
    }
    // A quarter of a register holds half the corners of a point; each step halves the numbers that are left.
    __m512 four[4], eight[2];
    for (int i = 0; i < 4; ++i)
        four[i] = _mm512_add_ps(_mm512_unpacklo_ps(product[2 * i], product[2 * i + 1]),
                                _mm512_unpackhi_ps(product[2 * i], product[2 * i + 1]));
    for (int i = 0; i < 2; ++i) {
        const __m512d a = _mm512_castps_pd(four[2 * i]), b = _mm512_castps_pd(four[2 * i + 1]);
        eight[i] =
            _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
    }
    const __m512 sum = _mm512_add_ps(_mm512_shuffle_f32x4(eight[0], eight[1], _MM_SHUFFLE(2, 0, 2, 0)),
                                     _mm512_shuffle_f32x4(eight[0], eight[1], _MM_SHUFFLE(3, 1, 3, 1)));
    const __m512i order = _mm512_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
    return {Lanes::Numbers(_mm512_permutexvar_ps(order, sum))};
}
#endif

/// values[p] = sum over j of weights[p][j] * simplices[simplex_of[p]][j].
template <int corners, class Weights>
void interpolate_points(const Weights* weights, const uint16_t* simplex_of, const float (*simplices)[corners],
                        int points, float* values) {
    int p = 0;
#if CINEBOKEH_AVX512
    if constexpr (corners == 8)
        for (; p + 16 <= points; p += 16) interpolate_sixteen(weights + p, simplex_of + p, simplices).store(values + p);
#endif
    for (; p < points; ++p) {
        float sum = 0;
        for (int j = 0; j < corners; ++j) sum += float(weights[p].v[j]) * simplices[simplex_of[p]][j];
        values[p] = sum;
    }
}
}  // namespace cinebokeh::detail
