// Buffer: the only owner of memory. It belongs to an executor, which must outlive it.
#pragma once
#include <initializer_list>
#include <utility>
#include <vector>

#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"

namespace cinebokeh {

/// An image in the memory of an executor. Rows start at multiples of 64 bytes; the contents are not initialised.
/// An array of n elements is a buffer of size {n, 1}.
template <class T, class Exec>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Buffer() = default;
    /// Throws Error if a side is negative. Allocates.
    Buffer(Exec& exec, Size size) : exec_(&exec) {
        require(size.width >= 0 && size.height >= 0, "Buffer: negative size ", size.width, " x ", size.height);
        const size_t pitch = round_up(size_t(size.width) * sizeof(T), 64);
        bytes_ = pitch * size_t(size.height);
        T* data = bytes_ ? static_cast<T*>(exec.allocate(bytes_)) : nullptr;
        view_ = {data, size, ptrdiff_t(pitch)};
    }
    /// Allocates and uploads `pixels`, row after row without gaps.
    Buffer(Exec& exec, Size size, const std::vector<T>& pixels) : Buffer(exec, size) { upload(pixels); }
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        Buffer(std::move(other)).swap(*this);
        return *this;
    }
    ~Buffer() {
        if (view_.data) exec_->deallocate(view_.data, bytes_);
    }

    Size size() const { return view_.size; }
    size_t bytes() const { return bytes_; }
    View<T, Exec> view() { return view_; }
    View<const T, Exec> view() const { return view_; }
    /// The elements as an array; only for buffers of one row.
    SpanView<T, Exec> span() { return {view_.data, view_.size.area()}; }
    SpanView<const T, Exec> span() const { return {view_.data, view_.size.area()}; }

    /// Waits, and allocates only the vector that is returned.
    std::vector<T> download() const {
        std::vector<T> pixels(size().area());
        copy(*exec_, view(), HostImage<T>(pixels.data(), size()));
        exec_->synchronize();
        return pixels;
    }
    void upload(const std::vector<T>& pixels) {
        require(pixels.size() == size().area(), "Buffer: ", pixels.size(), " pixels for an image of ", size().width,
                " x ", size().height);
        copy(*exec_, HostImage<const T>(pixels.data(), size()), view());
        exec_->synchronize();
    }

private:
    void swap(Buffer& other) noexcept {
        std::swap(exec_, other.exec_), std::swap(view_, other.view_), std::swap(bytes_, other.bytes_);
    }

    Exec* exec_ = nullptr;
    View<T, Exec> view_;
    size_t bytes_ = 0;
};
}  // namespace cinebokeh
