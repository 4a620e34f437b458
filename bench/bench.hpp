// What the benchmarks share: the sizes of images they run at, and how work on either executor is timed.
#pragma once
#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace bench {
inline constexpr cinebokeh::Size sizes[] = {{320, 240}, {854, 480}, {1920, 1080}, {3840, 2160}};

/// Times body() on the Cpu by the clock: register with UseRealTime.
template <class Body>
void run(benchmark::State& state, cinebokeh::Cpu&, Body&& body) {
    for (auto _ : state) body();
}

#if defined(__CUDACC__)
inline bool has_device() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

/// Milliseconds of body() on the device, between two events.
template <class Body>
float device_ms(cinebokeh::Cuda& exec, cudaEvent_t begin, cudaEvent_t end, Body&& body) {
    cudaEventRecord(begin, exec.stream());
    body();
    cudaEventRecord(end, exec.stream());
    cudaEventSynchronize(end);
    float ms = 0;
    cudaEventElapsedTime(&ms, begin, end);
    return ms;
}

/// Times body() on the device by events: register with UseManualTime. The time is that of a warm cache; the counter
/// cold_ms is the median of runs before each of which a larger array than the cache was written.
template <class Body>
void run(benchmark::State& state, cinebokeh::Cuda& exec, Body&& body) {
    cudaEvent_t begin, end;
    cudaEventCreate(&begin), cudaEventCreate(&end);
    for (int i = 0; i < 3; ++i) body();
    for (auto _ : state) state.SetIterationTime(device_ms(exec, begin, end, body) * 1e-3);
    constexpr size_t flushed = size_t(256) << 20;
    void* block = exec.allocate(flushed);
    std::vector<float> cold;
    for (int i = 0; i < 11; ++i) {
        cudaMemsetAsync(block, i, flushed, exec.stream());
        cold.push_back(device_ms(exec, begin, end, body));
    }
    exec.deallocate(block, flushed);
    std::nth_element(cold.begin(), cold.begin() + 5, cold.end());
    state.counters["cold_ms"] = cold[5];
    cudaEventDestroy(begin), cudaEventDestroy(end);
}
#endif

#if defined(__CUDACC__)
using Executor = cinebokeh::Cuda;
#else
using Executor = cinebokeh::Cpu;
#endif

/// Registers "name<executor of this build>"; `arguments` adds names and values of the arguments.
inline bool add(const std::string& name, const std::function<void(benchmark::State&)>& function,
                void (*arguments)(benchmark::internal::Benchmark*)) {
#if defined(__CUDACC__)
    if (!has_device()) return false;
    benchmark::RegisterBenchmark((name + "<Cuda>").c_str(), function)
        ->Apply(arguments)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
#else
    benchmark::RegisterBenchmark((name + "<Cpu>").c_str(), function)
        ->Apply(arguments)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
#endif
    return true;
}
}  // namespace bench

/// Registers function<Exec> for the executor of this build.
#define CINEBOKEH_BENCHMARK(function, arguments)               \
    [[maybe_unused]] static const bool function##_registered = \
        bench::add(#function, function<bench::Executor>, arguments)
