// Images in the memory of the GPU that stages of the live pipeline leave for others, and that come back when nobody
// holds them any more. They may outlive what made them.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "cinebokeh/core/cuda.hpp"
#include "gpu_display.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh::demo {

template <class T>
class GpuImages {
public:
    explicit GpuImages(Size size) : size_(size), pitch_(round_up(size_t(size.width) * sizeof(T), 256)) {}

    /// One that nobody holds, to be filled; allocates where there is none.
    GpuImage take() {
        const auto is_free = [](const auto& kept) { return kept.use_count() == 1; };
        auto kept = std::find_if(kept_.begin(), kept_.end(), is_free);
        std::atomic_thread_fence(std::memory_order_acquire);  // after what others have read of it
        if (kept == kept_.end()) {
            void* data = nullptr;
            CINEBOKEH_CUDA(cudaMalloc(&data, std::max(pitch_ * size_t(size_.height), size_t(1))));
            kept = kept_.insert(kept, std::shared_ptr<void>(data, [](void* block) { cudaFree(block); }));
        }
        return {kept->get(), ptrdiff_t(pitch_), size_, *kept};
    }

private:
    Size size_;
    size_t pitch_;
    std::vector<std::shared_ptr<void>> kept_;
};

template <class T>
Image<const T, DeviceSpace> view_of(const GpuImage& image) {
    return {static_cast<const T*>(image.data), image.size, image.pitch};
}
/// Of an image that was just taken.
template <class T>
Image<T, DeviceSpace> to_be_filled(const GpuImage& image) {
    return {static_cast<T*>(const_cast<void*>(image.data)), image.size, image.pitch};
}
}  // namespace cinebokeh::demo
#endif
