// How weights and rows of an image are laid out for conv_tile: as planes of words, see conv_tile_cpu.hpp.
#pragma once
#include <algorithm>

#include "kernels/conv.hpp"
#include "kernels/conv_matrix_cpu.hpp"

namespace cinebokeh::detail {

/// How a convolution becomes planes. With a stride of one, filters of 1 and 3 columns find their taps beside each other
/// in the same plane; otherwise every column of the filter gets planes of its own (an expansion).
struct ConvLayout {
    Conv2dParams p;
    int words;       // per pixel of the input
    int taps;        // of one plane
    int expansions;  // planes per word
    bool matrices;   // whether they are multiplied in matrix registers

    ConvLayout(const Conv2dParams& params, int channels_per_word)
        : p(params), matrices(channels_per_word == 2 && has_matrix_registers()) {
        const bool direct = p.stride == 1 && (p.kernel == 1 || p.kernel == 3);
        words = ceil_div(p.in_channels, channels_per_word);
        taps = direct ? p.kernel : 1;
        expansions = direct ? 1 : p.kernel;
    }
    int word_planes() const { return words * expansions; }
    // With those that fill up the last matrix, which have to be zeros.
    int planes() const { return matrices ? MatrixPlanes(word_planes()).planes() : word_planes(); }
    int matrix_planes() const { return matrices ? MatrixPlanes(word_planes()).rows : 0; }
    // Words of a plane that are read for a row of `width` outputs, beside those that tiles read too much.
    int plane_words(int width) const { return width + (taps - 1) * p.dilation; }
    // An odd multiple of a cache line, so that planes do not fall onto each other in the cache; tiles and transposed
    // blocks may go sixteen words too far.
    ptrdiff_t plane_stride(int width) const { return ptrdiff_t(round_up(size_t(plane_words(width)) + 32, 16) | 16); }
    // Rows of the input that are kept: those that one row of outputs spans.
    int ring_rows() const { return (p.kernel - 1) * p.dilation + 1; }
    // Weights of one block of outputs, in one row of the filter.
    size_t row_weights(int outputs) const {
        const int rows = matrices ? MatrixPlanes(word_planes()).matrices * matrix_rows : planes();
        return size_t(rows) * size_t(taps) * size_t(outputs);
    }
    // How many outputs are calculated at once where `left` are left, filled up with zeros.
    int block_outputs(int left) const {
        return !matrices ? conv_block_outputs(left) : left > matrix_rows ? 2 * matrix_rows : matrix_rows;
    }
    int tile_pixels(int outputs) const { return matrices ? matrix_pixels : conv_tile_pixels(outputs); }
    // The tile for at most `pixels` pixels and `outputs` outputs.
    template <int channels>
    ConvTile tile(int pixels, int outputs) const {
#if CINEBOKEH_AMX
        if constexpr (channels == 2)
            if (matrices) return taps == 3 ? matrix_tile_of<3>(pixels, outputs) : matrix_tile_of<1>(pixels, outputs);
#endif
        return taps == 3 ? conv_tile_of<channels, 3>(pixels, outputs) : conv_tile_of<channels, 1>(pixels, outputs);
    }
};

template <int channels>
float weight_word(const float* value, ptrdiff_t next, int count) {
    if (channels == 1) return *value;
    const uint32_t low = from_float<BFloat16>(value[0]).bits,
                   high = count > 1 ? from_float<BFloat16>(value[next]).bits : 0;
    return float_of(low | high << 16);
}
/// From PyTorch's order: [block of outputs][ky], and in there [plane][tap][output], or as matrices
/// [tap][matrix of planes][16 outputs][output][plane].
template <int channels>
std::vector<float> pack_weights(const ConvLayout& layout, const std::vector<float>& weight) {
    const Conv2dParams& p = layout.p;
    const int area = p.kernel * p.kernel, taps = layout.taps, rows = layout.matrix_planes();
    std::vector<float> packed;
    for (int first = 0; first < p.out_channels;) {
        const int outputs = layout.block_outputs(p.out_channels - first);
        const auto place = [&](int plane, int tap, int o) {
            if (!layout.matrices) return (plane * taps + tap) * outputs + o;
            const int matrix = (tap * layout.planes() + plane) / rows * (outputs / matrix_rows) + o / matrix_rows;
            return (matrix * matrix_rows + o % matrix_rows) * matrix_rows + plane % rows;
        };
        for (int ky = 0; ky < p.kernel; ++ky) {
            const size_t start = packed.size();
            packed.resize(start + layout.row_weights(outputs));
            for (int word = 0; word < layout.words; ++word)
                for (int kx = 0; kx < p.kernel; ++kx)
                    for (int o = first; o < std::min(first + outputs, p.out_channels); ++o) {
                        const int c = word * channels, plane = word * layout.expansions + kx % layout.expansions;
                        const size_t at =
                            (size_t(o) * size_t(p.in_channels) + size_t(c)) * size_t(area) + size_t(ky * p.kernel + kx);
                        packed[start + size_t(place(plane, kx % taps, o - first))] =
                            weight_word<channels>(&weight[at], area, p.in_channels - c);
                    }
        }
        first += outputs;
    }
    return packed;
}

/// Where the planes of one row go.
struct PlaneRow {
    float* planes;
    ptrdiff_t stride;  // from plane to plane, words
    int step;          // planes from word to word
};
/// Sets the planes that fill up the last matrix to zero.
inline void clear_unused_planes(const ConvLayout& layout, float* planes, ptrdiff_t stride) {
    std::fill(planes + layout.word_planes() * stride, planes + layout.planes() * stride, 0.f);
}

#if CINEBOKEH_AVX512
// The first channels of a pixel as eight words: eight as floats, or sixteen as pairs; zeros where the mask has no bit.
template <int channels, class T>
__m256i load_words(const T* p, unsigned mask) {
    if constexpr (channels == 2)
        return _mm256_maskz_loadu_epi16(__mmask16(mask), p);
    else if constexpr (sizeof(T) == sizeof(float))
        return _mm256_castps_si256(_mm256_maskz_loadu_ps(__mmask8(mask), p));
    else if constexpr (std::is_same_v<T, Half>)
        return _mm256_castps_si256(_mm256_cvtph_ps(_mm_maskz_loadu_epi16(__mmask8(mask), p)));
    else
        return _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16(__mmask8(mask), p)), 16);
}
// Eight words of sixteen pixels become eight planes of sixteen words. r[i] holds pixels i and i + 4, r[4 + i] those
// eight later, so that the lanes end up in order.
inline void transpose(__m512i (&r)[8]) {
    __m512i t[8];
    CINEBOKEH_UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    CINEBOKEH_UNROLL
    for (int i = 0; i < 8; i += 4) {  // lanes 0 and 2 of r[i + k] hold word k of four pixels, lanes 1 and 3 word k + 4
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    CINEBOKEH_UNROLL
    for (int k = 0; k < 4; ++k) {
        t[k] = _mm512_shuffle_i32x4(r[k], r[4 + k], 0x88);
        t[4 + k] = _mm512_shuffle_i32x4(r[k], r[4 + k], 0xdd);
    }
    CINEBOKEH_UNROLL
    for (int k = 0; k < 8; ++k) r[k] = t[k];
}
#endif

/// Sixteen pixels of a row, `step` elements apart; those outside [first, last) are zeros.
template <class T>
struct PixelRun {
    const T* data;  // of pixel 0, which need not exist
    ptrdiff_t step;
    int first, last;

    bool holds(int i) const { return i >= first && i < last; }
};

// The words of sixteen pixels, whose channels begin at channel `start` of the concatenation.
template <int channels, class T>
void pack_pixels(const PixelRun<T>& in, int count, int start, PlaneRow to) {
    const ptrdiff_t next = to.step * to.stride;
    float* plane = to.planes + start / channels * next;
#if CINEBOKEH_AVX512
    for (int c = 0; c < count && start % channels == 0; c += 8 * channels) {
        const unsigned mask = count - c >= 8 * channels ? ~0u : (1u << (count - c)) - 1;
        const auto words = [&](int i) {
            return in.holds(i) ? load_words<channels>(in.data + i * in.step + c, mask) : _mm256_setzero_si256();
        };
        __m512i r[8];
        CINEBOKEH_UNROLL
        for (int i = 0; i < 8; ++i) {
            const int pixel = i < 4 ? i : i + 4;
            r[i] = _mm512_inserti64x4(_mm512_castsi256_si512(words(pixel)), words(pixel + 4), 1);
        }
        transpose(r);
        CINEBOKEH_UNROLL
        for (int k = 0; k < 8; ++k) {
            if (c + k * channels >= count) break;
            _mm512_storeu_si512(plane, r[k]), plane += next;
        }
    }
    if (start % channels == 0) return;
#endif
    for (int c = 0; c < count; ++c) {
        float* words = plane + (start % channels + c) / channels * next;
        for (int i = 0; i < 16; ++i) {
            const T value = in.holds(i) ? in.data[i * in.step + c] : T{};
            if constexpr (channels == 1) {
                words[i] = to_float(value);
            } else {  // the second of a pair joins the first, which may belong to another tensor
                const bool second = (start + c) % 2 != 0;
                words[i] = float_of(second ? bits_of(words[i]) | uint32_t(value.bits) << 16 : value.bits);
            }
        }
    }
}

/// Lays out the planes of `width` outputs, whose words begin at channel `start` of the concatenation. run_of(from) is
/// the run of pixels that begins at column `from` of an image, which may lie outside of it.
template <int channels, class RunOf>
void pack_runs(const ConvLayout& layout, int count, int start, int width, PlaneRow to, const RunOf& run_of) {
    const Conv2dParams& p = layout.p;
    to.step = layout.expansions;
    for (int kx = 0; kx < layout.expansions; ++kx)
        for (int x = 0; x < layout.plane_words(width); x += 16)
            pack_pixels<channels>(run_of(x * p.stride + kx * p.dilation - p.padding), count, start,
                                  {to.planes + kx * to.stride + x, to.stride, to.step});
}
/// The same for row y of image n of the concatenated inputs.
template <int channels, class T>
void pack_row(const ConvLayout& layout, const ConvInputs<T, Cpu>& in, int n, int y, int width, PlaneRow to,
              int start = 0) {
    const int stride = layout.p.stride;
    for (int i = 0; i < in.count; start += in.tensors[i].shape.c, ++i) {
        const HostTensor<const T>& tensor = in.tensors[i];
        pack_runs<channels>(layout, tensor.shape.c, start, width, to, [&](int from) {
            return PixelRun<T>{tensor.row(n, y) + from * tensor.pixel_stride, stride * tensor.pixel_stride,
                               ceil_div(std::max(0, -from), stride),
                               ceil_div(std::max(0, tensor.shape.w - from), stride)};
        });
    }
}
}  // namespace cinebokeh::detail
