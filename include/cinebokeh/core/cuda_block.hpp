// Sums over the threads of a CUDA block, the same in every run: no atomics, always added in the same order.
#pragma once
#include "cinebokeh/core/cuda.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {

/// What a block of `threads` threads needs for its sums.
template <class T, int threads>
struct BlockSum {
    T sums[threads];

    /// The sum of `value` over the threads before this one; `total` gets that over all. All threads call it.
    __device__ T before(T value, T& total) {
        const int thread = int(threadIdx.x);
        sums[thread] = value;
        __syncthreads();  // all values are there
        for (int d = 1; d < threads; d *= 2) {
            const T other = thread >= d ? sums[thread - d] : T(0);
            __syncthreads();  // all have read
            sums[thread] += other;
            __syncthreads();  // all have written
        }
        total = sums[threads - 1];
        const T result = sums[thread] - value;
        __syncthreads();  // the array may be used again
        return result;
    }
    /// The sum over all threads.
    __device__ T of(T value) {
        const int thread = int(threadIdx.x);
        sums[thread] = value;
        for (int half = threads / 2; half > 0; half /= 2) {
            __syncthreads();  // the sums of this level are there
            if (thread < half) sums[thread] += sums[thread + half];
        }
        __syncthreads();  // the total is there
        const T total = sums[0];
        __syncthreads();  // the array may be used again
        return total;
    }
};
}  // namespace cinebokeh
#endif
