// Squeeze-and-excite at the sizes that Robust Video Matting has at a base of 512 x 288, where it writes over its input.
// Bytes: the tensor read twice and written once, and the weights.
#include "bench.hpp"
#include "cinebokeh/nn/squeeze_excite.hpp"

using namespace cinebokeh;

template <class Exec>
static void squeeze_excite(benchmark::State& state) {
    Exec exec;
    const int channels = int(state.range(2)), squeezed = int(state.range(3));
    const Shape s{1, int(state.range(1)), int(state.range(0)), channels};
    const size_t weights = size_t(channels * squeezed);
    const Conv2dWeights squeeze{std::vector<float>(weights, 0.01f), {}}, expand = squeeze;
    SqueezeExcite<Half, Exec> layer(exec, {.channels = channels, .squeezed = squeezed}, squeeze, expand, s);
    TensorBuffer<Half, Exec> tensor(exec, s, std::vector<float>(s.count(), 0.5f));
    bench::run(state, exec, [&] { layer(tensor.view(), tensor.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) *
                            int64_t(s.count() * 3 * sizeof(Half) + 2 * weights * sizeof(float)));
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "channels", "squeezed"});
    b->Args({64, 36, 72, 24})->Args({64, 36, 120, 32})->Args({32, 18, 480, 120})->Args({32, 18, 672, 168});
    b->Args({32, 18, 960, 240});
}
CINEBOKEH_BENCHMARK(squeeze_excite, sizes);
