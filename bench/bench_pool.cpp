// Pools of an image pyramid (2 x 2, as Robust Video Matting halves its input), of a 3 x 3 window, and of whole images.
// Bytes: the input read, the output written.
#include "bench.hpp"
#include "cinebokeh/nn/pool.hpp"

using namespace cinebokeh;

namespace {
struct Tensors {
    Shape in;
    Pool2dParams params;

    explicit Tensors(const benchmark::State& state, int kernel)
        : in{1, int(state.range(1)), int(state.range(0)), int(state.range(2))},
          params{.kernel = kernel, .stride = kernel == 2 ? 2 : 1, .padding = kernel == 2 ? 0 : 1} {}
    Shape out() const {
        const Size size = pooled_size(params, in.size());
        return {1, size.height, size.width, in.c};
    }
};
void count(benchmark::State& state, size_t values) {
    state.SetBytesProcessed(int64_t(state.iterations()) * int64_t(values * sizeof(Half)));
}
}  // namespace

template <class Exec>
static void average_pool_2x2(benchmark::State& state) {
    Exec exec;
    const Tensors t(state, 2);
    TensorBuffer<Half, Exec> in(exec, t.in, std::vector<float>(t.in.count(), 0.5f)), out(exec, t.out());
    bench::run(state, exec, [&] { average_pool<Half, Exec>(exec, in.view(), t.params, out.view()); });
    count(state, t.in.count() + t.out().count());
}
template <class Exec>
static void max_pool_3x3(benchmark::State& state) {
    Exec exec;
    const Tensors t(state, 3);
    TensorBuffer<Half, Exec> in(exec, t.in, std::vector<float>(t.in.count(), 0.5f)), out(exec, t.out());
    bench::run(state, exec, [&] { max_pool<Half, Exec>(exec, in.view(), t.params, out.view()); });
    count(state, t.in.count() + t.out().count());
}
template <class Exec>
static void global_average_pool(benchmark::State& state) {
    Exec exec;
    const Shape s = Tensors(state, 2).in;
    TensorBuffer<Half, Exec> in(exec, s, std::vector<float>(s.count(), 0.5f));
    TensorBuffer<float, Exec> out(exec, {1, 1, 1, s.c});
    GlobalAveragePool<Half, Exec> pool(exec, s);
    bench::run(state, exec, [&] { pool(in.view(), out.view()); });
    count(state, s.count());
}
static void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height", "channels"});
    b->Args({512, 288, 3})->Args({256, 144, 16})->Args({128, 72, 72})->Args({32, 18, 960});
}
CINEBOKEH_BENCHMARK(average_pool_2x2, sizes);
CINEBOKEH_BENCHMARK(max_pool_3x3, sizes);
CINEBOKEH_BENCHMARK(global_average_pool, sizes);
