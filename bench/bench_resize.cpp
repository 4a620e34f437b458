// Resizing. Bytes are one read of the input and one write of the output.
#include <vector>

#include "bench.hpp"
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/resize.hpp"

using namespace cinebokeh;

namespace {
using bench::Executor;

template <class T>
void resize(benchmark::State& state, ResizeFilter filter, Size from, Size to) {
    Executor exec;
    Buffer<T, Executor> in(exec, from, std::vector<T>(from.area())), out(exec, to);
    bench::run(state, exec, [&] { cinebokeh::resize(exec, in.view(), filter, out.view()); });
    state.SetBytesProcessed(state.iterations() * int64_t((from.area() + to.area()) * sizeof(T)));
}
constexpr Size quarter{427, 240}, sd{854, 480}, hd{1920, 1080}, uhd{3840, 2160};

template <class T>
void add(const std::string& name, ResizeFilter filter, Size from, Size to) {
    bench::add(
        name, [=](benchmark::State& state) { resize<T>(state, filter, from, to); },
        [](benchmark::internal::Benchmark*) {});
}
[[maybe_unused]] const bool added = [] {
    add<Rgba8>("rgba/nearest_hd_to_sd", ResizeFilter::nearest, hd, sd);
    add<Rgba8>("rgba/bilinear_quarter_to_sd", ResizeFilter::bilinear, quarter, sd);
    add<Rgba8>("rgba/bilinear_hd_to_sd", ResizeFilter::bilinear, hd, sd);
    add<Rgba8>("rgba/area_sd_to_quarter", ResizeFilter::area, sd, quarter);
    add<Rgba8>("rgba/area_uhd_to_hd", ResizeFilter::area, uhd, hd);
    add<Rgba8>("rgba/area_hd_to_sd", ResizeFilter::area, hd, sd);
    add<float>("float1/bilinear_quarter_to_sd", ResizeFilter::bilinear, quarter, sd);
    add<float>("float1/area_hd_to_sd", ResizeFilter::area, hd, sd);
    add<Float2>("float2/bilinear_quarter_to_sd", ResizeFilter::bilinear, quarter, sd);
    return true;
}();
}  // namespace
