// What the aperture blur shares between its backends: the blocks that an image is cut into.
//
// Overlap-save (Oppenheim and Schafer, "Discrete-time signal processing", section 8.7.3): the FFT of a block convolves
// it as if it went on from its other end; what is farther from its border than the filter reaches is right all the
// same. Blocks overlap by twice that reach. So the FFT is small enough for the cache, and blocks that nobody wants cost
// nothing.
#pragma once
#include <cmath>

#include "cinebokeh/core/fft_line.hpp"

namespace cinebokeh::detail {

// Two channels are the real and the imaginary part of one transform: the filter is real and keeps them apart.
constexpr int convolved_pairs = 2;

struct ConvolutionBlocks {
    int side, reach;
    Size size;  // of the image

    CINEBOKEH_HD int kept() const { return side - 2 * reach; }  // pixels across that a block gives
    CINEBOKEH_HD int columns() const { return ceil_div(size.width, kept()); }
    CINEBOKEH_HD int count() const { return columns() * ceil_div(size.height, kept()); }
    // The first pixel that a block reads, and the first one that it gives.
    CINEBOKEH_HD int left(int block) const { return block % columns() * kept() - reach; }
    CINEBOKEH_HD int top(int block) const { return block / columns() * kept() - reach; }
};

// The side with which an image costs least: one that vectors and the FFT go well into.
inline int convolution_side(int reach, Size size) {
    constexpr int step = fft_lanes, largest = 1024;
    int best = 0;
    double least = INFINITY;
    for (int side = int(round_up(size_t(2 * reach + 1), step)); side <= largest; side += step) {
        if (smooth_size(side) != side) continue;
        const double blocks = std::max(1, ConvolutionBlocks{side, reach, size}.count());
        const double cost = blocks * side * side * (std::log2(side) + 2);  // 2: what is read and written
        if (cost < least) best = side, least = cost;
    }
    return best;
}

// An image that goes on beyond its border with its border pixels; values cut to [0, largest], NaN counts as 0.
template <class Space>
struct CutLight {
    Image<const Float4, Space> in;
    float largest;

    CINEBOKEH_HD Float4 operator()(int x, int y) const {
        Float4 v = in.clamped(x, y);
        for (int c = 0; c < 4; ++c) v[c] = v[c] > 0 ? (v[c] < largest ? v[c] : largest) : 0.f;
        return v;
    }
};

template <class Space>
class BlockConvolver;
}  // namespace cinebokeh::detail
