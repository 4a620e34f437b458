// ConvGRU: a gated recurrent unit whose products are convolutions. It remembers, per pixel, what earlier frames showed.
//
// Ballas et al., "Delving Deeper into Convolutional Networks for Learning Video Representations" (ICLR 2016); Lin et
// al., "Robust High-Resolution Video Matting" (WACV 2022), eq. 2.
#pragma once
#include "cinebokeh/nn/conv.hpp"

namespace cinebokeh {

/// What the update gate z multiplies; papers and programs differ.
enum class UpdateGate {
    weighs_candidate,  // h' = (1 - z) h + z candidate: the released Robust Video Matting
    weighs_state,      // h' = z h + (1 - z) candidate: its paper, PyTorch's and cuDNN's GRU
};

struct ConvGruParams {
    int channels = 0;  // of the input and of the state
    int kernel = 3;    // odd: the images keep their size
    UpdateGate update_gate = UpdateGate::weighs_candidate;
};

/// Both convolutions read the input's channels first, then those of the state.
struct ConvGruWeights {
    Conv2dWeights gates;      // [2 channels, 2 channels, kernel, kernel]: the reset gate, then the update gate
    Conv2dWeights candidate;  // [channels, 2 channels, kernel, kernel]
};
}  // namespace cinebokeh

#include "kernels/conv_gru.hpp"
#include "kernels/conv_gru_cpu.hpp"
#include "kernels/conv_gru_cuda.cuh"

namespace cinebokeh {

/// One step in time:
///
///   r, z      = sigmoid(conv([x, h]))
///   candidate = tanh(conv([x, r * h]))     the reset gate comes before the convolution
///   h'        = a mix of h and candidate, see UpdateGate
///
/// A state that starts as zeros stays within [-1, 1]. T is float, Half or BFloat16, as in Conv2d.
/// Allocates in the constructor only. Asynchronous on Cuda, and may be captured in a CUDA graph. Deterministic: yes on
/// each backend, whatever the threads.
template <class T, class Exec>
class ConvGru {
public:
    /// Plans for tensors of at most `max_shape`, whose channels are those of the parameters. Throws Error if a
    /// parameter is outside its range or the weights do not fit.
    ConvGru(Exec& exec, const ConvGruParams& params, const ConvGruWeights& weights, Shape max_shape);

    /// x, h, next: [n, h, w, channels]; `next` is the new state and the output, and overlaps neither x nor h;
    /// on Cuda it may be h.
    /// Throws Error if the shapes differ or exceed the plan. An empty batch does nothing.
    void operator()(TensorView<const T, Exec> x, TensorView<const T, Exec> h, TensorView<T, Exec> next);

private:
    Exec* exec_;
    ConvGruParams params_;
    Shape max_shape_;
    detail::ConvGruPlan<T, Exec> plan_;
};

// ---------------------------------------------------------------------------- implementation

template <class T, class Exec>
ConvGru<T, Exec>::ConvGru(Exec& exec, const ConvGruParams& params, const ConvGruWeights& weights, Shape max_shape)
    : exec_(&exec),
      params_(detail::checked_gru(params, weights, max_shape.size())),
      max_shape_(max_shape),
      plan_(exec, params, weights, max_shape) {}

template <class T, class Exec>
void ConvGru<T, Exec>::operator()(TensorView<const T, Exec> x, TensorView<const T, Exec> h, TensorView<T, Exec> next) {
    require(x.shape.c == params_.channels, "ConvGru: ", x.shape.c, " channels into a unit of ", params_.channels);
    require(h.shape == x.shape && next.shape == x.shape, "ConvGru: the input is ", x.shape, ", the state ", h.shape,
            ", the next ", next.shape);
    require(x.shape.n <= max_shape_.n && x.shape.h <= max_shape_.h && x.shape.w <= max_shape_.w, "ConvGru: ", x.shape,
            " is larger than the plan");
    if (x.shape.empty()) return;
    require(detail::ConvGruPlan<T, Exec>::in_place || h.data != next.data,
            "ConvGru: the state and the next are the same tensor");
    plan_.run(*exec_, x, h, next);
}
}  // namespace cinebokeh
