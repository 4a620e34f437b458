// The bilateral grid on CUDA: dense. A sample is eight integer atomics, the blur one pass over the grid per dimension.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "kernels/bilateral_grid.hpp"

namespace cinebokeh::detail {

template <class Space>
class BilateralCells;

using Int2 = Vec<int, 2>;

/// Functor over (bin, place).
template <class Cell>
struct BilateralClear {
    Image<Cell, DeviceSpace> cells;
    __device__ void operator()(int bin, int place) const { cells(bin, place) = Cell{0, 0}; }
};

/// Functor over the pixels of a splat. Integer atomics: the order does not matter.
template <class Samples>
struct BilateralSplat {
    Samples samples;
    Image<Int2, DeviceSpace> sums;

    __device__ void operator()(int x, int y) const {
        const Float2 at = samples.place(x, y);
        if (!samples.inside(at[0], at[1]) || !samples.wanted(x, y)) return;
        const BilateralGeometry& g = samples.geometry;
        const Rgba8 colour = samples.image(x, y);
        const int bin = g.bin(g.nearest_level(colour[0]), g.nearest_level(colour[1]), g.nearest_level(colour[2]));
        const float fx = at[0] - float(int(at[0])), fy = at[1] - float(int(at[1]));
        const float foreground = samples.foreground(samples.matte(x, y));
        for (int i = 0; i < 4; ++i) {
            const float weight = samples.weight * (i % 2 ? fx : 1 - fx) * (i / 2 ? fy : 1 - fy);
            Int2& cell = sums(bin, (int(at[1]) + i / 2) * g.cells.width + int(at[0]) + i % 2);
            atomicAdd(&cell[0], samples.round(weight * foreground));
            atomicAdd(&cell[1], samples.round(weight));
        }
    }
};

/// Functor over (bin, place): one dimension of the blur.
template <class Cell>
struct BilateralBlurPass {
    Image<const Cell, DeviceSpace> in;
    float side;
    int bin_step, place_step, cells, index_divisor;  // index along the dimension: bin or place / index_divisor % cells
    Image<Float2, DeviceSpace> out;

    static __device__ Float2 value(Int2 c) { return {float(c[0]), float(c[1])}; }
    static __device__ Float2 value(Float2 c) { return c; }
    __device__ void operator()(int bin, int place) const {
        const int index = (bin_step ? bin : place) / index_divisor % cells;
        Float2 before = {0, 0}, after = {0, 0};
        if (index > 0) before = value(in(bin - bin_step, place - place_step));
        if (index < cells - 1) after = value(in(bin + bin_step, place + place_step));
        out(bin, place) = value(in(bin, place)) + side * (before + after);
    }
};

template <>
class BilateralCells<DeviceSpace> {
public:
    BilateralCells() = default;
    BilateralCells(Cuda& exec, Size, const BilateralGeometry& geometry, float blur_side)
        : exec_(&exec), geometry_(geometry), side_(blur_side) {
        const Size with_end = {geometry.bins() + 1, size().height};  // slice() reads one bin further
        sums_ = Buffer<Int2, Cuda>(exec, size());
        blurred_ = Buffer<Float2, Cuda>(exec, with_end);
        between_ = Buffer<Float2, Cuda>(exec, with_end);
        clear();
        for_each_pixel(exec, with_end, BilateralClear<Float2>{blurred_.view()});
    }
    void clear() { for_each_pixel(*exec_, size(), BilateralClear<Int2>{sums_.view()}); }
    template <class Samples>
    void splat(const Samples& samples) {
        for_each_pixel(*exec_, samples.image.size, BilateralSplat<Samples>{samples, sums_.view()});
    }
    void blur() {
        const int levels = geometry_.levels, columns = geometry_.cells.width, rows = geometry_.cells.height;
        const Image<Float2, DeviceSpace> a = blurred_.view(), b = between_.view();
        for_each_pixel(*exec_, size(), BilateralBlurPass<Int2>{sums_.view(), side_, 0, 1, columns, 1, a});
        for_each_pixel(*exec_, size(), BilateralBlurPass<Float2>{a, side_, 0, columns, rows, columns, b});
        for_each_pixel(*exec_, size(),
                       BilateralBlurPass<Float2>{b, side_, levels * levels, 0, levels, levels * levels, a});
        for_each_pixel(*exec_, size(), BilateralBlurPass<Float2>{a, side_, levels, 0, levels, levels, b});
        for_each_pixel(*exec_, size(), BilateralBlurPass<Float2>{b, side_, 1, 0, levels, 1, a});
    }
    View<const Float2, Cuda> blurred() { return blurred_.view(); }
    void slice(const BilateralSlice<DeviceSpace>& f) { for_each_pixel(*exec_, f.image.size, f); }

private:
    Size size() const { return {geometry_.bins(), geometry_.cells.width * geometry_.cells.height}; }

    Cuda* exec_ = nullptr;
    BilateralGeometry geometry_;
    float side_ = 0;
    Buffer<Int2, Cuda> sums_;                 // [places, bins] foreground and total
    Buffer<Float2, Cuda> blurred_, between_;  // [places, bins + 1]
};
}  // namespace cinebokeh::detail
