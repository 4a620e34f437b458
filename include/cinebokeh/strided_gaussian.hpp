// Gaussian blur sampled on a coarse grid: only the outputs that are read are computed, so a wide blur of a frame costs
// 1 / stride of the full one. Weights are exp(-d^2 / (2 sigma^2)) for |d| <= ceil(3 sigma), normalised; the border
// replicates.
#pragma once
#include <cmath>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/lanes.hpp"

namespace cinebokeh {

/// Plan of one blur: an image of `image` pixels is sampled at offset + stride * (i, j). Cpu; on Cuda it is
/// StridedGaussianCuda. Allocates in the constructor only.
class StridedGaussian {
public:
    struct Params {
        float sigma = 1;       // pixels, > 0
        int stride = 1;        // pixels between two outputs, >= 1
        int offset = 0;        // pixels, of the first output in x and y
        bool squares = false;  // of the numbers of the image are blurred, not the numbers
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

    static constexpr int rows_at_once = 8;
    /// Pixels of scratch memory that blur_rows() needs.
    int scratch_pixels() const { return rows_at_once * phase_columns() * params_.stride; }
    /// Writes rows begin .. begin + out.size.height - 1 of the output, at most rows_at_once of them, on the thread that
    /// calls: for those who read the rows at once.
    void blur_rows(HostImage<const Float4> in, int begin, Float4* scratch, HostImage<Float4> out) const;

private:
    int phase_columns() const { return ceil_div(image_.width + 2 * radius_, params_.stride); }
    void blur_down(HostImage<const Float4> in, int j, int x, int count, Float4* phases) const;
    void blur_across(Float4* phases, Float4* out) const;

    Cpu* exec_;
    Size image_, grid_;
    Params params_;
    int radius_, jobs_;
    Buffer<float, Cpu> weights_;   // [radius + 1], from the middle tap outwards
    Buffer<int, Cpu> columns_;     // [w + 2 * radius], where a column of a padded row lies in the scratch memory
    Buffer<Float4, Cpu> scratch_;  // [jobs, scratch_pixels]
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/strided_gaussian.hpp"
#include "kernels/strided_gaussian_cuda.cuh"
