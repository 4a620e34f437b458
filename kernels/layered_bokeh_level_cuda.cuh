// The layered renderer on CUDA: all layers of a level in two launches, or as few as the memory for them allows. The
// first writes the cells of each layer that are needed. In the second a block owns 32 x 8 cells of the sums: it takes
// the layers seen there from near to far, blurs each with runs, and adds it.
//
// A blur goes through the rows that reach the block, eight at a time: each warp turns one into prefix sums in shared
// memory, then every thread adds the runs of its cell. The next rows are on their way meanwhile.
#pragma once
#include "cinebokeh/disk_blur.hpp"
#include "kernels/layered_bokeh_over.hpp"

namespace cinebokeh {
namespace detail {
template <class Space>
struct BokehScratch;

template <>
struct BokehScratch<DeviceSpace> {
    BokehScratch() = default;
    // The finest level with layers that are blurred by FFT.
    BokehScratch(Cuda& exec, Size max_size, int, int filtered_from)
        : layers(exec, {4 * ceil_div(max_size.width, 4), 8 * ceil_div(max_size.height, 4)}) {
        if (filtered_from < bokeh_levels) blurred = {exec, cells_of(max_size, 1 << filtered_from)};
    }
    Buffer<Float4, Cuda> layers;  // twice a frame: room for 2, 8 or 32 layers
    Buffer<Float4, Cuda> blurred;
};

// One layer of a launch.
struct LaunchedLayer {
    int index, group;  // in the stack
    DiskShape disk;
};

// The layers of a launch, and where their cells are.
struct LaunchedLayers {
    static constexpr int most = 32;
    int count = 0, columns = 1;  // the images of the layers lie beside and below each other
    Size cells;                  // of each
    Image<Float4, DeviceSpace> images;
    LaunchedLayer layer[most];

    CINEBOKEH_HD Image<Float4, DeviceSpace> image(int i) const {
        return images.crop(i % columns * cells.width, i / columns * cells.height, cells);
    }
};
}  // namespace detail

namespace kernels {
constexpr int layer_columns = 32, layer_rows = 8;  // of a block; a thread for each cell
constexpr int layer_most_runs = 36;                // rows of half a disk
constexpr int layer_each = 4;                      // cells of a row that a lane scans at most

struct LayerRuns {  // of the layer at hand and the next one
    detail::DiskRun of[2][layer_most_runs];
};

template <int level, class Pixel>
static __global__ void write_layers(detail::LevelLayers<level, DeviceSpace, Pixel> layers,
                                    detail::LaunchedLayers launched) {
    const int x = int(blockIdx.x) * layer_columns + int(threadIdx.x);
    const int y = int(blockIdx.y) * layer_rows + int(threadIdx.y), i = int(blockIdx.z);
    if (!launched.cells.contains(x, y)) return;
    const int k = launched.layer[i].index;
    constexpr int side = detail::bokeh_tile >> level;
    if (layers.sums.tiles.needed(x / side, y / side) >> k & 1) launched.image(i)(x, y) = layers.of(k).at(x, y);
}

// The cells of a row that a lane scans: `each`, one after the other.
struct LayerLane {
    Float4 cell[layer_each]{};

    __device__ void load(const Float4* row, int width, int x0, int each) {
        for (int e = 0; e < layer_each; ++e)
            if (e < each) cell[e] = row[clamp(x0 + int(threadIdx.x) * each + e, 0, width - 1)];
    }
    // Writes prefix[i] = the sum of the i first cells of the row, in fixed point. A warp calls it together.
    __device__ void scan(const detail::DiskShape& disk, int each, detail::Uint4* prefix) const {
        const int lane = int(threadIdx.x);
        detail::Uint4 own{}, sums[layer_each];
        for (int e = 0; e < layer_each; ++e) {
            if (e < each)
                for (int c = 0; c < 4; ++c) own[c] += detail::to_fixed_point(cell[e][c], disk.to_fixed, disk.largest);
            sums[e] = own;
        }
        detail::Uint4 up_to = own;  // of the lanes up to this one
        for (int d = 1; d < 32; d *= 2)
            for (int c = 0; c < 4; ++c) {
                const uint32_t other = __shfl_up_sync(~0u, up_to[c], unsigned(d));
                if (lane >= d) up_to[c] += other;
            }
        const detail::Uint4 before = up_to - own;
        for (int e = 0; e < layer_each; ++e)
            if (e < each) prefix[lane * each + e + 1] = sums[e] + before;
        if (lane == 0) prefix[0] = detail::Uint4{};
    }
};

// `stride`: of the rows in shared memory; of two sets of them one is read while the other is written.
static __global__ void __launch_bounds__(layer_columns* layer_rows, 4)
    blur_layers(detail::BokehSums<DeviceSpace> sums, detail::LaunchedLayers launched, int level,
                Image<const detail::DiskRun, DeviceSpace> runs, int stride) {
    detail::Uint4* const prefix = dynamic_shared<detail::Uint4>();
    LayerRuns& shared_runs = static_shared<LayerRuns>();
    const int lane = int(threadIdx.x), warp = int(threadIdx.y), thread = warp * layer_columns + lane;
    const int x0 = int(blockIdx.x) * layer_columns, y0 = int(blockIdx.y) * layer_rows, x = x0 + lane, y = y0 + warp;
    const Size s = launched.cells;
    const int side = detail::bokeh_tile >> level;
    detail::LayerSet in_block = 0;
    for (int ty = y0 / side; ty * side < y0 + layer_rows && ty < sums.tiles.seen.size.height; ++ty)
        for (int tx = x0 / side; tx * side < x0 + layer_columns && tx < sums.tiles.seen.size.width; ++tx)
            in_block |= sums.tiles.seen(tx, ty);
    // Threads outside the image stay and see nothing: every thread must reach the barriers.
    const detail::LayerSet seen = s.contains(x, y) ? sums.tiles.seen(x / side, y / side) : 0;

    int turn = 0, set = 0;
    for (int i = 0; i < launched.count; ++i) {
        const detail::LaunchedLayer& layer = launched.layer[i];
        if (!(in_block >> layer.index & 1)) continue;  // all threads of the block
        const detail::DiskShape disk = layer.disk;
        const Image<const Float4, DeviceSpace> cells = launched.image(i);
        detail::DiskRun* const run = shared_runs.of[turn ^= 1];
        if (thread <= disk.rows) run[thread] = runs(thread, layer.index);

        const int each = ceil_div(layer_columns + 2 * disk.reach, 32), end = y0 + layer_rows + disk.rows;
        const auto row = [&](int from) { return cells.row(clamp(from, 0, s.height - 1)); };
        LayerLane next;
        next.load(row(y0 - disk.rows + warp), s.width, x0 - disk.reach, each);
        detail::Uint4 sum{};
        for (int first = y0 - disk.rows; first < end; first += layer_rows, set ^= 1) {
            detail::Uint4* const rows = prefix + set * layer_rows * stride;
            next.scan(disk, each, rows + warp * stride);
            if (first + layer_rows < end) next.load(row(first + layer_rows + warp), s.width, x0 - disk.reach, each);
            __syncthreads();  // the prefix sums, and at first the runs, are there
            for (int j = 0; j < layer_rows; ++j) {
                const int dy = first + j > y ? first + j - y : y - first - j;
                if (dy > disk.rows) continue;
                const detail::Uint4* const centre = rows + j * stride + lane + disk.reach;
                const detail::Uint4 a = centre[-run[dy].full - 1], b = centre[-run[dy].full];
                const detail::Uint4 p = centre[run[dy].full + 1], q = centre[run[dy].full + 2];
                for (int c = 0; c < 4; ++c) sum[c] += detail::run_sum(run[dy], a[c], b[c], p[c], q[c]);
            }
        }
        if (!(seen >> layer.index & 1)) continue;
        Float4 blurred;
        for (int c = 0; c < 4; ++c) blurred[c] = float(sum[c]) * disk.to_value;
        sums.add(layer.group, layer.index, x, y, seen, blurred);
    }
}
}  // namespace kernels

namespace detail {
template <int level, class Pixel>
void write_layers(Cuda& exec, const LevelLayers<level, DeviceSpace, Pixel>& layers, const LaunchedLayers& launched) {
    const dim3 grid(unsigned(ceil_div(launched.cells.width, kernels::layer_columns)),
                    unsigned(ceil_div(launched.cells.height, kernels::layer_rows)), unsigned(launched.count));
    exec.launch(grid, dim3(kernels::layer_columns, kernels::layer_rows), 0, kernels::write_layers<level, Pixel>, layers,
                launched);
}

// One layer, in as much room as all have.
template <int level, class Pixel>
LaunchedLayers launched_layers(const LevelLayers<level, DeviceSpace, Pixel>& layers, Image<Float4, DeviceSpace> room,
                               int k, const DiskShape& disk = {}) {
    LaunchedLayers launched;
    launched.count = 1;
    launched.cells = layers.cells();
    launched.columns = room.size.width / launched.cells.width;
    launched.images = room;
    launched.layer[0] = {k, layers.stack.group_of(k), disk};
    return launched;
}
// As many of the layers from the i-th on as there is room for.
template <int level, class Pixel>
LaunchedLayers launched_layers(const LevelLayers<level, DeviceSpace, Pixel>& layers, Image<Float4, DeviceSpace> room,
                               const LayersOfRuns<DeviceSpace>& of_runs, int i) {
    const int first = of_runs.index[i];
    LaunchedLayers launched = launched_layers(layers, room, first, disk_shape(of_runs.disks[first]));
    const int most = std::min(launched.columns * (room.size.height / launched.cells.height), LaunchedLayers::most);
    while (++i < of_runs.count && launched.count < most) {
        const int k = of_runs.index[i];
        launched.layer[launched.count++] = {k, layers.stack.group_of(k), disk_shape(of_runs.disks[k])};
    }
    return launched;
}

inline void blur_layers(Cuda& exec, const BokehSums<DeviceSpace>& sums, const LaunchedLayers& launched, int level,
                        Image<const DiskRun, DeviceSpace> runs) {
    int reach = 0;
    for (int i = 0; i < launched.count; ++i) reach = std::max(reach, launched.layer[i].disk.reach);
    const int stride = 32 * ceil_div(kernels::layer_columns + 2 * reach, 32) + 1;
    const dim3 grid(unsigned(ceil_div(launched.cells.width, kernels::layer_columns)),
                    unsigned(ceil_div(launched.cells.height, kernels::layer_rows)));
    exec.launch(grid, dim3(kernels::layer_columns, kernels::layer_rows),
                sizeof(Uint4) * size_t(2 * kernels::layer_rows * stride), kernels::blur_layers, sums, launched, level,
                runs, stride);
}

template <int level, class Pixel>
void render_layers(Cuda& exec, const LevelLayers<level, DeviceSpace, Pixel>& layers,
                   const LayersOfRuns<DeviceSpace>& of_runs, BokehScratch<DeviceSpace>& scratch) {
    for (int i = 0; i < of_runs.count;) {
        const LaunchedLayers launched = launched_layers(layers, scratch.layers.view(), of_runs, i);
        write_layers(exec, layers, launched);
        blur_layers(exec, layers.sums, launched, level, of_runs.runs);
        i += launched.count;
    }
}
}  // namespace detail
}  // namespace cinebokeh
