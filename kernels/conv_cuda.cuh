// Convolutions on Cuda: an implicit matrix product. A block makes a tile of pixels times outputs; step by step it
// brings sixteen channels of one tap of its pixels, and their weights, into shared memory and multiplies them. The
// pieces that a thread owns are those of the tensor cores' m16n8k16 product, whether these do the work (Half and
// BFloat16) or plain multiplications (float, and the simulator).
#pragma once
#include <memory>

#include "kernels/conv.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace kernels {

inline constexpr int conv_pixels = 64, conv_depth = 16, conv_threads = 128;  // four warps of sixteen pixels
inline constexpr int conv_run = 8;  // channels that a thread loads at a time: two threads bring one pixel

// Rows are 16 bytes longer than they need be, which puts the rows that a warp reads together into different banks.
template <class T, int columns>
struct ConvShared {
    static constexpr int pitch = conv_depth + 16 / int(sizeof(T));
    alignas(16) T pixel[conv_pixels][pitch];
    alignas(16) T weight[columns][pitch];
};

// Sums of rows lane / 4 and lane / 4 + 8, columns 2 (lane % 4) and the next: i counts them in this order.
CINEBOKEH_HD constexpr int fragment_row(int lane, int i) { return lane / 4 + i / 2 * 8; }
CINEBOKEH_HD constexpr int fragment_column(int lane, int i) { return lane % 4 * 2 + i % 2; }

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
template <class T, int columns>
constexpr bool on_tensor_cores = sizeof(T) == 2;

template <class T>
__device__ void multiply_fragment(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    if constexpr (std::is_same_v<T, Half>)
        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    else
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#else
template <class T, int columns>
constexpr bool on_tensor_cores = false;

template <class T>
__device__ void multiply_fragment(float (&)[4], const uint32_t (&)[4], uint32_t, uint32_t) {}
#endif

// Adds the product of a warp's sixteen pixels and all columns over sixteen channels.
template <class T, int columns>
__device__ void multiply_tile(const ConvShared<T, columns>& shared, int warp, int lane, float (&sums)[columns / 8][4]) {
    if constexpr (on_tensor_cores<T, columns>) {
        const auto pair = [](const T* p) { return *reinterpret_cast<const uint32_t*>(p); };
        const int row = warp * 16 + lane / 4, k = lane % 4 * 2;
        const uint32_t a[4] = {pair(&shared.pixel[row][k]), pair(&shared.pixel[row + 8][k]),
                               pair(&shared.pixel[row][k + 8]), pair(&shared.pixel[row + 8][k + 8])};
        CINEBOKEH_UNROLL
        for (int j = 0; j < columns / 8; ++j) {
            const T* weight = shared.weight[j * 8 + lane / 4];
            multiply_fragment<T>(sums[j], a, pair(weight + k), pair(weight + k + 8));
        }
    } else {
        for (int k = 0; k < conv_depth; ++k) {
            float a[2];
            for (int i = 0; i < 2; ++i) a[i] = to_float(shared.pixel[warp * 16 + fragment_row(lane, 2 * i)][k]);
            CINEBOKEH_UNROLL
            for (int j = 0; j < columns / 8; ++j) CINEBOKEH_UNROLL
            for (int i = 0; i < 4; ++i)
                sums[j][i] += a[i / 2] * to_float(shared.weight[j * 8 + fragment_column(lane, i)][k]);
        }
    }
}

// `loader` brings eight channels of a tap, `epilogue` takes the sums; both stay in constant memory, and what a loader
// remembers of the pixel of a thread is its Place. weights: [tap][sixteen channels][columns rounded
// up to the tile][16].
template <int columns, class T, class Loader, class Epilogue>
static __global__ void __launch_bounds__(conv_threads, 4)
    conv_tiles(Shape out, Conv2dParams p, Loader loader, const T* weights, Epilogue epilogue) {
    using Shared = ConvShared<T, columns>;
    Shared& shared = static_shared<Shared>();
    const int thread = int(threadIdx.x), warp = thread / 32, lane = thread % 32;
    const int first_pixel = int(blockIdx.x) * conv_pixels, first_column = int(blockIdx.y) * columns;
    const int pixel_count = out.n * out.h * out.w, padded_columns = int(gridDim.y) * columns;

    const int own = first_pixel + thread / 2, half = thread % 2 * conv_run;  // what this thread loads
    typename Loader::Place place =
        loader.start(own < pixel_count, own / out.w / out.h, own / out.w % out.h, own % out.w);
    float sums[columns / 8][4] = {};
    for (int tap = 0; tap < p.kernel * p.kernel; ++tap) {
        loader.start_tap(place, tap / p.kernel, tap % p.kernel);
        for (int c = 0; c < p.in_channels; c += conv_depth) {
            loader.load(place, c + half, &shared.pixel[thread / 2][half]);
            const T* from = weights + (ptrdiff_t(first_column)) * conv_depth;
            for (int i = thread; i < columns * 2; i += conv_threads) {
                const uint4* run = reinterpret_cast<const uint4*>(from + i * conv_run);
                uint4* to = reinterpret_cast<uint4*>(&shared.weight[i / 2][i % 2 * conv_run]);
                for (int k = 0; k < int(sizeof(T)) / 2; ++k) to[k] = run[k];
            }
            weights += ptrdiff_t(padded_columns) * conv_depth;
            __syncthreads();  // the tile is there
            multiply_tile<T, columns>(shared, warp, lane, sums);
            __syncthreads();  // and may be overwritten
        }
    }
    CINEBOKEH_UNROLL
    for (int i = 0; i < 4; ++i) {
        const int pixel = first_pixel + warp * 16 + fragment_row(lane, i);
        if (pixel >= pixel_count) continue;
        CINEBOKEH_UNROLL
        for (int j = 0; j < columns / 8; ++j) {
            const int c = first_column + j * 8 + fragment_column(lane, i);
            if (c < out.c) epilogue(pixel / out.w / out.h, pixel / out.w % out.h, pixel % out.w, c, sums[j][i]);
        }
    }
}
}  // namespace kernels

namespace detail {

/// Brings the channels of the concatenated inputs to conv_tiles.
template <class T, class Exec>
struct ConvLoader {
    ConvInputs<T, Exec> in;
    Conv2dParams p;
    struct Place {
        int n, y, x, v, u;
        bool exists, inside;
    };

    CINEBOKEH_HD Place start(bool exists, int n, int y, int x) const { return {n, y, x, 0, 0, exists, false}; }
    CINEBOKEH_HD void start_tap(Place& at, int ky, int kx) const {
        at.v = at.y * p.stride - p.padding + ky * p.dilation, at.u = at.x * p.stride - p.padding + kx * p.dilation;
        at.inside = at.exists && in.tensors[0].shape.size().contains(at.u, at.v);
    }
    /// Eight channels from c on; zeros outside of the image and behind the last.
    CINEBOKEH_HD void load(const Place& at, int c, T* to) const {
        const T* from = at.inside ? whole_run(at, c) : nullptr;
        CINEBOKEH_UNROLL
        for (int k = 0; k < kernels::conv_run; ++k)
            if (from)
                to[k] = from[k];
            else
                to[k] = at.inside ? value(at, c + k) : T{};
    }
    CINEBOKEH_HD const T* whole_run(const Place& at, int c) const {
        for (int i = 0; i < in.count; c -= in.tensors[i].shape.c, ++i)
            if (c < in.tensors[i].shape.c)
                return c + kernels::conv_run <= in.tensors[i].shape.c ? in.tensors[i].pixel(at.n, at.v, at.u) + c
                                                                      : nullptr;
        return nullptr;
    }
    CINEBOKEH_HD T value(const Place& at, int c) const {
        for (int i = 0; i < in.count; c -= in.tensors[i].shape.c, ++i)
            if (c < in.tensors[i].shape.c) return in.tensors[i](at.n, at.v, at.u, c);
        return T{};
    }
};

/// What a convolution does with its sums.
template <class T, class Space>
struct ConvStore {
    Span<const float, Space> bias;
    Activation activation;
    Tensor<T, Space> out;
    Tensor<const T, Space> residual;

    CINEBOKEH_HD void operator()(int n, int y, int x, int c, float sum) const {
        float value = activation(sum + bias[size_t(c)]);
        if (residual.data) value += to_float(residual(n, y, x, c));
        out(n, y, x, c) = from_float<T>(value);
    }
};

/// The weights of a dense convolution, laid out for conv_tiles, and its launch.
template <class T, class Exec>
class ConvTiles {
public:
    ConvTiles(Exec& exec, const Conv2dParams& params, const std::vector<float>& weight)
        : p_(params),
          columns_(params.out_channels <= 16   ? 16
                   : params.out_channels <= 32 ? 32
                                               : 64),
          weights_(exec, {int(packed(weight).size()), 1}, packed(weight)) {}

    template <class Loader, class Epilogue>
    void run(Exec& exec, Shape out, const Loader& loader, const Epilogue& epilogue) {
        const auto kernel = columns_ == 16   ? kernels::conv_tiles<16, T, Loader, Epilogue>
                            : columns_ == 32 ? kernels::conv_tiles<32, T, Loader, Epilogue>
                                             : kernels::conv_tiles<64, T, Loader, Epilogue>;
        const dim3 grid(unsigned((out.pixels() + kernels::conv_pixels - 1) / kernels::conv_pixels),
                        unsigned(ceil_div(out.c, columns_)));
        exec.launch(grid, dim3(kernels::conv_threads), 0, kernel, out, p_, loader,
                    static_cast<const T*>(weights_.view().data), epilogue);
    }

private:
    // [tap][sixteen channels][columns][16], zeros where there is no channel or column.
    std::vector<T> packed(const std::vector<float>& weight) const {
        constexpr int depth = kernels::conv_depth;
        const int taps = p_.kernel * p_.kernel, chunks = ceil_div(p_.in_channels, depth);
        const int columns = ceil_div(p_.out_channels, columns_) * columns_;
        std::vector<T> result(size_t(taps * chunks * columns * depth), T{});
        for (int t = 0; t < taps; ++t)
            for (int i = 0; i < p_.in_channels; ++i)
                for (int o = 0; o < p_.out_channels; ++o)
                    result[size_t(((t * chunks + i / depth) * columns + o) * depth + i % depth)] =
                        from_float<T>(weight[size_t((o * p_.in_channels + i) * taps + t)]);
        return result;
    }

    Conv2dParams p_;
    int columns_;  // of a tile
    Buffer<T, Exec> weights_;
};

/// One channel of one pixel of a depthwise convolution: neighbouring threads have neighbouring channels.
template <class T, class Space>
struct DepthwiseChannels {
    Tensor<const T, Space> in;
    Conv2dParams p;
    Span<const float, Space> weight;  // [tap][channel]
    ConvStore<T, Space> store;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        for (int c = first; c < last; ++c) {
            float sum = 0;
            for (int ky = 0; ky < p.kernel; ++ky)
                for (int kx = 0; kx < p.kernel; ++kx) {
                    const int v = y * p.stride - p.padding + ky * p.dilation;
                    const int u = x * p.stride - p.padding + kx * p.dilation;
                    if (in.shape.size().contains(u, v))
                        sum += to_float(in(n, v, u, c)) * weight[size_t((ky * p.kernel + kx) * p.in_channels + c)];
                }
            store(n, y, x, c, sum);
        }
    }
};

/// On Cuda: dense convolutions of eight channels and more are tiled, depthwise ones have a thread per output, the
/// others take the plain kernel.
template <class T, class Exec>
class ConvPlan {
public:
    ConvPlan(Exec& exec, const Conv2dParams& p, const Conv2dWeights& weights, Size)
        : params_(p), plain_(exec, p, weights) {
        if (p.groups == 1 && p.in_channels >= kernels::conv_run)
            tiles_ = std::make_unique<ConvTiles<T, Exec>>(exec, p, weights.weight);
    }
    void run(Exec& exec, const ConvInputs<T, Exec>& in, TensorView<T, Exec> out, TensorView<const T, Exec> residual) {
        using Space = typename Exec::Space;
        const ConvStore<T, Space> store{plain_.bias(), params_.activation, out, residual};
        const bool depthwise = params_.groups == params_.in_channels && params_.groups == params_.out_channels;
        if (tiles_)
            tiles_->run(exec, out.shape, ConvLoader<T, Exec>{in, params_}, store);
        else if (depthwise && in.count == 1)
            for_each_channel_run(exec, out.shape,
                                 DepthwiseChannels<T, Space>{in.tensors[0], params_, plain_.weight(), store});
        else
            plain_.run(exec, in, out, residual);
    }

private:
    Conv2dParams params_;
    PlainConv<T, Exec> plain_;
    std::unique_ptr<ConvTiles<T, Exec>> tiles_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
