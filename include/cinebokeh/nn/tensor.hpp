// Tensors of neural networks: batches of images whose channels lie next to each other (NHWC).
//
// A view has strides, so a run of channels, a part of an image or every other row is again a view: nothing is copied to
// split or to concatenate. Layers read and write views.
#pragma once
#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/float16.hpp"
#include "cinebokeh/core/lane_storage.hpp"
#include "kernels/tensor_four.hpp"

namespace cinebokeh {

/// The size of a tensor: n images of h rows, w columns and c channels.
struct Shape {
    int n = 1, h = 0, w = 0, c = 0;

    CINEBOKEH_HD constexpr Size size() const { return {w, h}; }
    CINEBOKEH_HD constexpr bool empty() const { return n <= 0 || h <= 0 || w <= 0 || c <= 0; }
    CINEBOKEH_HD constexpr size_t pixels() const { return empty() ? 0 : size_t(n) * size_t(h) * size_t(w); }
    CINEBOKEH_HD constexpr size_t count() const { return pixels() * size_t(c > 0 ? c : 0); }
    friend CINEBOKEH_HD constexpr bool operator==(Shape a, Shape b) {
        return a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c;
    }
};

/// "[n, h, w, c]", for messages.
inline std::string to_string(Shape s) {
    std::string text;
    for (int side : {s.n, s.h, s.w, s.c}) text.append(text.empty() ? "[" : ", ").append(std::to_string(side));
    return text.append("]");
}
namespace detail {
// A shape is handed to require() as it is: a string made for it at every call would allocate.
template <>
inline std::string to_text(const Shape& shape) {
    return to_string(shape);
}
}  // namespace detail

/// A view of a tensor [n, h, w, c] of float, Half or BFloat16. Strides count elements and are at least those of a dense
/// tensor; the channels of a pixel are contiguous.
template <class T, class Space>
struct Tensor {
    T* data = nullptr;
    Shape shape;
    ptrdiff_t pixel_stride = 0, row_stride = 0, image_stride = 0;

    constexpr Tensor() = default;
    CINEBOKEH_HD constexpr Tensor(T* data_, Shape shape_, ptrdiff_t pixel, ptrdiff_t row, ptrdiff_t image)
        : data(data_), shape(shape_), pixel_stride(pixel), row_stride(row), image_stride(image) {}
    /// A dense tensor: memory of the caller's, without gaps.
    CINEBOKEH_HD constexpr Tensor(T* data_, Shape s)
        : Tensor(data_, s, s.c, ptrdiff_t(s.w) * s.c, ptrdiff_t(s.h) * s.w * s.c) {}

    CINEBOKEH_HD T* row(int n, int y) const { return data + n * image_stride + y * row_stride; }
    CINEBOKEH_HD T* pixel(int n, int y, int x) const { return row(n, y) + x * pixel_stride; }
    CINEBOKEH_HD T& operator()(int n, int y, int x, int c) const { return pixel(n, y, x)[c]; }

    /// Channels [first, first + count), which must exist: the view that splits, and that a concatenation is written
    /// to.
    CINEBOKEH_HD Tensor channels(int first, int count) const {
        return {data + first, {shape.n, shape.h, shape.w, count}, pixel_stride, row_stride, image_stride};
    }
    /// The part of every image at (x, y) of the given size, which must lie inside.
    CINEBOKEH_HD Tensor crop(int x, int y, Size part) const {
        return {pixel(0, y, x), {shape.n, part.height, part.width, shape.c}, pixel_stride, row_stride, image_stride};
    }
    /// Images [first, first + count) of the batch, which must exist.
    CINEBOKEH_HD Tensor images(int first, int count) const {
        return {
            data + first * image_stride, {count, shape.h, shape.w, shape.c}, pixel_stride, row_stride, image_stride};
    }

    template <class U>
    CINEBOKEH_HD operator Tensor<U, Space>() const requires(std::is_same_v<U, const T> && !std::is_const_v<T>) {
        return {data, shape, pixel_stride, row_stride, image_stride};
    }
};

/// How signatures spell a tensor in the memory of an executor.
template <class T, class Exec>
using TensorView = Tensor<T, typename Exec::Space>;
template <class T>
using HostTensor = Tensor<T, HostSpace>;

/// The owner of a tensor's memory. It starts as zeros. Pixels start at multiples of 16 bytes, so channels are followed
/// by up to seven values of padding, which layers do not write and which nothing depends on; rows start at multiples of
/// 64 bytes.
template <class T, class Exec>
class TensorBuffer {
public:
    TensorBuffer() = default;
    /// Throws Error if a side is negative or a row has more than 2^31 - 1 elements. Allocates; waits on Cuda.
    TensorBuffer(Exec& exec, Shape shape);
    /// Allocates, and uploads `values`: [n, h, w, c] without gaps, rounded to T. Waits.
    TensorBuffer(Exec& exec, Shape shape, const std::vector<float>& values) : TensorBuffer(exec, shape) {
        upload(values);
    }

    Shape shape() const { return shape_; }
    size_t bytes() const { return buffer_.bytes(); }
    TensorView<T, Exec> view() { return shown<T>(buffer_.view()); }
    TensorView<const T, Exec> view() const { return shown<const T>(buffer_.view()); }

    /// [n, h, w, c] without gaps. Waits, and allocates.
    std::vector<float> download() const;
    void upload(const std::vector<float>& values);

private:
    static constexpr int pixel_multiple = 16 / int(sizeof(T));
    static Size padded_size(Shape shape);
    template <class U>
    TensorView<U, Exec> shown(View<U, Exec> rows) const {
        const ptrdiff_t row = rows.pitch / ptrdiff_t(sizeof(T));
        return {rows.data, shape_, pixel_stride(), row, row * shape_.h};
    }
    ptrdiff_t pixel_stride() const { return ptrdiff_t(round_up(size_t(shape_.c), pixel_multiple)); }

    Shape shape_;
    Buffer<T, Exec> buffer_;
};

/// Copies a tensor, converting between storage types. Throws Error if the shapes differ.
/// Asynchronous on Cuda; allocates nothing. Deterministic: yes, and equal between backends.
template <class From, class To, class Exec>
void convert(Exec& exec, TensorView<const From, Exec> in, TensorView<To, Exec> out);

/// Calls f(n, y, x, first, last) so that every channel [first, last) of every pixel is met once: the way to write a
/// layer whose outputs do not talk to each other. On Cpu a call has all channels of a pixel, on Cuda one; or four, the
/// last fewer, where f has a function four(n, y, x, c, count).
template <class F>
void for_each_channel_run(Cpu& exec, Shape shape, const F& f);
#if CINEBOKEH_GRID
template <class F>
void for_each_channel_run(Cuda& exec, Shape shape, const F& f);
#endif

// ---------------------------------------------------------------------------- implementation

template <class F>
void for_each_channel_run(Cpu& exec, Shape shape, const F& f) {
    if (shape.empty()) return;
    const int grain =
        clamp(16384 / (shape.w * shape.c), 1, std::max(1, ceil_div(shape.n * shape.h, 4 * exec.threads())));
    exec.for_each_range(shape.n * shape.h, grain, [&](int begin, int end) {
        for (int row = begin; row < end; ++row) {
            const int n = row / shape.h, y = row % shape.h;
            for (int x = 0; x < shape.w; ++x)
                if constexpr (requires { f.on_cpu(n, y, x); })
                    f.on_cpu(n, y, x);
                else
                    f(n, y, x, 0, shape.c);
        }
    });
}

namespace detail {
#if CINEBOKEH_GRID
template <class F>
struct ChannelRun {
    Shape shape;
    F f;

    CINEBOKEH_HD void operator()(int i, int row) const {
        const int x = i / shape.c, c = i % shape.c;
        f(row / shape.h, row % shape.h, x, c, c + 1);
    }
};
template <class F>
struct FourChannelRun {
    Shape shape;
    F f;

    CINEBOKEH_HD void operator()(int i, int row) const {
        const int fours = ceil_div(shape.c, 4), x = i / fours, c = i % fours * 4;
        f.four(row / shape.h, row % shape.h, x, c, shape.c - c < 4 ? shape.c - c : 4);
    }
};
#endif

template <class From, class To, class Space>
struct ConvertChannels {
    Tensor<const From, Space> in;
    Tensor<To, Space> out;

    CINEBOKEH_HD void operator()(int n, int y, int x, int first, int last) const {
        const From* from = in.pixel(n, y, x);
        To* to = out.pixel(n, y, x);
        for (int c = first; c < last; ++c) to[c] = from_float<To>(to_float(from[c]));
    }
    void on_cpu(int n, int y, int x) const {
        const From* from = in.pixel(n, y, x);
        To* to = out.pixel(n, y, x);
        for_each_lanes(in.shape.c, [&](int c, int count) { store_lanes(to + c, load_lanes(from + c, count), count); });
    }
    CINEBOKEH_HD void four(int n, int y, int x, int c, int count) const {
        store_four(out.pixel(n, y, x) + c, load_four(in.pixel(n, y, x) + c, count), count);
    }
};
}  // namespace detail

#if CINEBOKEH_GRID
template <class F>
void for_each_channel_run(Cuda& exec, Shape shape, const F& f) {
    if (shape.empty()) return;
    if constexpr (requires { f.four(0, 0, 0, 0, 0); })
        for_each_pixel(exec, Size{shape.w * ceil_div(shape.c, 4), shape.n * shape.h},
                       detail::FourChannelRun<F>{shape, f});
    else
        for_each_pixel(exec, Size{shape.w * shape.c, shape.n * shape.h}, detail::ChannelRun<F>{shape, f});
}
#endif

template <class From, class To, class Exec>
void convert(Exec& exec, TensorView<const From, Exec> in, TensorView<To, Exec> out) {
    require(in.shape == out.shape, "convert: a tensor ", in.shape, " into one of ", out.shape);
    for_each_channel_run(exec, in.shape, detail::ConvertChannels<From, To, typename Exec::Space>{in, out});
}

template <class T, class Exec>
Size TensorBuffer<T, Exec>::padded_size(Shape s) {
    require(s.n >= 0 && s.h >= 0 && s.w >= 0 && s.c >= 0, "TensorBuffer: negative size ", s);
    const size_t columns = size_t(s.w) * round_up(size_t(s.c), pixel_multiple), rows = size_t(s.n) * size_t(s.h);
    require(columns <= 0x7fffffffu && rows <= 0x7fffffffu, "TensorBuffer: too large: ", s);
    return {int(columns), int(rows)};
}

template <class T, class Exec>
TensorBuffer<T, Exec>::TensorBuffer(Exec& exec, Shape shape)
    : shape_(shape), buffer_(exec, padded_size(shape), std::vector<T>(padded_size(shape).area(), T{})) {}

template <class T, class Exec>
std::vector<float> TensorBuffer<T, Exec>::download() const {
    const std::vector<T> padded = buffer_.download();
    std::vector<float> values;
    values.reserve(shape_.count());
    for (size_t i = 0; i < shape_.pixels(); ++i)
        for (size_t c = 0; c < size_t(shape_.c); ++c)
            values.push_back(to_float(padded[i * size_t(pixel_stride()) + c]));
    return values;
}

template <class T, class Exec>
void TensorBuffer<T, Exec>::upload(const std::vector<float>& values) {
    require(values.size() == shape_.count(), "TensorBuffer: ", values.size(), " values for a tensor of ", shape_);
    std::vector<T> padded(buffer_.size().area(), T{});
    for (size_t i = 0; i < shape_.pixels(); ++i)
        for (size_t c = 0; c < size_t(shape_.c); ++c)
            padded[i * size_t(pixel_stride()) + c] = from_float<T>(values[i * size_t(shape_.c) + c]);
    buffer_.upload(padded);
}
}  // namespace cinebokeh
