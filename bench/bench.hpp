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

/// Tells the results what the device can do, measured as on the Cpu (main.cpp): the bandwidth of a triad, and
/// multiply-adds on registers.
#if defined(__CUDACC__)
namespace roofs {
using cinebokeh::Float4;

struct Triad {
    Float4* a;
    const Float4 *b, *c;
    int width;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const size_t i = size_t(y) * size_t(width) + size_t(x);
        a[i] = b[i] + c[i] * 3.f;
    }
};
struct MultiplyAdds {
    static constexpr int chains = 8, rounds = 4096;
    float* out;
    CINEBOKEH_HD void operator()(int x, int) const {
        float sum[chains];
        for (int i = 0; i < chains; ++i) sum[i] = float(x + i);
        for (int round = 0; round < rounds; ++round) CINEBOKEH_UNROLL
        for (int i = 0; i < chains; ++i) sum[i] = sum[i] * 0.999f + 1e-3f;
        float total = 0;
        for (int i = 0; i < chains; ++i) total += sum[i];
        if (total == 12345.f) *out = total;  // so that it is computed
    }
};
}  // namespace roofs

// Used by main.cpp where it is there.
__attribute__((used)) inline bool add_device_context() {
    if (!has_device()) return false;
    cudaDeviceProp device;
    cudaGetDeviceProperties(&device, 0);
    benchmark::AddCustomContext("device", device.name);
    cinebokeh::Cuda exec;
    cudaEvent_t begin, end;
    cudaEventCreate(&begin), cudaEventCreate(&end);
    const auto least_ms = [&](const auto& body) {
        float least = 1e9f;
        for (int i = 0; i < 12; ++i) least = std::min(least, device_ms(exec, begin, end, body));
        return double(least);
    };
    const cinebokeh::Size vectors{1 << 12, 1 << 12}, threads{1 << 20, 1};
    const size_t bytes = vectors.area() * sizeof(cinebokeh::Float4);
    auto* const data = static_cast<cinebokeh::Float4*>(exec.allocate(3 * bytes));
    cudaMemsetAsync(data, 1, 3 * bytes, exec.stream());
    const roofs::Triad triad{data, data + vectors.area(), data + 2 * vectors.area(), vectors.width};
    const double triad_ms = least_ms([&] { cinebokeh::for_each_pixel(exec, vectors, triad); });
    const roofs::MultiplyAdds adds{reinterpret_cast<float*>(data)};
    const double adds_ms = least_ms([&] { cinebokeh::for_each_pixel(exec, threads, adds); });
    exec.deallocate(data, 3 * bytes);
    cudaEventDestroy(begin), cudaEventDestroy(end);
    benchmark::AddCustomContext("device_triad_bytes_per_second", std::to_string(3e3 * double(bytes) / triad_ms));
    benchmark::AddCustomContext("device_multiply_add_flops_per_second",
                                std::to_string(2e3 * adds.chains * adds.rounds * double(threads.area()) / adds_ms));
    return true;
}
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
