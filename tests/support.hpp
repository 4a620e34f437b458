// What the tests share: the executors under test, seeded noise, error measures, the test data.
#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "allocation_count.hpp"
#include "cinebokeh/core/buffer.hpp"
#include "source_folder.hpp"

namespace cinebokeh {

#if defined(CINEBOKEH_SIM)
// The simulated device, with the threads of a block (and the blocks) started in one of three orders.
template <sim::Order order>
struct SimulatedCuda : Cuda {
    SimulatedCuda() { sim::config.order = order; }
};
using CudaAscending = SimulatedCuda<sim::Order::ascending>;
using CudaDescending = SimulatedCuda<sim::Order::descending>;
using CudaShuffled = SimulatedCuda<sim::Order::shuffled>;
#define CUDA_EXECUTORS CudaAscending, CudaDescending, CudaShuffled
#define EXECUTORS Cpu, CUDA_EXECUTORS
#elif defined(__CUDACC__)
#define CUDA_EXECUTORS Cuda
#define EXECUTORS Cpu, Cuda
#else
#define EXECUTORS Cpu
#endif
// Uniform noise in [low, high], the same in every run and on every machine.
inline std::vector<float> noise(size_t count, float low, float high, unsigned seed = 1) {
    std::mt19937 generator(seed);
    std::vector<float> values(count);
    for (float& v : values) v = low + (high - low) * float(double(generator()) / 4294967295.0);
    return values;
}
inline std::vector<float> noise(Size size, float low, float high, unsigned seed = 1) {
    return noise(size.area(), low, high, seed);
}
inline std::vector<Rgba8> noise_rgba(Size size, unsigned seed = 1) {
    std::mt19937 generator(seed);
    std::vector<Rgba8> pixels(size.area());
    for (Rgba8& p : pixels) {
        const unsigned r = generator();
        p = {uint8_t(r), uint8_t(r >> 8), uint8_t(r >> 16), uint8_t(r >> 24)};
    }
    return pixels;
}

// The largest |a - b|; infinite where the counts differ or a value is not a number.
template <class A, class B>
double worst_error(const std::vector<A>& a, const std::vector<B>& b) {
    if (a.size() != b.size()) return INFINITY;
    double worst = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double error = std::abs(double(a[i]) - double(b[i]));
        if (!(error <= worst)) worst = error;
        if (std::isnan(error)) return INFINITY;
    }
    return worst;
}

// A view of a vector, for calls on the host.
template <class T>
HostImage<T> host_view(std::vector<T>& pixels, Size size) {
    return {pixels.data(), size};
}
template <class T>
HostImage<const T> host_view(const std::vector<T>& pixels, Size size) {
    return {pixels.data(), size};
}

// The folder of real test data: CINEBOKEH_DATA, or ../shared/data beside the repository. Empty where there is none;
// a test that needs it then skips itself with SKIP_WITHOUT_DATA.
inline std::filesystem::path data_folder() {
    namespace fs = std::filesystem;
    if (const char* folder = std::getenv("CINEBOKEH_DATA")) return fs::is_directory(folder) ? folder : "";
    const fs::path beside = source_folder() / ".." / "shared" / "data";
    return fs::is_directory(beside) ? beside : fs::path();
}
#define SKIP_WITHOUT_DATA(file)                                                                     \
    if (data_folder().empty() || !std::filesystem::exists(data_folder() / (file))) {                \
        MESSAGE("skipped: test data " << (file) << " not found; set CINEBOKEH_DATA to its folder"); \
        return;                                                                                     \
    }
}  // namespace cinebokeh

TYPE_TO_STRING(cinebokeh::Cpu);
#if defined(CINEBOKEH_SIM)
TYPE_TO_STRING(cinebokeh::CudaAscending);
TYPE_TO_STRING(cinebokeh::CudaDescending);
TYPE_TO_STRING(cinebokeh::CudaShuffled);
#elif defined(__CUDACC__)
TYPE_TO_STRING(cinebokeh::Cuda);
#endif
