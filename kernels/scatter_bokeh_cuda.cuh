// Scatter bokeh on CUDA. A block owns 128 columns of one row of the result in shared memory, as whole numbers of 64
// bits. Its threads go through the pixels whose shapes reach the row and add the ends of their runs with integer
// atomics; then each warp sums some of the rows of numbers up, and each thread fills the pixel of its column from the
// layers.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "kernels/scatter_bokeh.hpp"

namespace cinebokeh {
namespace detail {

struct ScatterExtent {  // what the widest shapes of a row of the frame reach, pixels
    int columns, rows;
};

template <class Space>
struct ScatterScratch;

template <>
struct ScatterScratch<DeviceSpace> {
    ScatterScratch(Cuda& exec, Size max_size, Size reach_, int, bool)
        : reach(reach_), light(exec, max_size), shapes(exec, max_size), row_extents(exec, {max_size.height, 1}) {}

    Size reach;
    Buffer<Float4, Cuda> light;
    Buffer<ScatterShape, Cuda> shapes;
    Buffer<ScatterExtent, Cuda> row_extents;
};
}  // namespace detail

namespace kernels {
constexpr int scatter_columns = 128;  // also the threads of a block

// A block turns one row of the frame into shapes and light.
static __global__ void scatter_shapes(Image<const Float4, DeviceSpace> in, Image<const float, DeviceSpace> defocus,
                                      ApertureRuns<DeviceSpace> aperture, detail::ScatterPass pass,
                                      Image<Float4, DeviceSpace> light, Image<detail::ScatterShape, DeviceSpace> shapes,
                                      Span<detail::ScatterExtent, DeviceSpace> row_extents) {
    detail::ScatterExtent& extent = static_shared<detail::ScatterExtent>();
    const int y = int(blockIdx.x);
    if (threadIdx.x == 0) extent = {0, 0};
    __syncthreads();  // the extent is set
    for (int x = int(threadIdx.x); x < in.size.width; x += scatter_columns) {
        detail::ScatterShape shape = detail::shape_of(defocus(x, y), aperture, pass);
        const double scale = double(detail::inverse_area_at(x, y, in.size, aperture, shape)) * pass.to_fixed;
        const Float4 value = in(x, y);
        for (int c = 0; c < 4; ++c) light(x, y)[c] = detail::light_of(value[c], scale, pass.largest_value);
        shapes(x, y) = shape;
        const ApertureRadius& radius = aperture.radii[size_t(shape.index)];
        atomicMax(&extent.columns, radius.reach);
        atomicMax(&extent.rows, radius.rows);
    }
    __syncthreads();  // all shapes are counted
    if (threadIdx.x == 0) row_extents[size_t(y)] = extent;
}

struct ScatterSums {  // of one row; each number in two words
    unsigned low[detail::scatter_layers][4][scatter_columns], high[detail::scatter_layers][4][scatter_columns];
    int touched[detail::scatter_layers];
};

// Adds a pixel's light, times `part`, to column x of the block. What lies before the block is added to its first
// column, as the sum along the row would have it; what lies after it is left out.
static __device__ __forceinline__ void add_end(ScatterSums& sums, int layer, int x, const Float4& light, int part) {
    if (x >= scatter_columns || part == 0) return;
    if (x < 0) x = 0;
    for (int c = 0; c < 4; ++c) {
        const long long amount = (long long)(light[c]) * part;
        const unsigned low = unsigned(amount), before = atomicAdd(&sums.low[layer][c][x], low);
        const unsigned carry = before + low < before;
        atomicAdd(&sums.high[layer][c][x], unsigned((unsigned long long)(amount) >> 32) + carry);
    }
}

// Adds the run of pixel (x, from) in row `y`; x0 is the first column of the block.
static __device__ __forceinline__ void add_run(ScatterSums& sums, const ApertureRuns<DeviceSpace>& aperture,
                                               const detail::ScatterShape& shape, const Float4& light, int x, int from,
                                               int x0, int y, Size frame) {
    const ApertureRadius& radius = aperture.radii[size_t(shape.index)];
    const int dy = y - from;
    if (radius.rows < (dy < 0 ? -dy : dy)) return;
    ApertureRun run = aperture.run(radius, dy, shape.turned);
    if (aperture.cat_eye > 0 && shape.index > 0)
        run = cut(run, aperture.cat_eye_at(shape.radius, x, from, frame, shape.turned), dy);
    const int left = run.left + aperture_unit / 2, right = run.right + aperture_unit / 2;
    const int begin = x - x0 + (left >> 8), end = x - x0 + (right >> 8);
    if (left == right || begin >= scatter_columns || end + 1 < 0) return;
    const int begin_part = left & (aperture_unit - 1), end_part = right & (aperture_unit - 1);
    sums.touched[shape.layer] = 1;
    add_end(sums, shape.layer, begin, light, aperture_unit - begin_part);
    add_end(sums, shape.layer, begin + 1, light, begin_part);
    add_end(sums, shape.layer, end, light, end_part - aperture_unit);
    add_end(sums, shape.layer, end + 1, light, -end_part);
}

// Replaces the numbers of one row of sums by their sums from the left. One warp.
static __device__ __forceinline__ void sum_row(unsigned* low, unsigned* high) {
    const int lane = int(threadIdx.x) % 32;
    unsigned long long before = 0;
    for (int x = lane; x < scatter_columns; x += 32) {
        unsigned long long sum = (unsigned long long)(high[x]) << 32 | low[x];
        for (int d = 1; d < 32; d *= 2) {
            const unsigned long long other = __shfl_up_sync(~0u, sum, unsigned(d));
            if (lane >= d) sum += other;
        }
        sum += before;
        low[x] = unsigned(sum), high[x] = unsigned(sum >> 32);
        before = __shfl_sync(~0u, sum, 31);
    }
}

static __global__ void scatter_bokeh(Image<const Float4, DeviceSpace> light,
                                     Image<const detail::ScatterShape, DeviceSpace> shapes,
                                     Span<const detail::ScatterExtent, DeviceSpace> row_extents,
                                     ApertureRuns<DeviceSpace> aperture, detail::ScatterPass pass, int reach,
                                     Image<Float4, DeviceSpace> out) {
    ScatterSums& sums = static_shared<ScatterSums>();
    const int thread = int(threadIdx.x), x0 = int(blockIdx.x) * scatter_columns, y = int(blockIdx.y);
    for (int layer = 0; layer < pass.layers; ++layer) {
        for (int c = 0; c < 4; ++c) sums.low[layer][c][thread] = sums.high[layer][c][thread] = 0;
        if (thread == 0) sums.touched[layer] = 0;
    }
    __syncthreads();  // the sums are zero

    const int last_row = y + reach < out.size.height ? y + reach : out.size.height - 1;
    for (int from = y - reach > 0 ? y - reach : 0; from <= last_row; ++from) {
        const detail::ScatterExtent extent = row_extents[size_t(from)];
        if (extent.rows < (from < y ? y - from : from - y)) continue;
        const int end = clamp(x0 + scatter_columns + extent.columns + 1, 0, out.size.width);
        for (int x = clamp(x0 - extent.columns - 1, 0, out.size.width) + thread; x < end; x += scatter_columns)
            add_run(sums, aperture, shapes(x, from), light(x, from), x, from, x0, y, out.size);
    }
    __syncthreads();  // all ends are added

    for (int i = thread / 32; i < 4 * pass.layers; i += scatter_columns / 32)
        if (sums.touched[i / 4]) sum_row(sums.low[i / 4][i % 4], sums.high[i / 4][i % 4]);
    __syncthreads();  // the rows are summed

    if (!out.size.contains(x0 + thread, y)) return;
    detail::FilledPixel pixel;
    double sum[4] = {};
    for (int layer = 0; layer < pass.layers; ++layer) {
        if (!sums.touched[layer]) continue;
        for (int c = 0; c < 4; ++c)
            sum[c] = double(
                (long long)((unsigned long long)(sums.high[layer][c][thread]) << 32 | sums.low[layer][c][thread]));
        pixel.add(sum, pass.to_value);
    }
    detail::write_pixel(pass.layers > 1 ? pixel.result() : detail::sum_of_light(sum, pass), pass.channel,
                        out(x0 + thread, y));
}
}  // namespace kernels

namespace detail {
inline void scatter_bokeh(Cuda& exec, Image<const Float4, DeviceSpace> in, Image<const float, DeviceSpace> defocus,
                          const ApertureRuns<DeviceSpace>& aperture, const ScatterPass& pass,
                          ScatterScratch<DeviceSpace>& scratch, Image<Float4, DeviceSpace> out) {
    const dim3 block(kernels::scatter_columns);
    const auto light = scratch.light.view().crop(0, 0, in.size);
    const auto shapes = scratch.shapes.view().crop(0, 0, in.size);
    exec.launch(dim3(unsigned(in.size.height)), block, 0, kernels::scatter_shapes, in, defocus, aperture, pass, light,
                shapes, scratch.row_extents.span());
    const dim3 grid(unsigned(ceil_div(in.size.width, kernels::scatter_columns)), unsigned(in.size.height));
    exec.launch(grid, block, 0, kernels::scatter_bokeh, Image<const Float4, DeviceSpace>(light),
                Image<const ScatterShape, DeviceSpace>(shapes),
                Span<const detail::ScatterExtent, DeviceSpace>(scratch.row_extents.span()), aperture, pass,
                scratch.reach.height, out);
}
}  // namespace detail
}  // namespace cinebokeh
