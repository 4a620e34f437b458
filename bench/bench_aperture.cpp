// The table of a circle for all radii up to the largest: the cost of making a plan. Bytes: 8 a run.
#include <benchmark/benchmark.h>

#include "cinebokeh/aperture.hpp"

using namespace cinebokeh;

static void aperture_table(benchmark::State& state) {
    Cpu exec;
    int64_t bytes = 0;
    for (auto _ : state) {
        const ApertureTable<Cpu> table(exec, {.blades = 7, .curvature = 0.5f}, float(state.range(0)));
        bytes += int64_t(table.runs().runs.count * sizeof(ApertureRun));
    }
    state.SetBytesProcessed(bytes);
}
BENCHMARK(aperture_table)->Arg(20)->Arg(200)->UseRealTime()->Unit(benchmark::kMillisecond);
