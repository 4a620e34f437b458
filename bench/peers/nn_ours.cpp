// Our side of nn.py: nn_ours TASK FOLDER THREADS runs a layer or a network on the .npy files of a folder in float and
// in BFloat16, writes what came out beside them as TYPE.npy, and prints "TYPE MEDIAN P90" in milliseconds for both.
#include "cinebokeh/nn/conv_gru.hpp"
#include "cinebokeh/nn/deform_conv.hpp"
#include "cinebokeh/nn/rvm.hpp"
#include "measure.hpp"
#include "npy.hpp"
#include "tests/rvm_random.hpp"

using namespace cinebokeh;

namespace {
std::string folder;
int threads = 0;

Array<float> read(const char* name) { return read_npy<float>(folder + "/" + name + ".npy"); }

// [h, w, c].
template <class T>
TensorBuffer<T, Cpu> tensor(Cpu& exec, const char* name) {
    const Array<float> array = read(name);
    return {exec, {1, array.shape[0], array.shape[1], array.shape[2]}, array.data};
}
Conv2dWeights weights(const char* weight, const char* bias) { return {read(weight).data, read(bias).data}; }
// A convolution that keeps the size, with weights [out, in, k, k].
Conv2dParams params() {
    const std::vector<int> shape = read("weight").shape;
    return {.in_channels = shape[1], .out_channels = shape[0], .kernel = shape[2], .padding = shape[2] / 2};
}
template <class T>
void finish(const char* type, const TensorBuffer<T, Cpu>& out) {
    write_npy(folder + "/" + type + ".npy", "<f4", {out.shape().h, out.shape().w, out.shape().c},
              out.download().data());
}

template <class T>
void conv(Cpu& exec, const char* type) {
    const auto in = tensor<T>(exec, "in");
    Conv2dParams p = params();
    p.activation = ActivationKind::relu;
    Conv2d<T, Cpu> layer(exec, p, weights("weight", "bias"), in.shape().size());
    TensorBuffer<T, Cpu> out(exec, layer.output_shape(in.shape()));
    measure(type, [&] { layer(in.view(), out.view()); });
    finish(type, out);
}
template <class T>
void gru(Cpu& exec, const char* type) {
    const auto x = tensor<T>(exec, "in"), h = tensor<T>(exec, "state");
    ConvGru<T, Cpu> layer(exec, {.channels = x.shape().c},
                          {weights("gate_weight", "gate_bias"), weights("candidate_weight", "candidate_bias")},
                          x.shape());
    TensorBuffer<T, Cpu> next(exec, x.shape());
    measure(type, [&] { layer(x.view(), h.view(), next.view()); });
    finish(type, next);
}
template <class T>
void deform(Cpu& exec, const char* type) {
    const auto in = tensor<T>(exec, "in");
    const auto offset = tensor<float>(exec, "offset"), modulation = tensor<float>(exec, "modulation");
    DeformConv2d<T, Cpu> layer(exec, {params(), 1}, weights("weight", "bias"), in.shape().size());
    TensorBuffer<T, Cpu> out(exec, layer.output_shape(in.shape()));
    measure(type, [&] { layer(in.view(), offset.view(), modulation.view(), out.view()); });
    finish(type, out);
}
// Robust Video Matting with random weights; the result is the alpha of a first frame.
template <class T>
void rvm(Cpu& exec, const char* type) {
    const Array<float> codes = read("in");  // [h, w, 3], 0 to 255
    const Size size{codes.shape[1], codes.shape[0]};
    std::vector<Rgba8> frame(size.area());
    for (size_t i = 0; i < frame.size(); ++i)
        for (int c = 0; c < 3; ++c) frame[i][c] = uint8_t(codes.data[3 * i + size_t(c)]);
    Rvm<T, Cpu> network(exec, random_rvm(RvmRefiner::deep_guided_filter), size, {.downsample_ratio = 1});
    TensorBuffer<float, Cpu> alpha(exec, {1, size.height, size.width, 1});
    Buffer<float, Cpu> image(exec, size);
    Buffer<Rgba8, Cpu> foreground(exec, size);
    const auto run = [&] { network({frame.data(), size}, image.view(), foreground.view()); };
    measure(type, run);
    network.reset();
    run();
    alpha.upload(image.download());
    finish(type, alpha);
}
}  // namespace

int main(int count, char** arguments) {
    if (count != 4) quit("usage: nn_ours conv|gru|deform|rvm FOLDER THREADS");
    const std::string task = arguments[1];
    folder = arguments[2], threads = std::atoi(arguments[3]);
    Cpu exec(threads);
    if (task == "conv")
        conv<float>(exec, "float"), conv<BFloat16>(exec, "bfloat16");
    else if (task == "gru")
        gru<float>(exec, "float"), gru<BFloat16>(exec, "bfloat16");
    else if (task == "deform")
        deform<float>(exec, "float"), deform<BFloat16>(exec, "bfloat16");
    else if (task == "rvm")
        rvm<float>(exec, "float"), rvm<BFloat16>(exec, "bfloat16");
    else
        quit("no such task: " + task);
}
