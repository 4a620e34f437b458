// Convolution by FFT on CUDA: all blocks of the image at once, in four launches. Rows forward, columns forward with the
// filter, columns back, rows back.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "kernels/aperture_blur.hpp"
#include "kernels/fft_cuda.cuh"

namespace cinebokeh::detail {

// A row of a block, two channels of it: batch 2 b and 2 b + 1 are those of block b.
template <class Load>
struct LoadBlockRow {
    ConvolutionBlocks blocks;
    Load load;
    CINEBOKEH_HD Complex<float> operator()(int y, int x, int batch) const {
        const int block = batch / convolved_pairs, channel = batch % convolved_pairs * 2;
        const Float4 v = load(blocks.left(block) + x, blocks.top(block) + y);
        return {v[channel], v[channel + 1]};
    }
};
struct StoreBlockRow {
    ConvolutionBlocks blocks;
    Image<Float4, DeviceSpace> out;
    CINEBOKEH_HD void operator()(int row, int column, int batch, Complex<float> v) const {
        const int block = batch / convolved_pairs, channel = batch % convolved_pairs * 2, reach = blocks.reach;
        const int i = column - reach, j = row - reach, x = blocks.left(block) + column, y = blocks.top(block) + row;
        if (i < 0 || j < 0 || i >= blocks.kept() || j >= blocks.kept() || !out.size.contains(x, y)) return;
        out(x, y)[channel] = v.re > 0 ? v.re : 0.f;
        out(x, y)[channel + 1] = v.im > 0 ? v.im : 0.f;
    }
};
// Stores a column of a spectrum, times that of a filter.
struct StoreFiltered {
    FftPlanes<float> planes, filters;
    int filter;
    bool turned;
    CINEBOKEH_HD void operator()(int x, int y, int batch, Complex<float> v) const {
        const Complex<float> f = filters.at(x, y, filter);
        planes.at(x, y, batch) = v * (turned ? conjugate(f) : f);
    }
};
// A filter around the corner of a plane.
struct LoadFilter {
    const float* weights;
    int reach, side;
    float scale;
    CINEBOKEH_HD Complex<float> operator()(int y, int x, int) const {
        const int u = 2 * x < side ? x : x - side, v = 2 * y < side ? y : y - side;
        const bool inside = u >= -reach && u <= reach && v >= -reach && v <= reach;
        return {inside ? scale * weights[(v + reach) * (2 * reach + 1) + u + reach] : 0.f, 0.f};
    }
};

template <>
class BlockConvolver<DeviceSpace> {
public:
    // As on the CPU.
    BlockConvolver(Cuda& exec, Size max_size, int reach, int filters)
        : side_(convolution_side(reach, max_size)),
          reach_(reach),
          fft_(exec, {side_, side_}),
          weights_(exec, {(2 * reach + 1) * (2 * reach + 1), 1}),
          filters_(exec, {side_ * side_, filters}),
          blocks_(exec, {side_ * side_, convolved_pairs * ConvolutionBlocks{side_, reach, max_size}.count()}) {}

    void set_filter(Cuda& exec, int index, int reach, const float* weights) {
        const Size count{(2 * reach + 1) * (2 * reach + 1), 1};
        copy(exec, HostImage<const float>(weights, count), weights_.view().crop(0, 0, count));
        const float scale = 1 / (float(side_) * float(side_));
        fft_.forward(side_, 1, LoadFilter{weights_.view().data, reach, side_, scale}, planes(filters_), index);
    }

    // out = the image that load(x, y) gives, filtered.
    template <class Load>
    void operator()(Cuda&, int index, bool turned, const Load& load, Image<Float4, DeviceSpace> out) {
        const ConvolutionBlocks blocks{side_, reach_, out.size};
        const int batches = convolved_pairs * blocks.count();
        const FftPlanes<float> spectra = planes(blocks_);
        const FftColumn<float> columns{spectra, 0, side_};
        fft_.rows().run(side_, batches, false, true, LoadBlockRow<Load>{blocks, load}, FftRow<float>{spectra, 0});
        fft_.columns().run(side_, batches, false, false, columns,
                           StoreFiltered{spectra, planes(filters_), index, turned});
        fft_.columns().run(side_, batches, true, false, columns, columns);
        fft_.rows().run(side_, batches, true, true, FftRow<float>{spectra, 0}, StoreBlockRow{blocks, out});
    }

private:
    FftPlanes<float> planes(Buffer<Complex<float>, Cuda>& buffer) const {
        const View<Complex<float>, Cuda> view = buffer.view();
        return {view.data, {side_, side_}, size_t(view.pitch) / sizeof(Complex<float>)};
    }

    int side_, reach_;
    PlaneFftCuda<float> fft_;
    Buffer<float, Cuda> weights_;
    Buffer<Complex<float>, Cuda> filters_, blocks_;
};

inline void convolve(Cuda& exec, BlockConvolver<DeviceSpace>& convolver, bool turned, const CutLight<DeviceSpace>& in,
                     Image<Float4, DeviceSpace> out) {
    convolver(exec, 0, turned, in, out);
}
}  // namespace cinebokeh::detail
