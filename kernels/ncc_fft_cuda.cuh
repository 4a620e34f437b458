// The FFT path of MaskedNcc on Cuda: the correlations of ncc_cpu.hpp, for the whole bank in two launches.
//
// Two real images make one complex transform: patch and its square P = I + i S, template and valid map Q = T + i M. The
// product I(k) Q(-k) then is the transform of (I * T) + i (I * M), and S(k) (conj M1(k) + i conj M2(k)) that of the
// squares under two templates: three transforms back for two templates. The first launch multiplies and transforms the
// columns back; the second takes a row of all three, and normalises what it has in shared memory.
#pragma once
#include "cinebokeh/ncc.hpp"
#if CINEBOKEH_GRID
#include "kernels/fft_cuda.cuh"
#include "kernels/ncc_slots_cuda.cuh"

namespace cinebokeh {
namespace detail {
struct PatchSums {
    long long sum, squares;  // of the luma
};
/// The patch without its mean, and its square without its mean, both of them whole numbers.
struct CentredPatch {
    Image<const uint8_t, DeviceSpace> luma;
    const PatchSums* sums;

    CINEBOKEH_HD int mean() const { return int(sums->sum / (int64_t(luma.size.width) * luma.size.height)); }
    CINEBOKEH_HD int square_mean() const {
        const int64_t pixels = int64_t(luma.size.width) * luma.size.height, m = mean();
        return int((sums->squares - 2 * m * sums->sum) / pixels + m * m);
    }
};
// Square and image share a transform: to the same scale, neither is lost in the rounding of the other.
inline constexpr float ncc_square_scale = 1.f / 256;

struct LoadPatch {
    CentredPatch patch;
    __device__ auto of(int) const {
        const auto luma = patch.luma;
        const int mean = patch.mean(), square_mean = patch.square_mean();
        return [=](int y, int x) {
            if (!luma.size.contains(x, y)) return Complex<float>{};
            const int v = int(luma(x, y)) - mean;
            return Complex<float>{float(v), float(v * v - square_mean) * ncc_square_scale};
        };
    }
};

/// What the valid map is multiplied with: near 1 / sqrt(count), where the template has the norm 1.
CINEBOKEH_HD inline float valid_scale(const NccSlot& slot) {
    float scale = 1;
    for (long long n = slot.count; n > 1; n /= 4) scale /= 2;
    return scale;
}
struct LoadTemplate {
    NccTemplate t;
    float flat_variance, scale;  // scale: 1 / number of coefficients
    __device__ auto of(int) const {
        const NccSlot slot = *t.slot;
        const double deviation2 = kernels::template_deviation2(slot, flat_variance);
        const double mean = slot.count > 0 ? double(slot.sum) / double(slot.count) : 0;
        const double factor = deviation2 > 0 ? double(scale) / sqrt(deviation2) : 0;
        const float of_valid = valid_scale(slot) * scale;
        const auto luma = t.luma, valid = t.valid;
        return [=](int y, int x) {
            if (!slot.size.contains(x, y) || !valid(x, y)) return Complex<float>{};
            return Complex<float>{float((double(luma(x, y)) - mean) * factor), of_valid};
        };
    }
};

/// What the two launches work on. Planes of work: of pair p, 3 p + (0 and 1: its templates, 2: their squares).
struct NccSpectra {
    FftPlanes<float> patch, templates, work;
    const NccSlot* slots;
    int capacity, first_pair;

    CINEBOKEH_HD bool in_use(int slot) const {
        return slot < capacity && !slots[slot].size.empty() && slots[slot].fft != 0;
    }
    CINEBOKEH_HD Size places(int slot, Size patch_size) const {
        if (!in_use(slot)) return {0, 0};
        return {patch_size.width - slots[slot].size.width + 1, patch_size.height - slots[slot].size.height + 1};
    }
};

struct LoadProduct {
    NccSpectra s;
    /// The coefficients of one batch: of a product with a template, or of the squares under the two of the pair.
    struct Batch {
        FftPlanes<float> patch, templates;
        int slot;  // the template, or the first of the pair
        bool squares, in_use[2];

        CINEBOKEH_HD Complex<float> valid_map(int second, int x, int y) const {
            if (!in_use[second]) return {};
            return second_of_pair(templates.at(x, y, slot + second), templates.at_minus(x, y, slot + second));
        }
        CINEBOKEH_HD Complex<float> operator()(int x, int y) const {
            if (!squares && !in_use[0]) return {};
            const Complex<float> at_k = patch.at(x, y, 0), at_minus_k = patch.at_minus(x, y, 0);
            if (!squares) return first_of_pair(at_k, at_minus_k) * templates.at_minus(x, y, slot);
            const Complex<float> first = conjugate(valid_map(0, x, y)), second = conjugate(valid_map(1, x, y));
            return second_of_pair(at_k, at_minus_k) * (first + times_i(second));
        }
    };
    CINEBOKEH_HD Batch of(int batch) const {
        const int pair = s.first_pair + batch / 3, which = batch % 3, slot = 2 * pair + which % 2;
        return {s.patch, s.templates, slot, which == 2, {s.in_use(slot), which == 2 && s.in_use(slot + 1)}};
    }
};
}  // namespace detail

namespace kernels {
static __global__ void sum_patch(Image<const uint8_t, DeviceSpace> luma, detail::PatchSums* sums) {
    long long sum = 0, squares = 0;
    for (int y = int(blockIdx.x); y < luma.size.height; y += int(gridDim.x))
        for (int x = int(threadIdx.x); x < luma.size.width; x += int(blockDim.x)) {
            const int v = luma(x, y);
            sum += v, squares += v * v;
        }
    sum = warp_sum(sum), squares = warp_sum(squares);
    if (threadIdx.x % 32 == 0) add_long(&sums->sum, sum), add_long(&sums->squares, squares);
}

// The response at column x of a row: numerator and window sum from the template's line, squares from the pair's.
struct NccRow {
    const Complex<float>* lines;  // [length][3], real and imaginary parts exchanged
    int which;
    float count, base, valid_unit, flat;  // flat: windows that deviate no more, all under a flat template, give 0
    __device__ float operator()(int x) const {
        const Complex<float> own = lines[3 * x + which], pair = lines[3 * x + 2];
        const float window = own.re * valid_unit;
        const float squares = (which == 0 ? pair.im : pair.re) * valid_unit / detail::ncc_square_scale;
        const float deviation2 = squares + base - window * window / count;  // sum (I - mean I)^2
        return deviation2 > flat ? clamp(own.im / sqrtf(deviation2), -1.f, 1.f) : 0.f;
    }
};

/// Where a row of responses goes: into the image of one slot, or its best place into the key of its slot.
struct WriteResponses {
    Image<float, DeviceSpace> out;
    int slot;
    __device__ void operator()(int of, int y, Size places, const NccRow& row) const {
        if (of != slot) return;
        for (int x = int(threadIdx.x); x < places.width; x += int(blockDim.x)) out(x, y) = row(x);
    }
};
struct RaisePeaks {
    unsigned long long* keys;  // [capacity]
    Size reach;
    __device__ void operator()(int of, int y, Size places, const NccRow& row) const {
        const detail::PlaceRange columns(places.width, reach.width), rows(places.height, reach.height);
        if (y < rows.first || y > rows.last) return;
        unsigned long long best = 0;
        for (int x = columns.first + int(threadIdx.x); x <= columns.last; x += int(blockDim.x))
            best = max(best, ncc_key(row(x), y * places.width + x));
        for (int d = 16; d > 0; d /= 2) best = max(best, __shfl_xor_sync(~0u, best, d));
        if (threadIdx.x % 32 == 0 && best != 0) atomicMax(&keys[of], best);
    }
};

/// A block takes row blockIdx.x of pair first_pair + blockIdx.y.
template <class Sink>
static __global__ void ncc_fft_rows(FftOnDevice<float> fft, detail::NccSpectra s, detail::CentredPatch patch,
                                    float flat_variance, Sink sink) {
    Complex<float>* shared = dynamic_shared<Complex<float>>();
    const int y = int(blockIdx.x), pair = s.first_pair + int(blockIdx.y), count = 3 * fft.length;
    const Size places[2] = {s.places(2 * pair, patch.luma.size), s.places(2 * pair + 1, patch.luma.size)};
    if (y >= places[0].height && y >= places[1].height) return;
    for (int i = int(threadIdx.x); i < count; i += int(blockDim.x)) {
        const Complex<float> v = s.work.at(i % fft.length, y, 3 * int(blockIdx.y) + i / fft.length);
        shared[i % fft.length * 3 + i / fft.length] = {v.im, v.re};
    }
    __syncthreads();  // the lines are there
    const Complex<float>* lines = fft_in_shared(fft, 3, shared, shared + count);
    for (int which = 0; which < 2; ++which) {
        if (y >= places[which].height) continue;
        const NccSlot& slot = s.slots[2 * pair + which];
        const float n = float(slot.count), base = n * float(patch.square_mean());
        const float flat = template_deviation2(slot, flat_variance) > 0 ? flat_variance * n : INFINITY;
        sink(2 * pair + which, y, places[which], NccRow{lines, which, n, base, 1 / detail::valid_scale(slot), flat});
    }
}
}  // namespace kernels

namespace detail {
struct StoreWork {
    NccSpectra s;
    Size patch;
    __device__ auto of(int batch) const {
        const int pair = s.first_pair + batch / 3;
        const int rows = max(s.places(2 * pair, patch).height, s.places(2 * pair + 1, patch).height);
        const auto work = s.work;
        return [=](int x, int y, Complex<float> v) {
            if (y < rows) work.at(x, y, batch) = v;
        };
    }
};

/// Plan of the FFT path for a bank of templates and patches of one size: 20 bytes a pixel of the padded patch and slot.
class NccFftCuda {
public:
    NccFftCuda(Cuda& exec, Size patch, int capacity)
        : exec_(&exec),
          capacity_(capacity),
          fft_(exec, {smooth_size(patch.width), smooth_size(patch.height)}),
          patch_sums_(exec, {1, 1}),
          patch_(exec, {plane(), 1}),
          templates_(exec, {plane(), capacity}),
          work_(exec, {plane(), 3 * ceil_div(capacity, 2)}) {}

    /// Whether the lines of a patch fit into shared memory: up to 4200 pixels wide and 12,000 high.
    static bool fits(Size patch) {
        constexpr auto most = size_t(LineFftCuda<float>::most_shared_bytes);
        return LineFftCuda<float>::shared_bytes(smooth_size(patch.width), 3) <= most &&
               LineFftCuda<float>::shared_bytes(smooth_size(patch.height), 1) <= most;
    }

    void set_template(int slot, const NccTemplate& t, float flat_variance) {
        const float scale = 1 / float(plane());
        fft_.forward(t.luma.size.height, 1, LoadTemplate{t, flat_variance, scale}, planes(templates_), slot);
    }
    void set_patch(Image<const uint8_t, DeviceSpace> luma) {
        CINEBOKEH_CUDA(cudaMemsetAsync(patch_sums_.view().data, 0, patch_sums_.bytes(), exec_->stream()));
        exec_->launch(dim3(unsigned(std::min(luma.size.height, 264))), dim3(256), 0, kernels::sum_patch, luma,
                      patch_sums_.view().data);
        fft_.forward(luma.size.height, 1, LoadPatch{centred(luma)}, planes(patch_), 0);
    }
    /// Hands the responses of all slots of `pairs` pairs from `first_pair` on that go through the FFT to a sink.
    template <class Sink>
    void run(const NccSlot* slots, Image<const uint8_t, DeviceSpace> luma, float flat_variance, int first_pair,
             int pairs, const Sink& sink) {
        const NccSpectra spectra{planes(patch_), planes(templates_), planes(work_), slots, capacity_, first_pair};
        fft_.columns().run(fft_.size().width, 3 * pairs, true, false, LoadProduct{spectra},
                           StoreWork{spectra, luma.size});
        exec_->launch(dim3(unsigned(luma.size.height), unsigned(pairs)), dim3(LineFftCuda<float>::threads),
                      LineFftCuda<float>::shared_bytes(fft_.size().width, 3), kernels::ncc_fft_rows<Sink>,
                      fft_.rows().on_device(), spectra, centred(luma), flat_variance, sink);
    }

private:
    int plane() const { return int(fft_.size().area()); }
    FftPlanes<float> planes(Buffer<Complex<float>, Cuda>& buffer) {
        return {buffer.view().data, fft_.size(), size_t(buffer.view().pitch) / sizeof(Complex<float>)};
    }
    CentredPatch centred(Image<const uint8_t, DeviceSpace> luma) { return {luma, patch_sums_.view().data}; }

    Cuda* exec_;
    int capacity_;
    PlaneFftCuda<float> fft_;
    Buffer<PatchSums, Cuda> patch_sums_;
    Buffer<Complex<float>, Cuda> patch_, templates_, work_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
