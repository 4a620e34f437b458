// Fibers for the simulator: a stack of its own for every CUDA thread that waits, and the switch between stacks.
//
// On x86-64 (System V) the switch is a dozen instructions; elsewhere it is ucontext. AddressSanitizer is told of every
// switch, so it knows which stack is in use.
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <new>

#if !defined(__x86_64__) || defined(__CYGWIN__)
#define SIM_UCONTEXT 1
#endif
#if SIM_UCONTEXT
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif
#if SIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !SIM_UCONTEXT
// void cinebokeh_sim_switch(void** save_stack_pointer_here, void* stack_pointer_to_continue_with)
extern "C" void cinebokeh_sim_switch(void** from, void* to);
asm(R"(
.pushsection .text.cinebokeh_sim_switch, "ax", @progbits
.weak cinebokeh_sim_switch
.type cinebokeh_sim_switch, @function
cinebokeh_sim_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
.size cinebokeh_sim_switch, . - cinebokeh_sim_switch
.popsection
)");
#endif

namespace sim {

// Where an execution can be continued.
struct Context {
#if SIM_UCONTEXT
    ucontext_t registers;
#else
    void* stack_pointer = nullptr;
#endif
    const void* stack_bottom = nullptr;  // for AddressSanitizer, with its own bookkeeping
    size_t stack_bytes = 0;
    void* fake_stack = nullptr;
};

inline void switch_context(Context& from, Context& to) {
#if SIM_ASAN
    __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_bytes);
#endif
#if SIM_UCONTEXT
    swapcontext(&from.registers, &to.registers);
#else
    cinebokeh_sim_switch(&from.stack_pointer, to.stack_pointer);
#endif
#if SIM_ASAN
    // Fibers and the scheduler only ever switch to each other, so whoever came back is `to`.
    __sanitizer_finish_switch_fiber(from.fake_stack, &to.stack_bottom, &to.stack_bytes);
#endif
}
// The first thing a fiber's main function does.
inline void entered_from([[maybe_unused]] Context& scheduler) {
#if SIM_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack_bottom, &scheduler.stack_bytes);
#endif
}

// A stack with a guard page below it, taken from the system and kept until the end. `main` never returns.
class Fiber {
public:
    Context context;

    bool started() const { return memory_ != nullptr; }
    void start(void (*main)()) {
        void* memory = mmap(nullptr, guard + stack_bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        mprotect(memory, guard, PROT_NONE);
        memory_ = static_cast<unsigned char*>(memory);
        context.stack_bottom = memory_ + guard;
        context.stack_bytes = stack_bytes;
#if SIM_UCONTEXT
        getcontext(&context.registers);
        context.registers.uc_stack.ss_sp = memory_ + guard;
        context.registers.uc_stack.ss_size = stack_bytes;
        context.registers.uc_link = nullptr;
        makecontext(&context.registers, main, 0);
#else
        void** top = reinterpret_cast<void**>(memory_ + guard + stack_bytes - 16);
        *--top = nullptr;  // the return address of main; the ABI wants it 8 bytes below a multiple of 16
        *--top = reinterpret_cast<void*>(main);
        for (int i = 0; i < 6; ++i) *--top = nullptr;  // the registers that the switch restores
        context.stack_pointer = top;
#endif
    }
    Fiber() = default;
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;
    ~Fiber() {
        if (!memory_) return;
#if SIM_ASAN
        __asan_unpoison_memory_region(memory_ + guard, stack_bytes);  // the next owner of the pages starts afresh
#endif
        munmap(memory_, guard + stack_bytes);
    }

private:
    static constexpr size_t guard = 4096;
#if SIM_ASAN
    static constexpr size_t stack_bytes = 512 * 1024;  // red zones
#else
    static constexpr size_t stack_bytes = 128 * 1024;
#endif
    unsigned char* memory_ = nullptr;
};
}  // namespace sim
