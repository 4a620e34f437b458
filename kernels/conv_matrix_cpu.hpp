// The inner loop of dense convolutions of BFloat16 on processors with matrix registers (Intel's AMX): such a register
// holds 16 rows of 64 bytes, and one instruction multiplies 16 outputs x 32 channels by 32 channels x 16 pixels.
//
// The planes of conv_tile_cpu.hpp are such matrices as they lie: a row is a plane, whose words are pairs of channels of
// neighbouring pixels. The sums come out with an output's pixels beside each other and are transposed. One core of an
// Intel Xeon multiplies 2.1 TFLOP/s in this loop, of 3.1: rows that begin in the middle of a cache line take two
// loads. Its vector registers make 0.17 of floats, and 0.1 of BFloat16.
#pragma once
#include "cinebokeh/core/matrix_registers.hpp"
#include "kernels/conv_tile_cpu.hpp"

namespace cinebokeh::detail {

/// Rows of a matrix register: planes, outputs or pixels.
inline constexpr int matrix_rows = 16;
/// Words of a matrix of weights: 16 outputs of 16 planes.
inline constexpr int matrix_words = matrix_rows * matrix_rows;
/// The pixels of a tile: two matrices.
inline constexpr int matrix_pixels = 2 * matrix_rows;

/// How planes are cut into matrices of as many rows each: planes of zeros fill up the last.
struct MatrixPlanes {
    int matrices, rows;

    explicit MatrixPlanes(int planes) : matrices(ceil_div(planes, matrix_rows)), rows(ceil_div(planes, matrices)) {}
    int planes() const { return matrices * rows; }
};

#if CINEBOKEH_AMX
/// Matrix registers that are ready for products of `rows` planes, as long as this lives; with none it does nothing.
class MatrixRegisters {
public:
    explicit MatrixRegisters(int rows) : used_(rows > 0) {
        if (!used_) return;
        alignas(64) const Shapes shapes(rows);
        _tile_loadconfig(&shapes);
    }
    ~MatrixRegisters() {
        if (used_) _tile_release();
    }
    MatrixRegisters(const MatrixRegisters&) = delete;
    MatrixRegisters& operator=(const MatrixRegisters&) = delete;

private:
    // As the instruction reads it. Registers 0 to 3 are sums, 4 and 5 weights, 6 and 7 planes.
    struct Shapes {
        uint8_t palette = 1, start = 0, reserved[14] = {};
        uint16_t row_bytes[16] = {};
        uint8_t rows[16] = {};

        explicit Shapes(int planes) {
            for (int i = 0; i < 8; ++i) {
                row_bytes[i] = uint16_t(i == 4 || i == 5 ? 4 * planes : 64);
                rows[i] = uint8_t(i >= 6 ? planes : matrix_rows);
            }
        }
    };
    bool used_;
};

// sums[pixel][tile_outputs] of 16 pixels and 16 outputs from [output][pixel].
inline void transpose_matrix(const float (&from)[matrix_words], float* sums) {
    __m512 r[16], t[16];
    CINEBOKEH_UNROLL
    for (int i = 0; i < 16; ++i) r[i] = _mm512_load_ps(from + 16 * i);
    CINEBOKEH_UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    CINEBOKEH_UNROLL
    for (int i = 0; i < 16; i += 4) {  // lane l of r[i + k] holds pixel 4 l + k of the outputs i to i + 3
        const auto pairs = [&](int k) { return _mm512_castps_pd(t[i + k]); };
        r[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(pairs(0), pairs(2)));
        r[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(pairs(0), pairs(2)));
        r[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(pairs(1), pairs(3)));
        r[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(pairs(1), pairs(3)));
    }
    CINEBOKEH_UNROLL
    for (int k = 0; k < 4; ++k) {
        const __m512 low = _mm512_shuffle_f32x4(r[k], r[4 + k], 0x88),
                     high = _mm512_shuffle_f32x4(r[k], r[4 + k], 0xdd);
        const __m512 low2 = _mm512_shuffle_f32x4(r[8 + k], r[12 + k], 0x88),
                     high2 = _mm512_shuffle_f32x4(r[8 + k], r[12 + k], 0xdd);
        _mm512_storeu_ps(sums + k * tile_outputs, _mm512_shuffle_f32x4(low, low2, 0x88));
        _mm512_storeu_ps(sums + (4 + k) * tile_outputs, _mm512_shuffle_f32x4(high, high2, 0x88));
        _mm512_storeu_ps(sums + (8 + k) * tile_outputs, _mm512_shuffle_f32x4(low, low2, 0xdd));
        _mm512_storeu_ps(sums + (12 + k) * tile_outputs, _mm512_shuffle_f32x4(high, high2, 0xdd));
    }
}

/// Writes the sums of `columns` times 16 pixels and `rows` times 16 outputs to sums[pixel][tile_outputs]. The weights
/// are [taps][matrices][rows] matrices. MatrixRegisters must be ready for the planes.
template <int rows, int columns, int taps>
void matrix_tile(const ConvPlanes& in, float* sums) {
    const MatrixPlanes planes(in.planes);
    asm volatile("" ::: "memory");  // the compiler does not know what the loads below read
    const ptrdiff_t stride = in.plane_stride * ptrdiff_t(sizeof(float));
    _tile_zero(0);
    if constexpr (columns > 1) _tile_zero(1);
    if constexpr (rows > 1) _tile_zero(2);
    if constexpr (rows > 1 && columns > 1) _tile_zero(3);
    for (int row = 0; row < in.row_count; ++row) {
        const float* weights = in.weights[row];
        for (int tap = 0; tap < taps; ++tap) {
            const float* plane = in.rows[row] + tap * in.dilation;
            for (int i = 0; i < planes.matrices; ++i, plane += planes.rows * in.plane_stride) {
                _tile_loadd(6, plane, stride);
                _tile_loadd(4, weights, 64);
                _tile_dpbf16ps(0, 4, 6);
                if constexpr (columns > 1) {
                    _tile_loadd(7, plane + matrix_rows, stride);
                    _tile_dpbf16ps(1, 4, 7);
                }
                if constexpr (rows > 1) {
                    _tile_loadd(5, weights + matrix_words, 64);
                    _tile_dpbf16ps(2, 5, 6);
                }
                if constexpr (rows > 1 && columns > 1) _tile_dpbf16ps(3, 5, 7);
                weights += rows * matrix_words;
            }
        }
    }
    alignas(64) float matrix[rows * columns][matrix_words];
    _tile_stored(0, matrix[0], 64);
    if constexpr (columns > 1) _tile_stored(1, matrix[1], 64);
    if constexpr (rows > 1) _tile_stored(2, matrix[columns], 64);
    if constexpr (rows > 1 && columns > 1) _tile_stored(3, matrix[3], 64);
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j)
            transpose_matrix(matrix[i * columns + j], sums + (j * tile_outputs + i) * matrix_rows);
}
/// The tile for at most `pixels` pixels and `outputs` outputs.
template <int taps>
ConvTile matrix_tile_of(int pixels, int outputs) {
    if (pixels <= matrix_rows) return outputs <= matrix_rows ? matrix_tile<1, 1, taps> : matrix_tile<2, 1, taps>;
    return outputs <= matrix_rows ? matrix_tile<1, 2, taps> : matrix_tile<2, 2, taps>;
}
#else
class MatrixRegisters {
public:
    explicit MatrixRegisters(int) {}
};
#endif
}  // namespace cinebokeh::detail
