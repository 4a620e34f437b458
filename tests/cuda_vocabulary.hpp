// The CUDA vocabulary of the simulator: what kernels call, and the part of the runtime that host code calls.
// Add a line here when a kernel needs one more word.
#pragma once
#include <cmath>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) alignas(n)

// ---- vectors ----
#define CINEBOKEH_SIM_VECTORS(type, name)                                          \
    struct alignas(2 * sizeof(type)) name##2 {                                     \
        type x, y;                                                                 \
    };                                                                             \
    struct name##3 {                                                               \
        type x, y, z;                                                              \
    };                                                                             \
    struct alignas(4 * sizeof(type)) name##4 {                                     \
        type x, y, z, w;                                                           \
    };                                                                             \
    constexpr name##2 make_##name##2(type x, type y) { return {x, y}; }            \
    constexpr name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; } \
    constexpr name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
CINEBOKEH_SIM_VECTORS(int, int)
CINEBOKEH_SIM_VECTORS(float, float)
CINEBOKEH_SIM_VECTORS(short, short)
CINEBOKEH_SIM_VECTORS(unsigned short, ushort)
CINEBOKEH_SIM_VECTORS(unsigned char, uchar)
#undef CINEBOKEH_SIM_VECTORS
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
constexpr uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
constexpr uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
constexpr uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline constexpr int warpSize = 32;

// ---- barriers ----
namespace sim {
inline unsigned barrier(int predicate, Where where) {
    Device& device = *Device::running();
    device.barrier(predicate != 0, where);
    return unsigned(device.thread().result);
}
}  // namespace sim
inline void __syncthreads(sim::Where w = sim::here()) { sim::barrier(0, w); }
inline int __syncthreads_count(int p, sim::Where w = sim::here()) { return int(sim::barrier(p, w)); }
inline int __syncthreads_or(int p, sim::Where w = sim::here()) { return sim::barrier(p, w) != 0; }
inline int __syncthreads_and(int p, sim::Where w = sim::here()) { return sim::barrier(!p, w) == 0; }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __nanosleep(unsigned) { sim::Device::running()->before_atomic(); }

// ---- warp collectives ----
namespace sim {
template <class T>
uint64_t to_bits(T value) {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}
template <class T>
T from_bits(uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
// Reading a lane that the mask leaves out gives an undefined value: all ones.
inline void resolve_shuffle(Thread* warp, unsigned mask) {
    for (unsigned m = mask; m; m &= m - 1) {
        Thread& lane = warp[std::countr_zero(m)];
        lane.result = mask >> lane.source & 1 ? warp[lane.source].offer : ~uint64_t(0);
    }
}
inline void resolve_ballot(Thread* warp, unsigned mask) {
    uint64_t votes = 0;
    for (unsigned m = mask; m; m &= m - 1) votes |= warp[std::countr_zero(m)].offer << std::countr_zero(m);
    for (unsigned m = mask; m; m &= m - 1) warp[std::countr_zero(m)].result = votes;
}
inline void resolve_match(Thread* warp, unsigned mask) {
    for (unsigned m = mask; m; m &= m - 1) {
        Thread& lane = warp[std::countr_zero(m)];
        lane.result = 0;
        for (unsigned k = mask; k; k &= k - 1)
            if (warp[std::countr_zero(k)].offer == lane.offer) lane.result |= k & -k;
    }
}
template <class T, T (*combine)(T, T)>
void resolve_reduce(Thread* warp, unsigned mask) {
    T total = from_bits<T>(warp[std::countr_zero(mask)].offer);
    for (unsigned m = mask & (mask - 1); m; m &= m - 1)
        total = combine(total, from_bits<T>(warp[std::countr_zero(m)].offer));
    for (unsigned m = mask; m; m &= m - 1) warp[std::countr_zero(m)].result = to_bits(total);
}
inline constexpr Operation syncwarp{"__syncwarp", resolve_ballot}, ballot{"__ballot_sync", resolve_ballot};
inline constexpr Operation match_any{"__match_any_sync", resolve_match};
inline constexpr Operation shuffle{"__shfl_sync", resolve_shuffle}, shuffle_up{"__shfl_up_sync", resolve_shuffle},
    shuffle_down{"__shfl_down_sync", resolve_shuffle}, shuffle_xor{"__shfl_xor_sync", resolve_shuffle};

inline unsigned vote(const Operation& operation, unsigned mask, bool predicate, Where where) {
    return unsigned(Device::running()->collective(operation, mask, predicate, 0, where));
}
// `strict`: a source outside the segment or the mask is reported. (Up and down keep the lane's own value by definition
// where the source is outside the segment.)
template <class T>
T shuffled(const Operation& operation, unsigned mask, T value, int source, int width, bool strict, Where where) {
    Device& device = *Device::running();
    const int lane = int(device.lane());
    if (width < 1 || width > 32 || (width & (width - 1))) throw error(where, operation.name, ": a width of ", width);
    const bool inside = source >= 0 && source / width == lane / width;
    if (strict && !inside)
        throw error(where, operation.name, ": lane ", lane, " reads lane ", source, ", outside of its segment of ",
                    width);
    if (strict && !(mask >> source & 1))
        throw error(where, operation.name, ": lane ", lane, " reads lane ", source, ", which the mask leaves out");
    return from_bits<T>(device.collective(operation, mask, to_bits(value), inside ? source : lane, where));
}
}  // namespace sim
inline void __syncwarp(unsigned mask = ~0u, sim::Where w = sim::here()) { sim::vote(sim::syncwarp, mask, false, w); }
inline unsigned __ballot_sync(unsigned mask, int p, sim::Where w = sim::here()) {
    return sim::vote(sim::ballot, mask, p != 0, w);
}
inline int __any_sync(unsigned mask, int p, sim::Where w = sim::here()) { return __ballot_sync(mask, p, w) != 0; }
inline int __all_sync(unsigned mask, int p, sim::Where w = sim::here()) { return __ballot_sync(mask, !p, w) == 0; }
template <class T>
unsigned __match_any_sync(unsigned mask, T value, sim::Where w = sim::here()) {
    return unsigned(sim::Device::running()->collective(sim::match_any, mask, sim::to_bits(value), 0, w));
}
/// Lanes promise nothing about running together, so the caller is alone.
inline unsigned __activemask() { return 1u << sim::Device::running()->lane(); }
template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32, sim::Where w = sim::here()) {
    const int segment = int(sim::Device::running()->lane()) / width * width;
    const bool inside = lane >= 0 && lane < width;  // CUDA wraps: never what was meant
    return sim::shuffled(sim::shuffle, mask, value,
                         inside     ? segment + lane
                         : lane < 0 ? lane
                                    : lane + 32,
                         width, true, w);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, sim::Where w = sim::here()) {
    const int lane = int(sim::Device::running()->lane());
    return sim::shuffled(sim::shuffle_up, mask, value, delta < 32 ? lane - int(delta) : -1, width, false, w);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, sim::Where w = sim::here()) {
    const int lane = int(sim::Device::running()->lane());
    return sim::shuffled(sim::shuffle_down, mask, value, delta < 32 ? lane + int(delta) : -1, width, false, w);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, sim::Where w = sim::here()) {
    return sim::shuffled(sim::shuffle_xor, mask, value, int(sim::Device::running()->lane()) ^ lanes, width, true, w);
}
namespace sim {
template <class T>
T add(T a, T b) {
    return a + b;
}
template <class T>
T lesser(T a, T b) {
    return b < a ? b : a;
}
template <class T>
T greater(T a, T b) {
    return a < b ? b : a;
}
template <class T, T (*combine)(T, T)>
inline constexpr Operation reduce{"__reduce_sync", resolve_reduce<T, combine>};
template <class T, T (*combine)(T, T)>
T reduced(unsigned mask, T value, Where w) {
    static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned>);
    return from_bits<T>(Device::running()->collective(reduce<T, combine>, mask, to_bits(value), 0, w));
}
}  // namespace sim
template <class T>
T __reduce_add_sync(unsigned mask, T v, sim::Where w = sim::here()) {
    return sim::reduced<T, sim::add<T>>(mask, v, w);
}
template <class T>
T __reduce_min_sync(unsigned mask, T v, sim::Where w = sim::here()) {
    return sim::reduced<T, sim::lesser<T>>(mask, v, w);
}
template <class T>
T __reduce_max_sync(unsigned mask, T v, sim::Where w = sim::here()) {
    return sim::reduced<T, sim::greater<T>>(mask, v, w);
}

// ---- tensor cores ----
namespace sim {
// What a lane brings to a product: its sums of 16 rows times `count` times 8 columns, and its registers of `terms`
// pairs of matrices.
template <int terms, int count>
struct Fragments {
    float (*sums)[4];
    const uint32_t (*a)[4];
    const uint32_t (*b)[count][2];
};
// The layout of mma.m16n8k16 and .m16n8k8 in the description of PTX. Register h / 2 of a lane is of the first or the
// second half of the depth, h % 2 of the upper or the lower eight rows.
template <class Values, int terms, int count>
void resolve_fragments(Thread* warp, unsigned) {
    constexpr int held = Values::count, depth = 8 * held, columns = 8 * count;
    alignas(64) float a[16][depth], b[depth][columns], sums[16][columns];
    const Fragments<terms, count>* of[32];
    for (int lane = 0; lane < 32; ++lane) of[lane] = from_bits<const Fragments<terms, count>*>(warp[lane].offer);
    const auto for_each_sum = [&](auto&& f) {
        for (int lane = 0; lane < 32; ++lane)
            for (int j = 0; j < count; ++j)
                for (int i = 0; i < 4; ++i)
                    f(sums[lane / 4 + i / 2 * 8][8 * j + lane % 4 * 2 + i % 2], of[lane]->sums[j][i]);
    };
    for_each_sum([](float& in_matrix, float in_lane) { in_matrix = in_lane; });
    for (int term = 0; term < terms; ++term) {
        for (int lane = 0; lane < 32; ++lane)
            for (int half = 0; half < 2; ++half)
                for (int i = 0; i < held; ++i) {
                    const int k = (half * 4 + lane % 4) * held + i;
                    for (int r = 0; r < 2; ++r)
                        a[lane / 4 + 8 * r][k] = Values::value(of[lane]->a[term][2 * half + r], i);
                    for (int j = 0; j < count; ++j)
                        b[k][8 * j + lane / 4] = Values::value(of[lane]->b[term][j][half], i);
                }
        for (int row = 0; row < 16; ++row)
            for (int k = 0; k < depth; ++k)
                for (int column = 0; column < columns; ++column) sums[row][column] += a[row][k] * b[k][column];
    }
    for_each_sum([](float in_matrix, float& in_lane) { in_lane = in_matrix; });
}
template <class Values, int terms, int count>
inline constexpr Operation product{"mma.sync", resolve_fragments<Values, terms, count>};
// All lanes of the warp: sums += a * b. `Values` says how many numbers a register holds, and reads them.
template <class Values, int terms, int count>
void multiply_fragments(float (&sums)[count][4], const uint32_t (&a)[terms][4], const uint32_t (&b)[terms][count][2],
                        Where where = here()) {
    const Fragments<terms, count> mine{sums, a, b};
    Device::running()->collective(product<Values, terms, count>, ~0u, to_bits(&mine), 0, where);
}
}  // namespace sim

// ---- atomics ----
namespace sim {
template <class T, class F>
T atomic(T* p, F&& change) {
    static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned> || std::is_same_v<T, long long> ||
                      std::is_same_v<T, unsigned long long> || std::is_same_v<T, float> || std::is_same_v<T, double> ||
                      std::is_same_v<T, unsigned short>,
                  "CUDA has no atomics on this type");
    if (Device* device = Device::running()) device->before_atomic();
    const T old = *p;
    *p = change(old);
    return old;
}
template <class T>
using Same = std::type_identity_t<T>;
}  // namespace sim
template <class T>
T atomicAdd(T* p, sim::Same<T> v) {
    return sim::atomic(p, [v](T old) { return T(old + v); });
}
template <class T>
T atomicSub(T* p, sim::Same<T> v) {
    return sim::atomic(p, [v](T old) { return T(old - v); });
}
template <class T>
T atomicMin(T* p, sim::Same<T> v) {
    return sim::atomic(p, [v](T old) { return v < old ? v : old; });
}
template <class T>
T atomicMax(T* p, sim::Same<T> v) {
    return sim::atomic(p, [v](T old) { return old < v ? v : old; });
}
template <class T>
T atomicAnd(T* p, sim::Same<T> v) {
    return sim::atomic(p, [v](T old) { return T(old & v); });
}
template <class T>
T atomicOr(T* p, sim::Same<T> v) {
    return sim::atomic(p, [v](T old) { return T(old | v); });
}
template <class T>
T atomicXor(T* p, sim::Same<T> v) {
    return sim::atomic(p, [v](T old) { return T(old ^ v); });
}
template <class T>
T atomicExch(T* p, sim::Same<T> v) {
    return sim::atomic(p, [v](T) { return v; });
}
template <class T>
T atomicCAS(T* p, sim::Same<T> expected, sim::Same<T> v) {
    return sim::atomic(p, [=](T old) { return old == expected ? v : old; });
}

// ---- numbers ----
template <class T>
T __ldg(const T* p) {
    return *p;
}
template <class T>
T __ldcg(const T* p) {
    return *p;
}
inline int __popc(unsigned v) { return std::popcount(v); }
inline int __popcll(unsigned long long v) { return std::popcount(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline int __clz(int v) { return std::countl_zero(unsigned(v)); }
inline int __clzll(long long v) { return std::countl_zero((unsigned long long)(v)); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline int __float_as_int(float v) { return std::bit_cast<int>(v); }
inline unsigned __float_as_uint(float v) { return std::bit_cast<unsigned>(v); }
inline float __int_as_float(int v) { return std::bit_cast<float>(v); }
inline float __uint_as_float(unsigned v) { return std::bit_cast<float>(v); }
inline long long __double_as_longlong(double v) { return std::bit_cast<long long>(v); }
inline double __longlong_as_double(long long v) { return std::bit_cast<double>(v); }
inline int __float2int_rn(float v) { return int(std::nearbyintf(v)); }
inline int __float2int_rd(float v) { return int(std::floor(v)); }
namespace sim {
inline float rounded(float v) {  // keeps the compiler from fusing the operation with the next one
    volatile float kept = v;
    return kept;
}
}  // namespace sim
inline float __fmul_rn(float a, float b) { return sim::rounded(a * b); }
inline float __fadd_rn(float a, float b) { return sim::rounded(a + b); }
inline float __fsub_rn(float a, float b) { return sim::rounded(a - b); }
inline float __fdiv_rn(float a, float b) { return sim::rounded(a / b); }
inline float __fsqrt_rn(float v) { return std::sqrt(v); }
inline float __fmaf_rn(float a, float b, float c) { return std::fmaf(a, b, c); }
inline float __expf(float v) { return std::exp(v); }
inline float __logf(float v) { return std::log(v); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __saturatef(float v) { return v > 0 ? v < 1 ? v : 1 : 0; }  // NaN -> 0
inline float rsqrtf(float v) { return 1 / std::sqrt(v); }
#define CINEBOKEH_SIM_MINMAX(type)                               \
    constexpr type min(type a, type b) { return b < a ? b : a; } \
    constexpr type max(type a, type b) { return a < b ? b : a; }
CINEBOKEH_SIM_MINMAX(int)
CINEBOKEH_SIM_MINMAX(unsigned)
CINEBOKEH_SIM_MINMAX(long long)
CINEBOKEH_SIM_MINMAX(unsigned long long)
#undef CINEBOKEH_SIM_MINMAX
constexpr float min(float a, float b) { return a != a ? b : b < a ? b : a; }  // as fminf: a NaN gives way
constexpr float max(float a, float b) { return a != a ? b : a < b ? b : a; }
