// The layered renderer on CUDA: passes over the frame, layers that are blurred by FFT one after the other, and the
// pyramid of the fill, whose coarse levels are one launch.
#pragma once
#include "cinebokeh/disk_blur.hpp"
#include "kernels/layered_bokeh_edges.hpp"
#include "kernels/layered_bokeh_filters.hpp"
#include "kernels/layered_bokeh_level_cuda.cuh"

namespace cinebokeh {
namespace detail {
template <class Pixel>
void mark_edge_tiles(Cuda& exec, const MarkEdgeTiles<DeviceSpace, Pixel>& mark) {
    for_each_tile(exec, mark.marks.size, mark);
}
template <class Pixel>
void part_edges(Cuda& exec, const PartEdges<DeviceSpace, Pixel>& part) {
    for_each_pixel(exec, part.source.frame.size, part);
}
template <class Pixel>
void halve_frame(Cuda& exec, const HalveFrame<DeviceSpace, Pixel>& halve) {
    for_each_pixel(exec, halve.pyramid.half.size, halve);
}

// Sums are 0 in tiles without layers of their group: cells are read between their centres.
struct ClearSums {
    BokehSums<DeviceSpace> sums;

    CINEBOKEH_HD void operator()(int x, int y) const {
        for (int g = 0; g < sums.groups; ++g)
            if (sums.group[g].level > 0 && sums.sum[g].size.contains(x, y) &&
                !(sums.seen(sums.group[g].level, x, y) & sums.group[g].set))
                sums.sum[g](x, y) = {};
    }
};
inline void clear_sums(Cuda& exec, const BokehSums<DeviceSpace>& sums) {
    Size largest{0, 0};
    for (int g = 0; g < sums.groups; ++g) {
        const Size cells = sums.sum[g].size;
        if (sums.group[g].level > 0)
            largest = {std::max(largest.width, cells.width), std::max(largest.height, cells.height)};
    }
    for_each_pixel(exec, largest, ClearSums{sums});
}

// A layer as it is blurred by FFT; cells that nothing needs are 0.
struct LoadLayer {
    CutLight<DeviceSpace> layer;
    Image<const LayerSet, DeviceSpace> needed;
    int level, index;

    CINEBOKEH_HD Float4 operator()(int x, int y) const {
        const int i = clamp(x, 0, layer.in.size.width - 1), j = clamp(y, 0, layer.in.size.height - 1);
        if (!(needed((i << level) / bokeh_tile, (j << level) / bokeh_tile) >> index & 1)) return {};
        return layer(i, j);
    }
};
struct AddBlurred {
    AddLayer<DeviceSpace> add;
    Image<const Float4, DeviceSpace> blurred;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const LayerSet set = add.sums.seen(add.level(), x, y);
        if (set >> add.index & 1) add.sums.add(add.group, add.index, x, y, set, blurred(x, y));
    }
};

template <int level, class Pixel>
void render_layer(Cuda& exec, const LevelLayers<level, DeviceSpace, Pixel>& layers, int k,
                  const LayerFilter<DeviceSpace>& filter, BokehScratch<DeviceSpace>& scratch) {
    const LaunchedLayers launched = launched_layers(layers, scratch.layers.view(), k);
    const Image<Float4, DeviceSpace> plain = launched.image(0);
    const auto blurred = scratch.blurred.view().crop(0, 0, launched.cells);
    write_layers(exec, layers, launched);
    (*filter.convolver)(exec, filter.index, filter.turned,
                        LoadLayer{{plain, filter.largest}, layers.sums.tiles.needed, level, k}, blurred);
    for_each_pixel(exec, launched.cells, AddBlurred{{layers.sums, layers.stack.group_of(k), k}, blurred});
}
}  // namespace detail

namespace kernels {
constexpr int fill_threads = 512, fill_base_threads = 256;

// side x side lanes look at the parts of one cell of one layer.
template <class Pixel>
static __global__ void fill_base(detail::FillBase<DeviceSpace, Pixel> base) {
    const int parts = base.side * base.side, x = int(blockIdx.y) * fill_base_threads + int(threadIdx.x);
    const int i = x / parts, part = x % parts, stacked = int(blockIdx.x);
    const int k = stacked / base.out.height, j = stacked % base.out.height;
    detail::FillCell cell;
    const bool inside = i < base.out.all.size.width, looks = inside && base.looks(k, i, j, cell);
    // The lanes of the warp stay together: a cell's sums need all of its own.
    if (__any_sync(~0u, looks)) {
        detail::LayerPart own{base.stack.layer[k]};
        const int u = i * base.side + part % base.side, v = j * base.side + part / base.side;
        if (looks && base.pyramid.quarter.size.contains(u, v)) detail::visit_cell<2>(base.pyramid, u, v, own);
        for (int d = 1; d < parts; d *= 2) {
            for (int c = 0; c < 4; ++c) own.sum[c] += __shfl_xor_sync(~0u, own.sum[c], d);
            own.known += __shfl_xor_sync(~0u, own.known, d);
            own.total += __shfl_xor_sync(~0u, own.total, d);
        }
        if (looks) cell = base.filled(own.sum, own.known, own.total);
    }
    if (inside && part == 0) base.out.all(i, stacked) = cell;
}

// More blocks than would fit with all the registers that one would like: it waits for memory most of the time.
template <class Pixel>
static __global__ void __launch_bounds__(256, 4) finish_bokeh(detail::FinishBokeh<DeviceSpace, Pixel> finish) {
    const int x = int(blockIdx.x * 32 + threadIdx.x), y = int(blockIdx.y * 8 + threadIdx.y);
    if (finish.out.size.contains(x, y)) finish(x, y);
}

// The levels of the fill from `first` on, there and back. A block does one layer.
static __global__ void fill_coarse(detail::FillLevels<DeviceSpace> levels, int first) {
    const int k = int(blockIdx.x), thread = int(threadIdx.x);
    for (int l = first; l < levels.count; ++l) {
        const detail::Stacked<detail::FillCell, DeviceSpace>& level = levels.level[l];
        const int width = level.all.size.width;
        for (int i = thread; i < width * level.height; i += fill_threads)
            levels.push(l)(i % width, k * level.height + i / width);
        __syncthreads();  // the level is there
    }
    for (int l = levels.count; l-- > first;) {
        const detail::Stacked<detail::FillCell, DeviceSpace>& level = levels.level[l];
        const int width = level.all.size.width;
        for (int i = thread; i < width * level.height; i += fill_threads)
            levels.pull(l)(i % width, k * level.height + i / width);
        __syncthreads();  // the level is filled
    }
}
}  // namespace kernels

namespace detail {
inline void fill_coarse(Cuda& exec, const FillLevels<DeviceSpace>& levels, int first, int layers) {
    exec.launch(dim3(unsigned(layers)), dim3(kernels::fill_threads), 0, kernels::fill_coarse, levels, first);
}

template <class Pixel>
void fill_layers(Cuda& exec, const FillBase<DeviceSpace, Pixel>& base, const FillLevels<DeviceSpace>& levels) {
    constexpr int few = 2048;  // cells of a layer
    int first = 1;             // level of so few
    while (first < levels.count && levels.level[first].all.size.width * levels.level[first].height > few) ++first;
    const Size cells = base.out.all.size;
    const dim3 grid(unsigned(cells.height),
                    unsigned(ceil_div(cells.width * base.side * base.side, kernels::fill_base_threads)));
    exec.launch(grid, dim3(kernels::fill_base_threads), 0, kernels::fill_base<Pixel>, base);
    for (int l = 1; l < first; ++l) for_each_pixel(exec, levels.level[l].all.size, levels.push(l));
    fill_coarse(exec, levels, first, base.stack.count);
    for (int l = first; l-- > 0;) for_each_pixel(exec, levels.level[l].all.size, levels.pull(l));
}

template <class Pixel>
void finish_bokeh(Cuda& exec, const FinishBokeh<DeviceSpace, Pixel>& finish) {
    const Size s = finish.out.size;
    exec.launch(dim3(unsigned(ceil_div(s.width, 32)), unsigned(ceil_div(s.height, 8))), dim3(32, 8), 0,
                kernels::finish_bokeh<Pixel>, finish);
}
}  // namespace detail
}  // namespace cinebokeh
