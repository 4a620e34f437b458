// Every convolution of Robust Video Matting at a base of 512 x 288, all of them and by kind.
#include <memory>

#include "bench.hpp"
#include "rvm_convolutions.hpp"

using namespace cinebokeh;

namespace {
template <class T, class Exec>
class Layers {
public:
    Layers(Exec& exec, const std::vector<LayerShape>& shapes) {
        for (const LayerShape& s : shapes)
            for (int i = 0; i < s.times; ++i) add(exec, s);
    }
    void run() {
        for (auto& layer : layers_) layer->conv(layer->in.view(), layer->out.view());
    }
    double operations() const { return operations_; }

private:
    struct Layer {
        Conv2d<T, Exec> conv;
        TensorBuffer<T, Exec> in, out;
    };
    void add(Exec& exec, const LayerShape& s) {
        Conv2d<T, Exec> conv(exec, s.params(), {std::vector<float>(s.weights(), 0.01f), {}}, s.size);
        const Shape in{1, s.size.height, s.size.width, s.in}, out = conv.output_shape(in);
        operations_ += s.operations();
        layers_.push_back(std::make_unique<Layer>(
            Layer{std::move(conv), {exec, in, std::vector<float>(in.count(), 0.1f)}, {exec, out}}));
    }
    std::vector<std::unique_ptr<Layer>> layers_;
    double operations_ = 0;
};

template <class T>
void run(benchmark::State& state, std::vector<LayerShape> shapes) {
    bench::Executor exec;
    Layers<T, bench::Executor> layers(exec, shapes);
    bench::run(state, exec, [&] { layers.run(); });
    state.counters["FLOPS"] = benchmark::Counter(layers.operations(), benchmark::Counter::kIsIterationInvariantRate);
}
void nothing(benchmark::internal::Benchmark*) {}
template <class T>
void add(const std::string& type) {
    std::vector<LayerShape> all;
    for (const auto* kind : {&stem_shapes, &depthwise_shapes, &pointwise_shapes, &decoder_shapes})
        all.insert(all.end(), kind->begin(), kind->end());
    const auto add_one = [&](const std::string& name, const std::vector<LayerShape>& shapes) {
        bench::add(
            name + "/" + type, [shapes](benchmark::State& state) { run<T>(state, shapes); }, nothing);
    };
    add_one("rvm_512x288/all", all);
    add_one("rvm_512x288/stem", stem_shapes);
    add_one("rvm_512x288/depthwise", depthwise_shapes);
    add_one("rvm_512x288/pointwise", pointwise_shapes);
    add_one("rvm_512x288/decoder", decoder_shapes);
    for (const LayerShape& s : decoder_shapes) add_one("decoder/" + name_of(s), {s});
}
const bool added = (add<float>("float"), add<BFloat16>("bfloat16"), add<Half>("half"), true);
}  // namespace
