// What brings the runs of a convolution's inputs to the product of conv_tiles_cuda.cuh.
#pragma once
#include "kernels/conv_tiles_cuda.cuh"
#if CINEBOKEH_GRID

namespace cinebokeh::detail {

/// Of how many bytes, 16 or 8, all runs of a tensor begin at a multiple; 0 where they do not, or the tensor has 2^31
/// elements and more.
template <class T, class Space>
int run_alignment(Tensor<const T, Space> in) {
    const Shape s = in.shape;
    const ptrdiff_t extent = (s.n - 1) * in.image_stride + (s.h - 1) * in.row_stride + s.w * in.pixel_stride;
    for (const int bytes : {16, 8}) {
        const auto fits = [&](ptrdiff_t stride) { return stride * ptrdiff_t(sizeof(T)) % bytes == 0; };
        if (is_aligned(in.data, size_t(bytes)) && fits(in.pixel_stride) && fits(in.row_stride) &&
            fits(in.image_stride) && extent < 0x7fffffff)
            return bytes;
    }
    return 0;
}
/// A pixel of such a tensor, in elements; of any number for pixels outside, which are not to be read.
template <class T, class Space>
CINEBOKEH_HD uint32_t offset_of(const Tensor<const T, Space>& in, int n, int y, int x) {
    return uint32_t(n) * uint32_t(in.image_stride) + uint32_t(y) * uint32_t(in.row_stride) +
           uint32_t(x) * uint32_t(in.pixel_stride);
}
CINEBOKEH_HD inline bool contains(Shape s, int y, int x) {
    return (uint32_t(y) < uint32_t(s.h)) & (uint32_t(x) < uint32_t(s.w));
}
struct alignas(8) HalfRun {
    uint32_t word[2];
};
/// A run that begins at a multiple of 8 bytes, of which `count` values are wanted.
template <class T>
CINEBOKEH_HD kernels::Run load_halves(const T* from, int count) {
    constexpr int half = kernels::run_length<T> / 2;
    const HalfRun low = *reinterpret_cast<const HalfRun*>(from);
    HalfRun high{};
    if (count > half) high = *reinterpret_cast<const HalfRun*>(from + half);
    return {{low.word[0], low.word[1], high.word[0], high.word[1]}};
}
/// Sets all but the first `count` values of runs to zero.
template <class T, int rows>
CINEBOKEH_HD void keep_first(kernels::Run (&runs)[rows], int count) {
    constexpr int per_word = 4 / int(sizeof(T));
    if (count >= kernels::run_length<T>) return;
    CINEBOKEH_UNROLL
    for (int w = 0; w < 4; ++w) {
        const int left = count - w * per_word;
        const uint32_t kept = left >= per_word ? ~0u : left > 0 ? 0xffffu : 0u;
        CINEBOKEH_UNROLL
        for (int r = 0; r < rows; ++r) runs[r].word[w] &= kept;
    }
}
/// A run that is made of one value after the other, in a loop that is short in the program.
template <class T>
class RunOfValues {
public:
    CINEBOKEH_HD void set(int k, T value) {
        uint64_t bits;
        if constexpr (sizeof(T) == 4)
            bits = bits_of(value);
        else
            bits = value.bits;
        constexpr int half = kernels::run_length<T> / 2;
        bits <<= 8 * int(sizeof(T)) * (k % half);
        low_ |= k < half ? bits : 0, high_ |= k < half ? 0 : bits;
    }
    CINEBOKEH_HD kernels::Run run() const {
        return {{uint32_t(low_), uint32_t(low_ >> 32), uint32_t(high_), uint32_t(high_ >> 32)}};
    }

private:
    uint64_t low_ = 0, high_ = 0;
};

template <class T, class Exec>
struct ConvLoader {
    static constexpr int row_blocks = 2, widest = 4;  // of 16 pixels and of eight outputs: a tile
    static constexpr int blocks_per_multiprocessor = sizeof(T) == 4 ? 1 : 2;  // of the largest

    ConvInputs<T, Exec> in;
    Conv2dParams p;
    ConvDepth<T> depth;
    int starts[ConvInputs<T, Exec>::max_count];     // of the tensors, in the sequence of channels
    int alignment[ConvInputs<T, Exec>::max_count];  // of the runs of a tensor, bytes; 0: it has no whole ones

    /// Tensors follow each other, or each begins with a run of its own: what the weights have been laid out for.
    ConvLoader(const ConvInputs<T, Exec>& in_, const Conv2dParams& p_, ConvDepth<T> depth_, bool own_runs = false)
        : in(in_), p(p_), depth(depth_) {
        constexpr int length = kernels::run_length<T>;
        for (int i = 0, start = 0; i < in.count; ++i) {
            starts[i] = start;
            start += in.tensors[i].shape.c;
            if (own_runs) start = ceil_div(start, length) * length;
            const bool has_runs = starts[i] % length == 0 && (i + 1 == in.count || start % length == 0);
            alignment[i] = has_runs ? run_alignment(in.tensors[i]) : 0;
        }
    }

    struct Place {
        int n, y, x;  // of the first tap
    };
    using Cursor = RunCursor;

    CINEBOKEH_HD Place place(bool exists, int n, int y, int x) const {
        // A pixel that does not exist has all its taps outside of the image.
        return {n, exists ? y * p.stride - p.padding : -(1 << 30), x * p.stride - p.padding};
    }
    CINEBOKEH_HD Cursor cursor(int index) const { return {index, p.kernel, depth.tap_runs()}; }
    CINEBOKEH_HD void advance(Cursor& at, int runs) const { at.advance(runs, p.kernel, depth.tap_runs()); }

    template <int rows>
    CINEBOKEH_HD void load(const Place (&places)[rows], const Cursor& at, kernels::Run (&runs)[rows]) const {
        int c = at.run * kernels::run_length<T>, i = 0;
        while (i + 1 < in.count && c >= starts[i + 1]) ++i;
        const TensorView<const T, Exec>& tensor = in.tensors[i];
        const int aligned = at.ky < p.kernel ? alignment[i] : -1;
        const int channel = c - starts[i], left = tensor.shape.c - channel;
        const int down = at.ky * p.dilation, right = at.kx * p.dilation;
        const auto is_inside = [&](int r) { return contains(tensor.shape, places[r].y + down, places[r].x + right); };
        const auto address = [&](int r) {
            return tensor.data +
                   (offset_of(tensor, places[r].n, places[r].y + down, places[r].x + right) + uint32_t(channel));
        };
        CINEBOKEH_UNROLL
        for (int r = 0; r < rows; ++r) runs[r] = {};
        if (aligned == 16) {
            CINEBOKEH_UNROLL
            for (int r = 0; r < rows; ++r)
                if (is_inside(r)) runs[r] = *reinterpret_cast<const kernels::Run*>(address(r));
            keep_first<T>(runs, left);
        } else if (aligned == 8) {
            CINEBOKEH_UNROLL
            for (int r = 0; r < rows; ++r)
                if (is_inside(r)) runs[r] = load_halves(address(r), left);
            keep_first<T>(runs, left);
        } else if (aligned == 0) {
            CINEBOKEH_UNROLL
            for (int r = 0; r < rows; ++r)
                if (is_inside(r)) runs[r] = gathered(places[r].n, places[r].y + down, places[r].x + right, c);
        }
    }

private:
    // One value after the other, of whichever tensor.
    CINEBOKEH_HD kernels::Run gathered(int n, int v, int u, int c) const {
        RunOfValues<T> run;
        CINEBOKEH_ROLLED
        for (int k = 0; k < kernels::run_length<T>; ++k) {
            int i = 0;
            while (i + 1 < in.count && c + k >= starts[i + 1]) ++i;
            const int channel = c + k - starts[i];
            if (channel < in.tensors[i].shape.c) run.set(k, in.tensors[i](n, v, u, channel));
        }
        return run.run();
    }
};
}  // namespace cinebokeh::detail
#endif
