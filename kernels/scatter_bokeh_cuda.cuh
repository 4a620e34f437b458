// Scatter bokeh on CUDA. A block owns 128 columns of one row of the result, as whole numbers of 64 bits: what the runs
// of all pixels that reach the row add where they begin and take away where they end. Then each warp sums some of the
// rows of numbers up, and each thread fills the pixel of its column from the layers.
//
// Where all pixels of a row of the frame that reach the block have one shape, as in most of a picture, every thread
// looks up what begins and ends in its column and adds it in registers. Elsewhere the threads go through the pixels and
// add the ends of their runs to shared memory with integer atomics; neighbours of one shape join theirs.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#include "kernels/scatter_bokeh.hpp"

namespace cinebokeh {
namespace detail {

struct ScatterExtent {  // what the widest shapes of a row of the frame reach, pixels
    int columns, rows;
};
using ScatterLight = Vec<uint32_t, 4>;  // whole numbers, or where they may be larger than 2^31 the bits of floats

// The shape of a pixel.
struct ScatterPixel {
    int key = -1;
    float radius = 0;

    CINEBOKEH_HD static ScatterPixel of(const ScatterShape& shape, bool is_whole) {
        return {shape.index << 5 | shape.layer << 2 | int(is_whole) << 1 | int(shape.turned), shape.radius};
    }
    CINEBOKEH_HD int index() const { return key >> 5; }
    CINEBOKEH_HD int layer() const { return key >> 2 & 7; }
    CINEBOKEH_HD bool light_is_whole() const { return key >> 1 & 1; }
    CINEBOKEH_HD bool turned() const { return key & 1; }
};
constexpr int scatter_chunk = 32;  // pixels of a row that are looked at as one: have they one shape?

template <class Space>
struct ScatterScratch;

template <>
struct ScatterScratch<DeviceSpace> {
    ScatterScratch(Cuda& exec, Size max_size, Size reach_, int, bool)
        : reach(reach_),
          light(exec, max_size),
          pixels(exec, max_size),
          chunks(exec, {ceil_div(max_size.width, scatter_chunk), max_size.height}),
          row_extents(exec, {max_size.height, 1}) {}

    Size reach;
    Buffer<ScatterLight, Cuda> light;
    Buffer<ScatterPixel, Cuda> pixels;
    Buffer<int, Cuda> chunks;  // the key of all pixels of a chunk with whole light and no cat's eyes; -1: there is none
    Buffer<ScatterExtent, Cuda> row_extents;
};

// The frame as the scatter reads it.
struct ScatterFrame {
    Image<const ScatterLight, DeviceSpace> light;
    Image<const ScatterPixel, DeviceSpace> pixels;
    Image<const int, DeviceSpace> chunks;
    Span<const ScatterExtent, DeviceSpace> row_extents;
};
}  // namespace detail

namespace kernels {
constexpr int scatter_columns = 128;  // also the threads of a block

// A block turns one row of the frame into shapes and light.
static __global__ void scatter_shapes(Image<const Float4, DeviceSpace> in, Image<const float, DeviceSpace> defocus,
                                      ApertureRuns<DeviceSpace> aperture, detail::ScatterPass pass,
                                      Image<detail::ScatterLight, DeviceSpace> lights,
                                      Image<detail::ScatterPixel, DeviceSpace> pixels, Image<int, DeviceSpace> chunks,
                                      Span<detail::ScatterExtent, DeviceSpace> row_extents) {
    detail::ScatterExtent& extent = static_shared<detail::ScatterExtent>();
    const int y = int(blockIdx.x);
    if (threadIdx.x == 0) extent = {0, 0};
    __syncthreads();  // the extent is set
    // The lanes of a warp stay together: they vote on their chunk.
    for (int x = int(threadIdx.x); x / detail::scatter_chunk < chunks.size.width; x += scatter_columns) {
        const bool inside = x < in.size.width;
        int key = -1;
        if (inside) {
            detail::ScatterShape shape = detail::shape_of(defocus(x, y), aperture, pass);
            const double scale = double(detail::inverse_area_at(x, y, in.size, aperture, shape)) * pass.to_fixed;
            const Float4 value = in(x, y);
            Float4 light;
            for (int c = 0; c < 4; ++c) light[c] = detail::light_of(value[c], scale, pass.largest_value);
            const bool is_whole = double(pass.largest_value) * scale < 2147483000.0;
            for (int c = 0; c < 4; ++c) lights(x, y)[c] = is_whole ? uint32_t(light[c]) : __float_as_uint(light[c]);
            const detail::ScatterPixel pixel = pixels(x, y) = detail::ScatterPixel::of(shape, is_whole);
            if (is_whole && !(aperture.cat_eye > 0 && shape.index > 0)) key = pixel.key;
            const ApertureRadius& radius = aperture.radii[size_t(shape.index)];
            atomicMax(&extent.columns, radius.reach);
            atomicMax(&extent.rows, radius.rows);
        }
        const int first = __shfl_sync(~0u, key, 0);  // always inside
        const bool same = __all_sync(~0u, !inside || key == first);
        if (x % detail::scatter_chunk == 0) chunks(x / detail::scatter_chunk, y) = same ? first : -1;
    }
    __syncthreads();  // all shapes are counted
    if (threadIdx.x == 0) row_extents[size_t(y)] = extent;
}

struct ScatterSums {  // of one row; each number in two words
    unsigned low[detail::scatter_layers][4][scatter_columns], high[detail::scatter_layers][4][scatter_columns];
    int touched[detail::scatter_layers];
};

static __device__ __forceinline__ void add_number(ScatterSums& sums, int layer, int c, int x, long long amount) {
    const unsigned low = unsigned(amount), before = atomicAdd(&sums.low[layer][c][x], low);
    const unsigned carry = before + low < before;
    atomicAdd(&sums.high[layer][c][x], unsigned((unsigned long long)(amount) >> 32) + carry);
}

// Where the run of a pixel begins or ends, relative to the pixel: part / unit of its light one column further.
struct ScatterEnd {
    int column, part;

    static __device__ ScatterEnd at(int position) {
        const int shifted = position + aperture_unit / 2;
        return {shifted >> 8, shifted & (aperture_unit - 1)};
    }
};

// Light of four channels that is added to one column after the other: it begins, or it ends.
struct ScatterAmount {
    long long of[4] = {0, 0, 0, 0};

    __device__ void add(const detail::ScatterLight& light, int part) {
        for (int c = 0; c < 4; ++c) of[c] += (long long)(int(light[c])) * part;  // one multiply-add
    }
};

// What a row of pixels of one shape adds to a block.
struct ScatterGather {
    ScatterAmount own;    // to the column of this thread
    ScatterAmount first;  // to the first column, as a part of what this thread found before it
    int layer = -1;

    // Adds row `light` of the frame; x0 is the first column of the block.
    __device__ void add(const detail::ScatterLight* light, int width, ApertureRun run, int x0) {
        const int thread = int(threadIdx.x), x = x0 + thread;
        const ScatterEnd begin = ScatterEnd::at(run.left), end = ScatterEnd::at(run.right);
        // What lies outside is read at the border and counts nothing: so the loads do not wait for each other.
        const auto at = [&](int i) { return light[clamp(i, 0, width - 1)]; };
        const auto inside = [&](int i, int part) { return i >= 0 && i < width && thread > 0 ? part : 0; };
        const int i = x - begin.column, j = x - end.column;
        const detail::ScatterLight p = at(i), q = at(i - 1), u = at(j), v = at(j - 1);
        own.add(p, inside(i, aperture_unit - begin.part));
        own.add(q, inside(i - 1, begin.part));
        own.add(u, inside(j, end.part - aperture_unit));
        own.add(v, inside(j - 1, -end.part));
        // The sum of all that begins and ends up to the first column: what covers it.
        for (int k = j - 1; k <= x0 - begin.column; k += scatter_columns) {
            if (k < 0 || k >= width) continue;
            const int from_begin = x0 - begin.column - k, from_end = x0 - end.column - k;
            const int begun = from_begin > 0 ? aperture_unit : aperture_unit - begin.part;
            const int ended = from_end > 0 ? aperture_unit : from_end == 0 ? aperture_unit - end.part : 0;
            first.add(light[k], begun - ended);
        }
    }
    // Moves what there is into the sums.
    __device__ void flush(ScatterSums& sums) {
        if (layer < 0) return;
        for (int c = 0; c < 4; ++c) {
            if (own.of[c] != 0) add_number(sums, layer, c, int(threadIdx.x), own.of[c]);
            if (first.of[c] != 0) add_number(sums, layer, c, 0, first.of[c]);
        }
        sums.touched[layer] = 1;
        *this = {};
    }
};

// The runs of 32 pixels of a row, one to a lane.
struct ScatterRuns {
    ScatterEnd begin{0, 0}, end{0, 0};
    long long light[4] = {0, 0, 0, 0}, left[4];  // of the pixel to the left, where it joins its ends to these
    int layer = 0;
    bool adds = false, joins_left = false, joins_right = false;

    // Pixel (x, from) in row y; x0 is the first column of the block.
    __device__ void find(const detail::ScatterFrame& frame, const ApertureRuns<DeviceSpace>& aperture, int x, int from,
                         int x0, int y, Size size) {
        const detail::ScatterPixel pixel = frame.pixels(x, from);
        const ApertureRadius& radius = aperture.radii[size_t(pixel.index())];
        const int dy = y - from;
        if (radius.rows < (dy < 0 ? -dy : dy)) return;
        ApertureRun run = aperture.run(radius, dy, pixel.turned());
        if (aperture.cat_eye > 0 && pixel.index() > 0)
            run = cut(run, aperture.cat_eye_at(pixel.radius, x, from, size, pixel.turned()), dy);
        begin = ScatterEnd::at(run.left), end = ScatterEnd::at(run.right);
        begin.column += x - x0, end.column += x - x0;
        if (run.left == run.right || begin.column >= scatter_columns || end.column + 1 < 0) return;
        const detail::ScatterLight words = frame.light(x, from);
        for (int c = 0; c < 4; ++c)
            light[c] = pixel.light_is_whole() ? (long long)(words[c]) : (long long)(__uint_as_float(words[c]));
        layer = pixel.layer();
        adds = true;
    }
    // Pixels with the same run have their ends in neighbouring columns: what one adds to the next column the other adds
    // together with its own. A warp calls it together.
    __device__ void join() {
        const unsigned long long mine =
            (unsigned long long)(unsigned(end.column - begin.column)) << 32 | unsigned(begin.part << 16 | end.part);
        const unsigned long long beside = __shfl_up_sync(~0u, mine, 1u);
        const int column = begin.column << 4 | layer << 1 | int(adds), other = __shfl_up_sync(~0u, column, 1u);
        for (int c = 0; c < 4; ++c) left[c] = __shfl_up_sync(~0u, light[c], 1u);
        joins_left = int(threadIdx.x) % 32 > 0 && adds && beside == mine && other + 16 == column;
        joins_right = __ballot_sync(~0u, joins_left) >> (int(threadIdx.x) % 32) >> 1 & 1;
    }
    // Adds to column x of the block. What lies before the block is added to its first column, as the sum along the row
    // would have it; what lies after it is left out.
    __device__ void add_end(ScatterSums& sums, int x, int part, int left_part) const {
        if (x >= scatter_columns || (part == 0 && left_part == 0)) return;
        for (int c = 0; c < 4; ++c)
            add_number(sums, layer, c, x < 0 ? 0 : x, light[c] * part + (left_part ? left[c] * left_part : 0));
    }
    __device__ void add(ScatterSums& sums) const {
        if (!adds) return;
        sums.touched[layer] = 1;
        add_end(sums, begin.column, aperture_unit - begin.part, joins_left ? begin.part : 0);
        if (!joins_right) add_end(sums, begin.column + 1, begin.part, 0);
        add_end(sums, end.column, end.part - aperture_unit, joins_left ? -end.part : 0);
        if (!joins_right) add_end(sums, end.column + 1, -end.part, 0);
    }
};

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

// The chunks of a row that reach a block, one to a lane.
struct ScatterChunks {
    int first, count;

    __device__ ScatterChunks(int x0, int reach, int width) {
        const int begin = clamp(x0 - reach - 1, 0, width), end = clamp(x0 + scatter_columns + reach + 1, 0, width);
        first = begin / detail::scatter_chunk, count = ceil_div(end, detail::scatter_chunk) - first;
    }
    __device__ int key(const int* chunks) const {
        const int lane = int(threadIdx.x) % 32;
        return chunks[first + (lane < count ? lane : 0)];
    }
    // The key that all have, -1 where there is none. A warp calls it together.
    __device__ int common(int key) const {
        const int all = __shfl_sync(~0u, key, 0);
        return __all_sync(~0u, key == all) && count <= 32 ? all : -1;
    }
};

static __global__ void scatter_bokeh(detail::ScatterFrame frame, ApertureRuns<DeviceSpace> aperture,
                                     detail::ScatterPass pass, Size reach, Image<Float4, DeviceSpace> out) {
    ScatterSums& sums = static_shared<ScatterSums>();
    const int thread = int(threadIdx.x), x0 = int(blockIdx.x) * scatter_columns, y = int(blockIdx.y);
    for (int layer = 0; layer < pass.layers; ++layer) {
        for (int c = 0; c < 4; ++c) sums.low[layer][c][thread] = sums.high[layer][c][thread] = 0;
        if (thread == 0) sums.touched[layer] = 0;
    }
    __syncthreads();  // the sums are zero

    const ScatterChunks chunks(x0, reach.width, out.size.width);
    const int first_row = y - reach.height > 0 ? y - reach.height : 0;
    const int last_row = y + reach.height < out.size.height ? y + reach.height : out.size.height - 1;
    ScatterGather gather;
    ApertureRadius radius{};  // of the pixels that are gathered
    int gathered = -1, next_key = chunks.key(frame.chunks.row(first_row));
    for (int from = first_row; from <= last_row; ++from) {
        const int key = chunks.common(next_key), dy = y - from;
        if (from < last_row) next_key = chunks.key(frame.chunks.row(from + 1));  // on its way meanwhile
        if (key >= 0) {                                                          // all threads of the block
            const detail::ScatterPixel pixel{key};
            if (key != gathered) radius = aperture.radii[size_t(pixel.index())];
            gathered = key;
            if (radius.rows < (dy < 0 ? -dy : dy)) continue;
            if (pixel.layer() != gather.layer) gather.flush(sums);
            gather.layer = pixel.layer();
            gather.add(frame.light.row(from), out.size.width, aperture.run(radius, dy, pixel.turned()), x0);
            continue;
        }
        const detail::ScatterExtent extent = frame.row_extents[size_t(from)];
        if (extent.rows < (dy < 0 ? -dy : dy)) continue;
        const int end = clamp(x0 + scatter_columns + extent.columns + 1, 0, out.size.width);
        int x = clamp(x0 - extent.columns - 1, 0, out.size.width) + thread;
        for (; x - thread % 32 < end; x += scatter_columns) {  // all lanes of a warp
            ScatterRuns runs;
            if (x < end) runs.find(frame, aperture, x, from, x0, y, out.size);
            runs.join();
            runs.add(sums);
        }
    }
    gather.flush(sums);
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
    const auto pixels = scratch.pixels.view().crop(0, 0, in.size);
    const auto chunks = scratch.chunks.view().crop(0, 0, {ceil_div(in.size.width, scatter_chunk), in.size.height});
    exec.launch(dim3(unsigned(in.size.height)), block, 0, kernels::scatter_shapes, in, defocus, aperture, pass, light,
                pixels, chunks, scratch.row_extents.span());
    const dim3 grid(unsigned(ceil_div(in.size.width, kernels::scatter_columns)), unsigned(in.size.height));
    exec.launch(grid, block, 0, kernels::scatter_bokeh, ScatterFrame{light, pixels, chunks, scratch.row_extents.span()},
                aperture, pass, scratch.reach, out);
}
}  // namespace detail
}  // namespace cinebokeh
