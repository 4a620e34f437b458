// Layers that only move numbers: concatenation, and pixel shuffling, which trades resolution for channels.
#pragma once
#include <initializer_list>

#include "cinebokeh/nn/tensor.hpp"

namespace cinebokeh {

/// Writes the channels of several tensors [n, h, w, c_i] behind each other: out [n, h, w, sum of c_i]. Where a layer
/// can write to out.channels(...), or a convolution reads several inputs, none is needed.
/// Throws Error if the shapes do not fit. Asynchronous on Cuda; allocates nothing. Deterministic: yes.
template <class T, class Exec>
void concat(Exec& exec, std::initializer_list<TensorView<const T, Exec>> in, TensorView<T, Exec> out);

/// Makes squares of factor x factor pixels of channels: [n, h, w, c f^2] -> [n, h f, w f, c]; channel c f^2 + y f + x
/// goes to (x, y) of the square, as in PyTorch's PixelShuffle. pixel_unshuffle is the way back.
/// Throws Error if the shapes do not fit or the factor is not in [1, 16]. Asynchronous on Cuda; allocates nothing.
/// Deterministic: yes.
template <class T, class Exec>
void pixel_shuffle(Exec& exec, TensorView<const T, Exec> in, int factor, TensorView<T, Exec> out);
template <class T, class Exec>
void pixel_unshuffle(Exec& exec, TensorView<const T, Exec> in, int factor, TensorView<T, Exec> out);

// ---------------------------------------------------------------------------- implementation

namespace detail {
template <class T, class Space, bool to_pixels>
struct ShufflePixels {
    Tensor<const T, Space> in;
    int factor;
    Tensor<T, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        for (int c = first; c < last; ++c)
            if (to_pixels) {
                const int place = y % factor * factor + x % factor;
                out(n, y, x, c) = in(n, y / factor, x / factor, c * factor * factor + place);
            } else {
                const int place = c % (factor * factor);
                out(n, y, x, c) =
                    in(n, y * factor + place / factor, x * factor + place % factor, c / (factor * factor));
            }
    }
};
inline void check_shuffle(const char* name, Shape fine, int factor, Shape coarse) {
    require(factor >= 1 && factor <= 16, name, ": factor ", factor, " is outside [1, 16]");
    require(
        fine == Shape{coarse.n, coarse.h * factor, coarse.w * factor, fine.c} && coarse.c == fine.c * factor * factor,
        name, ": pixels ", fine, " and channels ", coarse, " at a factor of ", factor);
}
}  // namespace detail

template <class T, class Exec>
void concat(Exec& exec, std::initializer_list<TensorView<const T, Exec>> in, TensorView<T, Exec> out) {
    int channels = 0;
    for (const auto& tensor : in) {
        require(tensor.shape.n == out.shape.n && tensor.shape.size() == out.shape.size(), "concat: a tensor ",
                tensor.shape, " into one of ", out.shape);
        channels += tensor.shape.c;
    }
    require(channels == out.shape.c, "concat: ", channels, " channels into a tensor of ", out.shape.c);
    int first = 0;
    for (const auto& tensor : in) {
        convert<T, T, Exec>(exec, tensor, out.channels(first, tensor.shape.c));
        first += tensor.shape.c;
    }
}

template <class T, class Exec>
void pixel_shuffle(Exec& exec, TensorView<const T, Exec> in, int factor, TensorView<T, Exec> out) {
    detail::check_shuffle("pixel_shuffle", out.shape, factor, in.shape);
    for_each_channel_run(exec, out.shape, detail::ShufflePixels<T, typename Exec::Space, true>{in, factor, out});
}
template <class T, class Exec>
void pixel_unshuffle(Exec& exec, TensorView<const T, Exec> in, int factor, TensorView<T, Exec> out) {
    detail::check_shuffle("pixel_unshuffle", in.shape, factor, out.shape);
    for_each_channel_run(exec, out.shape, detail::ShufflePixels<T, typename Exec::Space, false>{in, factor, out});
}
}  // namespace cinebokeh
