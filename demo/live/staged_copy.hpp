// Copies between pictures in ordinary memory of the host and the device, by way of pinned memory: the copy into that is
// made by several threads, and the transfer runs at the full speed of the bus.
#pragma once
#include <algorithm>
#include <cstring>
#include <thread>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh::demo {

/// Threads that a copy is worth: a few fill the bus of the memory.
inline int threads_of_copy() { return std::clamp(int(std::thread::hardware_concurrency()), 1, 4); }

#if CINEBOKEH_GRID
template <class T>
class StagedCopy {
public:
    /// For images up to `size`. `exec` and `threads` must outlive this.
    StagedCopy(Cuda& exec, Cpu& threads, Size size) : exec_(&exec), threads_(&threads) {
        CINEBOKEH_CUDA(cudaMallocHost(&pinned_, std::max(size.area(), size_t(1)) * sizeof(T)));
    }
    ~StagedCopy() { cudaFreeHost(pinned_); }
    StagedCopy(const StagedCopy&) = delete;
    StagedCopy& operator=(const StagedCopy&) = delete;

    /// Asynchronous after the host has been read. What came before on the stream must have been waited for.
    void up(HostImage<const T> host, Image<T, DeviceSpace> device) {
        const HostImage<T> stage{static_cast<T*>(pinned_), host.size};
        copy_rows(host, stage);
        copy(*exec_, HostImage<const T>(stage), device);
    }
    /// Waits.
    void down(Image<const T, DeviceSpace> device, HostImage<T> host) {
        const HostImage<T> stage{static_cast<T*>(pinned_), host.size};
        copy(*exec_, device, stage);
        exec_->synchronize();
        copy_rows(HostImage<const T>(stage), host);
    }

private:
    void copy_rows(HostImage<const T> from, HostImage<T> to) {
        threads_->for_each_range(to.size.height, 64, [&](int begin, int end) {
            for (int y = begin; y < end; ++y) std::memcpy(to.row(y), from.row(y), size_t(to.size.width) * sizeof(T));
        });
    }

    Cuda* exec_;
    Cpu* threads_;
    void* pinned_ = nullptr;
};
#endif
}  // namespace cinebokeh::demo
