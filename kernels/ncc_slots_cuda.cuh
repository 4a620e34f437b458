// The templates of a MaskedNcc on Cuda, and what both of its paths do with them: their sums, one exact response, and
// the best place of each as a number that threads can agree on.
#pragma once
#include "cinebokeh/ncc.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
/// What is known of a template on the device. Without a valid pixel it counts as flat.
struct NccSlot {
    long long count, sum, squares;  // of the valid pixels: their number, luma, squared luma
    Size size;                      // empty: no template
    int fft;                        // whether it goes through the FFT
};
struct NccTemplate {
    Image<const uint8_t, DeviceSpace> luma, valid;
    NccSlot* slot;
};
struct NccSums {
    long long window = 0, squares = 0, products = 0;  // of I, I^2 and I T under the valid pixels
};
/// The places that are looked at.
struct NccPlaces {
    int left, right, top, bottom;  // inclusive
};
}  // namespace detail

namespace kernels {
using detail::NccPlaces;
using detail::NccSlot;
using detail::NccTemplate;

static __device__ inline long long warp_sum(long long v) {
    for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(~0u, v, d);
    return v;
}
static __device__ inline void add_long(long long* to, long long v) {
    atomicAdd(reinterpret_cast<unsigned long long*>(to), (unsigned long long)(v));
}

static __global__ void describe_template(NccTemplate t, bool fft) {
    if (threadIdx.x == 0) *t.slot = {0, 0, 0, t.luma.size, fft};
    __syncthreads();  // the sums are zero
    long long count = 0, sum = 0, squares = 0;
    for (int i = int(threadIdx.x); i < t.luma.size.width * t.luma.size.height; i += int(blockDim.x)) {
        const int x = i % t.luma.size.width, y = i / t.luma.size.width, v = t.luma(x, y);
        if (t.valid(x, y)) ++count, sum += v, squares += v * v;
    }
    count = warp_sum(count), sum = warp_sum(sum), squares = warp_sum(squares);
    if (threadIdx.x % 32 != 0) return;
    add_long(&t.slot->count, count), add_long(&t.slot->sum, sum), add_long(&t.slot->squares, squares);
}

/// count times the variance of the template; 0 if it is flat.
static __device__ inline double template_deviation2(const NccSlot& t, float flat_variance) {
    if (t.count == 0) return 0;
    const double deviation2 = double(t.squares) - double(t.sum) * double(t.sum) / double(t.count);
    return deviation2 > double(flat_variance) * double(t.count) ? deviation2 : 0;
}

static __device__ inline float ncc_response(const NccSlot& t, const detail::NccSums& sums, float flat_variance) {
    const double template_variance = template_deviation2(t, flat_variance);
    if (!(template_variance > 0)) return 0;
    const double count = double(t.count), mean = double(sums.window) / count;
    const double variance = double(sums.squares) - mean * double(sums.window);
    if (!(variance > double(flat_variance) * count)) return 0;
    const double numerator = double(sums.products) - mean * double(t.sum);
    return float(clamp(numerator / (sqrt(template_variance) * sqrt(variance)), -1.0, 1.0));
}

/// A number that is larger for a larger response, and among equal ones for an earlier place.
static __device__ inline unsigned long long ncc_key(float response, int place) {
    const unsigned bits = __float_as_uint(response + 0.f);
    const unsigned ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (unsigned long long)(ordered) << 32 | (0xffffffffu - unsigned(place));
}
static __device__ inline int place_of_key(unsigned long long key) { return int(0xffffffffu - unsigned(key)); }

inline constexpr int ncc_exact_threads = 1024;  // there are only as many blocks as templates
struct NccTotal {
    long long window, squares, products;
};
/// The peak of every slot, with its response from exact sums. A block takes one slot; `patch_height` rows of luma and
/// valid belong to each.
static __global__ void ncc_exact_peaks(NccTemplate all, int patch_height, Image<const uint8_t, DeviceSpace> patch,
                                       float flat_variance, const unsigned long long* keys, Peak* peaks) {
    NccTotal& total = static_shared<NccTotal>();
    const int index = int(blockIdx.x);
    const NccSlot& slot = all.slot[index];
    if (threadIdx.x == 0) total = {0, 0, 0};
    __syncthreads();  // the sums are zero
    if (slot.size.empty()) {
        if (threadIdx.x == 0) peaks[index] = {-1, 0, 0};
        return;
    }
    const int width = patch.size.width - slot.size.width + 1, place = place_of_key(keys[index]);
    const int left = place % width, top = place / width;
    detail::NccSums mine{0, 0, 0};
    const int columns = slot.size.width;
    // A warp takes 32 pixels of a row, and all it reads at once: no read waits for another.
    const int lane = int(threadIdx.x) % 32, strips = ceil_div(columns, 32);
    for (int strip = int(threadIdx.x) / 32; strip < strips * slot.size.height; strip += ncc_exact_threads / 32) {
        const int x = strip % strips * 32 + lane, y = strip / strips, row = y + index * patch_height;
        if (x >= columns) continue;
        const int valid = all.valid(x, row), luma = all.luma(x, row), pixel = patch(left + x, top + y);
        const int seen = valid ? pixel : 0;
        mine.window += seen, mine.squares += seen * seen, mine.products += seen * luma;
    }
    mine = {warp_sum(mine.window), warp_sum(mine.squares), warp_sum(mine.products)};
    if (threadIdx.x % 32 == 0)
        add_long(&total.window, mine.window), add_long(&total.squares, mine.squares),
            add_long(&total.products, mine.products);
    __syncthreads();  // the sums are complete
    if (threadIdx.x == 0) {
        const detail::NccSums sums{total.window, total.squares, total.products};
        peaks[index] = {ncc_response(slot, sums, flat_variance), left, top};
    }
}
}  // namespace kernels
}  // namespace cinebokeh
#endif
