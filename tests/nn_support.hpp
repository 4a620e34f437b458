// What the tests of the layers share: storage types, and their precision.
#pragma once
#include "cinebokeh/nn/tensor.hpp"
#include "support.hpp"

namespace cinebokeh {

// One executor and one storage type.
template <class T_, class Exec_>
struct Layer {
    using T = T_;
    using Exec = Exec_;
};
#if defined(CINEBOKEH_SIM)
#define LAYER_EXECUTORS                                                                           \
    Layer<float, Cpu>, Layer<Half, Cpu>, Layer<BFloat16, Cpu>, Layer<float, CudaAscending>,       \
        Layer<Half, CudaDescending>, Layer<BFloat16, CudaShuffled>, Layer<float, CudaDescending>, \
        Layer<float, CudaShuffled>
#elif defined(__CUDACC__)
#define LAYER_EXECUTORS                                                                               \
    Layer<float, Cpu>, Layer<Half, Cpu>, Layer<BFloat16, Cpu>, Layer<float, Cuda>, Layer<Half, Cuda>, \
        Layer<BFloat16, Cuda>
#else
#define LAYER_EXECUTORS Layer<float, Cpu>, Layer<Half, Cpu>, Layer<BFloat16, Cpu>
#endif

// Half of the distance from 1 to the next number that can be stored: the largest relative error of rounding.
template <class T>
constexpr double rounding = 0x1p-24;
template <>
inline constexpr double rounding<Half> = 0x1p-11;
template <>
inline constexpr double rounding<BFloat16> = 0x1p-8;

// Values as they are once stored, so that a reference and a layer start from the same numbers.
template <class T>
std::vector<float> stored(std::vector<float> values) {
    for (float& v : values) v = to_float(from_float<T>(v));
    return values;
}
}  // namespace cinebokeh
