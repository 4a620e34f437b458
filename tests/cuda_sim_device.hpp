// How the simulator runs a block: from barrier to barrier, warp by warp, lane by lane. Included by cuda_sim.hpp.
#pragma once
#include <numeric>

namespace sim {

inline void Device::launch(dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(void*), void* arguments) {
    const uint64_t threads = uint64_t(block.x) * block.y * block.z;
    const uint64_t blocks = uint64_t(grid.x) * grid.y * grid.z;
    if (running()) throw error({}, "a kernel cannot launch another");
    if (threads == 0 || threads > max_threads || block.z > 64)
        throw error({}, "a block of ", text(uint3{block.x, block.y, block.z}), " threads; the limit is 1024, 64 in z");
    if (blocks == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
        throw error({}, "a grid of ", text(uint3{grid.x, grid.y, grid.z}), " blocks; the limit is 65535 in y and z");
    if (shared_bytes > max_shared_bytes)
        throw error({}, shared_bytes, " bytes of shared memory; a block has ", max_shared_bytes);

    kernel_ = kernel, arguments_ = arguments, count_ = unsigned(threads), dynamic_bytes_ = shared_bytes;
    for (unsigned t = 0; t < count_; ++t)
        threads_[t].index = {t % block.x, t / block.x % block.y, t / (block.x * block.y)};
    gridDim = grid, blockDim = block;

    // Block i is i * stride + start: all of them once, as the stride shares no factor with their number.
    uint64_t stride = 1, start = 0;
    if (config.order == Order::shuffled) {
        start = random() % blocks;
        do stride = 1 + random() % blocks;
        while (std::gcd(stride, blocks) != 1);
    }
    running() = this;
    for (uint64_t i = 0; i < blocks && !error_; ++i) {
        uint64_t b = uint64_t((unsigned __int128)(i)*stride % blocks);
        b = (b + start) % blocks;
        if (config.order == Order::descending) b = blocks - 1 - i;
        blockIdx = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y), unsigned(b / grid.x / grid.y)};
        run_block();
    }
    running() = nullptr;
    protect_shared(0, arena_bytes);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

inline void Device::run_block() {
    const unsigned warps = (count_ + warp_lanes - 1) / warp_lanes;
    for (unsigned t = 0; t < count_; ++t) threads_[t].state = State::unstarted, threads_[t].atomics = 0;
    std::fill_n(arrived_.begin(), warps, 0u), std::fill_n(exited_.begin(), warps, 0u);
    set_order(warp_order_, warps), set_order(lane_order_, warp_lanes);
    ++serial_, static_bytes_ = 0, done_ = at_barrier_ = predicates_ = 0;
    protect_shared(0, arena_bytes);
    take_shared(0, dynamic_bytes_);
    arena_used_ = (dynamic_bytes_ + gap + gap - 1) / gap * gap;

    uint64_t seen = steps_, idle_rounds = 0;
    while (done_ < count_ && !error_) {
        bool progress = false;
        for (unsigned w = 0; w < warps && !error_; ++w) progress |= run_warp(warp_order_[w] * warp_lanes);
        idle_rounds = steps_ == seen ? idle_rounds + 1 : 0, seen = steps_;
        if (error_ || done_ == count_) break;
        if (!progress) error_ = std::make_exception_ptr(stuck());
        if (idle_rounds > 200'000)
            error_ = std::make_exception_ptr(error({}, "block ", text(blockIdx), " spins on atomics for ever"));
    }
    if (error_) unwind();
}

// Runs the lanes of a warp as far as they come without the other warps. False when none could move.
inline bool Device::run_warp(unsigned first) {
    bool progress = false;
    for (unsigned l = 0; l < warp_lanes; ++l)
        if (threads_[first + l].state == State::yielded && first + l < count_) threads_[first + l].state = State::ready;
    for (bool again = true; again && !error_;) {
        again = false;
        first_ = first;
        for (cursor_ = 0; cursor_ < warp_lanes && !error_;) {
            const unsigned t = first + lane_order_[cursor_];
            if (t < count_ && threads_[t].state == State::unstarted) {
                run_fiber(free_fiber());  // moves the cursor past every lane it has run
                again = true;
                continue;
            }
            if (t < count_ && threads_[t].state == State::ready) resume(threads_[t]), again = true;
            ++cursor_;
        }
        progress |= again;
    }
    return progress;
}
inline void Device::run_fiber(Fiber& fiber) {
    fiber_ = &fiber;
    switch_context(scheduler_, fiber.context);
}
inline void Device::resume(Thread& thread) {
    current_ = unsigned(&thread - threads_.data());
    threadIdx = thread.index;
    run_fiber(*thread.fiber);
}
inline void Device::suspend(State why) {
    Thread& t = thread();
    t.state = why, t.fiber = fiber_;
    Fiber& mine = *fiber_;
    switch_context(mine.context, scheduler_);
    if (cancelled_) throw Cancelled();
}

// A fiber starts the lanes of a warp one after the other and stays with one only while that waits, so a kernel without
// barriers costs one function call per thread.
inline void Device::fiber_main() {
    Device& d = *running();
    entered_from(d.scheduler_);
    for (;;) {
        Fiber* const fiber = d.fiber_;
        for (bool waited = false; d.cursor_ < warp_lanes && !waited && !d.error_;) {
            const unsigned t = d.first_ + d.lane_order_[d.cursor_++];
            if (t >= d.count_) continue;
            Thread& thread = d.threads_[t];
            d.current_ = t, threadIdx = thread.index;
            try {
                d.kernel_(d.arguments_);
            } catch (const Cancelled&) {
            } catch (...) {
                if (!d.error_) d.error_ = std::current_exception();
            }
            thread.state = State::done;
            d.exited_[t / warp_lanes] |= 1u << t % warp_lanes;
            ++d.done_, ++d.steps_;
            waited = thread.fiber != nullptr;  // then the scheduler has moved on meanwhile
        }
        d.free_[d.free_count_++] = fiber;
        switch_context(fiber->context, d.scheduler_);
    }
}
inline Fiber& Device::free_fiber() {
    if (free_count_) return *free_[--free_count_];
    Fiber& fiber = fibers_[fibers_started_++];
    fiber.start(fiber_main);
    return fiber;
}
// Lets the threads that wait in a failed block leave their functions, so that their stacks can be used again.
inline void Device::unwind() {
    cancelled_ = true;
    for (unsigned t = 0; t < count_; ++t)
        if (threads_[t].state != State::unstarted && threads_[t].state != State::done) resume(threads_[t]);
    cancelled_ = false;
}

inline void Device::barrier(bool predicate, Where where) {
    Thread& me = thread();
    me.where = where;
    predicates_ += predicate;
    if (++at_barrier_ == count_) open_barrier(where);
    suspend(at_barrier_ == 0 ? State::ready : State::at_barrier);
}
inline void Device::open_barrier(Where where) {
    for (unsigned t = 0; t < count_; ++t)
        if (!(threads_[t].where == where))
            throw error(where, "thread ", thread().index, " waits here while thread ", threads_[t].index,
                        " waits at the barrier of ", threads_[t].where.file, ":", threads_[t].where.line);
    for (unsigned t = 0; t < count_; ++t) threads_[t].state = State::ready, threads_[t].result = predicates_;
    at_barrier_ = predicates_ = 0, ++steps_;
}

inline uint64_t Device::collective(const Operation& operation, unsigned mask, uint64_t offer, int source, Where where) {
    Thread& me = thread();
    const unsigned w = current_ / warp_lanes;
    Thread* const warp = &threads_[w * warp_lanes];
    if (!(mask >> lane() & 1)) throw error(where, operation.name, ": the mask leaves out the calling lane ", lane());
    me.where = where, me.operation = &operation, me.mask = mask, me.offer = offer, me.source = source;
    const unsigned lanes = std::min(count_ - w * warp_lanes, warp_lanes);
    if ((lanes < warp_lanes && mask >> lanes) || mask & exited_[w]) throw missing_lane(me);
    arrived_[w] |= 1u << lane();
    bool complete = (arrived_[w] & mask) == mask;
    for (unsigned m = mask; m && complete; m &= m - 1) {
        const Thread& peer = warp[std::countr_zero(m)];
        if (peer.mask == mask && peer.operation != &operation)
            throw error(where, operation.name, " by lane ", lane(), ", but ", peer.operation->name, " by lane ",
                        std::countr_zero(m), " at ", peer.where.file, ":", peer.where.line);
        complete = peer.mask == mask;
    }
    if (complete) {
        operation.resolve(warp, mask);
        for (unsigned m = mask; m; m &= m - 1) warp[std::countr_zero(m)].state = State::ready;
        arrived_[w] &= ~mask, ++steps_;
    }
    suspend(complete ? State::ready : State::at_collective);
    return me.result;
}
inline Error Device::missing_lane(const Thread& waiting) {
    const unsigned t = unsigned(&waiting - threads_.data()), w = t / warp_lanes;
    const unsigned lanes = std::min(count_ - w * warp_lanes, warp_lanes);
    const unsigned absent = waiting.mask & ~(lanes < warp_lanes ? (1u << lanes) - 1 : ~0u);
    const unsigned exited = waiting.mask & exited_[w];
    return error(waiting.where, waiting.operation->name, ": the mask names lane ",
                 std::countr_zero(exited ? exited : absent),
                 exited ? ", which has exited" : ", which the last warp of the block does not have");
}

// Why no thread of the block can go on.
inline Error Device::stuck() {
    for (unsigned t = 0; t < count_; ++t) {
        const Thread& waiting = threads_[t];
        if (waiting.state != State::at_collective) continue;
        const unsigned w = t / warp_lanes;
        if (waiting.mask & exited_[w]) return missing_lane(waiting);
        for (unsigned m = waiting.mask & ~(1u << t % warp_lanes); m; m &= m - 1) {
            const unsigned lane = unsigned(std::countr_zero(m));
            const Thread& peer = threads_[w * warp_lanes + lane];
            if (peer.state == State::at_collective && peer.mask == waiting.mask) continue;
            return error(waiting.where, waiting.operation->name, " waits for lane ", lane, ", which waits at ",
                         peer.where.file, ":", peer.where.line,
                         peer.state == State::at_barrier ? ", a barrier" : " with another mask");
        }
    }
    unsigned waiting = 0, exited = 0;
    while (threads_[waiting].state != State::at_barrier) ++waiting;
    while (threads_[exited].state != State::done) ++exited;
    return error(threads_[waiting].where, done_, " of ", count_, " threads returned without reaching this barrier; ",
                 "thread ", threads_[exited].index, " of block ", blockIdx, " is the first");
}

inline void Device::before_atomic() {
    Thread& me = thread();
    // Now and then in the other orders too, so that a thread that waits for a lock cannot hold up the one that has it.
    if (config.order == Order::shuffled || config.yield_on_atomics || ++me.atomics % 64 == 0) suspend(State::yielded);
}

inline void* Device::static_shared(size_t bytes) {
    static_bytes_ += bytes;
    if (static_bytes_ > max_static_shared_bytes)
        throw error({}, static_bytes_, " bytes of static shared memory; a block has ", max_static_shared_bytes);
    if (static_bytes_ + dynamic_bytes_ > max_shared_bytes)
        throw error({}, static_bytes_ + dynamic_bytes_, " bytes of shared memory; a block has ", max_shared_bytes);
    const size_t at = arena_used_;
    arena_used_ += (bytes + gap + gap - 1) / gap * gap;
    return take_shared(at, bytes);
}

template <class... Parameters, class... Arguments>
void launch(dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(Parameters...), Arguments... arguments) {
    struct Call {
        void (*kernel)(Parameters...);
        std::tuple<Parameters...> arguments;
    } call{kernel, {arguments...}};
    const auto run = [](void* p) { std::apply(static_cast<Call*>(p)->kernel, static_cast<Call*>(p)->arguments); };
    Device::mine().launch(grid, block, shared_bytes, run, &call);
}

template <class T>
T* dynamic_shared(Where where = here()) {
    return static_cast<T*>(Device::running()->dynamic_shared(where));
}
template <class T>
T& static_shared() {
    static_assert(std::is_trivially_default_constructible_v<T>, "CUDA does not initialise shared memory");
    constinit static thread_local uint64_t block = 0;
    constinit static thread_local T* object = nullptr;
    Device& device = *Device::running();
    if (block != device.block_serial())
        object = static_cast<T*>(device.static_shared(sizeof(T))), block = device.block_serial();
    return *object;
}
}  // namespace sim
