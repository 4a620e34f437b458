// Cuda: the executor that runs on one CUDA device, on a stream of the caller's or its own.
//
// Present where kernels can be compiled (CINEBOKEH_GRID): under nvcc, and in simulation, where tests/cuda_sim.hpp runs
// the same kernels on the CPU. Kernels are launched through Cuda::launch and take shared memory only from
// static_shared<T>() and dynamic_shared<T>(): that is what lets the simulator run and poison them.
#pragma once
#include <string>
#include <type_traits>

#include "cinebokeh/core/allocator.hpp"
#include "cinebokeh/core/error.hpp"
#include "cinebokeh/core/image.hpp"

#if CINEBOKEH_GRID
#if defined(CINEBOKEH_SIM)
#include "cuda_sim.hpp"
#else
#include <cuda_runtime.h>
#endif

/// Calls a function of the CUDA runtime; throws Error with the text of the call where it fails.
#define CINEBOKEH_CUDA(call)                                                                                      \
    do {                                                                                                          \
        const cudaError_t cinebokeh_status = (call);                                                              \
        ::cinebokeh::require(cinebokeh_status == cudaSuccess, #call, ": ", cudaGetErrorString(cinebokeh_status)); \
    } while (0)

namespace cinebokeh {

/// Whether there is a CUDA device that can be used, and if not, why.
struct CudaStatus {
    int devices = 0;
    std::string reason;  // of the runtime, where devices == 0
};
inline CudaStatus cuda_status() {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess) return {0, cudaGetErrorString(status)};
    return {devices, devices ? "" : "no CUDA device"};
}

namespace detail {
inline void* allocate_device(void*, size_t bytes) {
    void* block = nullptr;
    CINEBOKEH_CUDA(cudaMalloc(&block, bytes));
    return block;
}
inline void deallocate_device(void*, void* block, size_t) { cudaFree(block); }
}  // namespace detail

/// The default of Cuda: cudaMalloc.
inline Allocator device_allocator() { return {detail::allocate_device, detail::deallocate_device, nullptr}; }

/// Executor on a CUDA device. Calls are asynchronous: they are ordered on the stream and return at once.
class Cuda {
public:
    using Space = DeviceSpace;

    /// Works on the current device and makes a stream of its own. Throws Error without a device.
    explicit Cuda(Allocator allocator = {}) : Cuda(nullptr, allocator) {
        CINEBOKEH_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
        owns_stream_ = true;
    }
    /// Works on the caller's stream, which must outlive the executor. A null allocator function asks for cudaMalloc.
    explicit Cuda(cudaStream_t stream, Allocator allocator = {})
        : stream_(stream),
          allocator_(allocator.allocate ? allocator : device_allocator()),
          results_(allocate(results_bytes + barrier_bytes)) {}
    ~Cuda() {
        deallocate(results_, results_bytes + barrier_bytes);
        if (owns_stream_) cudaStreamDestroy(stream_);
    }
    Cuda(const Cuda&) = delete;
    Cuda& operator=(const Cuda&) = delete;

    void* allocate(size_t bytes) { return allocator_.allocate(allocator_.context, bytes); }
    void deallocate(void* block, size_t bytes) { allocator_.deallocate(allocator_.context, block, bytes); }
    void synchronize() { CINEBOKEH_CUDA(cudaStreamSynchronize(stream_)); }
    cudaStream_t stream() const { return stream_; }
    int multiprocessors() {
        if (multiprocessors_ == 0) {
            int device = 0;
            CINEBOKEH_CUDA(cudaGetDevice(&device));
            CINEBOKEH_CUDA(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, device));
        }
        return multiprocessors_;
    }

    /// Device memory of 256 bytes for what a call brings back to the host, such as moments(): used in the order of the
    /// stream, and by the next such call again.
    template <class T>
    T* results() {
        static_assert(sizeof(T) <= results_bytes);
        return static_cast<T*>(results_);
    }

    /// Starts a kernel on the stream. Launches of no block do nothing. Throws Error if the launch is refused.
    template <class... Parameters, class... Arguments>
    void launch(dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(Parameters...), Arguments... arguments) {
        if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
#if defined(CINEBOKEH_SIM)
        sim::launch(grid, block, shared_bytes, kernel, arguments...);
#else
        if (shared_bytes > 48 * 1024)  // more than the default must be asked for, once per kernel
            CINEBOKEH_CUDA(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                                cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes)));
        // clang-format off
        kernel<<<grid, block, shared_bytes, stream_>>>(arguments...);
        // clang-format on
        CINEBOKEH_CUDA(cudaGetLastError());
#endif
    }

    /// Calls f(phase) in all threads of a grid, for phase = 0 .. phases - 1: no thread begins a phase before all have
    /// ended the one before, and what was written then can be read. One launch, so the blocks must run at the same
    /// time: at most one for each multiprocessor. In simulation, where blocks run one after the other, a launch each.
    template <class F>
    void launch_phases(int phases, dim3 grid, dim3 block, const F& f);

private:
    static constexpr size_t results_bytes = 256, barrier_bytes = 256;

    unsigned* barrier() const { return reinterpret_cast<unsigned*>(static_cast<char*>(results_) + results_bytes); }

    cudaStream_t stream_ = nullptr;
    Allocator allocator_;
    void* results_;            // and the barrier of launch_phases
    int multiprocessors_ = 0;  // not asked for yet
    bool owns_stream_ = false;
};

#if !defined(CINEBOKEH_SIM)
/// Shared memory of the size known at compile time: one object of type T per block. T is a struct of the kernel's own.
template <class T>
__device__ __forceinline__ T& static_shared() {
    __shared__ T object;
    return object;
}
/// Shared memory of the size given at the launch.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
    extern __shared__ __align__(128) unsigned char cinebokeh_dynamic_shared[];
    return reinterpret_cast<T*>(cinebokeh_dynamic_shared);
}
#else
using sim::dynamic_shared;
using sim::static_shared;
#endif

namespace kernels {
/// Waits for all blocks of a grid that runs as a whole. The first block flips the highest bit once all have come, and
/// that is all that remains of a barrier: the next one finds it so.
static __device__ inline void grid_barrier(unsigned* state) {
    constexpr unsigned flip = 0x80000000u;
    __syncthreads();  // the block has come
    if (threadIdx.x == 0 && threadIdx.y == 0 && threadIdx.z == 0) {
        const unsigned blocks = gridDim.x * gridDim.y * gridDim.z;
        const bool first = blockIdx.x == 0 && blockIdx.y == 0 && blockIdx.z == 0;
        __threadfence();  // what the block has written is seen first
        const unsigned before = atomicAdd(state, first ? flip - (blocks - 1) : 1u);
        while (((*static_cast<volatile unsigned*>(state) ^ before) & flip) == 0) {
        }
        __threadfence();  // nothing is read before
    }
    __syncthreads();  // all blocks have come
}
template <class F>
static __global__ void run_phases(int first, int end, unsigned* barrier, F f) {
    for (int phase = first; phase < end; ++phase) {
        if (phase > first) grid_barrier(barrier);
        f(phase);
    }
}

template <class F>
static __global__ void for_each_pixel(Size size, F f) {
    const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y * blockDim.y + threadIdx.y);
    if (x < size.width && y < size.height) f(x, y);
}
}  // namespace kernels

template <class F>
void Cuda::launch_phases(int phases, dim3 grid, dim3 block, const F& f) {
    const int blocks = int(grid.x * grid.y * grid.z);
    require(blocks <= multiprocessors(), "Cuda: ", blocks, " blocks in phases on ", multiprocessors(), " processors");
    if (blocks == 0) return;
    CINEBOKEH_CUDA(cudaMemsetAsync(barrier(), 0, barrier_bytes, stream_));
#if defined(CINEBOKEH_SIM)
    for (int i = 0; i < phases; ++i) launch(grid, block, 0, kernels::run_phases<F>, i, i + 1, barrier(), f);
#else
    int first = 0;
    unsigned* state = barrier();
    F functor = f;
    void* arguments[] = {&first, &phases, &state, &functor};
    CINEBOKEH_CUDA(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(kernels::run_phases<F>), grid, block,
                                               arguments, 0, stream_));
#endif
}

/// Calls f(x, y) for every pixel; the same functor runs on Cpu.
template <class F>
void for_each_pixel(Cuda& exec, Size size, const F& f) {
    if (size.empty()) return;
    const dim3 block(32, 8);
    exec.launch(dim3(unsigned(ceil_div(size.width, 32)), unsigned(ceil_div(size.height, 8))), block, 0,
                kernels::for_each_pixel<F>, size, f);
}

namespace detail {
inline void copy_rows_async(const void* in, ptrdiff_t in_pitch, void* out, ptrdiff_t out_pitch, size_t row_bytes,
                            int rows, cudaMemcpyKind kind, cudaStream_t stream) {
    if (row_bytes == 0 || rows == 0) return;
    if (in_pitch > 0 && out_pitch > 0) {
        CINEBOKEH_CUDA(
            cudaMemcpy2DAsync(out, size_t(out_pitch), in, size_t(in_pitch), row_bytes, size_t(rows), kind, stream));
        return;
    }
    for (int y = 0; y < rows; ++y)  // bottom-up images
        CINEBOKEH_CUDA(cudaMemcpyAsync(static_cast<unsigned char*>(out) + y * out_pitch,
                                       static_cast<const unsigned char*>(in) + y * in_pitch, row_bytes, kind, stream));
}
template <class T, class From, class To>
void copy_image(Cuda& exec, Image<T, From> in, Image<std::remove_const_t<T>, To> out, cudaMemcpyKind kind) {
    require(in.size == out.size, "copy: the images differ in size");
    copy_rows_async(in.data, in.pitch, out.data, out.pitch, size_t(in.size.width) * sizeof(T), in.size.height, kind,
                    exec.stream());
}
}  // namespace detail

/// Copies an image within the device, to it, or from it. Asynchronous where the host memory is pinned.
template <class T>
void copy(Cuda& exec, Image<T, DeviceSpace> in, Image<std::remove_const_t<T>, DeviceSpace> out) {
    detail::copy_image(exec, in, out, cudaMemcpyDeviceToDevice);
}
template <class T>
void copy(Cuda& exec, Image<T, HostSpace> in, Image<std::remove_const_t<T>, DeviceSpace> out) {
    detail::copy_image(exec, in, out, cudaMemcpyHostToDevice);
}
template <class T>
void copy(Cuda& exec, Image<T, DeviceSpace> in, Image<std::remove_const_t<T>, HostSpace> out) {
    detail::copy_image(exec, in, out, cudaMemcpyDeviceToHost);
}

/// What a call has left in the results of an executor. Waits.
template <class T>
T fetch_results(Cuda& exec) {
    T results;
    copy(exec, Image<const T, DeviceSpace>(exec.results<T>(), {1, 1}), HostImage<T>(&results, {1, 1}));
    exec.synchronize();
    return results;
}
}  // namespace cinebokeh
#endif
