// The simulator tests itself: correct kernels give right results in every order, and planted bugs are reported.
#include "support.hpp"

#if defined(CINEBOKEH_SIM)
#include <functional>
#include <numeric>
#include <set>

using namespace cinebokeh;

namespace {
constexpr sim::Order orders[] = {sim::Order::ascending, sim::Order::descending, sim::Order::shuffled};

template <class... P, class... A>
void run(sim::Order order, dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(P...), A... arguments) {
    sim::config.order = order;
    sim::launch(grid, block, shared_bytes, kernel, arguments...);
}
// The report that the kernel causes in the given order, or "" where it ends without one.
template <class... P, class... A>
std::string report(sim::Order order, dim3 block, void (*kernel)(P...), A... arguments) {
    try {
        run(order, dim3(1), block, 64, kernel, arguments...);
    } catch (const sim::Error& e) {
        return e.what();
    }
    return "";
}
// The report must be the same kind of thing in every order, and name this file.
template <class... P, class... A>
bool always_reports(const char* what, dim3 block, void (*kernel)(P...), A... arguments) {
    for (sim::Order order : orders) {
        const std::string text = report(order, block, kernel, arguments...);
        INFO(text);
        CHECK(text.find("test_sim.cpp:") != std::string::npos);
        CHECK(text.find(what) != std::string::npos);
    }
    return true;
}
}  // namespace

// ---- correct kernels ----
namespace {
struct Scan {
    int values[256];
};
static __global__ void inclusive_scan(int* data) {
    Scan& shared = static_shared<Scan>();
    const int i = int(threadIdx.x);
    shared.values[i] = data[blockIdx.x * 256 + i];
    __syncthreads();
    for (int d = 1; d < 256; d *= 2) {
        const int left = i >= d ? shared.values[i - d] : 0;
        __syncthreads();
        shared.values[i] += left;
        __syncthreads();
    }
    data[blockIdx.x * 256 + i] = shared.values[i];
}
static __global__ void warp_sums(const int* in, int* by_xor, int* by_down, int* by_reduce) {
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    int a = in[i], b = in[i];
    for (int d = 16; d > 0; d /= 2) a += __shfl_xor_sync(~0u, a, d), b += __shfl_down_sync(~0u, b, unsigned(d));
    by_xor[i] = a, by_down[i] = __shfl_sync(~0u, b, 0), by_reduce[i] = __reduce_add_sync(~0u, in[i]);
}
static __global__ void histogram(const int* in, int count, unsigned* bins) {
    unsigned* shared = dynamic_shared<unsigned>();
    if (threadIdx.x < 16) shared[threadIdx.x] = 0;
    __syncthreads();
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) atomicAdd(&shared[in[i]], 1u);
    __syncthreads();
    if (threadIdx.x < 16) atomicAdd(&bins[threadIdx.x], shared[threadIdx.x]);
}
static __global__ void votes(unsigned* out) {
    const unsigned i = threadIdx.x;
    out[i] = __ballot_sync(~0u, i % 3 == 0);
    out[i] += unsigned(__any_sync(~0u, i == 5)) + 2 * unsigned(__all_sync(~0u, i < 32));
    out[32 + i] = __match_any_sync(~0u, int(i % 4));
    out[64 + i] = unsigned(__syncthreads_count(i < 7)) + 100 * unsigned(__syncthreads_or(i == 3)) +
                  1000 * unsigned(__syncthreads_and(i != 3));
    const unsigned lower = __shfl_up_sync(~0u, i, 1);
    out[96 + i] = i < 16 ? __shfl_sync(0xffffu, lower, int(i) / 2) : lower;
}
static __global__ void spin_lock(int* lock, int* counter) {
    while (atomicCAS(lock, 0, 1) != 0) {
    }
    const int old = *counter;
    __threadfence();
    *counter = old + 1;
    atomicExch(lock, 0);
}
static __global__ void note_block(int* next, int* seen) {
    if (threadIdx.x == 0) seen[(*next)++] = int(blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z));
}
}  // namespace

TEST_CASE("a block scan is right in every order") {
    for (sim::Order order : orders) {
        std::vector<int> data(3 * 256, 1);
        run(order, dim3(3), dim3(256), 0, inclusive_scan, data.data());
        for (int i = 0; i < 3 * 256; ++i) REQUIRE(data[i] == i % 256 + 1);
    }
}

TEST_CASE("warp sums agree: by xor, by shuffle down and by reduction") {
    for (sim::Order order : orders) {
        std::vector<int> in(256), a(256), b(256), c(256);
        std::iota(in.begin(), in.end(), 0);
        run(order, dim3(2), dim3(128), 0, warp_sums, in.data(), a.data(), b.data(), c.data());
        for (int i = 0; i < 256; ++i) {
            const int first = i / 32 * 32, expected = 32 * first + 31 * 16;
            REQUIRE(a[i] == expected);
            REQUIRE(b[i] == expected);
            REQUIRE(c[i] == expected);
        }
    }
}

TEST_CASE("a histogram with atomics in dynamic shared memory counts everything") {
    for (sim::Order order : orders) {
        std::vector<int> in(1000);
        for (int i = 0; i < 1000; ++i) in[i] = i % 13;
        std::vector<unsigned> bins(16);
        run(order, dim3(8), dim3(128), 16 * sizeof(unsigned), histogram, in.data(), 1000, bins.data());
        for (int k = 0; k < 16; ++k) CHECK(bins[k] == unsigned(k < 12 ? 77 : k == 12 ? 76 : 0));
    }
}

TEST_CASE("ballots, matches, votes of the block and narrow shuffles give what CUDA gives") {
    for (sim::Order order : orders) {
        std::vector<unsigned> out(128);
        run(order, dim3(1), dim3(32), 0, votes, out.data());
        for (unsigned i = 0; i < 32; ++i) {
            CHECK(out[i] == 0x49249249u + 3);            // every third bit, and true twice
            CHECK(out[32 + i] == 0x11111111u << i % 4);  // lanes of the same remainder
            CHECK(out[64 + i] == 107);                   // seven, someone, not all
            const unsigned lane = i < 16 ? i / 2 : i;
            CHECK(out[96 + i] == (lane == 0 ? 0 : lane - 1));
        }
    }
}

TEST_CASE("a thread that waits for a lock lets the one that has it go on") {
    for (sim::Order order : orders) {
        int lock = 0, counter = 0;
        run(order, dim3(2), dim3(64), 0, spin_lock, &lock, &counter);
        CHECK(counter == 128);
    }
}

TEST_CASE("every block runs once, in the order that was asked for") {
    for (sim::Order order : orders) {
        int next = 0;
        std::vector<int> seen(7 * 5 * 3), expected(seen.size());
        run(order, dim3(7, 5, 3), dim3(32), 0, note_block, &next, seen.data());
        std::iota(expected.begin(), expected.end(), 0);
        if (order == sim::Order::descending) std::reverse(expected.begin(), expected.end());
        if (order == sim::Order::shuffled) {
            CHECK(seen != expected);
            std::sort(seen.begin(), seen.end());
        }
        CHECK(seen == expected);
    }
}

TEST_CASE("a launch allocates nothing once its fibers exist") {
    std::vector<int> data(256, 1);
    run(sim::Order::shuffled, dim3(1), dim3(256), 0, inclusive_scan, data.data());
    CHECK(allocations_during([&] { run(sim::Order::shuffled, dim3(1), dim3(256), 0, inclusive_scan, data.data()); }) ==
          0);
}

// ---- planted bugs: seen as a wrong result in at least one order ----
namespace {
static __global__ void reverse_without_barrier(int* data) {
    Scan& shared = static_shared<Scan>();
    const int i = int(threadIdx.x);
    shared.values[i] = data[i];
    data[i] = shared.values[255 - i];
}
static __global__ void shift_without_second_barrier(int* data) {
    Scan& shared = static_shared<Scan>();
    const int i = int(threadIdx.x);
    shared.values[i] = i;
    __syncthreads();
    const int right = shared.values[(i + 1) % 256];
    shared.values[i] = right;  // a neighbour may not have read it yet
    data[i] = right;
}
static __global__ void lost_update(int* counter, int* other) {
    const int old = *counter;
    atomicAdd(other, 1);
    *counter = old + 1;
}
static __global__ void lost_update_between_atomics(int* maximum, int* count) {
    if (atomicAdd(maximum, 0) < 1) {  // several threads may find it so
        atomicAdd(count, 1);
        atomicMax(maximum, 1);
    }
}
static __global__ void block_carries(int* carry, int* out) {  // relies on the order of the blocks
    if (threadIdx.x == 0) out[blockIdx.x] = *carry, *carry = int(blockIdx.x);
}
struct Sum {
    float value;
};
static __global__ void uninitialised_static(float* out) {
    Sum& sum = static_shared<Sum>();
    sum.value += 1;
    out[0] = sum.value;
}
static __global__ void uninitialised_dynamic(float* out) { out[0] = dynamic_shared<float>()[threadIdx.x] + 1; }
}  // namespace

TEST_CASE("a missing barrier between write and read gives a wrong result") {
    for (sim::Order order : orders) {
        std::vector<int> data(256), expected(256);
        std::iota(data.begin(), data.end(), 0);
        for (int i = 0; i < 256; ++i) expected[i] = 255 - i;
        run(order, dim3(1), dim3(256), 0, reverse_without_barrier, data.data());
        CHECK(data != expected);
    }
}

TEST_CASE("a missing barrier between read and write gives a wrong result in at least one order") {
    int wrong = 0;
    for (sim::Order order : orders) {
        std::vector<int> data(256), expected(256);
        for (int i = 0; i < 256; ++i) expected[i] = (i + 1) % 256;
        run(order, dim3(1), dim3(256), 0, shift_without_second_barrier, data.data());
        wrong += data != expected;
    }
    CHECK(wrong >= 1);
}

TEST_CASE("a lost update shows in the shuffled order") {
    int counter = 0, other = 0;
    run(sim::Order::shuffled, dim3(1), dim3(64), 0, lost_update, &counter, &other);
    CHECK(other == 64);
    CHECK(counter < 64);
    int maximum = 0, count = 0;
    run(sim::Order::shuffled, dim3(1), dim3(64), 0, lost_update_between_atomics, &maximum, &count);
    CHECK(count > 1);
}

TEST_CASE("a kernel that relies on the order of the blocks gives another result in another order") {
    std::set<std::vector<int>> results;
    for (sim::Order order : orders) {
        int carry = -1;
        std::vector<int> out(16);
        run(order, dim3(16), dim3(32), 0, block_carries, &carry, out.data());
        results.insert(out);
    }
    CHECK(results.size() == 3);
}

TEST_CASE("uninitialised shared and device memory is not a number") {
    for (sim::Order order : orders) {
        float out[2] = {0, 0};
        run(order, dim3(2), dim3(1), 64, uninitialised_dynamic, out);
        CHECK(std::isnan(out[0]));
        run(order, dim3(3), dim3(1), 0, uninitialised_static, out);  // also in the blocks after the first
        CHECK(std::isnan(out[0]));
    }
    float* device = nullptr;
    CHECK(cudaMalloc(&device, 64) == cudaSuccess);
    CHECK(std::isnan(device[15]));
    cudaFree(device);
}

// ---- planted bugs: reported with file and line ----
namespace {
static __global__ void divergent_barriers(int* data) {
    if (threadIdx.x % 2) {
        __syncthreads();
        data[threadIdx.x] = 1;
    } else {
        data[threadIdx.x] = 2;
        __syncthreads();
    }
}
static __global__ void exit_above_barrier(int count) {
    if (int(threadIdx.x) >= count) return;
    __syncthreads();
}
static __global__ void barrier_against_warp(int* data) {
    if (threadIdx.x == 3)
        __syncthreads();
    else
        __syncwarp();
    data[threadIdx.x] = 1;
}
static __global__ void shuffle_naming_exited_lane(int* data) {
    if (threadIdx.x == 7) return;
    data[threadIdx.x] = __shfl_xor_sync(~0u, data[threadIdx.x], 1);
}
static __global__ void shuffle_naming_absent_lane(int* data) {
    data[threadIdx.x] = __shfl_down_sync(~0u, data[threadIdx.x], 1);
}
static __global__ void shuffle_leaving_out_caller(int* data) {
    data[threadIdx.x] = __shfl_down_sync(0xffffu, data[threadIdx.x], 1);
}
static __global__ void shuffle_from(int* data, int source, int width) {
    data[threadIdx.x] = __shfl_sync(~0u, data[threadIdx.x], source, width);
}
static __global__ void shuffle_across_segments(int* data) {
    data[threadIdx.x] = __shfl_xor_sync(~0u, data[threadIdx.x], 16, 16);
}
static __global__ void shuffle_from_lane_outside_mask(int* data) {
    if (threadIdx.x < 16) data[threadIdx.x] = __shfl_sync(0xffffu, data[threadIdx.x], 20);
}
static __global__ void different_operations(int* data) {
    if (threadIdx.x < 16)
        data[threadIdx.x] = __shfl_xor_sync(~0u, 1, 1);
    else
        data[threadIdx.x] = int(__ballot_sync(~0u, 1));
}
static __global__ void different_masks(int* data) {
    data[threadIdx.x] = __shfl_xor_sync(threadIdx.x == 0 ? 3u : ~0u, data[threadIdx.x], 1);
}
static __global__ void spin_for_ever(int* flag) {
    while (atomicAdd(flag, 0) == 0) {
    }
}
}  // namespace

TEST_CASE("barriers that some threads do not reach are reported") {
    int data[64] = {};
    CHECK(always_reports("waits at the barrier of", dim3(64), divergent_barriers, data));
    CHECK(always_reports("14 of 64 threads returned without reaching this barrier", dim3(64), exit_above_barrier, 50));
    CHECK(always_reports("waits for lane 3, which waits at", dim3(32), barrier_against_warp, data));
}

TEST_CASE("wrong masks of warp collectives are reported") {
    int data[64] = {};
    CHECK(always_reports("the mask names lane 7, which has exited", dim3(32), shuffle_naming_exited_lane, data));
    CHECK(always_reports("the mask names lane 20, which the last warp", dim3(20), shuffle_naming_absent_lane, data));
    CHECK(always_reports("the mask leaves out the calling lane", dim3(32), shuffle_leaving_out_caller, data));
    CHECK(always_reports("with another mask", dim3(32), different_masks, data));
    CHECK(always_reports(", but ", dim3(32), different_operations, data));
}

TEST_CASE("shuffles out of range are reported") {
    int data[64] = {};
    for (int source : {-1, 32, 40})
        CHECK(always_reports("outside of its segment of 32", dim3(64), shuffle_from, data, source, 32));
    CHECK(always_reports("outside of its segment of 8", dim3(64), shuffle_from, data, 8, 8));
    CHECK(always_reports("a width of 12", dim3(64), shuffle_from, data, 0, 12));
    CHECK(always_reports("outside of its segment of 16", dim3(32), shuffle_across_segments, data));
    CHECK(always_reports("which the mask leaves out", dim3(32), shuffle_from_lane_outside_mask, data));
}

namespace {
struct TooLarge {
    char bytes[48 * 1024 + 1];
};
static __global__ void do_nothing() {}
static __global__ void take_too_much() { static_shared<TooLarge>().bytes[0] = 0; }
static __global__ void take_dynamic() { dynamic_shared<int>()[0] = 0; }
static __global__ void launch_another() { sim::launch(dim3(1), dim3(1), 0, do_nothing); }
}  // namespace

TEST_CASE("launches beyond the limits of the hardware are refused") {
    const sim::Order order = sim::Order::ascending;
    CHECK_NOTHROW(run(order, dim3(1), dim3(1024), 227 * 1024, do_nothing));
    CHECK_THROWS_AS(run(order, dim3(1), dim3(1025), 0, do_nothing), sim::Error);
    CHECK_THROWS_AS(run(order, dim3(1), dim3(0), 0, do_nothing), sim::Error);
    CHECK_THROWS_AS(run(order, dim3(1), dim3(1, 1, 65), 0, do_nothing), sim::Error);
    CHECK_THROWS_AS(run(order, dim3(0), dim3(1), 0, do_nothing), sim::Error);
    CHECK_THROWS_AS(run(order, dim3(1, 65536), dim3(1), 0, do_nothing), sim::Error);
    CHECK_THROWS_AS(run(order, dim3(1), dim3(1), 227 * 1024 + 1, do_nothing), sim::Error);
    CHECK_THROWS_AS(run(order, dim3(1), dim3(1), 0, take_too_much), sim::Error);
    CHECK_THROWS_AS(run(order, dim3(1), dim3(1), 0, take_dynamic), sim::Error);
    CHECK_THROWS_AS(run(order, dim3(1), dim3(1), 0, launch_another), sim::Error);
}

TEST_CASE("a block that spins for ever is reported") {
    int flag = 0;
    for (sim::Order order : orders) CHECK_THROWS_AS(run(order, dim3(1), dim3(2), 0, spin_for_ever, &flag), sim::Error);
}

TEST_CASE("after a report the next launch works") {
    int data[64] = {};
    for (int i = 0; i < 20; ++i) {
        CHECK(!report(sim::Order::shuffled, dim3(64), divergent_barriers, data).empty());
        std::vector<int> ones(256, 1);
        run(sim::Order::shuffled, dim3(1), dim3(256), 0, inclusive_scan, ones.data());
        CHECK(ones[255] == 256);
    }
}
#endif
