// Convolutions on the CPU: bands of rows run on all threads. A band keeps the rows of the input that it needs, laid out
// as planes, and calculates its rows of outputs from them, a block of channels and a tile of pixels at a time.
#pragma once
#include "kernels/conv_bands_cpu.hpp"
#include "kernels/conv_depthwise_cpu.hpp"
#include "kernels/conv_output_cpu.hpp"
#include "kernels/conv_pack_cpu.hpp"

namespace cinebokeh::detail {

/// Writes one row of outputs. `rows`: the planes of every row of the filter, null where it lies outside of the image.
/// `epilogue(x, pixels, first, count, sums)` takes the sums of a tile: `count` channels from `first` on, at `pixels`
/// pixels from x on, sums[pixel][tile_outputs]. Channels [begin, end), where `weights` are those of `begin`, which is a
/// multiple of conv_block.
template <int channels, class Epilogue>
void conv_row(const ConvLayout& layout, const float* weights, const float* const* rows, ptrdiff_t plane_stride,
              int width, int begin, int end, const Epilogue& epilogue) {
    alignas(64) float sums[std::max(tile_sums, matrix_pixels) * tile_outputs];
    const Conv2dParams& p = layout.p;
    const MatrixRegisters registers(layout.matrix_planes());
    ConvPlanes in;
    in.planes = layout.planes(), in.dilation = p.dilation, in.plane_stride = plane_stride;
    for (int first = begin; first < end;) {
        const int outputs = layout.block_outputs(p.out_channels - first), pixels = layout.tile_pixels(outputs);
        const size_t row_weights = layout.row_weights(outputs);
        for (int x = 0; x < width; x += pixels) {
            in.row_count = 0;
            for (int ky = 0; ky < p.kernel; ++ky)
                if (rows[ky]) {
                    in.rows[in.row_count] = rows[ky] + x;
                    in.weights[in.row_count++] = weights + row_weights * size_t(ky);
                }
            const int left = std::min(pixels, width - x);
            layout.tile<channels>(left, outputs)(in, sums);
            epilogue(x, left, first, std::min(outputs, p.out_channels - first), sums);
        }
        weights += row_weights * size_t(p.kernel);
        first += outputs;
    }
}
template <int channels, class Epilogue>
void conv_row(const ConvLayout& layout, const float* weights, const float* const* rows, ptrdiff_t plane_stride,
              int width, const Epilogue& epilogue) {
    conv_row<channels>(layout, weights, rows, plane_stride, width, 0, layout.p.out_channels, epilogue);
}

/// Rows of the input, laid out as planes, of which a row of outputs needs a few and the next mostly the same.
class PlaneRing {
public:
    PlaneRing(const ConvLayout& layout, int width, float* memory)
        : rows_(layout.ring_rows()), stride_(layout.plane_stride(width)), memory_(memory) {
        std::fill(held_, held_ + rows_, -1);
        for (int y = 0; y < rows_; ++y) clear_unused_planes(layout, memory + y * layout.planes() * stride_, stride_);
    }
    static size_t words(const ConvLayout& layout, int width) {
        return size_t(layout.ring_rows()) * size_t(layout.planes()) * size_t(layout.plane_stride(width));
    }
    ptrdiff_t stride() const { return stride_; }
    /// The planes of row y, which fill(PlaneRow) lays out where they are not there yet.
    template <class Fill>
    const float* row(const ConvLayout& layout, int y, const Fill& fill) {
        float* planes = memory_ + ptrdiff_t(y % rows_) * layout.planes() * stride_;
        if (held_[y % rows_] != y) fill(PlaneRow{planes, stride_, 1}), held_[y % rows_] = y;
        return planes;
    }

private:
    int rows_;
    ptrdiff_t stride_;
    float* memory_;
    int held_[14 * 16 + 1];
};

inline Buffer<float, Cpu> buffer_of(Cpu& exec, const std::vector<float>& values) {
    return {exec, {int(values.size()), 1}, values};
}
/// The bias, filled up so that whole registers can be read anywhere in it.
inline std::vector<float> padded_bias(const Conv2dParams& p, const Conv2dWeights& weights) {
    std::vector<float> bias = bias_of(p, weights);
    bias.resize(round_up(bias.size(), 16) + 32);
    return bias;
}

/// A dense convolution.
template <class T>
class ConvDense {
public:
    /// Every thread holds `more` words for whoever lays out rows, see run_rows.
    ConvDense(Cpu& exec, const Conv2dParams& params, const Conv2dWeights& weights, Size max_input, size_t more = 0)
        : layout_(params, word_channels<T>),
          more_(round_up(more, 16)),
          scratch_(exec, more_ + PlaneRing::words(layout_, conv_output_size(params, max_input).width)),
          weights_(buffer_of(exec, pack_weights<word_channels<T>>(layout_, weights.weight))),
          bias_(buffer_of(exec, padded_bias(params, weights))) {}

    void run(Cpu& exec, const ConvInputs<T, Cpu>& in, HostTensor<T> out, HostTensor<const T> residual) {
        const auto lay_out = [&](int n, int y, float*, PlaneRow to) {
            pack_row<word_channels<T>>(layout_, in, n, y, out.shape.w, to);
        };
        if (out.shape.pixels() == 1)
            run_pixel(exec, in.shape().h, lay_out, output(out, residual));
        else
            run_rows(exec, in.shape().h, out.shape, lay_out, output(out, residual));
    }
    /// The same for inputs of `height` rows that need not exist: lay_out(n, y, memory, to) lays out row y of image n as
    /// planes. `memory` are the `more` words of the thread, aligned to 64 bytes. `output` takes the sums of outputs of
    /// that shape as ConvOutput does.
    template <class LayOut, class Output>
    void run_rows(Cpu& exec, int height, Shape out, const LayOut& lay_out, const Output& output) {
        // Bands of filters with several rows lay out rows of their neighbours once more: these are thicker.
        for_each_band(exec, out.n, out.h, layout_.p.kernel == 1 ? 8 : 24, [&](int n, int begin, int end) {
            const ThreadScratch::Lease memory(scratch_);
            PlaneRing ring(layout_, out.w, memory.words() + more_);
            const auto pack = [&](int y, PlaneRow to) { lay_out(n, y, memory.words(), to); };
            for (int y = begin; y < end; ++y) row(height, n, y, out.w, pack, ring, output);
        });
    }

    /// One output pixel, whose channels are shared among the threads: there is nothing else to share.
    template <class LayOut, class Output>
    void run_pixel(Cpu& exec, int height, const LayOut& lay_out, const Output& output) {
        const ThreadScratch::Lease memory(scratch_);
        PlaneRing ring(layout_, 1, memory.words() + more_);
        const float* rows[15];
        find_rows(
            height, 0, [&](int y, PlaneRow to) { lay_out(0, y, memory.words(), to); }, ring, rows);
        const int channels = layout_.p.out_channels;
        exec.for_each_range(ceil_div(channels, conv_block), worth_a_thread(), [&](int begin, int end) {
            const size_t before = layout_.row_weights(conv_block) * size_t(layout_.p.kernel) * size_t(begin);
            conv_row<word_channels<T>>(layout_, weights_.view().data + before, rows, ring.stride(), 1,
                                       begin * conv_block, std::min(channels, end * conv_block),
                                       [&](int x, int pixels, int first, int count, const float* sums) {
                                           output.tile(0, 0, x, pixels, first, count, sums, tile_outputs);
                                       });
        });
    }

    const ConvLayout& layout() const { return layout_; }
    ConvOutput<T> output(HostTensor<T> out, HostTensor<const T> residual) const {
        return {bias_.view().data, layout_.p.activation, out, residual};
    }

private:
    // The planes of every row of the filter, null outside of the image.
    template <class Pack>
    void find_rows(int height, int y, const Pack& pack, PlaneRing& ring, const float** rows) const {
        const Conv2dParams& p = layout_.p;
        for (int ky = 0; ky < p.kernel; ++ky) {
            const int v = y * p.stride - p.padding + ky * p.dilation;
            const bool inside = v >= 0 && v < height;
            rows[ky] = !inside ? nullptr : ring.row(layout_, v, [&](PlaneRow to) { pack(v, to); });
        }
    }
    // Blocks of outputs that a job should have at least: 16384 multiplications, some microseconds.
    int worth_a_thread() const { return ceil_div(16384, int(layout_.row_weights(conv_block)) * layout_.p.kernel); }
    template <class Pack, class Output>
    void row(int height, int n, int y, int width, const Pack& pack, PlaneRing& ring, const Output& output) const {
        const float* rows[15];
        find_rows(height, y, pack, ring, rows);
        conv_row<word_channels<T>>(layout_, weights_.view().data, rows, ring.stride(), width,
                                   [&](int x, int pixels, int first, int count, const float* sums) {
                                       output.tile(n, y, x, pixels, first, count, sums, tile_outputs);
                                   });
    }

    ConvLayout layout_;
    size_t more_;
    ThreadScratch scratch_;
    Buffer<float, Cpu> weights_, bias_;
};

/// Dense and depthwise convolutions have kernels of their own; other groups take the plain one.
template <class T>
class ConvPlan<T, Cpu> {
public:
    ConvPlan(Cpu& exec, const Conv2dParams& p, const Conv2dWeights& weights, Size max_input) {
        if (p.groups == 1)
            dense_ = std::make_unique<ConvDense<T>>(exec, p, weights, max_input);
        else if (p.groups == p.in_channels && p.groups == p.out_channels)
            depthwise_ = std::make_unique<ConvDepthwise<T>>(exec, p, weights, max_input);
        else
            grouped_ = std::make_unique<PlainConv<T, Cpu>>(exec, p, weights);
    }
    void run(Cpu& exec, const ConvInputs<T, Cpu>& in, HostTensor<T> out, HostTensor<const T> residual) {
        if (dense_)
            dense_->run(exec, in, out, residual);
        else if (depthwise_)
            depthwise_->run(exec, in, out, residual);
        else
            grouped_->run(exec, in, out, residual);
    }

private:
    std::unique_ptr<ConvDense<T>> dense_;
    std::unique_ptr<ConvDepthwise<T>> depthwise_;
    std::unique_ptr<PlainConv<T, Cpu>> grouped_;
};
}  // namespace cinebokeh::detail
