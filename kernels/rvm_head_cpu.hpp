// The end of the network on the CPU in one step: the hidden channels of a few pixels are projected while they are in
// the cache, and go to memory as floats only where they are wanted.
#pragma once
#include "kernels/rvm_head.hpp"

namespace cinebokeh::detail {

template <class T>
class RvmHead<T, Cpu> {
public:
    RvmHead(Cpu& exec, const RvmReader& reader, Size max_base)
        : exec_(&exec),
          conv_(exec, reader.layer("decoder.decode0.conv.3").conv, reader.weights("decoder.decode0.conv.3"), max_base),
          bias_(reader.weights("decoder.decode0.conv.3").bias) {
        const Conv2dWeights project = reader.weights("project_mat.conv");  // [4, 16]
        for (int o = 0; o < 4; ++o) {
            for (int c = 0; c < 16; ++c) projection_.weight[c][o] = project.weight[size_t(o * 16 + c)];
            projection_.bias[o] = project.bias[size_t(o)];
        }
    }

    // As the other one does it.
    void operator()(HostTensor<const T> in, HostTensor<float> hidden, bool wanted, HostTensor<float> out) {
        if (!wanted) hidden.data = nullptr;
        conv_.run_rows(
            *exec_, in.shape.h, out.shape,
            [&](int n, int y, float*, PlaneRow to) {
                pack_row<word_channels<T>>(conv_.layout(), ConvInputs<T, Cpu>(in), n, y, in.shape.w, to);
            },
            Output{&projection_, Lanes::load(bias_.data()), hidden, out});
    }

private:
    struct Projection {
        float weight[16][4], bias[4];
    };
    struct Output {
        const Projection* projection;
        Lanes bias;
        HostTensor<float> hidden, out;

        void tile(int n, int y, int x, int pixels, int, int, const float* sums, int stride) const {
            for (int i = 0; i < pixels; ++i) {
                alignas(64) float value[16];
                max(Lanes::all(0.f), Lanes::load(sums + i * stride) + bias).store(value);
                if (hidden.data) Lanes::load(value).store(hidden.pixel(n, y, x + i));
                float result[4];
                CINEBOKEH_UNROLL
                for (int o = 0; o < 4; ++o) result[o] = projection->bias[o];
                CINEBOKEH_UNROLL
                for (int c = 0; c < 16; ++c) CINEBOKEH_UNROLL
                for (int o = 0; o < 4; ++o) result[o] += value[c] * projection->weight[c][o];
                std::memcpy(out.pixel(n, y, x + i), result, sizeof result);
            }
        }
    };

    Cpu* exec_;
    ConvDense<T> conv_;
    std::vector<float> bias_;
    Projection projection_;
};
}  // namespace cinebokeh::detail
