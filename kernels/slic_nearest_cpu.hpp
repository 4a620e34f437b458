// The inner loop of Slic on the Cpu: the nearest of nine candidates, for a block of pixels, in 16-bit numbers.
//
// A pixel is three pairs of numbers, (L, a), (b, x), (y, 0), each times 16: a score that is 16 times as large leaves
// room below it for the number of the candidate, so the least key is the nearest candidate, and ties go to the first.
#pragma once
#include "cinebokeh/core/int_lanes.hpp"
#include "kernels/slic.hpp"

namespace cinebokeh::detail {
inline constexpr int slic_block = 2 * IntLanes::count;  // pixels
static_assert(slic_block == slic_stretch);
inline constexpr int slic_pairs = 3;
inline constexpr int slic_key_bits = 4;

/// slic_color of the pixels of a row.
inline void slic_color_row(const Rgba8* pixels, int count, Vec<int16_t, 4>* colors) {
    constexpr int block = 64;
    for (int first = 0; first < count; first += block) {
        const int n = std::min(block, count - first);
        Rgba8 pixel[block] = {};
        std::memcpy(static_cast<void*>(pixel), pixels + first, size_t(n) * sizeof(Rgba8));
        int lab[3][block];
        lab_fixed_block(pixel, lab);
        Vec<int16_t, 4> color[block];
        for (int i = 0; i < block; ++i)
            color[i] = {int16_t(slic_round(lab[0][i])), int16_t(slic_round(lab[1][i])), int16_t(slic_round(lab[2][i])),
                        0};
        std::memcpy(static_cast<void*>(colors + first), color, size_t(n) * sizeof color[0]);
    }
}

/// SlicCandidate::score times 16, plus k, as products of pairs. Colours and positions within two cells of each other
/// stay below 2^11 units, so all factors fit 16 bits.
struct SlicFactors {
    int32_t pair[slic_pairs], norm;

    SlicFactors() = default;
    SlicFactors(const SlicCandidate& candidate, int k) : norm(int(candidate.norm) * (1 << slic_key_bits) + k) {
        int factor[6] = {};
        for (int i = 0; i < 5; ++i) factor[i] = int(candidate.factor[i]);
        for (int i = 0; i < slic_pairs; ++i) pair[i] = pair_of(factor[2 * i], factor[2 * i + 1]);
    }
};

/// Sums of the pairs of pixels: of L, a, b, x, y, 0, 1, 0, all but the last three times 16.
struct SlicPixelSums {
    int64_t sum[8];

    int64_t count() const { return sum[6]; }
    void set_count(int64_t pixels) { sum[6] = pixels; }
    /// Moves a pixel from these sums to others.
    void move(int32_t la, int32_t bx, int32_t y0, SlicPixelSums& to) {
#if CINEBOKEH_INTRINSICS && defined(__AVX512BW__)
        const __m512i pixel = _mm512_maskz_cvtepi16_epi64(0xff, _mm_setr_epi32(la, bx, y0, 1));
        _mm512_storeu_si512(sum, _mm512_sub_epi64(_mm512_loadu_si512(sum), pixel));
        _mm512_storeu_si512(to.sum, _mm512_add_epi64(_mm512_loadu_si512(to.sum), pixel));
#else
        const int pixel[8] = {int16_t(la), la >> 16, int16_t(bx), bx >> 16, y0, 0, 1, 0};
        for (int i = 0; i < 8; ++i) sum[i] -= pixel[i];
        for (int i = 0; i < 8; ++i) to.sum[i] += pixel[i];
#endif
    }
    SlicSums in_units() const {
        SlicSums sums{{}, sum[6]};
        for (int i = 0; i < 5; ++i) sums.value[i] = sum[i] / (1 << slic_key_bits);  // a multiple: exact
        return sums;
    }
};

/// Finds which candidate is nearest to each pixel of a block, in place of what `nearest` says. `block` holds the first,
/// then the second, then the third pairs. Writes (pixel << 8) + (old << 4) + new of the pixels that change, with room
/// for the whole block, and returns how many they are. No branch depends on the pixels.
inline int slic_nearest(const int32_t* block, const SlicFactors (&candidates)[9], int first_pixel, uint8_t* nearest,
                        int32_t* changes) {
    constexpr int lanes = IntLanes::count, vectors = slic_block / lanes;
    IntLanes pixel[slic_pairs][vectors], least[vectors];
    for (int i = 0; i < slic_pairs; ++i)
        for (int v = 0; v < vectors; ++v) pixel[i][v] = IntLanes::load(block + i * slic_block + v * lanes);
    for (int k = 0; k < 9; ++k) {
        const IntLanes norm = IntLanes::all(candidates[k].norm);
        IntLanes factor[slic_pairs];
        for (int i = 0; i < slic_pairs; ++i) factor[i] = IntLanes::all(candidates[k].pair[i]);
        for (int v = 0; v < vectors; ++v) {
            IntLanes key = norm;
            for (int i = 0; i < slic_pairs; ++i) key = add_products(key, pixel[i][v], factor[i]);
            least[v] = k == 0 ? key : min(least[v], key);
        }
    }
    int count = 0;
    for (int v = 0; v < vectors; ++v) {
        const IntLanes found = least[v] & IntLanes::all((1 << slic_key_bits) - 1);
        const IntLanes old = IntLanes::load_bytes(nearest + v * lanes);
        const IntLanes change = (IntLanes::counting_from(first_pixel + v * lanes) << 8) + (old << 4) + found;
        count += store_where_different(old, found, change, changes + count);
        found.store_bytes(nearest + v * lanes);
    }
    return count;
}
}  // namespace cinebokeh::detail
