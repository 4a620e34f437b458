// Gaussian blur sampled on a coarse grid: only the outputs that are read are computed, so a wide blur of a frame costs
// 1 / stride of the full one. Weights are exp(-d^2 / (2 sigma^2)) for |d| <= ceil(3 sigma), normalised; the border
// replicates.
#pragma once
#include <cmath>
#include <vector>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Plan of one blur: an image of `image` pixels is sampled at offset + stride * (i, j). Cpu. Allocates in the
/// constructor only.
class StridedGaussian {
public:
    struct Params {
        float sigma = 1;  // pixels, > 0
        int stride = 1;   // pixels between two outputs, >= 1
        int offset = 0;   // pixels, of the first output in x and y
    };

    /// Throws Error on a sigma that is not positive or finite, a stride below 1, or an offset outside the image.
    StridedGaussian(Cpu& exec, Size image, const Params& params);

    /// Columns and rows of the output.
    Size grid() const { return grid_; }

    /// Writes the samples.
    ///
    ///   in   [h, w]           any four numbers a pixel
    ///   out  [grid.h, grid.w] out
    ///
    /// Throws Error if a size differs from the plan's. NaN spreads to the outputs whose window holds it. Deterministic:
    /// the same for any number of threads.
    void operator()(HostImage<const Float4> in, HostImage<Float4> out);

private:
    int phase_columns() const { return ceil_div(image_.width + 2 * radius_, params_.stride); }

    Cpu* exec_;
    Size image_, grid_;
    Params params_;
    int radius_;
    Buffer<float, Cpu> weights_;  // [radius + 1], from the middle tap outwards
    Buffer<Float4, Cpu> rows_;    // [grid.h, w + 2 * radius], the blurred rows with their borders replicated
    Buffer<Float4, Cpu> phases_;  // [grid.h, stride * phase_columns], the same sorted by column modulo stride
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/strided_gaussian.hpp"
