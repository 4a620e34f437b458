// Four neighbouring channels at a time: what a thread on Cuda reads and writes of a tensor.
#pragma once
#include <cstdint>

#include "cinebokeh/core/float16.hpp"

namespace cinebokeh::detail {

template <class T>
struct alignas(4 * sizeof(T)) FourStored {
    T value[4];
};
struct alignas(16) Four {
    float value[4];
};
CINEBOKEH_HD inline bool is_aligned(const void* p, size_t bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

/// The first `count` values, of at most four, and zeros: at once where all four are there.
template <class T>
CINEBOKEH_HD Four load_four(const T* from, int count) {
    Four result{};
    if (count == 4 && is_aligned(from, sizeof(FourStored<T>))) {
        const FourStored<T> all = *reinterpret_cast<const FourStored<T>*>(from);
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) result.value[i] = to_float(all.value[i]);
    } else {
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i)
            if (i < count) result.value[i] = to_float(from[i]);
    }
    return result;
}
template <class T>
CINEBOKEH_HD void store_four(T* to, const Four& values, int count) {
    if (count == 4 && is_aligned(to, sizeof(FourStored<T>))) {
        FourStored<T> all{};
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i) all.value[i] = from_float<T>(values.value[i]);
        *reinterpret_cast<FourStored<T>*>(to) = all;
    } else {
        CINEBOKEH_UNROLL
        for (int i = 0; i < 4; ++i)
            if (i < count) to[i] = from_float<T>(values.value[i]);
    }
}
}  // namespace cinebokeh::detail
