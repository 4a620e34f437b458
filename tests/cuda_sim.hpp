// cuda_sim.hpp -- run CUDA kernels on the CPU, for tests on machines without a GPU.
//
// Include it instead of <cuda_runtime.h>. Every CUDA thread of a block is a fiber; blocks run one
// after the other. A fiber runs until it reaches a barrier, a warp collective or its end, so the
// threads of a block are as far apart as the program allows: a missing __syncthreads() shows up as
// a wrong result under at least one of the three thread orders below. Run each test under all three.
//
// Reported as sim::Error: threads of one block waiting at different barriers, a barrier some threads
// never reach, a warp mask that names a lane which has exited, launches beyond the hardware limits.
// Not modelled: memory ordering, bank conflicts, textures, cooperative grids, time.
#pragma once
#pragma GCC diagnostic ignored "-Wclobbered"
#include <ucontext.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint3 { unsigned x = 0, y = 0, z = 0; };
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
    constexpr unsigned count() const { return x * y * z; }
};
inline thread_local uint3 threadIdx, blockIdx;
inline thread_local dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace sim {

struct Where { const char* file = ""; int line = 0; };
struct Error : std::runtime_error { using std::runtime_error::runtime_error; };

enum class Order { ascending, descending, shuffled };
struct Config { Order order = Order::ascending; unsigned seed = 1; bool yield_on_atomics = false; };
inline thread_local Config config;

// One thread block: a pool of fibers and the scheduler that moves them from barrier to barrier.
class Block {
public:
    void run(dim3 block, size_t shared_bytes, const std::function<void()>& kernel) {
        const unsigned n = block.count();
        if (n == 0 || n > 1024) throw Error("block of " + std::to_string(n) + " threads, limit is 1024");
        if (shared_bytes > 232448) throw Error("more dynamic shared memory than any device has");
        block_ = block, kernel_ = &kernel, error_ = nullptr, started_ = 0;
        shared_.assign(shared_bytes, std::byte{0xff});  // poison: NaN as float, -1 as int
        threads_.assign(n, Thread{});
        start_.resize(n);
        for (unsigned i = 0; i < n; ++i) start_[i] = i;
        if (config.order == Order::descending) std::reverse(start_.begin(), start_.end());
        if (config.order == Order::shuffled) std::shuffle(start_.begin(), start_.end(), std::mt19937(config.seed));
        for (active_ = this; step(); ) {}
        active_ = nullptr;
        if (error_) std::rethrow_exception(error_);
    }
    static Block& current() { return *active_; }
    std::byte* shared() { return shared_.data(); }
    unsigned lane() const { return running_ % 32; }
    uint64_t& slot(unsigned lane) { return threads_[running_ / 32 * 32 + lane].slot; }

    enum class State { ready, at_block_barrier, at_warp_barrier, done };
    void wait(State why, unsigned mask, Where where) {
        Thread& t = threads_[running_];
        t.state = why, t.mask = mask, t.where = where;
        suspend();
    }
    void yield() { suspend(); }  // stays ready: other threads run before it goes on

private:
    struct Fiber { ucontext_t context; std::unique_ptr<std::byte[]> stack; };
    struct Thread {
        State state = State::ready;
        Fiber* fiber = nullptr;  // null until the thread has been started
        unsigned mask = 0;
        uint64_t slot = 0;  // what this lane offers to warp collectives
        Where where;
    };

    // Runs every ready thread once, then opens the barriers that are complete. False when all is done.
    bool step() {
        while (started_ < start_.size() && !error_) resume(free_fiber());
        for (unsigned t : start_) if (threads_[t].state == State::ready && !error_) resume(threads_[t].fiber, t);
        if (error_) return false;
        bool any_ready = false, all_done = true;
        for (const Thread& t : threads_) any_ready |= t.state == State::ready, all_done &= t.state == State::done;
        if (all_done) return false;
        if (!any_ready && !open_warp_barriers()) open_block_barrier();
        return !error_;
    }
    bool open_warp_barriers() {
        bool opened = false;
        for (unsigned t = 0; t < threads_.size(); ++t) {
            if (threads_[t].state != State::at_warp_barrier) continue;
            const unsigned first = t / 32 * 32, mask = threads_[t].mask;
            bool complete = true;
            for (unsigned m = mask; m; m &= m - 1) {
                const unsigned peer = first + std::countr_zero(m);
                if (peer >= threads_.size() || threads_[peer].state == State::done)
                    return fail("warp mask names a lane that is not running", threads_[t].where), true;
                complete &= threads_[peer].state == State::at_warp_barrier && threads_[peer].mask == mask;
            }
            if (!complete) continue;
            for (unsigned m = mask; m; m &= m - 1) threads_[first + std::countr_zero(m)].state = State::ready;
            opened = true;
        }
        return opened;
    }
    void open_block_barrier() {
        for (Thread& t : threads_) {
            if (t.state != State::at_block_barrier)
                return fail(t.state == State::done ? "some threads returned before this barrier"
                                                   : "deadlock: a barrier and a warp collective wait for each other",
                            t.state == State::done ? waiting_at() : t.where);
            if (t.where.line != threads_[0].where.line)
                return fail("threads wait at different barriers", t.where);
        }
        for (Thread& t : threads_) t.state = State::ready;
    }
    Where waiting_at() const {
        for (const Thread& t : threads_) if (t.state != State::done) return t.where;
        return {};
    }
    void fail(const std::string& what, Where w) {
        error_ = std::make_exception_ptr(Error(std::string(w.file) + ":" + std::to_string(w.line) + ": " + what));
    }

    // A fiber starts threads one after the other and stays with one only while it waits at a barrier,
    // so a kernel without barriers costs one function call per thread and no context switch.
    void resume(Fiber* f, unsigned t = 0) {
        fiber_ = f;
        if (threads_[t].fiber == f) enter(t);
        swapcontext(&scheduler_, &f->context);
    }
    void suspend() {
        threads_[running_].fiber = fiber_;
        swapcontext(&fiber_->context, &scheduler_);
    }
    void enter(unsigned t) {
        running_ = t;
        threadIdx = {t % block_.x, t / block_.x % block_.y, t / (block_.x * block_.y)};
    }
    static void fiber_main() {
        Block& b = *active_;
        for (;;) {
            while (b.started_ < b.start_.size() && !b.error_) {
                b.enter(b.start_[b.started_++]);
                try { (*b.kernel_)(); } catch (...) { b.error_ = std::current_exception(); }
                b.threads_[b.running_].state = State::done;
                b.threads_[b.running_].fiber = nullptr;
            }
            b.free_.push_back(b.fiber_);
            swapcontext(&b.fiber_->context, &b.scheduler_);
        }
    }
    Fiber* free_fiber() {
        if (!free_.empty()) { Fiber* f = free_.back(); free_.pop_back(); return f; }
        constexpr size_t stack_bytes = 64 * 1024;
        Fiber& f = *fibers_.emplace_back(std::make_unique<Fiber>());
        f.stack = std::make_unique<std::byte[]>(stack_bytes);
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = f.stack.get(), f.context.uc_stack.ss_size = stack_bytes, f.context.uc_link = nullptr;
        makecontext(&f.context, fiber_main, 0);
        return &f;
    }

    inline static thread_local Block* active_ = nullptr;
    dim3 block_;
    const std::function<void()>* kernel_ = nullptr;
    std::vector<Thread> threads_;
    std::vector<unsigned> start_;
    std::vector<std::byte> shared_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    std::vector<Fiber*> free_;
    Fiber* fiber_ = nullptr;
    ucontext_t scheduler_;
    unsigned running_ = 0, started_ = 0;
    std::exception_ptr error_;
};

template <class... P, class... A>
void launch(dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(P...), A... args) {
    const std::function<void()> body = [&] { kernel(args...); };
    Block b;
    gridDim = grid, blockDim = block;
    for (unsigned i = 0; i < grid.count(); ++i) {
        blockIdx = {i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y)};
        b.run(block, shared_bytes, body);
    }
}

template <class T> uint64_t to_bits(T v) { static_assert(sizeof(T) <= 8); uint64_t b = 0; std::memcpy(&b, &v, sizeof v); return b; }
template <class T> T from_bits(uint64_t b) { T v; std::memcpy(&v, &b, sizeof v); return v; }

// Every lane offers a value, all wait, then each reads the lane it wants. The second wait keeps a
// fast lane from overwriting its offer before a slow one has read it.
template <class T> T exchange(unsigned mask, T value, unsigned from_lane, Where w) {
    Block& b = Block::current();
    b.slot(b.lane()) = to_bits(value);
    b.wait(Block::State::at_warp_barrier, mask, w);
    const T got = mask >> from_lane & 1u ? from_bits<T>(b.slot(from_lane)) : value;
    b.wait(Block::State::at_warp_barrier, mask, w);
    return got;
}
template <class T, class Op> T atomic(T* p, Op op) {
    if (config.yield_on_atomics) Block::current().yield();
    const T old = *p;
    *p = op(old);
    return old;
}
}  // namespace sim

namespace sim {
template <class T> T* dynamic_shared() { return reinterpret_cast<T*>(Block::current().shared()); }
template <class T> T& static_shared() { static T object; return object; }
}
using cudaStream_t = void*;
enum cudaError_t { cudaSuccess = 0, cudaErrorNoDevice = 100 };
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault };
inline constexpr unsigned cudaStreamNonBlocking = 1;
inline const char* cudaGetErrorString(cudaError_t) { return "simulated error"; }
inline cudaError_t cudaGetDeviceCount(int* n) { *n = 1; return cudaSuccess; }
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned) { *s = nullptr; return cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaMalloc(void** p, size_t n) { *p = ::operator new(n, std::align_val_t(256)); return cudaSuccess; }
inline cudaError_t cudaFree(void* p) { ::operator delete(p, std::align_val_t(256)); return cudaSuccess; }
inline cudaError_t cudaMemsetAsync(void* p, int v, size_t n, cudaStream_t) { std::memset(p, v, n); return cudaSuccess; }
inline cudaError_t cudaMemcpyAsync(void* d, const void* s, size_t n, cudaMemcpyKind, cudaStream_t) { std::memcpy(d, s, n); return cudaSuccess; }
inline cudaError_t cudaMemcpy2DAsync(void* d, size_t dp, const void* s, size_t sp, size_t w, size_t h, cudaMemcpyKind, cudaStream_t) {
    for (size_t y = 0; y < h; ++y) std::memcpy((char*)d + y * dp, (const char*)s + y * sp, w);
    return cudaSuccess;
}

// ---- the CUDA vocabulary the kernels use; add a line here when a kernel needs one more ----
inline void __syncthreads(sim::Where w = {__builtin_FILE(), __builtin_LINE()}) { sim::Block::current().wait(sim::Block::State::at_block_barrier, 0, w); }
inline void __syncwarp(unsigned mask = ~0u, sim::Where w = {__builtin_FILE(), __builtin_LINE()}) { sim::Block::current().wait(sim::Block::State::at_warp_barrier, mask, w); }
inline void __threadfence() {}
template <class T> T __shfl_sync(unsigned m, T v, int lane, int width = 32, sim::Where w = {__builtin_FILE(), __builtin_LINE()}) {
    const unsigned me = sim::Block::current().lane();
    return sim::exchange(m, v, me / width * width + unsigned(lane) % width, w);
}
template <class T> T __shfl_down_sync(unsigned m, T v, unsigned d, int width = 32, sim::Where w = {__builtin_FILE(), __builtin_LINE()}) {
    const unsigned me = sim::Block::current().lane();
    return sim::exchange(m, v, me % width + d < unsigned(width) ? me + d : me, w);
}
template <class T> T __shfl_up_sync(unsigned m, T v, unsigned d, int width = 32, sim::Where w = {__builtin_FILE(), __builtin_LINE()}) {
    const unsigned me = sim::Block::current().lane();
    return sim::exchange(m, v, me % width >= d ? me - d : me, w);
}
template <class T> T __shfl_xor_sync(unsigned m, T v, int x, int width = 32, sim::Where w = {__builtin_FILE(), __builtin_LINE()}) {
    const unsigned me = sim::Block::current().lane(), src = me ^ unsigned(x);
    return sim::exchange(m, v, src / width == me / width ? src : me, w);
}
inline unsigned __ballot_sync(unsigned m, int p, sim::Where w = {__builtin_FILE(), __builtin_LINE()}) {
    sim::Block& b = sim::Block::current();
    b.slot(b.lane()) = p != 0;
    b.wait(sim::Block::State::at_warp_barrier, m, w);
    unsigned r = 0;
    for (unsigned k = m; k; k &= k - 1) r |= unsigned(b.slot(std::countr_zero(k))) << std::countr_zero(k);
    b.wait(sim::Block::State::at_warp_barrier, m, w);
    return r;
}
template <class T> T atomicAdd(T* p, T v) { return sim::atomic(p, [v](T o) { return T(o + v); }); }
template <class T> T atomicMin(T* p, T v) { return sim::atomic(p, [v](T o) { return std::min(o, v); }); }
template <class T> T atomicMax(T* p, T v) { return sim::atomic(p, [v](T o) { return std::max(o, v); }); }
template <class T> T atomicExch(T* p, T v) { return sim::atomic(p, [v](T) { return v; }); }
template <class T> T atomicCAS(T* p, T cmp, T v) { return sim::atomic(p, [=](T o) { return o == cmp ? v : o; }); }
