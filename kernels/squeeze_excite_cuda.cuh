// Squeeze and excitation on Cuda: sums over the image; the first layer; the second layer and the scaling in one. A warp
// makes an output of a layer.
#pragma once
#include "cinebokeh/nn/squeeze_excite.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {

/// A layer of a network that sees one number per channel: the sum of `bands` rows times `factor`.
template <class Space>
struct VectorLayer {
    Tensor<const float, Space> in;  // [n, 1, bands, channels]
    float factor;
    const float* weight;  // [outputs][channels]
    const float* bias;
    Activation activation;
    int outputs;
};
}  // namespace detail

namespace kernels {

inline constexpr int gate_threads = 256, gate_warps = gate_threads / 32, gate_channels = 32;  // scaled by a block

// Every thread of the block: what the layer sees of image n, in shared memory.
template <class Space>
__device__ void load_vector(const detail::VectorLayer<Space>& layer, int n, float* shared) {
    for (int c = int(threadIdx.x); c < layer.in.shape.c; c += gate_threads) {
        float sum = 0;
        for (int band = 0; band < layer.in.shape.w; ++band) sum += layer.in(n, 0, band, c);
        shared[c] = sum * layer.factor;
    }
    __syncthreads();  // the vector is there
}
// Every lane of a warp: output o.
template <class Space>
__device__ float vector_output(const detail::VectorLayer<Space>& layer, int o, const float* shared) {
    const float* row = layer.weight + ptrdiff_t(o) * layer.in.shape.c;
    float sum = 0;
    for (int c = int(threadIdx.x) % 32 * 4; c < layer.in.shape.c; c += 32 * 4) {
        const int count = layer.in.shape.c - c < 4 ? layer.in.shape.c - c : 4;
        const detail::Four weight = detail::load_four(row + c, count), value = detail::load_four(shared + c, count);
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) sum += weight.value[i] * value.value[i];
    }
    CINEBOKEH_UNROLL
    for (int away = 16; away > 0; away /= 2) sum += __shfl_xor_sync(~0u, sum, away);
    return layer.activation(sum + layer.bias[o]);
}

template <class Space>
static __global__ void __launch_bounds__(gate_threads)
    vector_layer(detail::VectorLayer<Space> layer, Tensor<float, Space> out) {
    float* shared = dynamic_shared<float>();
    const int o = int(blockIdx.x) * gate_warps + int(threadIdx.x) / 32, n = int(blockIdx.z);
    load_vector(layer, n, shared);
    if (o >= layer.outputs) return;
    const float value = vector_output(layer, o, shared);
    if (threadIdx.x % 32 == 0) out(n, 0, 0, o) = value;
}

template <class T>
struct GateFactors {
    float factor[gate_channels];
};
// Scales `in` by the outputs of the layer: block x has 32 channels, block y a part of the pixels.
template <class T, class Space>
static __global__ void __launch_bounds__(gate_threads)
    scale_by_layer(detail::VectorLayer<Space> layer, Tensor<const T, Space> in, Tensor<T, Space> out) {
    float* shared = dynamic_shared<float>();
    float* const factors = static_shared<GateFactors<T>>().factor;
    const int thread = int(threadIdx.x), first = int(blockIdx.x) * gate_channels, n = int(blockIdx.z);
    load_vector(layer, n, shared);
    for (int i = thread / 32; i < gate_channels && first + i < layer.outputs; i += gate_warps) {
        const float value = vector_output(layer, first + i, shared);
        if (thread % 32 == 0) factors[i] = value;
    }
    __syncthreads();  // the factors are there
    constexpr int fours = gate_channels / 4, stride = gate_threads / fours;
    const int c = thread % fours * 4, count = layer.outputs - first - c < 4 ? layer.outputs - first - c : 4;
    if (count <= 0) return;
    const detail::Four factor = detail::load_four(factors + c, count);
    const int pixels = in.shape.h * in.shape.w, step = int(gridDim.y) * stride;
    for (int pixel = int(blockIdx.y) * stride + thread / fours; pixel < pixels; pixel += step) {
        const int y = pixel / in.shape.w, x = pixel % in.shape.w;
        detail::Four value = detail::load_four(in.pixel(n, y, x) + first + c, count);
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) value.value[i] *= factor.value[i];
        detail::store_four(out.pixel(n, y, x) + first + c, value, count);
    }
}
}  // namespace kernels

namespace detail {

/// The weights of such a layer, and its launches.
template <class Exec>
class VectorLayers {
public:
    using Space = typename Exec::Space;

    VectorLayers(Exec& exec, const Conv2dParams& p, const Conv2dWeights& weights)
        : p_(checked_conv(p, weights, {1, 1})),
          weight_(exec, {int(weights.weight.size()), 1}, weights.weight),
          bias_(exec, {p.out_channels, 1}, bias_of(p, weights)) {}

    // in: [n, 1, bands, in_channels].
    void run(Exec& exec, TensorView<const float, Exec> in, float factor, TensorView<float, Exec> out) {
        exec.launch(dim3(unsigned(ceil_div(p_.out_channels, kernels::gate_warps)), 1, unsigned(in.shape.n)),
                    dim3(kernels::gate_threads), shared_bytes(), kernels::vector_layer<Space>, layer(in, factor), out);
    }
    template <class T>
    void scale(Exec& exec, TensorView<const float, Exec> in, float factor, TensorView<const T, Exec> from,
               TensorView<T, Exec> to) {
        const int parts = clamp(ceil_div(from.shape.h * from.shape.w, 128), 1, 32);
        exec.launch(
            dim3(unsigned(ceil_div(p_.out_channels, kernels::gate_channels)), unsigned(parts), unsigned(in.shape.n)),
            dim3(kernels::gate_threads), shared_bytes(), kernels::scale_by_layer<T, Space>, layer(in, factor), from,
            to);
    }

private:
    size_t shared_bytes() const { return size_t(p_.in_channels) * sizeof(float); }
    VectorLayer<Space> layer(TensorView<const float, Exec> in, float factor) const {
        return {in, factor, weight_.view().data, bias_.view().data, p_.activation, p_.out_channels};
    }

    Conv2dParams p_;
    Buffer<float, Exec> weight_, bias_;
};

template <class T, class Exec>
class SqueezeExcitePlan {
public:
    SqueezeExcitePlan(Exec& exec, const SqueezeExciteParams& p, const Conv2dWeights& squeeze,
                      const Conv2dWeights& expand, Shape max_shape)
        : squeeze_(exec, {.in_channels = p.channels, .out_channels = p.squeezed, .activation = ActivationKind::relu},
                   squeeze),
          expand_(exec, {.in_channels = p.squeezed, .out_channels = p.channels, .activation = p.gate}, expand),
          sums_(exec, max_shape),
          squeezed_(exec, {max_shape.n, 1, 1, p.squeezed}) {}

    void run(Exec& exec, TensorView<const T, Exec> in, TensorView<T, Exec> out) {
        const TensorView<float, Exec> squeezed = squeezed_.view().images(0, in.shape.n);
        squeeze_.run(exec, sums_(exec, in), average_factor(in.shape), squeezed);
        expand_.scale(exec, squeezed, 1, in, out);
    }

private:
    VectorLayers<Exec> squeeze_, expand_;
    ImageSums<T, Exec> sums_;
    TensorBuffer<float, Exec> squeezed_;  // [n, 1, 1, squeezed]
};

template <class T, class Exec>
class AverageGatePlan {
public:
    AverageGatePlan(Exec& exec, const Conv2dParams& gate, const Conv2dWeights& weights, Shape max_shape)
        : gate_(exec, gate, weights), sums_(exec, max_shape) {}

    void run(Exec& exec, TensorView<const T, Exec> averaged, TensorView<T, Exec> scaled) {
        gate_.template scale<T>(exec, sums_(exec, averaged), average_factor(averaged.shape), scaled, scaled);
    }

private:
    VectorLayers<Exec> gate_;
    ImageSums<T, Exec> sums_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
