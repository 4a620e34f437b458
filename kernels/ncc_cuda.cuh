// MaskedNcc on Cuda, directly: exact integer sums, for all templates of the bank in one launch.
//
// A block looks at 32 x 32 places of one template; a thread at four of them, eight rows apart. The template goes
// through shared memory in pieces of 32 x 8 pixels, with the part of the patch under them: a pixel of the template is
// then a broadcast that serves four windows, and the lanes of a warp read neighbouring bytes of the patch.
#pragma once
#include "cinebokeh/ncc.hpp"
#if CINEBOKEH_GRID
#include <climits>

#include "kernels/ncc_cpu.hpp"

namespace cinebokeh {
namespace detail {
/// A template as kernels see it. Without a valid pixel it counts as flat.
struct NccTemplate {
    Image<const uint8_t, DeviceSpace> luma, valid;
    const long long* sums;  // [3] of the valid pixels: their number, luma, squared luma
};
/// The places that are looked at.
struct NccPlaces {
    int left, right, top, bottom;  // inclusive
};
struct NccSums {
    long long window = 0, squares = 0, products = 0;  // of I, I^2 and I T under the valid pixels
};
}  // namespace detail

namespace kernels {
using detail::NccTemplate;
inline constexpr int ncc_tile = 32, ncc_rows = 8, ncc_per_thread = ncc_tile / ncc_rows;
inline constexpr int ncc_side = 2 * ncc_tile, ncc_height = ncc_tile + ncc_rows;

struct NccShared {
    uint8_t patch[ncc_height][ncc_side];
    short pixels[ncc_rows][ncc_tile];  // luma of the template, -1 where it is not valid
    unsigned long long best;
};

static __global__ void sum_template(NccTemplate t, long long* sums) {
    if (threadIdx.x < 3) sums[threadIdx.x] = 0;
    __syncthreads();  // the sums are zero
    long long mine[3] = {0, 0, 0};
    for (int i = int(threadIdx.x); i < t.luma.size.width * t.luma.size.height; i += int(blockDim.x)) {
        const int x = i % t.luma.size.width, y = i / t.luma.size.width, v = t.luma(x, y);
        if (t.valid(x, y)) ++mine[0], mine[1] += v, mine[2] += v * v;
    }
    for (int k = 0; k < 3; ++k) {
        for (int d = 16; d > 0; d /= 2) mine[k] += __shfl_xor_sync(~0u, mine[k], d);
        if (threadIdx.x % 32 == 0)
            atomicAdd(reinterpret_cast<unsigned long long*>(&sums[k]), (unsigned long long)(mine[k]));
    }
}

static __device__ inline float ncc_response(const NccTemplate& t, const detail::NccSums& sums, float flat_variance) {
    const double count = double(t.sums[0]), sum = double(t.sums[1]);
    if (t.sums[0] == 0) return 0;
    const double template_variance = double(t.sums[2]) - sum * sum / count;
    const double mean = double(sums.window) / count;
    const double variance = double(sums.squares) - mean * double(sums.window);
    const double flat = double(flat_variance) * count;
    if (!(template_variance > flat) || !(variance > flat)) return 0;
    const double numerator = double(sums.products) - mean * sum;
    return float(clamp(numerator / (sqrt(template_variance) * sqrt(variance)), -1.0, 1.0));
}

/// The sums of the four places of a thread, at (x, y + 8 i).
static __device__ inline void ncc_sums(const NccTemplate& t, Image<const uint8_t, DeviceSpace> patch, NccShared& s,
                                       int left, int top, detail::NccSums (&total)[ncc_per_thread]) {
    const int lane = int(threadIdx.x), row = int(threadIdx.y), thread = row * ncc_tile + lane;
    const Size part = t.luma.size;
    for (int first_y = 0; first_y < part.height; first_y += ncc_rows)
        for (int first_x = 0; first_x < part.width; first_x += ncc_tile) {
            __syncthreads();  // all have read the piece before
            for (int i = thread; i < ncc_height * ncc_side; i += ncc_tile * ncc_rows)
                s.patch[i / ncc_side][i % ncc_side] =
                    patch.clamped(left + first_x + i % ncc_side, top + first_y + i / ncc_side);
            const int tx = first_x + lane, ty = first_y + row;
            s.pixels[row][lane] = short(part.contains(tx, ty) && t.valid(tx, ty) ? t.luma(tx, ty) : -1);
            __syncthreads();  // the piece is there
            unsigned window[ncc_per_thread] = {}, squares[ncc_per_thread] = {}, products[ncc_per_thread] = {};
            for (int v = 0; v < ncc_rows; ++v)
                for (int u = 0; u < ncc_tile; ++u) {
                    const int pixel = s.pixels[v][u];
                    if (pixel < 0) continue;  // for the whole block alike
                    CINEBOKEH_UNROLL
                    for (int i = 0; i < ncc_per_thread; ++i) {
                        const unsigned seen = s.patch[row + i * ncc_rows + v][lane + u];
                        window[i] += seen, squares[i] += seen * seen, products[i] += seen * unsigned(pixel);
                    }
                }
            CINEBOKEH_UNROLL
            for (int i = 0; i < ncc_per_thread; ++i)
                total[i].window += window[i], total[i].squares += squares[i], total[i].products += products[i];
        }
}

static __global__ void ncc_responses(NccTemplate t, Image<const uint8_t, DeviceSpace> patch, float flat_variance,
                                     Image<float, DeviceSpace> out) {
    NccShared& s = static_shared<NccShared>();
    const int left = int(blockIdx.x) * ncc_tile, top = int(blockIdx.y) * ncc_tile;
    detail::NccSums sums[ncc_per_thread];
    ncc_sums(t, patch, s, left, top, sums);
    CINEBOKEH_UNROLL
    for (int i = 0; i < ncc_per_thread; ++i) {
        const int x = left + int(threadIdx.x), y = top + int(threadIdx.y) + i * ncc_rows;
        if (out.size.contains(x, y)) out(x, y) = ncc_response(t, sums[i], flat_variance);
    }
}

/// Raises `peak` to the best place: the response in an order that integers have, then the place, first ones higher.
static __global__ void ncc_peak(NccTemplate t, Image<const uint8_t, DeviceSpace> patch, float flat_variance,
                                detail::NccPlaces places, int width, unsigned long long* peak) {
    NccShared& s = static_shared<NccShared>();
    const int left = places.left + int(blockIdx.x) * ncc_tile, top = places.top + int(blockIdx.y) * ncc_tile;
    if (threadIdx.x == 0 && threadIdx.y == 0) s.best = 0;
    detail::NccSums sums[ncc_per_thread];
    ncc_sums(t, patch, s, left, top, sums);
    unsigned long long best = 0;
    CINEBOKEH_UNROLL
    for (int i = 0; i < ncc_per_thread; ++i) {
        const int x = left + int(threadIdx.x), y = top + int(threadIdx.y) + i * ncc_rows;
        if (x > places.right || y > places.bottom) continue;
        const float response = ncc_response(t, sums[i], flat_variance);
        const unsigned bits = __float_as_uint(response + 0.f);
        const unsigned key = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
        best = max(best, (unsigned long long)(key) << 32 | (0xffffffffu - unsigned(y * width + x)));
    }
    atomicMax(&s.best, best);
    __syncthreads();  // the best of the block is known
    if (threadIdx.x == 0 && threadIdx.y == 0) atomicMax(peak, s.best);
}
}  // namespace kernels

namespace detail {
class MaskedNccCuda {
public:
    MaskedNccCuda(Cuda& exec, Size patch, int capacity, const MaskedNccParams& params = {})
        : exec_(&exec), params_(params), sizes_(size_t(std::max(capacity, 0))), found_(sizes_.size()) {
        require(!patch.empty() && patch.width <= 65536 && patch.area() <= (1u << 31), "MaskedNcc: a patch of ",
                patch.width, " x ", patch.height);
        require(capacity > 0, "MaskedNcc: no template slot");
        require(params.flat_variance > 0, "MaskedNcc: flat_variance is not positive");
        patch_ = {exec, patch};
        luma_ = {exec, {patch.width, patch.height * capacity}}, valid_ = {exec, luma_.size()};
        sums_ = {exec, {3, capacity}}, peaks_ = {exec, {capacity, 1}};
    }

    Size patch_size() const { return patch_.size(); }
    int capacity() const { return int(sizes_.size()); }

    void set_template(int slot, Image<const uint8_t, DeviceSpace> luma, Image<const uint8_t, DeviceSpace> valid) {
        Size& size = size_at(slot);
        require(luma.size == valid.size, "MaskedNcc: luma and valid differ in size");
        require(!luma.size.empty() && luma.size.width <= patch_size().width && luma.size.height <= patch_size().height,
                "MaskedNcc: a template of ", luma.size.width, " x ", luma.size.height, " in a patch of ",
                patch_size().width, " x ", patch_size().height);
        size = luma.size;
        copy(*exec_, luma, part_of(luma_, slot)), copy(*exec_, valid, part_of(valid_, slot));
        exec_->launch(dim3(1), dim3(256), 0, kernels::sum_template, template_at(slot), sums_.view().row(slot));
    }
    void clear(int slot) { size_at(slot) = {}; }
    bool filled(int slot) const { return !size_at(slot).empty(); }

    void set_patch(Image<const uint8_t, DeviceSpace> luma) {
        require(luma.size == patch_size(), "MaskedNcc: a patch of ", luma.size.width, " x ", luma.size.height, ", not ",
                patch_size().width, " x ", patch_size().height);
        copy(*exec_, luma, patch_.view());
    }

    Size response_size(int slot) const {
        const Size s = size_at(slot);
        return {patch_size().width - s.width + 1, patch_size().height - s.height + 1};
    }
    void response(int slot, Image<float, DeviceSpace> out) {
        require(filled(slot), "MaskedNcc: slot ", slot, " is empty");
        require(out.size == response_size(slot), "MaskedNcc: a response of ", out.size.width, " x ", out.size.height,
                ", expected ", response_size(slot).width, " x ", response_size(slot).height);
        exec_->launch(blocks(out.size), block(), 0, kernels::ncc_responses, template_at(slot),
                      Image<const uint8_t, DeviceSpace>(patch_.view()), params_.flat_variance, out);
    }

    void peaks(HostSpan<Peak> out, Size reach = {65536, 65536}) {
        require(int(out.count) == capacity(), "MaskedNcc: ", out.count, " peaks for ", capacity(), " slots");
        require(reach.width >= 0 && reach.height >= 0, "MaskedNcc: a reach of ", reach.width, " x ", reach.height);
        CINEBOKEH_CUDA(cudaMemsetAsync(peaks_.view().data, 0, peaks_.bytes(), exec_->stream()));
        for (int slot = 0; slot < capacity(); ++slot) {
            if (!filled(slot)) continue;
            const Size places = response_size(slot);
            const PlaceRange columns(places.width, reach.width), rows(places.height, reach.height);
            const NccPlaces range{columns.first, columns.last, rows.first, rows.last};
            exec_->launch(blocks({columns.last - columns.first + 1, rows.last - rows.first + 1}), block(), 0,
                          kernels::ncc_peak, template_at(slot), Image<const uint8_t, DeviceSpace>(patch_.view()),
                          params_.flat_variance, range, places.width, peaks_.view().data + slot);
        }
        copy(*exec_, std::as_const(peaks_).view(), HostImage<unsigned long long>(found_.data(), peaks_.size()));
        exec_->synchronize();
        for (int slot = 0; slot < capacity(); ++slot)
            out[size_t(slot)] = filled(slot) ? peak_of(found_[size_t(slot)], response_size(slot).width) : Peak{};
    }

private:
    const Size& size_at(int slot) const {
        require(slot >= 0 && slot < capacity(), "MaskedNcc: slot ", slot, " of ", capacity());
        return sizes_[size_t(slot)];
    }
    Size& size_at(int slot) { return const_cast<Size&>(std::as_const(*this).size_at(slot)); }
    Image<uint8_t, DeviceSpace> part_of(Buffer<uint8_t, Cuda>& buffer, int slot) {
        return {buffer.view().row(slot * patch_size().height), sizes_[size_t(slot)], buffer.view().pitch};
    }
    NccTemplate template_at(int slot) { return {part_of(luma_, slot), part_of(valid_, slot), sums_.view().row(slot)}; }
    static dim3 block() { return dim3(kernels::ncc_tile, kernels::ncc_rows); }
    static dim3 blocks(Size places) {
        return dim3(unsigned(ceil_div(places.width, kernels::ncc_tile)),
                    unsigned(ceil_div(places.height, kernels::ncc_tile)));
    }
    static Peak peak_of(unsigned long long key, int width) {
        const uint32_t ordered = uint32_t(key >> 32), place = 0xffffffffu - uint32_t(key);
        const uint32_t bits = ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered;
        return {std::bit_cast<float>(bits), int(place) % width, int(place) / width};
    }

    Cuda* exec_;
    MaskedNccParams params_;
    std::vector<Size> sizes_;                     // of the templates
    std::vector<unsigned long long> found_;       // the peaks, on the host
    Buffer<uint8_t, Cuda> patch_, luma_, valid_;  // luma_, valid_: [capacity * patch height, patch width]
    Buffer<long long, Cuda> sums_;                // [capacity, 3]
    Buffer<unsigned long long, Cuda> peaks_;      // [capacity]
};
}  // namespace detail

/// On Cuda both paths are the direct one: integer sums, so responses are within 1e-6 of exact. Calls are asynchronous
/// but peaks(), which waits. A template without a valid pixel is no error there: it is flat.
template <class Exec>
requires std::is_same_v<typename Exec::Space, DeviceSpace>
class MaskedNcc<Exec> : public detail::MaskedNccCuda {
public:
    using MaskedNccCuda::MaskedNccCuda;
};
}  // namespace cinebokeh
#endif
