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
struct BilateralClear {
    Image<Int2, DeviceSpace> sums;
    __device__ void operator()(int bin, int place) const { sums(bin, place) = Int2{0, 0}; }
};

/// Functor over the pixels of a splat. Integer atomics: the order does not matter.
template <class Samples>
struct BilateralSplat {
    Samples samples;
    Image<Int2, DeviceSpace> sums;

    __device__ void operator()(int x, int y) const {
        Float2 at;
        if (!samples.place(x, y, at)) return;
        const BilateralSample s = samples.sample(x, y, at);
        for (int i = 0; i < 4; ++i) {
            Int2& cell = sums(s.bin, (s.y + i / 2) * samples.geometry.cells.width + s.x + i % 2);
            if (s.foreground[i]) atomicAdd(&cell[0], s.foreground[i]);
            if (s.total[i]) atomicAdd(&cell[1], s.total[i]);
        }
    }
};

/// Functor over (bin, place): one dimension of the blur.
template <class Cell>
struct BilateralBlur {
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
        for_each_pixel(exec, {1, with_end.height}, ClearEnd{blurred_.view(), geometry.bins()});
        blur();
    }
    void clear() { for_each_pixel(*exec_, size(), BilateralClear{sums_.view()}); }
    template <class Samples>
    void splat(const Samples& samples) {
        for_each_pixel(*exec_, samples.image.size, BilateralSplat<Samples>{samples, sums_.view()});
    }
    void blur() {
        const int levels = geometry_.levels, columns = geometry_.cells.width, rows = geometry_.cells.height;
        const Image<Float2, DeviceSpace> a = blurred_.view(), b = between_.view();
        for_each_pixel(*exec_, size(), BilateralBlur<Int2>{sums_.view(), side_, 0, 1, columns, 1, a});
        for_each_pixel(*exec_, size(), BilateralBlur<Float2>{a, side_, 0, columns, rows, columns, b});
        for_each_pixel(*exec_, size(), BilateralBlur<Float2>{b, side_, levels * levels, 0, levels, levels * levels, a});
        for_each_pixel(*exec_, size(), BilateralBlur<Float2>{a, side_, levels, 0, levels, levels, b});
        for_each_pixel(*exec_, size(), BilateralBlur<Float2>{b, side_, 1, 0, levels, 1, a});
    }
    View<const Float2, Cuda> blurred() { return blurred_.view(); }
    void slice(const BilateralSlice<DeviceSpace>& f) { for_each_pixel(*exec_, f.image.size, f); }

private:
    struct ClearEnd {
        Image<Float2, DeviceSpace> blurred;
        int end;
        __device__ void operator()(int, int place) const { blurred(end, place) = {0, 0}; }
    };
    Size size() const { return {geometry_.bins(), geometry_.cells.width * geometry_.cells.height}; }

    Cuda* exec_ = nullptr;
    BilateralGeometry geometry_;
    float side_ = 0;
    Buffer<Int2, Cuda> sums_;                 // [places, bins] foreground and total
    Buffer<Float2, Cuda> blurred_, between_;  // [places, bins + 1]
};
}  // namespace cinebokeh::detail
