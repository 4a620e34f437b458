// cuda_sim.hpp: CUDA kernels run on the CPU, for tests on machines without a GPU.
//
// It stands in for <cuda_runtime.h>. Every CUDA thread is a fiber; blocks run one after the other, and a thread runs
// until it reaches a barrier, a warp collective or its end. So the threads of a block are as far apart as the program
// allows, and a missing barrier shows as a wrong result in at least one of the three thread orders: run each test in
// all three. In the shuffled order a thread also gives way at every atomic operation, which shows a lost update.
//
// Reported as sim::Error, with file and line: barriers that some threads never reach, or that they reach at different
// places; warp collectives whose lanes disagree, whose mask leaves out the caller or names a lane that has exited;
// shuffles from lanes outside the segment or the mask; use of shared memory that was not asked for; launches beyond
// the limits of the hardware; blocks that get nowhere. Shared memory is filled with 0xff (NaN, -1) before every block,
// device memory when it is allocated. Not modelled: memory ordering, bank conflicts, textures, time.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda_fiber.hpp"

struct uint3 {
    unsigned x = 0, y = 0, z = 0;
};
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
constinit inline thread_local uint3 threadIdx{}, blockIdx{};
constinit inline thread_local dim3 blockDim{}, gridDim{};

namespace sim {

struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct Where {
    const char* file = "launch";
    int line = 0;
    friend bool operator==(const Where& a, const Where& b) {
        return a.line == b.line && std::strcmp(a.file, b.file) == 0;
    }
};
constexpr Where here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }

enum class Order { ascending, descending, shuffled };  // of the blocks, of the warps in them, of the lanes in those
struct Config {
    Order order = Order::ascending;
    bool yield_on_atomics = false;  // always so in the shuffled order
    uint64_t random = 1;            // the state of the shuffling: set it to repeat a run
};
constinit inline thread_local Config config{};

inline std::string text(const char* s) { return s; }
inline std::string text(std::string s) { return s; }
inline std::string text(uint3 v) {
    std::string s = "(";
    s += std::to_string(v.x) + ", " + std::to_string(v.y) + ", " + std::to_string(v.z);
    return s += ")";
}
template <std::integral T>
std::string text(T v) {
    return std::to_string(v);
}
template <class... Parts>
Error error(Where where, const Parts&... parts) {
    return Error(std::string(where.file) + ":" + std::to_string(where.line) + ": " + (text(parts) + ...));
}

inline constexpr unsigned max_threads = 1024, warp_lanes = 32;
inline constexpr size_t max_shared_bytes = 227 * 1024, max_static_shared_bytes = 48 * 1024;

enum class State : uint8_t { unstarted, ready, yielded, at_barrier, at_collective, done };
struct Operation;
struct Thread {
    State state = State::unstarted;
    Fiber* fiber = nullptr;  // null while it does not run or wait
    uint3 index;             // threadIdx
    Where where;             // of the barrier or collective it waits at
    const Operation* operation = nullptr;
    unsigned mask = 0, atomics = 0;
    int source = 0;  // the lane a shuffle reads
    uint64_t offer = 0, result = 0;
};
// What a warp collective does once all its lanes have arrived; `warp` is the thread of lane 0.
struct Operation {
    const char* name;
    void (*resolve)(Thread* warp, unsigned mask);
};

// The device: runs one block at a time.
class Device {
public:
    static Device*& running() {
        constinit static thread_local Device* device = nullptr;  // null outside of kernels
        return device;
    }
    static Device& mine() {
        static thread_local const std::unique_ptr<Device, Free> device(new (allocate()) Device);
        return *device;
    }
    ~Device() { munmap(arena_, arena_bytes); }

    void launch(dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(void*), void* arguments);
    void barrier(bool predicate, Where where);
    uint64_t collective(const Operation& operation, unsigned mask, uint64_t offer, int source, Where where);
    void before_atomic();

    Thread& thread() { return threads_[current_]; }
    unsigned lane() const { return current_ % warp_lanes; }
    bool has_lane(unsigned lane) const { return current_ / warp_lanes * warp_lanes + lane < count_; }
    void* dynamic_shared(Where where) {
        if (dynamic_bytes_ == 0) throw error(where, "dynamic_shared: the launch gave no dynamic shared memory");
        return arena_;
    }
    void* static_shared(size_t bytes);
    uint64_t block_serial() const { return serial_; }

private:
    struct Cancelled {};  // unwinds the stacks of the threads of a block that has failed
    struct Free {
        void operator()(Device* device) const { device->~Device(), std::free(device); }
    };
    static constexpr size_t arena_bytes = 512 * 1024, gap = 128;  // gap: red zone between shared objects

    Device()
        : arena_(static_cast<unsigned char*>(
              mmap(nullptr, arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
    static void* allocate() {  // not operator new: tests count its calls
        if (void* memory = std::aligned_alloc(alignof(Device), sizeof(Device))) return memory;
        throw std::bad_alloc();
    }
    uint64_t random() {  // splitmix64
        uint64_t z = config.random += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u, z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
    }
    void set_order(std::array<uint8_t, 32>& order, unsigned count) {
        for (unsigned i = 0; i < count; ++i) order[i] = uint8_t(config.order == Order::descending ? count - 1 - i : i);
        if (config.order == Order::shuffled)
            for (unsigned i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    }
    void protect_shared([[maybe_unused]] size_t from, [[maybe_unused]] size_t bytes) {
#if SIM_ASAN
        __asan_poison_memory_region(arena_ + from, bytes);
#endif
    }
    unsigned char* take_shared(size_t from, size_t bytes) {
#if SIM_ASAN
        __asan_unpoison_memory_region(arena_ + from, bytes);
#endif
        std::memset(arena_ + from, 0xff, bytes);
        return arena_ + from;
    }

    void run_block();
    bool run_warp(unsigned first);
    void run_fiber(Fiber& fiber);
    void resume(Thread& thread);
    void suspend(State why);
    void open_barrier(Where where);
    Error stuck();
    Error missing_lane(const Thread& waiting);
    void unwind();
    static void fiber_main();
    Fiber& free_fiber();

    std::array<Thread, max_threads> threads_;
    std::array<Fiber, max_threads> fibers_;
    std::array<Fiber*, max_threads> free_;
    unsigned fibers_started_ = 0, free_count_ = 0;
    std::array<uint8_t, 32> warp_order_, lane_order_;
    std::array<unsigned, max_threads / warp_lanes> arrived_{}, exited_{};  // lanes of each warp, as masks
    Context scheduler_;
    Fiber* fiber_ = nullptr;

    void (*kernel_)(void*) = nullptr;
    void* arguments_ = nullptr;
    unsigned count_ = 0, current_ = 0, first_ = 0, cursor_ = 0;  // first_, cursor_: warp and lane being started
    unsigned done_ = 0, at_barrier_ = 0, predicates_ = 0;
    size_t dynamic_bytes_ = 0, static_bytes_ = 0, arena_used_ = 0;
    uint64_t serial_ = 0, steps_ = 0;
    bool cancelled_ = false;
    std::exception_ptr error_;
    unsigned char* arena_;
};
}  // namespace sim

#include "cuda_sim_device.hpp"
#include "cuda_sim_runtime.hpp"
#include "cuda_vocabulary.hpp"
