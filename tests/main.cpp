// The doctest main, compiled once, and the counters of every allocation in the test program.
//
// With CINEBOKEH_TEST_NEEDS_DEVICE the program ends at once where there is no CUDA device, with the code that ctest
// reports as skipped.
#if defined(CINEBOKEH_TEST_NEEDS_DEVICE)
#define DOCTEST_CONFIG_IMPLEMENT
#else
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#endif
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "allocation_count.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // GCC inlines our operator new and then sees aligned_alloc
#endif

namespace {
std::atomic<long> allocations{0};

void* counted_or_null(std::size_t bytes, std::size_t alignment) noexcept {
    allocations.fetch_add(1, std::memory_order_relaxed);
    bytes = (bytes + alignment - 1) / alignment * alignment;
    return std::aligned_alloc(alignment, bytes ? bytes : alignment);
}
void* counted(std::size_t bytes, std::size_t alignment) {
    if (void* block = counted_or_null(bytes, alignment)) return block;
    throw std::bad_alloc();
}
}  // namespace

long allocation_count() { return allocations.load(std::memory_order_relaxed); }

void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return counted(bytes, std::size_t(alignment)); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {  // of std::stable_sort, for one
    return counted_or_null(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return counted_or_null(bytes, std::size_t(alignment));
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept { std::free(block); }

#if defined(CINEBOKEH_TEST_NEEDS_DEVICE)
#include <cuda_runtime_api.h>

#include <cstdio>

int main(int argc, char** argv) {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess || devices == 0) {
        std::printf("skipped: no CUDA device (%s)\n", cudaGetErrorString(status));
        return 77;
    }
    return doctest::Context(argc, argv).run();
}
#endif
