// Features of a pixel for the online classifier: colour at three scales, texture at two, and how much the colour
// varies.
#pragma once
#include <array>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/strided_gaussian.hpp"

namespace cinebokeh {

/// Plan for frames of one size. Cpu; on Cuda it is PixelFeaturesCuda. Allocates in the constructor only.
class PixelFeatures {
public:
    static constexpr int count = 20;  // Lab at sigma 1, 3, 8; sqrt of orientation energy at 2, 6; Lab deviation at 4
    static constexpr int stride = 2;  // pixels between samples

    PixelFeatures(Cpu& exec, Size image);

    /// Columns and rows of samples; the first lies at pixel (offset, offset).
    Size grid() const { return smooth_[0].grid(); }
    int offset() const { return offset_; }

    /// Writes the features of every sample, each scaled to about -2..2.
    ///
    ///   colour, orientation  [h, w]                    as gradient_features() writes them
    ///   features             [count * grid.h, grid.w]  out; feature k of sample (i, j) is at (i, j * count + k)
    ///
    /// Throws Error if sizes differ. Deterministic: the same for any number of threads.
    void operator()(HostImage<const Float4> colour, HostImage<const Float4> orientation, HostImage<float> features);

private:
    void write_rows(HostImage<const Float4> colour, HostImage<const Float4> orientation, int begin, Float4* scratch,
                    HostImage<float> features) const;

    Cpu* exec_;
    Size image_;
    int offset_, jobs_;
    std::array<StridedGaussian, 7> smooth_;
    Buffer<Float4, Cpu> scratch_;  // [jobs, what a blur needs and a few rows of two results]
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/pixel_features_cpu.hpp"
#include "kernels/pixel_features_cuda.cuh"
