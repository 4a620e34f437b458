// The two allocators an executor can be given: plain functions with a context, so that an engine's arena fits.
#pragma once
#include <cstddef>
#include <new>

#include "cinebokeh/core/config.hpp"

namespace cinebokeh {

/// Where an executor gets its memory. Blocks are at least 64-byte aligned on the host, 256-byte on a device.
/// `allocate` reports its own failures (it may throw); a null function asks for the executor's default.
struct Allocator {
    void* (*allocate)(void* context, size_t bytes) = nullptr;
    void (*deallocate)(void* context, void* block, size_t bytes) = nullptr;
    void* context = nullptr;
};

namespace detail {
inline void* allocate_host(void*, size_t bytes) { return ::operator new(bytes, std::align_val_t(64)); }
inline void deallocate_host(void*, void* block, size_t) { ::operator delete(block, std::align_val_t(64)); }
}  // namespace detail

/// The default of Cpu: operator new, aligned to a cache line.
inline Allocator host_allocator() { return {detail::allocate_host, detail::deallocate_host, nullptr}; }
}  // namespace cinebokeh
