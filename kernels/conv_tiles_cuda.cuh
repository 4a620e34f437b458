// Convolutions on Cuda as an implicit matrix product, in registers alone. A warp makes a tile of pixels times outputs;
// its lanes bring the runs of its pixels and of the weights that conv_product_cuda.cuh multiplies, those of the next
// step while this one is multiplied. Where there are few tiles, several warps of a block share the depth of one, and
// add what they have through shared memory, always in the same order.
//
// The depth is a sequence of runs: tap after tap, the runs of its channels. Four runs are a step.
#pragma once
#include <algorithm>
#include <cstring>

#include "kernels/conv.hpp"
#include "kernels/conv_product_cuda.cuh"
#include "kernels/tensor_four.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace kernels {

inline constexpr int conv_max_slices = 8, conv_warps = 4;  // warps of a block where a tile has fewer slices
/// Pixels of a tile: `blocks` times 16.
inline constexpr int conv_rows = 16;

/// A product of the convolution's size.
struct ConvTask {
    Shape out;
    int steps;
    int slices;  // warps that share a tile
};

/// Which output column `column` of a tile of 8 * count is, in the order of the product: a lane then has `2 * count`
/// neighbouring ones.
CINEBOKEH_HD constexpr int conv_output_of(int count, int block, int column) {
    return column / 2 * 2 * count + 2 * block + column % 2;
}

template <int blocks, int count>
struct ConvSums {
    static_assert(count % 2 == 0);
    static constexpr int units = blocks * count;  // of four neighbouring outputs of a pixel
    float of[blocks][count / 2][2][4];

    __device__ detail::Four unit(int u) const {
        const auto& pair = of[u / count][u % (count / 2)];
        const int half = u / (count / 2) % 2 * 2;
        return {{pair[0][half], pair[0][half + 1], pair[1][half], pair[1][half + 1]}};
    }
};

// `loader` brings runs of the pixels, `epilogue` takes four sums; both stay in constant memory. What a loader remembers
// of a pixel is its Place, of the sequence of runs its Cursor. weights: [tile of columns][step][eight columns]
// [lane] runs.
template <int blocks, int count, class T, class Loader, class Epilogue>
static __global__ void __launch_bounds__(conv_max_slices * 32, Loader::blocks_per_multiprocessor)
    conv_tiles(ConvTask task, Loader loader, const Run* weights, Epilogue epilogue) {
    constexpr int rows = 2 * blocks;
    using Sums = ConvSums<blocks, count>;
    const Shape out = task.out;
    const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32, slice = warp % task.slices;
    const int tile = int(blockIdx.x) * (int(blockDim.x) / 32 / task.slices) + warp / task.slices;
    const int first_pixel = tile * blocks * conv_rows + lane / 4, pixel_count = out.n * out.h * out.w;

    typename Loader::Place places[rows];
    CINEBOKEH_UNROLL
    for (int r = 0; r < rows; ++r) {
        const int pixel = first_pixel + 8 * r, line = pixel / out.w;
        places[r] = loader.place(pixel < pixel_count, line / out.h, line % out.h, pixel % out.w);
    }
    const int last = task.steps * (slice + 1) / task.slices;
    int step = task.steps * slice / task.slices;

    Sums result{};
    if (step < last && first_pixel - lane / 4 < pixel_count) {  // the same for all lanes of a warp
        typename Loader::Cursor cursor = loader.cursor(step * step_runs + lane % 4);
        Run pixels[rows], columns[count / 2][2];
        const auto load_columns = [&](int s, int pair) {
            const Run* from = weights + (ptrdiff_t(blockIdx.y) * task.steps + s) * (count * 32) + lane;
            CINEBOKEH_UNROLL
            for (int j = 0; j < 2; ++j) columns[pair][j] = from[(2 * pair + j) * 32];
        };
        loader.load(places, cursor, pixels);
        CINEBOKEH_UNROLL
        for (int pair = 0; pair < count / 2; ++pair) load_columns(step, pair);
        CINEBOKEH_ROLLED
        for (; step < last; ++step) {
            const int following = step + 1 < last ? step + 1 : step;
            Run next[rows];
            loader.advance(cursor, (following - step) * step_runs);
            loader.load(places, cursor, next);
            CINEBOKEH_UNROLL
            for (int pair = 0; pair < count / 2; ++pair) {
                CINEBOKEH_UNROLL
                for (int b = 0; b < blocks; ++b)
                    multiply_runs<T>(result.of[b][pair], pixels[2 * b], pixels[2 * b + 1], columns[pair]);
                load_columns(following, pair);
            }
            CINEBOKEH_UNROLL
            for (int r = 0; r < rows; ++r) pixels[r] = next[r];
        }
    }

    // Through shared memory, so that every slice has a part of the sums, and a loop over them is short in the program.
    detail::Four* const shared = dynamic_shared<detail::Four>() + warp / task.slices * task.slices * Sums::units * 32;
    CINEBOKEH_UNROLL
    for (int u = 0; u < Sums::units; ++u) shared[(slice * Sums::units + u) * 32 + lane] = result.unit(u);
    __syncthreads();  // the sums of all slices are there
    CINEBOKEH_ROLLED
    for (int u = slice; u < Sums::units; u += task.slices) {
        const int pixel = first_pixel + 8 * (u / (count / 2)), line = pixel / out.w;
        const int c = int(blockIdx.y) * 8 * count + lane % 4 * 2 * count + u % (count / 2) * 4;
        if (pixel >= pixel_count || c >= out.c) continue;
        detail::Four total = shared[u * 32 + lane];
        for (int s = 1; s < task.slices; ++s) {
            const detail::Four more = shared[(s * Sums::units + u) * 32 + lane];
            CINEBOKEH_UNROLL
            for (int i = 0; i < 4; ++i) total.value[i] += more.value[i];
        }
        epilogue(line / out.h, line % out.h, pixel % out.w, c, out.c - c < 4 ? out.c - c : 4, total);
    }
}
}  // namespace kernels

namespace detail {

/// How many runs a convolution has.
template <class T>
struct ConvDepth {
    int kernel, channels;  // of all inputs, with the gaps between them

    CINEBOKEH_HD int tap_runs() const { return ceil_div(channels, kernels::run_length<T>); }
    CINEBOKEH_HD int steps() const { return ceil_div(kernel * kernel * tap_runs(), kernels::step_runs); }
};

/// A place in the sequence of runs.
struct RunCursor {
    int ky, kx, run;  // run of the tap

    CINEBOKEH_HD RunCursor(int index, int kernel, int tap_runs)
        : ky(index / tap_runs / kernel), kx(index / tap_runs % kernel), run(index % tap_runs) {}
    CINEBOKEH_HD void advance(int runs, int kernel, int tap_runs) {
        for (run += runs; run >= tap_runs; run -= tap_runs)
            if (++kx == kernel) kx = 0, ++ky;
    }
};

/// The weights of a dense convolution, laid out for conv_tiles, and its launch.
template <class T, class Exec>
class ConvTiles {
public:
    /// For loaders of this `widest`. `joints` are the channels at which another input begins on a run of its own.
    ConvTiles(Exec& exec, const Conv2dParams& params, const std::vector<float>& weight, int widest,
              const std::vector<int>& joints = {})
        : p_(params),
          count_(params.out_channels <= 16   ? 2
                 : params.out_channels <= 32 ? 4
                                             : widest),
          depth_{params.kernel, 0} {
        for (int i = 0; i < p_.in_channels; ++i) {
            if (std::find(joints.begin(), joints.end(), i) != joints.end())
                depth_.channels = depth_.tap_runs() * kernels::run_length<T>;
            places_.push_back(depth_.channels++);
        }
        const std::vector<kernels::Run> runs = packed(weight);
        weights_ = Buffer<kernels::Run, Exec>(exec, {int(runs.size()), 1}, runs);
    }

    ConvDepth<T> depth() const { return depth_; }

    template <class Loader, class Epilogue>
    void run(Exec& exec, Shape out, const Loader& loader, const Epilogue& epilogue) {
        if (count_ == 2)
            launch<2>(exec, out, loader, epilogue);
        else if (count_ == 4)
            launch<4>(exec, out, loader, epilogue);
        else
            launch<Loader::widest>(exec, out, loader, epilogue);
    }

private:
    template <int count, class Loader, class Epilogue>
    void launch(Exec& exec, Shape out, const Loader& loader, const Epilogue& epilogue) {
        constexpr int blocks = Loader::row_blocks;
        constexpr int wanted = 132 * 12;  // warps that keep a large device busy
        const int tiles = int((out.pixels() + size_t(blocks * kernels::conv_rows) - 1) / (blocks * kernels::conv_rows));
        const int columns = ceil_div(out.c, 8 * count), steps = depth_.steps();
        int slices = 1;
        while (slices < kernels::conv_max_slices && tiles * columns * slices < wanted && 2 * slices <= steps)
            slices *= 2;
        const int warps = std::max(kernels::conv_warps, slices), block_tiles = warps / slices;
        const size_t bytes = size_t(warps * blocks * count * 32) * sizeof(Four);
        exec.launch(dim3(unsigned(ceil_div(tiles, block_tiles)), unsigned(columns)), dim3(unsigned(32 * warps)), bytes,
                    kernels::conv_tiles<blocks, count, T, Loader, Epilogue>, kernels::ConvTask{out, steps, slices},
                    loader, static_cast<const kernels::Run*>(weights_.view().data), epilogue);
    }
    // Zeros where there is no channel or column.
    std::vector<kernels::Run> packed(const std::vector<float>& weight) const {
        constexpr int length = kernels::run_length<T>;
        const int taps = p_.kernel * p_.kernel, steps = depth_.steps(), tiles = ceil_div(p_.out_channels, 8 * count_);
        std::vector<kernels::Run> result(size_t(tiles * steps * count_ * 32), kernels::Run{});
        const auto put = [&](int tile, int block, int lane, int step, int value, float w) {
            const T stored = from_float<T>(w);
            char* const run =
                reinterpret_cast<char*>(&result[size_t(((tile * steps + step) * count_ + block) * 32 + lane)]);
            std::memcpy(run + size_t(value) * sizeof(T), &stored, sizeof(T));
        };
        for (int tile = 0; tile < tiles; ++tile)
            for (int block = 0; block < count_; ++block)
                for (int group = 0; group < 8; ++group) {
                    const int o = tile * 8 * count_ + kernels::conv_output_of(count_, block, group);
                    for (int t = 0; t < taps && o < p_.out_channels; ++t)
                        for (int i = 0; i < p_.in_channels; ++i) {
                            const int run = t * depth_.tap_runs() + places_[size_t(i)] / length;
                            put(tile, block, group * 4 + run % kernels::step_runs, run / kernels::step_runs,
                                places_[size_t(i)] % length, weight[size_t((o * p_.in_channels + i) * taps + t)]);
                        }
                }
        return result;
    }

    Conv2dParams p_;
    int count_;  // times eight outputs are a tile
    ConvDepth<T> depth_;
    std::vector<int> places_;  // of the channels in the sequence of runs
    Buffer<kernels::Run, Exec> weights_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
