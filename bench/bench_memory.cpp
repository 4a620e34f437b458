// What the plans allocate: megabytes per megapixel of the frames they are made for. Calls allocate nothing (the tests
// count that), so this is also the memory after any number of frames. The time is that of the constructor.
#include <string>

#include "bench.hpp"
#include "cinebokeh/cinebokeh.hpp"

using namespace cinebokeh;

namespace {
/// Counts what an executor has been asked for.
struct Meter {
    size_t bytes = 0;
    Allocator allocator() {
        return {[](void* meter, size_t size) {
                    static_cast<Meter*>(meter)->bytes += size;
                    const Allocator host = host_allocator();
                    return host.allocate(host.context, size);
                },
                [](void*, void* block, size_t size) {
                    const Allocator host = host_allocator();
                    host.deallocate(host.context, block, size);
                },
                this};
    }
};

/// make(exec, size) makes a plan; its memory is counted while it lives.
template <class Make>
void add(const std::string& name, Make make) {
    auto* benchmark = benchmark::RegisterBenchmark(("memory/" + name).c_str(), [make](benchmark::State& state) {
        const Size size{int(state.range(0)), int(state.range(1))};
        size_t bytes = 0;
        for (auto _ : state) {
            Meter meter;
            Cpu exec(0, meter.allocator());
            const auto plan = make(exec, size);
            benchmark::DoNotOptimize(&plan);
            bytes = meter.bytes;
        }
        state.counters["bytes_per_pixel"] = double(bytes) / double(size.area());
    });
    benchmark->ArgNames({"width", "height"})->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(1);
    for (Size s : bench::sizes) benchmark->Args({s.width, s.height});
}

[[maybe_unused]] const bool registered = [] {
    add("slic", [](Cpu& exec, Size s) { return Slic<Cpu>(exec, s); });
    add("region_graph", [](Cpu& exec, Size s) { return RegionGraph<Cpu>(exec, s, 2000); });
    add("masked_ncc, 20 templates", [](Cpu& exec, Size s) { return MaskedNcc<Cpu>(exec, s, 20); });
    add("grid_maxflow, 4 neighbours", [](Cpu& exec, Size s) { return GridMaxflow<Cpu>(exec, s, Connectivity::four); });
    add("grid_maxflow, 8 neighbours", [](Cpu& exec, Size s) { return GridMaxflow<Cpu>(exec, s, Connectivity::eight); });
    add("binary_crf", [](Cpu& exec, Size s) { return BinaryCrf<Cpu>(exec, s); });
    add("guided_filter", [](Cpu& exec, Size s) { return GuidedFilter<Cpu>(exec, s); });
    add("gaussian_blur, four channels", [](Cpu& exec, Size s) { return GaussianBlur<Float4, Cpu>(exec, s, 8.f); });
    add("disk_blur, radius 40", [](Cpu& exec, Size s) { return DiskBlur<Cpu>(exec, s, {.radius = 40}); });
    add("optical_flow", [](Cpu& exec, Size s) { return OpticalFlow<Cpu>(exec, s); });
    add("scatter_bokeh", [](Cpu& exec, Size s) { return ScatterBokeh<Cpu>(exec, s); });
    add("layered_bokeh", [](Cpu& exec, Size s) { return LayeredBokeh<Cpu>(exec, s); });
    add("memory_tracker", [](Cpu& exec, Size s) { return MemoryTracker<Cpu>(exec, s); });
    add("template_tracker", [](Cpu& exec, Size s) { return TemplateTracker<Cpu>(exec, s); });
    add("background_blur", [](Cpu& exec, Size s) { return BackgroundBlur<Cpu>(exec, s); });
    add("bokeh_renderer", [](Cpu& exec, Size s) { return BokehRenderer<Cpu>(exec, s); });
    return true;
}();
}  // namespace
