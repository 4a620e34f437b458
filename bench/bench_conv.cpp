// Every convolution of Robust Video Matting (MobileNetV3 variant) at a base of 512 x 288, all of them and by kind.
// Multiply-adds: outputs * kernel^2 * in_channels / groups; two operations each.
#include <benchmark/benchmark.h>

#include <memory>

#include "cinebokeh/nn/conv.hpp"

using namespace cinebokeh;

namespace {
struct LayerShape {
    int in, out, kernel, stride, dilation, groups;
    Size size;  // of the input
    int times;  // how often the network has it
};
const std::vector<LayerShape> stem = {{3, 16, 3, 2, 1, 1, {512, 288}, 1}};
const std::vector<LayerShape> depthwise = {
    {16, 16, 3, 1, 1, 16, {256, 144}, 1},  {64, 64, 3, 2, 1, 64, {256, 144}, 1},
    {72, 72, 3, 1, 1, 72, {128, 72}, 1},   {72, 72, 5, 2, 1, 72, {128, 72}, 1},
    {120, 120, 5, 1, 1, 120, {64, 36}, 2}, {240, 240, 3, 2, 1, 240, {64, 36}, 1},
    {200, 200, 3, 1, 1, 200, {32, 18}, 1}, {184, 184, 3, 1, 1, 184, {32, 18}, 2},
    {480, 480, 3, 1, 1, 480, {32, 18}, 1}, {672, 672, 3, 1, 1, 672, {32, 18}, 1},
    {672, 672, 5, 1, 2, 672, {32, 18}, 1}, {960, 960, 5, 1, 2, 960, {32, 18}, 2}};
const std::vector<LayerShape> pointwise = {
    {16, 16, 1, 1, 1, 1, {256, 144}, 1}, {16, 64, 1, 1, 1, 1, {256, 144}, 1}, {64, 24, 1, 1, 1, 1, {128, 72}, 1},
    {24, 72, 1, 1, 1, 1, {128, 72}, 2},  {72, 24, 1, 1, 1, 1, {128, 72}, 1},  {72, 40, 1, 1, 1, 1, {64, 36}, 1},
    {40, 120, 1, 1, 1, 1, {64, 36}, 2},  {120, 40, 1, 1, 1, 1, {64, 36}, 2},  {40, 240, 1, 1, 1, 1, {64, 36}, 1},
    {240, 80, 1, 1, 1, 1, {32, 18}, 1},  {80, 200, 1, 1, 1, 1, {32, 18}, 1},  {200, 80, 1, 1, 1, 1, {32, 18}, 1},
    {80, 184, 1, 1, 1, 1, {32, 18}, 2},  {184, 80, 1, 1, 1, 1, {32, 18}, 2},  {80, 480, 1, 1, 1, 1, {32, 18}, 1},
    {480, 112, 1, 1, 1, 1, {32, 18}, 1}, {112, 672, 1, 1, 1, 1, {32, 18}, 2}, {672, 112, 1, 1, 1, 1, {32, 18}, 1},
    {672, 160, 1, 1, 1, 1, {32, 18}, 1}, {160, 960, 1, 1, 1, 1, {32, 18}, 3}, {960, 160, 1, 1, 1, 1, {32, 18}, 2},
    {960, 128, 1, 1, 1, 1, {32, 18}, 1}, {16, 4, 1, 1, 1, 1, {512, 288}, 1}};
const std::vector<LayerShape> decoder = {
    {128, 128, 3, 1, 1, 1, {32, 18}, 1}, {128, 64, 3, 1, 1, 1, {32, 18}, 1},  {171, 80, 3, 1, 1, 1, {64, 36}, 1},
    {80, 80, 3, 1, 1, 1, {64, 36}, 1},   {80, 40, 3, 1, 1, 1, {64, 36}, 1},   {107, 40, 3, 1, 1, 1, {128, 72}, 1},
    {40, 40, 3, 1, 1, 1, {128, 72}, 1},  {40, 20, 3, 1, 1, 1, {128, 72}, 1},  {59, 32, 3, 1, 1, 1, {256, 144}, 1},
    {32, 32, 3, 1, 1, 1, {256, 144}, 1}, {32, 16, 3, 1, 1, 1, {256, 144}, 1}, {35, 16, 3, 1, 1, 1, {512, 288}, 1},
    {16, 16, 3, 1, 1, 1, {512, 288}, 1}};

template <class T>
class Layers {
public:
    Layers(Cpu& exec, const std::vector<LayerShape>& shapes) {
        for (const LayerShape& s : shapes)
            for (int i = 0; i < s.times; ++i) add(exec, s);
    }
    void run() {
        for (auto& layer : layers_) layer->conv(layer->in.view(), layer->out.view());
    }
    double operations() const { return operations_; }

private:
    struct Layer {
        Conv2d<T, Cpu> conv;
        TensorBuffer<T, Cpu> in, out;
    };
    void add(Cpu& exec, const LayerShape& s) {
        const Conv2dParams p{.in_channels = s.in,
                             .out_channels = s.out,
                             .kernel = s.kernel,
                             .stride = s.stride,
                             .padding = s.kernel / 2 * s.dilation,
                             .dilation = s.dilation,
                             .groups = s.groups,
                             .activation = ActivationKind::relu};
        const size_t weights = size_t(s.out * s.in / s.groups * s.kernel * s.kernel);
        Conv2d<T, Cpu> conv(exec, p, {std::vector<float>(weights, 0.01f), {}}, s.size);
        const Shape in{1, s.size.height, s.size.width, s.in}, out = conv.output_shape(in);
        operations_ += 2.0 * double(out.pixels()) * double(weights);
        layers_.push_back(std::make_unique<Layer>(
            Layer{std::move(conv), {exec, in, std::vector<float>(in.count(), 0.1f)}, {exec, out}}));
    }
    std::vector<std::unique_ptr<Layer>> layers_;
    double operations_ = 0;
};

template <class T>
void run(benchmark::State& state, std::vector<LayerShape> shapes) {
    Cpu exec(int(state.range(0)));
    Layers<T> layers(exec, shapes);
    for (auto _ : state) layers.run();
    state.counters["FLOP/s"] = benchmark::Counter(layers.operations(), benchmark::Counter::kIsIterationInvariantRate);
}
template <class T>
void add(const std::string& type) {
    std::vector<LayerShape> all;
    for (const auto* kind : {&stem, &depthwise, &pointwise, &decoder})
        all.insert(all.end(), kind->begin(), kind->end());
    const auto add_one = [&](const std::string& name, const std::vector<LayerShape>& shapes) {
        benchmark::RegisterBenchmark((name + "/" + type).c_str(), run<T>, shapes)
            ->ArgName("threads")
            ->Arg(2)
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
    };
    add_one("rvm_512x288/all", all);
    add_one("rvm_512x288/stem", stem);
    add_one("rvm_512x288/depthwise", depthwise);
    add_one("rvm_512x288/pointwise", pointwise);
    add_one("rvm_512x288/decoder", decoder);
    for (const LayerShape& s : decoder)
        add_one("decoder/" + std::to_string(s.in) + "_to_" + std::to_string(s.out) + "_at_" +
                    std::to_string(s.size.width) + "x" + std::to_string(s.size.height),
                {s});
}
const bool added = (add<float>("float"), add<BFloat16>("bfloat16"), add<Half>("half"), true);
}  // namespace
