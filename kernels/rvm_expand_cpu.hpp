// The first half of an inverted residual block on the CPU, a row at a time where the expanded tensor would not stay in
// the cache: the rows that the depthwise filter spans are kept in its layout, and nothing else of the tensor exists.
#pragma once
#include <memory>

#include "kernels/rvm_expand.hpp"

namespace cinebokeh::detail {

// Both convolutions in one pass.
template <class T>
class ExpandDepthwiseRows {
public:
    ExpandDepthwiseRows(Cpu& exec, const RvmLayer& expand, const Conv2dWeights& expand_weights,
                        const RvmLayer& depthwise, const Conv2dWeights& depthwise_weights, Size max_input)
        : layout_(expand.conv, word_channels<T>),
          blocks_(ceil_div(expand.conv.out_channels, 16)),
          depthwise_(exec, depthwise.conv, depthwise_weights, max_input),
          scratch_(exec, plane_words(max_input.width) + ring_words(max_input.width)),
          weights_(buffer_of(exec, pack_weights<word_channels<T>>(layout_, expand_weights.weight))),
          bias_(buffer_of(exec, padded_bias(expand.conv, expand_weights))) {}

    void operator()(Cpu& exec, HostTensor<const T> in, HostTensor<T> out) const {
        const ConvOutput<T> output = depthwise_.output(out, {});
        for_each_band(exec, out.shape.n, out.shape.h, 24, [&](int n, int begin, int end) {
            const ThreadScratch::Lease memory(scratch_);
            Rows rows{*this, memory.words(), in.shape.w};
            std::fill_n(rows.ring, ring_words(in.shape.w), 0.f);  // the zeros around the image, and unused channels
            clear_unused_planes(layout_, rows.planes, layout_.plane_stride(in.shape.w));
            for (int y = begin; y < end; ++y) row(in, n, y, rows, output);
        });
    }

private:
    // What a thread holds: planes of one row of the input, and the expanded rows [row][block][x][16].
    struct Rows {
        Rows(const ExpandDepthwiseRows& plan, float* memory, int width)
            : planes(memory), ring(memory + plan.plane_words(width)), block(plan.depthwise_.row_words(width)) {
            std::fill(std::begin(held), std::end(held), -1);
        }
        float *planes, *ring;
        size_t block;  // words
        int held[14 * 16 + 1];
    };
    size_t plane_words(int width) const {
        return round_up(size_t(layout_.planes()) * size_t(layout_.plane_stride(width)), 16);
    }
    size_t ring_words(int width) const {
        return size_t(depthwise_.ring_rows() * blocks_) * depthwise_.row_words(width);
    }

    void row(HostTensor<const T> in, int n, int y, Rows& rows, const ConvOutput<T>& output) const {
        const int kernel = depthwise_.params().kernel;
        const float* first[15];  // the first block of every row
        for (int ky = 0; ky < kernel; ++ky) {
            const int v = depthwise_.input_row(y, ky);
            first[ky] = nullptr;
            if (v < 0 || v >= in.shape.h) continue;
            const int slot = v % depthwise_.ring_rows();
            float* const expanded = rows.ring + size_t(slot * blocks_) * rows.block;
            if (rows.held[slot] != v) expand_row(in, n, v, rows, expanded), rows.held[slot] = v;
            first[ky] = expanded;
        }
        for (int b = 0; b < blocks_; ++b) {
            const float* block[15];
            for (int ky = 0; ky < kernel; ++ky) block[ky] = first[ky] ? first[ky] + size_t(b) * rows.block : nullptr;
            depthwise_.write_row(block, n, y, 16 * b, output);
        }
    }
    void expand_row(HostTensor<const T> in, int n, int y, const Rows& rows, float* expanded) const {
        const int width = in.shape.w;
        const ptrdiff_t stride = layout_.plane_stride(width);
        pack_row<word_channels<T>>(layout_, ConvInputs<T, Cpu>(in), n, y, width, {rows.planes, stride, 1});
        float* const inside = expanded + depthwise_.params().padding * 16;
        with_activation(layout_.p.activation, [&](const auto& activate) {
            conv_row<word_channels<T>>(
                layout_, weights_.view().data, &rows.planes, stride, width,
                [&](int x, int pixels, int start, int count, const float* sums) {
                    for (int c = 0; c < count; c += 16) {
                        const Lanes bias = Lanes::load(bias_.view().data + start + c);
                        float* to = inside + size_t((start + c) / 16) * rows.block + size_t(x) * 16;
                        for (int i = 0; i < pixels; ++i, to += 16)
                            store_lanes(to, activate(Lanes::load(sums + i * tile_outputs + c) + bias), count - c);
                    }
                });
        });
    }

    ConvLayout layout_;
    int blocks_;  // of sixteen channels
    ConvDepthwise<T> depthwise_;
    mutable ThreadScratch scratch_;
    Buffer<float, Cpu> weights_, bias_;
};

template <class T>
class RvmExpandDepthwise<T, Cpu> {
public:
    RvmExpandDepthwise(Cpu& exec, const RvmReader& reader, const std::string& prefix, bool expands, Size max_input)
        : exec_(&exec), depthwise_(reader.layer(prefix + (expands ? "1" : "0")).conv) {
        // Rows beside a band are expanded twice, which costs more than it saves where the tensor stays in the cache.
        constexpr size_t second_level = 2 << 20;
        if (expands && max_input.area() * size_t(depthwise_.in_channels) * sizeof(T) > second_level)
            rows_ = std::make_unique<ExpandDepthwiseRows<T>>(exec, reader.layer(prefix + "0"),
                                                             reader.weights(prefix + "0"), reader.layer(prefix + "1"),
                                                             reader.weights(prefix + "1"), max_input);
        else
            steps_.emplace(exec, reader, prefix, expands, max_input);
    }

    Shape output_shape(Shape in) const {
        const Size size = conv_output_size(depthwise_, in.size());
        return {in.n, size.height, size.width, depthwise_.out_channels};
    }
    void operator()(HostTensor<const T> in, RvmScratch<T, Cpu>& scratch, HostTensor<T> out) {
        if (rows_)
            (*rows_)(*exec_, in, out);
        else
            (*steps_)(in, scratch, out);
    }

private:
    Cpu* exec_;
    Conv2dParams depthwise_;
    std::unique_ptr<ExpandDepthwiseRows<T>> rows_;
    std::optional<RvmExpandDepthwiseSteps<T, Cpu>> steps_;
};
}  // namespace cinebokeh::detail
