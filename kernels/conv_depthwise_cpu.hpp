// Depthwise convolutions on the CPU, sixteen channels after the other. The rows that the filter spans are kept as
// floats with zeros around them, [x][16 channels], so that they stay in the first-level cache; then eight pixels at a
// time are summed in registers.
#pragma once
#include "kernels/conv_bands_cpu.hpp"
#include "kernels/conv_output_cpu.hpp"

namespace cinebokeh::detail {

template <class T>
class ConvDepthwise {
public:
    ConvDepthwise(Cpu& exec, const Conv2dParams& params, const Conv2dWeights& weights, Size max_input)
        : p_(params),
          ring_rows_((params.kernel - 1) * params.dilation + 1),
          scratch_(exec, size_t(ring_rows_) * row_words(max_input.width)) {
        const int area = p_.kernel * p_.kernel, blocks = ceil_div(p_.in_channels, 16);
        std::vector<float> taps(size_t(area * blocks * 16)), bias = bias_of(p_, weights);
        for (int c = 0; c < p_.in_channels; ++c)
            for (int t = 0; t < area; ++t)
                taps[size_t((c / 16 * area + t) * 16 + c % 16)] = weights.weight[size_t(c * area + t)];
        bias.resize(size_t(blocks * 16));
        weights_ = Buffer<float, Cpu>(exec, {int(taps.size()), 1}, taps);
        bias_ = Buffer<float, Cpu>(exec, {int(bias.size()), 1}, bias);
    }

    void run(Cpu& exec, const ConvInputs<T, Cpu>& in, HostTensor<T> out, HostTensor<const T> residual) {
        const ConvOutput<T> to = output(out, residual);
        for_each_band(exec, out.shape.n, out.shape.h, 8, [&](int n, int begin, int end) {
            const ThreadScratch::Lease memory(scratch_);
            int held[14 * 16 + 1];
            for (int c = 0; c < p_.in_channels; c += 16) {
                std::fill(held, held + ring_rows_, -1);
                for (int y = begin; y < end; ++y) row(in, n, y, c, to, memory.words(), held);
            }
        });
    }

    const Conv2dParams& params() const { return p_; }
    /// The rows that one row of outputs spans: as many are to be kept.
    int ring_rows() const { return ring_rows_; }
    /// Words of sixteen channels of a row of inputs [x][16], with `padding` zeros before it and what a last tile reads
    /// too much behind it.
    size_t row_words(int width) const {
        return 16 * size_t(width + 2 * p_.padding + pixels * p_.stride + p_.kernel * p_.dilation);
    }
    /// The row of the input that row ky of the filter meets in row y of the output.
    int input_row(int y, int ky) const { return y * p_.stride - p_.padding + ky * p_.dilation; }
    ConvOutput<T> output(HostTensor<T> out, HostTensor<const T> residual) const {
        return {bias_.view().data, p_.activation, out, residual};
    }
    /// Sixteen channels from c on of a row of outputs. `rows`: the rows of inputs that every row of the filter meets,
    /// null where it lies outside of the image.
    void write_row(const float* const* rows, int n, int y, int c, const ConvOutput<T>& output) const {
        const float *inside[15], *weights[15];
        int count = 0;
        for (int ky = 0; ky < p_.kernel; ++ky)
            if (rows[ky])
                inside[count] = rows[ky],
                weights[count++] = weights_.view().data + (c * p_.kernel + ky * 16) * p_.kernel;
        alignas(64) float sums[pixels * 16];
        for (int x = 0; x < output.out.shape.w; x += pixels) {
            if (p_.stride == 1)
                tile<1>(inside, weights, count, x, sums);
            else if (p_.stride == 2)
                tile<2>(inside, weights, count, x, sums);
            else
                tile<0>(inside, weights, count, x, sums);
            output.tile(n, y, x, std::min(pixels, output.out.shape.w - x), c, std::min(16, p_.in_channels - c), sums,
                        16);
        }
    }

private:
    static constexpr int pixels = 8;

    void row(const ConvInputs<T, Cpu>& in, int n, int y, int c, const ConvOutput<T>& output, float* memory,
             int* held) const {
        const Size size = in.tensors[0].shape.size();
        const float* rows[15];
        for (int ky = 0; ky < p_.kernel; ++ky) {
            const int v = input_row(y, ky);
            rows[ky] = nullptr;
            if (v < 0 || v >= size.height) continue;
            float* row = memory + size_t(v % ring_rows_) * row_words(size.width);
            if (held[v % ring_rows_] != v) widen_row(in, n, v, c, row), held[v % ring_rows_] = v;
            rows[ky] = row;
        }
        write_row(rows, n, y, c, output);
    }
    // Sixteen channels of row y, of whichever tensors have them.
    void widen_row(const ConvInputs<T, Cpu>& in, int n, int y, int c, float* row) const {
        const int width = in.tensors[0].shape.w;
        float* const inside = row + p_.padding * 16;
        std::fill(row, inside, 0.f);
        std::fill(inside + width * 16, row + row_words(width), 0.f);
        for (int i = 0, start = 0; i < in.count; start += in.tensors[i].shape.c, ++i) {
            const int first = std::max(c, start), count = std::min(c + 16, start + in.tensors[i].shape.c) - first;
            if (count <= 0) continue;
            const T* pixel = in.tensors[i].row(n, y) + (first - start);
            for (int x = 0; x < width; ++x, pixel += in.tensors[i].pixel_stride)
                if (count == 16)
                    load_lanes(pixel).store(inside + x * 16);
                else
                    store_lanes(inside + x * 16 + (first - c), load_lanes(pixel, count), count);
        }
    }
    // The sums of eight pixels from x on; a stride of 0 is any.
    template <int stride>
    void tile(const float* const* rows, const float* const* weights, int count, int x, float* sums) const {
        const ptrdiff_t step = 16 * (stride ? stride : p_.stride), tap = ptrdiff_t(p_.dilation) * 16;
        Lanes sum[pixels];
        CINEBOKEH_UNROLL
        for (int i = 0; i < pixels; ++i) sum[i] = Lanes::all(0.f);
        for (int r = 0; r < count; ++r) {
            const float *in = rows[r] + x * step, *w = weights[r];
            for (int kx = 0; kx < p_.kernel; ++kx, in += tap, w += 16) {
                const Lanes weight = Lanes::load(w);
                CINEBOKEH_UNROLL
                for (int i = 0; i < pixels; ++i) sum[i] = multiply_add(Lanes::load(in + i * step), weight, sum[i]);
            }
        }
        CINEBOKEH_UNROLL
        for (int i = 0; i < pixels; ++i) sum[i].store(sums + i * 16);
    }

    Conv2dParams p_;
    int ring_rows_;
    ThreadScratch scratch_;
    Buffer<float, Cpu> weights_, bias_;
};
}  // namespace cinebokeh::detail
