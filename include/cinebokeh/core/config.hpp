// Version and the few macros everything else is built on. No other macro is needed at a call site.
//
//   CINEBOKEH_GRID    1 where CUDA kernels can be compiled: by nvcc, or by a C++ compiler in simulation (CINEBOKEH_SIM)
//   CINEBOKEH_HD      marks a function that runs on the host and on the device
//   CINEBOKEH_UNROLL  before a loop of a few constant turns that must be unrolled, because it indexes registers
//   CINEBOKEH_ROLLED  before one that must not be, because that would take too many registers
#pragma once

#define CINEBOKEH_VERSION_MAJOR 0
#define CINEBOKEH_VERSION_MINOR 1
#define CINEBOKEH_VERSION_PATCH 0
#define CINEBOKEH_VERSION_STRING "0.1.0"

#if defined(__CUDACC__) || defined(CINEBOKEH_SIM)
#define CINEBOKEH_GRID 1
#else
#define CINEBOKEH_GRID 0
#endif

#if defined(__CUDACC__)
#define CINEBOKEH_HD __host__ __device__
#else
#define CINEBOKEH_HD
#endif

#if defined(__CUDA_ARCH__) || (defined(__clang__) && !defined(__CUDACC__))
#define CINEBOKEH_UNROLL _Pragma("unroll")
#elif defined(__GNUC__) && !defined(__CUDACC__)
#define CINEBOKEH_UNROLL _Pragma("GCC unroll 32")
#else
#define CINEBOKEH_UNROLL
#endif
#if defined(__CUDA_ARCH__)
#define CINEBOKEH_ROLLED _Pragma("unroll 1")
#else
#define CINEBOKEH_ROLLED
#endif
#if defined(__CUDACC__)
#define CINEBOKEH_NOINLINE __noinline__
#else
#define CINEBOKEH_NOINLINE
#endif

#if defined(__CUDACC__)
#define CINEBOKEH_RESTRICT __restrict__
#elif defined(_MSC_VER)
#define CINEBOKEH_RESTRICT __restrict
#else
#define CINEBOKEH_RESTRICT __restrict__
#endif

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define CINEBOKEH_EXCEPTIONS 1
#else
#define CINEBOKEH_EXCEPTIONS 0
#endif
