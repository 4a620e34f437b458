// How convolutions are spread over threads: bands of rows, and scratch memory for as many as run at the same time.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "kernels/conv.hpp"

namespace cinebokeh::detail {

/// Scratch memory for every thread of an executor.
class ThreadScratch {
public:
    ThreadScratch(Cpu& exec, size_t words)
        : slots_(exec.threads()),
          words_(round_up(words, 16)),
          memory_(exec, Size{int(words_), slots_}),
          taken_(std::make_unique<std::atomic<bool>[]>(size_t(slots_))) {}

    /// Holds one thread's memory for the duration of a job.
    class Lease {
    public:
        explicit Lease(ThreadScratch& scratch) : scratch_(scratch) {
            while (scratch.taken_[size_t(slot_)].exchange(true, std::memory_order_acquire))
                if ((slot_ = (slot_ + 1) % scratch.slots_) == 0) std::this_thread::yield();
        }
        ~Lease() { scratch_.taken_[size_t(slot_)].store(false, std::memory_order_release); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        float* words() const { return scratch_.memory_.view().row(slot_); }

    private:
        ThreadScratch& scratch_;
        int slot_ = 0;
    };

private:
    int slots_;
    size_t words_;
    Buffer<float, Cpu> memory_;
    std::unique_ptr<std::atomic<bool>[]> taken_;
};

/// Calls job(n, begin, end) for bands of about `thickness` rows of every image. Neighbouring bands both lay out the
/// rows that they share, so bands should not be thin; all threads should have as many.
template <class Job>
void for_each_band(Cpu& exec, int images, int rows, int thickness, const Job& job) {
    const int rounds = std::max(1, rows / (thickness * exec.threads()));
    const int grain = ceil_div(rows, rounds * exec.threads()), bands = ceil_div(rows, grain);
    exec.for_each(images * bands, [&](int i) {
        const int begin = i % bands * grain;
        job(i / bands, begin, std::min(begin + grain, rows));
    });
}
}  // namespace cinebokeh::detail
