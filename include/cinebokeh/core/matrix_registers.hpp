// The matrix registers of x86 (Intel's AMX), where there are any: a process must ask for them before it uses them.
#pragma once
#include "cinebokeh/core/lane_storage.hpp"
#if CINEBOKEH_AVX512 && defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__linux__) && defined(__GNUC__)
#define CINEBOKEH_AMX 1
#include <sys/syscall.h>
#include <unistd.h>
#else
#define CINEBOKEH_AMX 0
#endif

namespace cinebokeh::detail {

/// Whether this process may use matrix registers, and the compiler does. Asks the system at the first call.
inline bool has_matrix_registers() {
#if CINEBOKEH_AMX
    constexpr int request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    static const bool granted = syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
    return granted;
#else
    return false;
#endif
}
}  // namespace cinebokeh::detail
