// The inner loop of every dense convolution on the CPU: a few pixels times a few vectors of outputs, whose sums stay in
// registers.
//
// What it reads has been laid out for it (see conv_pack_cpu.hpp). A word is 32 bits: one float, or two BFloat16 of
// neighbouring channels where the processor multiplies such pairs. The words of one channel (or pair) along a row of
// the image are a plane, so the words of neighbouring pixels are neighbours, and every address in the loop is a
// constant away from one pointer. Zen 4, one core: 117 GFLOP/s with floats, 230 with BFloat16, of 118 and 236.
#pragma once
#include "cinebokeh/core/lane_storage.hpp"
#include "cinebokeh/nn/conv.hpp"

namespace cinebokeh::detail {

#if CINEBOKEH_AVX512 && defined(__AVX512BF16__) && defined(__GNUC__)
inline constexpr bool multiplies_bfloat16 = true;
#else
inline constexpr bool multiplies_bfloat16 = false;
#endif
/// How many channels one word holds, where tensors are stored as T.
template <class T>
inline constexpr int word_channels = std::is_same_v<T, BFloat16>&& multiplies_bfloat16 ? 2 : 1;

// What one tile calculates fits in the registers (32 of 16 floats, 16 of 8, or 16 of 4), and is enough to hide the
// latency of a multiplication: eight pixels of 32 outputs, or sixteen pixels of 16 or 8.
#if CINEBOKEH_AVX512
inline constexpr int tile_sums = 16, max_tile_vectors = 2;
#elif defined(__AVX__)
inline constexpr int tile_sums = 6, max_tile_vectors = 1;
#else
inline constexpr int tile_sums = 3, max_tile_vectors = 1;
#endif
/// The outputs of one pixel in the sums that a tile writes.
inline constexpr int tile_outputs = 16 * max_tile_vectors;
/// The pixels of a tile of that many outputs (a block of the layer's, see conv_block_outputs).
inline constexpr int conv_tile_pixels(int outputs) { return outputs > 16 ? tile_sums / 2 : tile_sums; }

/// The planes that a row of outputs reads, and where: sum over rows, planes and taps of
/// plane[x + tap * dilation] * weight.
struct ConvPlanes {
    const float*
        rows[15];  // the first plane of every row of the filter that lies in the image, at the tile's first pixel
    const float* weights[15];  // [planes][taps][tile's outputs] of that row
    int row_count = 0;
    int planes = 0;
    int dilation = 1;
    ptrdiff_t plane_stride = 0;  // words
};

#if CINEBOKEH_AVX512
// Half a register, for the last eight outputs of a layer: half the work on processors that are 256 bits wide inside.
struct HalfLanes {
    __m256 v;
};
#endif
template <class V>
struct LaneWords;
template <>
struct LaneWords<Lanes> {
    static constexpr int count = 16;
    static Lanes load(const float* p) { return Lanes::load(p); }
    static void store(float* p, const Lanes& v) { v.store(p); }
    template <int channels>
    static void accumulate(Lanes& sum, const float& word, const Lanes& weights) {
#if CINEBOKEH_AVX512
#if defined(__AVX512BF16__) && defined(__GNUC__)
        if constexpr (channels == 2) {  // GCC 12 loads the word by an instruction of its own, which costs a third
            asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum.v) : "v"(weights.v), "m"(word));
            return;
        }
#endif
        sum.v = Lanes::Numbers(_mm512_fmadd_ps(_mm512_set1_ps(word), __m512(weights.v), __m512(sum.v)));
#else
        sum = multiply_add(Lanes::all(word), weights, sum);
#endif
    }
};
#if CINEBOKEH_AVX512
template <>
struct LaneWords<HalfLanes> {
    static constexpr int count = 8;
    static HalfLanes load(const float* p) { return {_mm256_loadu_ps(p)}; }
    static void store(float* p, const HalfLanes& v) { _mm256_storeu_ps(p, v.v); }
    template <int channels>
    static void accumulate(HalfLanes& sum, const float& word, const HalfLanes& weights) {
#if defined(__AVX512BF16__) && defined(__GNUC__)
        if constexpr (channels == 2) {
            asm("vdpbf16ps %2%{1to8%}, %1, %0" : "+v"(sum.v) : "v"(weights.v), "m"(word));
            return;
        }
#endif
        sum.v = _mm256_fmadd_ps(_mm256_set1_ps(word), weights.v, sum.v);
    }
};
#endif

// The same pointer, of which the compiler knows nothing: GCC would keep one for each pixel and tap, and run out of
// registers.
inline const float* one_pointer(const float* p) {
#if defined(__GNUC__)
    asm("" : "+r"(p));
#endif
    return p;
}

/// Writes the sums of `pixels` pixels and `vectors` vectors to sums[pixel][tile_outputs].
template <class V, int channels, int pixels, int vectors, int taps>
void conv_tile(const ConvPlanes& in, float* sums) {
    using Words = LaneWords<V>;
    V sum[pixels][vectors];
    CINEBOKEH_UNROLL
    for (int p = 0; p < pixels; ++p) CINEBOKEH_UNROLL
    for (int q = 0; q < vectors; ++q) sum[p][q] = V{};
    const ptrdiff_t dilation = in.dilation;
    for (int row = 0; row < in.row_count; ++row) {
        const float *plane = in.rows[row], *weights = in.weights[row];
        for (int k = 0; k < in.planes; ++k, plane += in.plane_stride) CINEBOKEH_UNROLL
        for (int tap = 0; tap < taps; ++tap, weights += vectors * Words::count) {
            V w[vectors];
            CINEBOKEH_UNROLL
            for (int q = 0; q < vectors; ++q) w[q] = Words::load(weights + q * Words::count);
            const float* word = one_pointer(plane + tap * dilation);
            CINEBOKEH_UNROLL
            for (int p = 0; p < pixels; ++p) CINEBOKEH_UNROLL
            for (int q = 0; q < vectors; ++q) Words::template accumulate<channels>(sum[p][q], word[p], w[q]);
        }
    }
    CINEBOKEH_UNROLL
    for (int p = 0; p < pixels; ++p) CINEBOKEH_UNROLL
    for (int q = 0; q < vectors; ++q) Words::store(sums + p * tile_outputs + q * Words::count, sum[p][q]);
}

using ConvTile = void (*)(const ConvPlanes&, float*);

// The tile for so many pixels, of a whole tile, half of one, or one.
template <class V, int channels, int vectors, int taps>
ConvTile conv_tile_of(int pixels) {
    constexpr int most = tile_sums / vectors;
    if (pixels == 1) return conv_tile<V, channels, 1, vectors, taps>;
    if (pixels <= most / 2) return conv_tile<V, channels, most / 2, vectors, taps>;
    return conv_tile<V, channels, most, vectors, taps>;
}
/// The tile for at most `pixels` pixels and `outputs` outputs.
template <int channels, int taps>
ConvTile conv_tile_of(int pixels, int outputs) {
#if CINEBOKEH_AVX512
    if (outputs == 8) return conv_tile_of<HalfLanes, channels, 1, taps>(pixels);
    if (outputs == 32) return conv_tile_of<Lanes, channels, 2, taps>(pixels);
#endif
    (void)outputs;
    return conv_tile_of<Lanes, channels, 1, taps>(pixels);
}
/// The blocks of outputs of a layer, but for the last.
inline constexpr int conv_block = tile_outputs;
/// How many outputs are calculated at once where `left` are left: 32, 16 or 8, filled up with zeros.
inline constexpr int conv_block_outputs(int left) {
#if CINEBOKEH_AVX512
    return left > 16 + 8 ? 32 : left > 8 ? 16 : 8;
#else
    (void)left;
    return 16;
#endif
}
}  // namespace cinebokeh::detail
