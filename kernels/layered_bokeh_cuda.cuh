// The layered renderer on CUDA: a layer is written in the tiles that need it, blurred by the kernel of the disk blur in
// those where it is seen, or by FFT, and added to the sum.
#pragma once
#include "cinebokeh/disk_blur.hpp"
#include "kernels/layered_bokeh_edges.hpp"
#include "kernels/layered_bokeh_filters.hpp"
#include "kernels/layered_bokeh_over.hpp"

namespace cinebokeh::detail {

template <>
struct BokehScratch<DeviceSpace> {
    BokehScratch() = default;
    BokehScratch(Cuda& exec, Size max_size, int, int) : layer(exec, max_size), blurred(exec, max_size) {}
    Buffer<Float4, Cuda> layer, blurred;
};

template <class Pixel>
void mark_edge_tiles(Cuda& exec, const MarkEdgeTiles<DeviceSpace, Pixel>& mark) {
    for_each_pixel(exec, mark.marks.size, mark);
}
template <class Pixel>
void part_edges(Cuda& exec, const PartEdges<DeviceSpace, Pixel>& part) {
    for_each_pixel(exec, part.source.frame.size, part);
}
inline void clear_sum(Cuda& exec, const ClearSum<DeviceSpace>& clear) {
    for_each_pixel(exec, clear.sums.sum[clear.index].size, clear);
}
template <class Pixel>
void halve_frame(Cuda& exec, const HalveFrame<DeviceSpace, Pixel>& halve) {
    for_each_pixel(exec, halve.pyramid.half.size, halve);
}

// Whether a block of the disk blur holds cells of a tile with the layer.
struct BlockIsSeen {
    Image<const LayerSet, DeviceSpace> seen;
    int level, index;

    CINEBOKEH_HD bool operator()(int x0, int y0, int width, int height) const {
        const int side = bokeh_tile >> level;
        for (int ty = y0 / side; ty * side < y0 + height && ty < seen.size.height; ++ty)
            for (int tx = x0 / side; tx * side < x0 + width && tx < seen.size.width; ++tx)
                if (seen(tx, ty) >> index & 1) return true;
        return false;
    }
};

template <int level, class Pixel>
struct WriteLayer {
    LayerCell<level, DeviceSpace, Pixel> layer;
    Image<const LayerSet, DeviceSpace> needed;
    int index;
    Image<Float4, DeviceSpace> out;

    CINEBOKEH_HD void operator()(int x, int y) const {
        if (needed((x << level) / bokeh_tile, (y << level) / bokeh_tile) >> index & 1) out(x, y) = layer.at(x, y);
    }
};
struct AddBlurred {
    AddLayer<DeviceSpace> add;
    Image<const Float4, DeviceSpace> blurred;

    CINEBOKEH_HD void operator()(int x, int y) const {
        const LayerSet set = add.sums.seen(add.level(), x, y);
        if (set >> add.index & 1) add(x, y, set, blurred(x, y));
    }
};

template <int level, class Pixel>
void render_layer(Cuda& exec, const LayerCell<level, DeviceSpace, Pixel>& layer, const Disk& disk,
                  Span<const DiskRun, DeviceSpace> runs, BokehScratch<DeviceSpace>& scratch,
                  const AddLayer<DeviceSpace>& add) {
    const Size cells = add.sum().size;
    const auto plain = scratch.layer.view().crop(0, 0, cells), blurred = scratch.blurred.view().crop(0, 0, cells);
    for_each_pixel(exec, cells, WriteLayer<level, Pixel>{layer, add.sums.tiles.needed, add.index, plain});
    disk_blur_where(exec, plain, disk, runs, BlockIsSeen{add.sums.tiles.seen, level, add.index}, blurred);
    for_each_pixel(exec, cells, AddBlurred{add, blurred});
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

template <int level, class Pixel>
void render_layer(Cuda& exec, const LayerCell<level, DeviceSpace, Pixel>& layer, const LayerFilter<DeviceSpace>& filter,
                  BokehScratch<DeviceSpace>& scratch, const AddLayer<DeviceSpace>& add) {
    const Size cells = add.sum().size;
    const auto plain = scratch.layer.view().crop(0, 0, cells), blurred = scratch.blurred.view().crop(0, 0, cells);
    const auto needed = add.sums.tiles.needed;
    for_each_pixel(exec, cells, WriteLayer<level, Pixel>{layer, needed, add.index, plain});
    (*filter.convolver)(exec, filter.index, filter.turned, LoadLayer{{plain, filter.largest}, needed, level, add.index},
                        blurred);
    for_each_pixel(exec, cells, AddBlurred{add, blurred});
}

template <class Pixel>
void fill_layers(Cuda& exec, const FillBase<DeviceSpace, Pixel>& base, const FillLevels<DeviceSpace>& levels) {
    for_each_pixel(exec, base.out.all.size, base);
    for (int l = 1; l < levels.count; ++l) for_each_pixel(exec, levels.level[l].all.size, levels.push(l));
    for (int l = levels.count; l-- > 0;) for_each_pixel(exec, levels.level[l].all.size, levels.pull(l));
}

template <class Pixel>
void finish_bokeh(Cuda& exec, const FinishBokeh<DeviceSpace, Pixel>& finish) {
    for_each_pixel(exec, finish.out.size, finish);
}
}  // namespace cinebokeh::detail
