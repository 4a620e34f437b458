// The part of the CUDA runtime that host code calls: one device, whose memory is the host's and whose streams are
// always idle. Device memory is filled with 0xff when it is allocated. Calls that cannot be captured in a CUDA graph
// are counted.
#pragma once
#include <cstring>
#include <new>

namespace sim {
struct RuntimeCalls {
    long allocations = 0, synchronisations = 0;
};
inline thread_local RuntimeCalls runtime_calls;
}  // namespace sim

using cudaStream_t = void*;
using cudaEvent_t = void*;
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorNoDevice = 100 };
enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;

inline const char* cudaGetErrorString(cudaError_t status) {
    return status == cudaSuccess ? "no error" : "simulated error";
}
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaPeekAtLastError() { return cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
inline cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount };
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) { return *value = 16, cudaSuccess; }
inline cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }
inline cudaError_t cudaDeviceSynchronize() { return ++sim::runtime_calls.synchronisations, cudaSuccess; }

inline cudaError_t cudaStreamCreate(cudaStream_t* stream) { return *stream = nullptr, cudaSuccess; }
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return *stream = nullptr, cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaDeviceSynchronize(); }
inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0) { return cudaSuccess; }
inline cudaError_t cudaEventCreate(cudaEvent_t* event) { return *event = nullptr, cudaSuccess; }
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return *event = nullptr, cudaSuccess; }
inline cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = nullptr) { return cudaSuccess; }
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaDeviceSynchronize(); }
inline cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) { return *ms = 0, cudaSuccess; }

template <class T>
cudaError_t cudaMalloc(T** block, size_t bytes) {
    ++sim::runtime_calls.allocations;
    void* memory = bytes ? ::operator new(bytes, std::align_val_t(256)) : nullptr;
    if (memory) std::memset(memory, 0xff, bytes);
    *block = static_cast<T*>(memory);
    return cudaSuccess;
}
inline cudaError_t cudaFree(void* block) {
    ++sim::runtime_calls.allocations;
    ::operator delete(block, std::align_val_t(256));
    return cudaSuccess;
}
template <class T>
cudaError_t cudaMallocAsync(T** block, size_t bytes, cudaStream_t) {
    return cudaMalloc(block, bytes);
}
inline cudaError_t cudaFreeAsync(void* block, cudaStream_t) { return cudaFree(block); }
template <class T>
cudaError_t cudaMallocHost(T** block, size_t bytes) {
    return cudaMalloc(block, bytes);
}
inline cudaError_t cudaFreeHost(void* block) { return cudaFree(block); }

inline cudaError_t cudaMemsetAsync(void* out, int value, size_t bytes, cudaStream_t = nullptr) {
    if (bytes) std::memset(out, value, bytes);
    return cudaSuccess;
}
inline cudaError_t cudaMemset(void* out, int value, size_t bytes) {
    return cudaMemsetAsync(out, value, bytes), cudaDeviceSynchronize();
}
inline cudaError_t cudaMemset2DAsync(void* out, size_t pitch, int value, size_t row_bytes, size_t rows,
                                     cudaStream_t = nullptr) {
    if (row_bytes > pitch) return cudaErrorInvalidValue;
    for (size_t y = 0; y < rows; ++y) std::memset(static_cast<unsigned char*>(out) + y * pitch, value, row_bytes);
    return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* out, const void* in, size_t bytes, cudaMemcpyKind, cudaStream_t = nullptr) {
    if (bytes) std::memcpy(out, in, bytes);
    return cudaSuccess;
}
inline cudaError_t cudaMemcpy(void* out, const void* in, size_t bytes, cudaMemcpyKind kind) {
    return cudaMemcpyAsync(out, in, bytes, kind), cudaDeviceSynchronize();
}
inline cudaError_t cudaMemcpy2DAsync(void* out, size_t out_pitch, const void* in, size_t in_pitch, size_t row_bytes,
                                     size_t rows, cudaMemcpyKind, cudaStream_t = nullptr) {
    if (row_bytes > out_pitch || row_bytes > in_pitch) return cudaErrorInvalidValue;
    for (size_t y = 0; y < rows; ++y)
        std::memcpy(static_cast<unsigned char*>(out) + y * out_pitch,
                    static_cast<const unsigned char*>(in) + y * in_pitch, row_bytes);
    return cudaSuccess;
}
