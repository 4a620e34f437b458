// Cpu: the executor that runs on the cores of this machine, on threads of its own or on the caller's job system.
#pragma once
#include <algorithm>
#include <cstring>
#include <memory>

#include "cinebokeh/core/allocator.hpp"
#include "cinebokeh/core/error.hpp"
#include "cinebokeh/core/image.hpp"
#include "cinebokeh/core/thread_pool.hpp"

namespace cinebokeh {

/// An engine's job system. `run` calls job(job_context, i) once for every i in [0, count), in any order and on any
/// threads, and returns when all are done.
struct JobSystem {
    void (*run)(void* context, int count, void (*job)(void* job_context, int index), void* job_context) = nullptr;
    void* context = nullptr;
    int threads = 1;  // how many jobs may run at the same time
};

/// Executor on the CPU. Calls are synchronous: when one returns, its outputs are written.
class Cpu {
public:
    using Space = HostSpace;

    /// `threads` counts the caller; 0 asks for one per core. A null allocator function asks for operator new.
    explicit Cpu(int threads = 0, Allocator allocator = {})
        : allocator_(allocator.allocate ? allocator : host_allocator()), pool_(std::make_unique<ThreadPool>(threads)) {}
    /// Starts no thread: all work goes to the job system.
    explicit Cpu(JobSystem jobs, Allocator allocator = {})
        : allocator_(allocator.allocate ? allocator : host_allocator()), jobs_(jobs) {
        require(jobs.run != nullptr, "Cpu: the job system has no run function");
    }

    void* allocate(size_t bytes) { return allocator_.allocate(allocator_.context, bytes); }
    void deallocate(void* block, size_t bytes) { allocator_.deallocate(allocator_.context, block, bytes); }
    void synchronize() {}
    int threads() const { return pool_ ? pool_->threads() : jobs_.threads; }

    /// Calls body(i) once for every i in [0, count), on all threads. The body must not throw. Allocates nothing.
    template <class Body>
    void for_each(int count, Body&& body) {
        auto job = [](void* context, int i) { (*static_cast<std::remove_reference_t<Body>*>(context))(i); };
        void* context = const_cast<void*>(static_cast<const void*>(std::addressof(body)));
        if (pool_)
            pool_->run(count, job, context);
        else
            jobs_.run(jobs_.context, count, job, context);
    }

    /// Calls body(begin, end) for ranges of at most `grain` that cover [0, count). The ranges depend on count and grain
    /// alone, so partial results that are combined in the order of the ranges do not depend on the threads.
    template <class Body>
    void for_each_range(int count, int grain, Body&& body) {
        for_each(ceil_div(count, grain), [&](int i) { body(i * grain, std::min(count, (i + 1) * grain)); });
    }

private:
    Allocator allocator_;
    std::unique_ptr<ThreadPool> pool_;
    JobSystem jobs_;
};

/// Calls f(x, y) for every pixel: the way to write a primitive whose outputs do not talk to each other.
template <class F>
void for_each_pixel(Cpu& exec, Size size, const F& f) {
    if (size.empty()) return;
    const int grain = clamp(16384 / size.width, 1, std::max(1, ceil_div(size.height, 4 * exec.threads())));
    exec.for_each_range(size.height, grain, [&](int begin, int end) {
        const F local = f;  // no output can overlap it, so that loops which write bytes are vectorised too
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < size.width; ++x) local(x, y);
    });
}

namespace detail {
inline void copy_rows(const void* in, ptrdiff_t in_pitch, void* out, ptrdiff_t out_pitch, size_t row_bytes, int rows) {
    if (row_bytes == 0) return;  // an empty image may have no pointer
    for (int y = 0; y < rows; ++y)
        std::memcpy(static_cast<unsigned char*>(out) + y * out_pitch,
                    static_cast<const unsigned char*>(in) + y * in_pitch, row_bytes);
}
}  // namespace detail

/// Copies an image. Throws Error if the sizes differ.
template <class T>
void copy(Cpu&, HostImage<T> in, HostImage<std::remove_const_t<T>> out) {
    require(in.size == out.size, "copy: the images differ in size");
    detail::copy_rows(in.data, in.pitch, out.data, out.pitch, size_t(in.size.width) * sizeof(T), in.size.height);
}
}  // namespace cinebokeh
