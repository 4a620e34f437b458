// Tile extrema: the smallest and the largest value of every 16 x 16 tile of an image.
//
// What a renderer asks before it scatters: how large is the blur around here, and is it one depth or several.
#pragma once
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh {

inline constexpr int extrema_tile = 16;

/// The number of tiles that cover an image; the last ones may be cut off.
CINEBOKEH_HD constexpr Size extrema_size(Size image) {
    return {ceil_div(image.width, extrema_tile), ceil_div(image.height, extrema_tile)};
}

/// Writes the smallest and the largest value of every tile.
///
///   in       [h, w]                          any unit
///   minimum  [ceil(h / 16), ceil(w / 16)]    out
///   maximum  [ceil(h / 16), ceil(w / 16)]    out
///
/// NaN is ignored; a tile with nothing but NaN gets 0 and 0. Infinities count like numbers.
/// Throws Error if an output is not of extrema_size. Allocates nothing. Asynchronous on Cuda.
/// Deterministic, and bit-equal between backends (a zero is written as +0).
inline void tile_extrema(Cpu& exec, View<const float, Cpu> in, View<float, Cpu> minimum, View<float, Cpu> maximum);
#if CINEBOKEH_GRID
inline void tile_extrema(Cuda& exec, View<const float, Cuda> in, View<float, Cuda> minimum, View<float, Cuda> maximum);
#endif

}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/tile_extrema_cpu.hpp"
#include "kernels/tile_extrema_cuda.cuh"
