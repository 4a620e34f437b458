// Masked normalised cross-correlation: how well templates with holes fit at every place of an image.
//
// Padfield, "Masked object registration in the Fourier domain" (IEEE TIP 2012), in two forms: MaskedNcc matches a bank
// of templates with a patch in which every pixel is valid and in which the template must lie completely, as a tracker
// does; OverlapNcc is the paper's general form, with valid maps on both images and any overlap.
#pragma once
#include <utility>
#include <vector>

#include "cinebokeh/core/fft.hpp"

namespace cinebokeh {

/// How MaskedNcc computes. `cheapest` compares the two for each template.
enum class NccPath { cheapest, fft, direct };

struct MaskedNccParams {
    NccPath path = NccPath::cheapest;
    float flat_variance = 0.05f;  // grey levels^2; a window or template with no more variance is flat: response 0
};

/// The best place of a template: its response, and the position of the template's top left corner.
struct Peak {
    float value = -1;  // in [-1, 1]
    int x = 0, y = 0;
};

namespace detail {
/// The first and last of `places` within `reach` of the middle one.
struct PlaceRange {
    int first, last;
    CINEBOKEH_HD PlaceRange(int places, int reach) {
        const int low = (places - 1) / 2, high = places / 2;  // two middle places where their number is even
        const int most = reach < places ? reach : places;
        first = high > most ? high - most : 0, last = low + most < places ? low + most : places - 1;
        if (first > last) first = last = low;
    }
};
}  // namespace detail

/// Plan that matches up to `capacity` templates with patches of one size.
///
///   response(x, y) = sum (I - mean I) (T - mean T) / sqrt(sum (I - mean I)^2 sum (T - mean T)^2)
///
/// over the valid pixels of the template T, with I the patch at (x, y) + the template's pixel. Responses are finite and
/// in [-1, 1]; they are 0 where the window or the template is flat. The direct path sums integers exactly; the FFT path
/// differs from it by at most 5e-5 max(1, 64 / v), v the variance of the window in grey levels^2.
///
/// Calls allocate nothing and are deterministic: the same bits with any number of threads. One call at a time.
///
/// On Cuda images lie in device memory and calls are asynchronous, but peaks() waits; a template without a valid pixel
/// is no error there, it is flat. The FFT path takes 20 bytes a pixel of the patch and slot, and patches up to 4200
/// pixels wide and 12,000 high; the constructor throws Error if NccPath::fft is asked for with larger ones.
template <class Exec>
class MaskedNcc;

template <>
class MaskedNcc<Cpu> {
public:
    /// Throws Error if the patch is empty or there is no slot. Allocates about 16 bytes a pixel of the patch and slot.
    MaskedNcc(Cpu& exec, Size patch, int capacity, const MaskedNccParams& params = {});

    Size patch_size() const { return patch_.size(); }
    int capacity() const { return int(slots_.size()); }

    /// Puts a template into a slot, replacing what was there.
    ///
    ///   luma   [h, w]  0 .. 255
    ///   valid  [h, w]  nonzero where the template counts
    ///
    /// Throws Error if the sizes differ, the template is larger than the patch, or no pixel is valid.
    void set_template(int slot, HostImage<const uint8_t> luma, HostImage<const uint8_t> valid);
    void clear(int slot) { slot_at(slot).size = {}; }
    bool filled(int slot) const { return !slot_at(slot).size.empty(); }

    /// Sets the image that is searched. Throws Error if its size is not patch_size().
    void set_patch(HostImage<const uint8_t> luma);

    /// The places of a template: patch - template + 1 in both directions.
    Size response_size(int slot) const {
        const Size s = slot_at(slot).size;
        return {patch_size().width - s.width + 1, patch_size().height - s.height + 1};
    }
    /// Writes the response of one template. Throws Error if the slot is empty or the size is not response_size(slot).
    void response(int slot, HostImage<float> out);

    /// Writes the largest response of every slot; of equal ones, the first from the top left. The value is exact on
    /// both paths. Empty slots get the value -1 at (0, 0). Only places are looked at where the centre of the template
    /// is at most `reach` pixels from the centre of the patch, or the place that comes nearest to that.
    /// Throws Error if `out` does not have `capacity` elements or `reach` is negative.
    void peaks(HostSpan<Peak> out, Size reach = {65536, 65536});

private:
    struct Slot {
        Size size;
        double count = 0, sum = 0, deviation = 0;  // over the valid pixels; deviation^2 = sum (T - mean T)^2
        bool direct = false, flat = false;
    };
    struct Sums;  // of the window under a template, and of its products with the template

    const Slot& slot_at(int slot) const {
        require(slot >= 0 && slot < capacity(), "MaskedNcc: slot ", slot, " of ", capacity());
        return slots_[size_t(slot)];
    }
    Slot& slot_at(int slot) { return const_cast<Slot&>(std::as_const(*this).slot_at(slot)); }
    HostImage<uint8_t> part_of(Buffer<uint8_t, Cpu>& buffer, int slot) {
        return {buffer.view().row(slot * patch_size().height), slots_[size_t(slot)].size, buffer.view().pitch};
    }
    HostSpan<float> spectrum(Buffer<float, Cpu>& buffer, int i) {
        return {buffer.view().row(i), fft_.spectrum_count()};
    }
    detail::ComplexLines<float> lines(int job, int i);
    detail::HalfSpectrum<float> middle(int job, int which, int rows);

    void transform_template(int slot);
    void columns_of_block(int slot, int block, int job, int owner);
    detail::ComplexLines<float> responses_of_rows(int slot, int first, int job, int owner);
    float normalise(const Slot& slot, const Sums& sums) const;
    void direct_row(int slot, int y, int job, float* out);
    float exact_response(int slot, int x, int y);
    Peak find_peak(int slot, int job, Size reach);
    /// Calls body(job, i) for every i in [0, count); a job runs on one thread at a time.
    template <class Body>
    void for_each(int count, Body&& body);

    Cpu* exec_;
    MaskedNccParams params_;
    RealFft2d<float> fft_;
    std::vector<Slot> slots_;
    Buffer<uint8_t, Cpu> patch_, luma_, valid_;  // luma_, valid_: [capacity * patch height, patch width]
    Buffer<float, Cpu> padded_;                  // the image that is being transformed
    Buffer<float, Cpu> template_spectra_;        // [capacity][2]: the centred template, its valid map
    Buffer<float, Cpu> patch_spectra_;           // [2]: the patch and its square, each without its mean
    int square_mean_ = 0;                        // what was subtracted from the square
    Buffer<float, Cpu> lines_, middles_;         // per job
    Buffer<uint32_t, Cpu> partial_sums_;         // per job
    Buffer<int64_t, Cpu> row_sums_;              // per job
};

struct OverlapNccParams {
    double smallest_overlap = 0.3;  // of the largest overlap of any two placements; below it the response is 0
};

/// Plan of the general form: correlates `moving` with `fixed` at every shift that overlaps, over the pixels that are
/// valid in both.
///
///   fixed, moving              [h, w]  any unit; what lies under an invalid pixel does not count, not even a NaN
///   fixed_valid, moving_valid  [h, w]  nonzero where the pixel counts
///   out  [hf + hm - 1, wf + wm - 1]    in [-1, 1]; out(x, y) belongs to the shift (x - wm + 1, y - hm + 1) of `moving`
///
/// 0 where the overlap is too small, and where the denominator is not above 1000 epsilon of the largest one, as
/// scikit-image has it (so noise is never divided by noise). Computed in double. Throws Error if sizes differ from
/// those of the constructor or a valid pixel is not finite. Calls allocate nothing and are deterministic.
///
/// On Cuda images lie in device memory, calls are asynchronous, and a valid pixel that is not finite makes the whole
/// response 0. 96 bytes a pixel of the response; the constructor throws Error if a side of it is beyond 6,000 pixels.
template <class Exec>
class OverlapNcc;

template <>
class OverlapNcc<Cpu> {
public:
    /// Throws Error if an image is empty or smallest_overlap is not in [0, 1]. Allocates 13 doubles a pixel of the sum.
    OverlapNcc(Cpu& exec, Size fixed, Size moving, const OverlapNccParams& params = {});

    Size response_size() const { return {fixed_.width + moving_.width - 1, fixed_.height + moving_.height - 1}; }
    void operator()(HostImage<const float> fixed, HostImage<const uint8_t> fixed_valid, HostImage<const float> moving,
                    HostImage<const uint8_t> moving_valid, HostImage<float> out);

private:
    void load(HostImage<const float> image, HostImage<const uint8_t> valid, bool turned, int first_spectrum);
    void correlate(int fixed_spectrum, int moving_spectrum, int result);
    void combine(HostImage<float> out);
    HostSpan<double> spectrum(int i) { return {spectra_.view().row(i), fft_.spectrum_count()}; }
    HostImage<double> result(int i) { return results_.view().crop(0, i * response_size().height, response_size()); }

    Cpu* exec_;
    Size fixed_, moving_;
    OverlapNccParams params_;
    RealFft2d<double> fft_;
    Buffer<double, Cpu> image_;    // masked, centred, perhaps turned by 180 degrees
    Buffer<double, Cpu> spectra_;  // fixed: image, square, valid; moving: the same; their product
    Buffer<double, Cpu> results_;  // the six correlations of eq. 3-5
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/ncc_cpu.hpp"
#include "kernels/ncc_cuda.cuh"
#include "kernels/ncc_direct_cpu.hpp"
#include "kernels/ncc_overlap_cpu.hpp"
#include "kernels/ncc_overlap_cuda.cuh"
