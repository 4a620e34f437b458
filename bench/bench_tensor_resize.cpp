// Tensors to twice their size, and by a factor that is no whole number. Bytes: the input read, the output written.
#include "bench.hpp"
#include "cinebokeh/nn/tensor_resize.hpp"

using namespace cinebokeh;

template <class Exec, class Resize>
static void run(benchmark::State& state, const Resize& resize) {
    Exec exec;
    const int width = int(state.range(0)), height = int(state.range(1)), channels = int(state.range(2));
    const int percent = int(state.range(3));
    const Shape from{1, height, width, channels}, to{1, height * percent / 100, width * percent / 100, channels};
    TensorBuffer<Half, Exec> in(exec, from, std::vector<float>(from.count(), 0.5f)), out(exec, to);
    bench::run(state, exec, [&] { resize(exec, in.view(), out.view()); });
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t((from.count() + to.count()) * sizeof(Half)));
}
template <class Exec>
static void tensor_resize_bilinear(benchmark::State& state) {
    run<Exec>(state, [](Exec& exec, TensorView<const Half, Exec> in, TensorView<Half, Exec> out) {
        resize_bilinear<Half, Exec>(exec, in, {}, out);
    });
}
template <class Exec>
static void tensor_resize_nearest(benchmark::State& state) {
    run<Exec>(state, [](Exec& exec, TensorView<const Half, Exec> in, TensorView<Half, Exec> out) {
        resize_nearest<Half, Exec>(exec, in, {}, out);
    });
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "channels", "percent"});
    for (int percent : {200, 150}) b->Args({256, 144, 32, percent})->Args({128, 72, 40, percent});
    b->Args({32, 18, 128, 200})->Args({512, 288, 3, 50});
}
CINEBOKEH_BENCHMARK(tensor_resize_bilinear, sizes);
CINEBOKEH_BENCHMARK(tensor_resize_nearest, sizes);
