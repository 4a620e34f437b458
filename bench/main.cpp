// The main of every benchmark. Where results are written as JSON, their context says what they may be compared with:
// compiler and flags, and the roofs of this machine, measured in the same run on all cores: the bandwidth of a triad
// a = b + s c over arrays far larger than the caches, and multiply-adds on registers. Programs that run on a device
// tell of that instead.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/lanes.hpp"

using namespace cinebokeh;

namespace {
/// The least seconds of some calls.
template <class Body>
double least_seconds(Body&& body) {
    double least = 1e9;
    for (int i = 0; i < 7; ++i) {
        const auto start = std::chrono::steady_clock::now();
        body();
        least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return least;
}

double triad_bytes_per_second(Cpu& exec) {
    constexpr int count = 1 << 24, jobs = 64;
    std::vector<float> a(count, 0.f), b(count, 1.f), c(count, 2.f);
    const double seconds = least_seconds([&] {
        exec.for_each_range(count, count / jobs, [&](int begin, int end) {
            for (int i = begin; i < end; ++i) a[size_t(i)] = b[size_t(i)] + 3.f * c[size_t(i)];
        });
        benchmark::DoNotOptimize(a.data());
    });
    return 12.0 * count / seconds;  // two reads and a write of four bytes
}

double multiply_add_flops_per_second(Cpu& exec) {
    constexpr int rounds = 1 << 17, chains = 12;  // as many as it takes to hide the latency
    const int jobs = 4 * exec.threads();
    const double seconds = least_seconds([&] {
        exec.for_each(jobs, [&](int job) {
            Lanes sum[chains];
            for (Lanes& s : sum) s = Lanes::all(float(job));
            const Lanes factor = Lanes::all(0.999f), term = Lanes::all(1e-3f);
            for (int i = 0; i < rounds; ++i)
                for (Lanes& s : sum) s = s * factor + term;
            benchmark::DoNotOptimize(sum);
        });
    });
    return 2.0 * Lanes::count * chains * rounds * jobs / seconds;
}
}  // namespace

namespace bench {
__attribute__((weak)) bool add_device_context();  // bench.hpp, where compiled by nvcc
}

int main(int argc, char** argv) {
    bool json = false;
    for (int i = 1; i < argc; ++i)
        json |= std::strstr(argv[i], "--benchmark_out") || !std::strcmp(argv[i], "--benchmark_format=json");
    if (json) {
        benchmark::AddCustomContext("compiler", CINEBOKEH_BENCH_COMPILER);
        benchmark::AddCustomContext("flags", CINEBOKEH_BENCH_FLAGS);
    }
    if (json && !(bench::add_device_context && bench::add_device_context())) {
        Cpu exec;
        benchmark::AddCustomContext("triad_bytes_per_second", std::to_string(triad_bytes_per_second(exec)));
        benchmark::AddCustomContext("multiply_add_flops_per_second",
                                    std::to_string(multiply_add_flops_per_second(exec)));
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
