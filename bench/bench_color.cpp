// Colour conversions. Bytes are one read of the input and one write of the output.
#include <random>
#include <vector>

#include "bench.hpp"
#include "cinebokeh/color.hpp"
#include "cinebokeh/core/buffer.hpp"

using namespace cinebokeh;

namespace {
using bench::Executor;

template <class In, class Out>
void run(benchmark::State& state, void (*convert)(Executor&, View<const In, Executor>, View<Out, Executor>)) {
    const Size size{int(state.range(0)), int(state.range(1))};
    Executor exec;
    std::mt19937 generator(1);
    std::vector<Rgba8> pixels(size.area());
    for (Rgba8& p : pixels)
        for (int c = 0; c < 4; ++c) p[c] = uint8_t(generator());
    Buffer<Rgba8, Executor> codes(exec, size, pixels);
    Buffer<In, Executor> in(exec, size);
    Buffer<Out, Executor> out(exec, size);
    if constexpr (std::is_same_v<In, Rgba8>)
        copy<const Rgba8>(exec, codes.view(), in.view());
    else if constexpr (std::is_same_v<In, Float4>)
        cinebokeh::srgb_to_linear(exec, codes.view(), in.view());
    else
        cinebokeh::srgb_to_lab(exec, codes.view(), in.view());
    bench::run(state, exec, [&] { convert(exec, in.view(), out.view()); });
    state.SetBytesProcessed(state.iterations() * int64_t(size.area() * (sizeof(In) + sizeof(Out))));
}

void srgb_to_linear(benchmark::State& state) { run<Rgba8, Float4>(state, cinebokeh::srgb_to_linear<Executor>); }
void linear_to_srgb(benchmark::State& state) { run<Float4, Rgba8>(state, cinebokeh::linear_to_srgb<Executor>); }
void srgb_to_lab(benchmark::State& state) { run<Rgba8, Float3>(state, cinebokeh::srgb_to_lab<Executor>); }
void lab_to_srgb(benchmark::State& state) { run<Float3, Rgba8>(state, cinebokeh::lab_to_srgb<Executor>); }
void luma(benchmark::State& state) { run<Rgba8, uint8_t>(state, cinebokeh::luma<Executor>); }

void sizes(benchmark::internal::Benchmark* bench) {
    for (auto [w, h] : {std::pair{320, 240}, {854, 480}, {1920, 1080}, {3840, 2160}}) bench->Args({w, h});
    bench->ArgNames({"width", "height"});
}
[[maybe_unused]] const bool added =
    (bench::add("srgb_to_linear", srgb_to_linear, sizes), bench::add("linear_to_srgb", linear_to_srgb, sizes),
     bench::add("srgb_to_lab", srgb_to_lab, sizes), bench::add("lab_to_srgb", lab_to_srgb, sizes),
     bench::add("luma", luma, sizes), true);
}  // namespace
