// A small pool of threads that runs numbered jobs. The calling thread works too, so a pool of one has no threads at
// all.
//
// Workers spin for a short while before they sleep: the loops of one video frame follow each other within microseconds.
// A run that is asked for while another is under way (from inside a job, or from a second caller) runs serially on the
// thread that asks: nothing deadlocks, and nothing is shared.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "cinebokeh/core/intrinsics.hpp"

namespace cinebokeh {

class ThreadPool {
public:
    /// `threads` counts the caller; 0 asks for one per core.
    explicit ThreadPool(int threads = 0) {
        if (threads <= 0) threads = int(std::thread::hardware_concurrency());
        for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
    }
    ~ThreadPool() {
        {
            std::lock_guard lock(sleep_);
            stop_.store(true);
            ticket_.fetch_add(uint64_t(1) << 32);
        }
        wake_.notify_all();
        for (std::thread& worker : workers_) worker.join();
    }
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const { return int(workers_.size()) + 1; }

    /// Calls job(context, i) once for every i in [0, count), in no particular order, and returns when all are done.
    /// Allocates nothing.
    void run(int count, void (*job)(void* context, int index), void* context) {
        if (count <= 1 || workers_.empty() || !busy_.try_lock()) {
            for (int i = 0; i < count; ++i) job(context, i);
            return;
        }
        // Close the last run before its job is replaced: a worker that still looks at it must not see the new count.
        const uint64_t generation = (ticket_.load() >> 32) + 2;
        ticket_.store((generation - 1) << 32 | no_job);
        job_.store(job), context_.store(context), count_.store(count), finished_.store(0);
        {
            std::lock_guard lock(sleep_);
            ticket_.store(generation << 32);
        }
        if (sleeping_.load() > 0) wake_.notify_all();
        take_jobs(generation);
        for (int spin = 0; finished_.load(std::memory_order_acquire) < count; ++spin) relax(spin);
        busy_.unlock();
    }

private:
    static constexpr uint64_t no_job = 0x7fffffff;   // the number of a job that no run has
    static constexpr int spins_before_sleep = 1000;  // tens of microseconds: other stages of a pipeline want the core

    static void relax(int spin) {
        if (spin % 256 == 255) std::this_thread::yield();
#if defined(__x86_64__) || defined(_M_X64)
        _mm_pause();
#endif
    }
    // A ticket is the generation of a run and the number of its next job in one word, so a worker that wakes up late
    // can never take a job of a run that is over: the exchange fails.
    void take_jobs(uint64_t generation) {
        uint64_t ticket = ticket_.load(std::memory_order_acquire);
        while (ticket >> 32 == generation && int(ticket & 0xffffffffu) < count_.load()) {
            const auto job = job_.load();
            void* const context = context_.load();
            if (!ticket_.compare_exchange_weak(ticket, ticket + 1)) continue;
            job(context, int(ticket & 0xffffffffu));
            finished_.fetch_add(1, std::memory_order_release);
            ticket = ticket_.load(std::memory_order_acquire);
        }
    }
    uint64_t generation() const { return ticket_.load(std::memory_order_acquire) >> 32; }
    void work() {
        for (uint64_t seen = 0;;) {
            for (int spin = 0; spin < spins_before_sleep && generation() == seen; ++spin) relax(spin);
            if (generation() == seen) {
                std::unique_lock lock(sleep_);
                sleeping_.fetch_add(1);
                wake_.wait(lock, [&] { return generation() != seen; });
                sleeping_.fetch_sub(1);
            }
            if (stop_.load()) return;
            seen = generation();
            take_jobs(seen);
        }
    }

    std::vector<std::thread> workers_;
    std::mutex busy_, sleep_;
    std::condition_variable wake_;
    std::atomic<uint64_t> ticket_{0};
    std::atomic<int> count_{0}, finished_{0}, sleeping_{0};
    std::atomic<bool> stop_{false};
    std::atomic<void (*)(void*, int)> job_{nullptr};
    std::atomic<void*> context_{nullptr};
};
}  // namespace cinebokeh
