// MaskedNcc on the CPU through the FFT. Only shifts that keep the template inside the patch are wanted, so the
// transform is as large as the patch and its wrap-around falls where nobody looks. With the template centred, three
// correlations remain: I * T, I * M and I^2 * M (T template, M valid map). Per template: products and inverse columns,
// block by block; then inverse rows, of the wanted rows only, two correlations to a complex line.
#pragma once
#include <algorithm>
#include <bit>

#include "cinebokeh/ncc.hpp"

namespace cinebokeh {

namespace detail {
// 1 / sqrt(v) for v > 0 without libm, so that the loop around it vectorises: a first guess from the bits of the number,
// good to 3.4 %, and three Newton steps.
inline float inverse_square_root(float v) {
    float r = std::bit_cast<float>(0x5f3759dfu - (std::bit_cast<uint32_t>(v) >> 1));
    for (int step = 0; step < 3; ++step) r *= 1.5f - 0.5f * v * r * r;
    return r;
}

/// out = a conj(b), `count` complex numbers each, imaginary parts after the real parts.
inline void multiply_conjugate(const float* a, const float* b, size_t count, float* CINEBOKEH_RESTRICT out) {
    for (size_t i = 0; i < count; ++i) {
        const float ar = a[i], ai = a[count + i], br = b[i], bi = b[count + i];
        out[i] = ar * br + ai * bi;
        out[count + i] = ai * br - ar * bi;
    }
}
}  // namespace detail

inline MaskedNcc<Cpu>::MaskedNcc(Cpu& exec, Size patch, int capacity, const MaskedNccParams& params)
    : exec_(&exec),
      params_(params),
      fft_(exec, {smooth_size(patch.width), smooth_size(patch.height)}),
      slots_(size_t(std::max(capacity, 0))) {
    require(!patch.empty() && patch.width <= 65536, "MaskedNcc: a patch of ", patch.width, " x ", patch.height);
    require(capacity > 0, "MaskedNcc: no template slot");
    require(params.flat_variance > 0, "MaskedNcc: flat_variance is not positive");
    const int jobs = exec.threads(), lanes = detail::fft_lanes;
    const int padded_rows = int(round_up(size_t(patch.height), size_t(2 * lanes)));
    patch_ = Buffer<uint8_t, Cpu>(exec, patch);
    luma_ = Buffer<uint8_t, Cpu>(exec, {patch.width, patch.height * capacity});
    valid_ = Buffer<uint8_t, Cpu>(exec, {patch.width, patch.height * capacity});
    padded_ = Buffer<float, Cpu>(exec, patch);
    template_spectra_ = Buffer<float, Cpu>(exec, {int(fft_.spectrum_count()), 2 * capacity});
    patch_spectra_ = Buffer<float, Cpu>(exec, {int(fft_.spectrum_count()), 2});
    lines_ = Buffer<float, Cpu>(exec, {2 * lanes * std::max(fft_.size().width, fft_.size().height), 4 * jobs});
    middles_ = Buffer<float, Cpu>(exec, {fft_.blocks() * 2 * lanes * padded_rows, 3 * jobs});
    partial_sums_ = Buffer<uint32_t, Cpu>(exec, {patch.width, 3 * jobs});
    row_sums_ = Buffer<int64_t, Cpu>(exec, {patch.width, 3 * jobs});
    std::memset(patch_.view().data, 0, patch_.bytes());
    std::memset(patch_spectra_.view().data, 0, patch_spectra_.bytes());
}

inline void MaskedNcc<Cpu>::set_template(int slot, HostImage<const uint8_t> luma, HostImage<const uint8_t> valid) {
    Slot& s = slot_at(slot);
    require(luma.size == valid.size, "MaskedNcc: template and valid map differ in size");
    require(!luma.size.empty() && luma.size.width <= patch_size().width && luma.size.height <= patch_size().height,
            "MaskedNcc: a template of ", luma.size.width, " x ", luma.size.height, " in a patch of ",
            patch_size().width, " x ", patch_size().height);
    int64_t count = 0, sum = 0, squares = 0;
    for (int y = 0; y < luma.size.height; ++y)
        for (int x = 0; x < luma.size.width; ++x) {
            const int v = luma(x, y), use = valid(x, y) != 0;
            count += use, sum += use * v, squares += use * v * v;
        }
    require(count > 0, "MaskedNcc: the template has no valid pixel");
    s = {.size = luma.size, .count = double(count), .sum = double(sum)};
    const double scaled_variance = double(squares) - s.sum * s.sum / s.count;
    s.deviation = std::sqrt(std::max(0.0, scaled_variance));
    s.flat = !(scaled_variance > double(params_.flat_variance) * s.count);
    copy(*exec_, luma, part_of(luma_, slot));
    copy(*exec_, valid, part_of(valid_, slot));

    // Estimates for one core, to choose the cheaper path: a template pixel costs .25 ns a place, three pruned
    // transforms .45 ns a pixel and level.
    const double pixels = double(fft_.size().area());
    const double direct_cost = 0.25 * s.count * double(response_size(slot).area());
    s.direct = params_.path == NccPath::direct ||
               (params_.path == NccPath::cheapest && direct_cost < 0.45 * pixels * std::log2(pixels));
    if (!s.direct && !s.flat) transform_template(slot);
}

inline void MaskedNcc<Cpu>::transform_template(int slot) {
    const Slot& s = slots_[size_t(slot)];
    const HostImage<uint8_t> luma = part_of(luma_, slot), valid = part_of(valid_, slot);
    const HostImage<float> image = padded_.view().crop(0, 0, s.size);
    const double scale = 1 / double(fft_.size().area()), mean = s.sum / s.count;
    for (int which = 0; which < 2; ++which) {
        for (int y = 0; y < s.size.height; ++y)
            for (int x = 0; x < s.size.width; ++x) {
                const double value = which == 0 ? (luma(x, y) - mean) / s.deviation : 1.0;
                image(x, y) = valid(x, y) ? float(value * scale) : 0.f;
            }
        fft_.forward(image, spectrum(template_spectra_, 2 * slot + which));
    }
}

inline void MaskedNcc<Cpu>::set_patch(HostImage<const uint8_t> luma) {
    require(luma.size == patch_size(), "MaskedNcc: a patch of ", luma.size.width, " x ", luma.size.height, ", not ",
            patch_size().width, " x ", patch_size().height);
    copy(*exec_, luma, patch_.view());
    // The means are whole numbers and leave with exact integers: less to round in what follows.
    int64_t sum = 0, squares = 0;
    for (int y = 0; y < luma.size.height; ++y)
        for (int x = 0; x < luma.size.width; ++x) sum += luma(x, y), squares += luma(x, y) * luma(x, y);
    const int64_t pixels = int64_t(luma.size.area()), mean = sum / pixels;
    square_mean_ = int((squares - 2 * mean * sum) / pixels + mean * mean);
    const HostImage<float> image = padded_.view();
    for (int which = 0; which < 2; ++which) {
        for (int y = 0; y < luma.size.height; ++y)
            for (int x = 0; x < luma.size.width; ++x) {
                const int v = luma(x, y) - int(mean);
                image(x, y) = float(which == 0 ? v : v * v - square_mean_);
            }
        fft_.forward(image, spectrum(patch_spectra_, which));
    }
}

template <class Body>
void MaskedNcc<Cpu>::for_each(int count, Body&& body) {
    const int jobs = exec_->threads();
    exec_->for_each(jobs, [&](int job) {
        for (int i = job; i < count; i += jobs) body(job, i);
    });
}

inline detail::ComplexLines<float> MaskedNcc<Cpu>::lines(int job, int i) {
    float* line = lines_.view().row(4 * job + i);
    return {reinterpret_cast<detail::FftLanes<float>*>(line),
            reinterpret_cast<detail::FftLanes<float>*>(line + lines_.size().width / 2)};
}

inline detail::HalfSpectrum<float> MaskedNcc<Cpu>::middle(int job, int which, int rows) {
    return {middles_.view().row(3 * job + which), int(round_up(size_t(rows), size_t(2 * detail::fft_lanes)))};
}

inline void MaskedNcc<Cpu>::columns_of_block(int slot, int block, int job, int owner) {
    using L = detail::FftLanes<float>;
    const int rows = response_size(slot).height, height = fft_.size().height;
    const size_t from = size_t(block) * fft_.block_count(), count = fft_.block_count() / 2;
    for (int which = 0; which < 3; ++which) {  // I * T, I * M, I^2 * M
        const float* a = spectrum(patch_spectra_, which / 2).data + from;
        const float* b = spectrum(template_spectra_, 2 * slot + (which > 0)).data + from;
        L* product = lines(job, 0).real;
        detail::multiply_conjugate(a, b, count, reinterpret_cast<float*>(product));
        const auto r = fft_.columns().inverse({product, product + height}, lines(job, 1), lines(job, 2));
        const detail::HalfSpectrum<float> out = middle(owner, which, rows);
        L* to = reinterpret_cast<L*>(out.data + size_t(block) * out.block_count());
        for (int part = 0; part < 2; ++part, to += out.height) {
            std::memcpy(to, part == 0 ? r.real : r.imag, size_t(rows) * sizeof(L));
            std::memset(to + rows, 0, size_t(out.height - rows) * sizeof(L));
        }
    }
}

// The responses of the rows first .. first + 7 as real parts and of the next eight as imaginary parts.
inline detail::ComplexLines<float> MaskedNcc<Cpu>::responses_of_rows(int slot, int first, int job, int owner) {
    const Slot& s = slots_[size_t(slot)];
    const Size places = response_size(slot);
    const int length = fft_.size().width, lanes = detail::fft_lanes;
    auto inverse = [&](int which_a, int a_first, int which_b, int b_first, int line) {
        const detail::HalfSpectrum<float> a = middle(owner, which_a, places.height);
        const detail::HalfSpectrum<float> b = middle(owner, which_b, places.height);
        detail::merge_rows<float>({a.data, a.height}, a_first, {b.data, b.height}, b_first, length, lines(job, line));
        return fft_.rows().inverse(lines(job, line), lines(job, line + 1), lines(job, line));
    };
    const detail::ComplexLines<float> squares = inverse(2, first, 2, first + lanes, 0);
    const float count = float(s.count), base = float(s.count * square_mean_), per_count = float(1 / s.count);
    const float flat = float(double(params_.flat_variance) * s.count);
    for (int half = 0; half < 2; ++half) {
        const auto sums = inverse(0, first + half * lanes, 1, first + half * lanes, 2);
        const float* products = reinterpret_cast<const float*>(sums.real);
        const float* window = reinterpret_cast<const float*>(sums.imag);
        float* out = reinterpret_cast<float*>(half == 0 ? squares.real : squares.imag);
        for (int i = 0; i < places.width * lanes; ++i) {
            const float deviation2 = out[i] + base - window[i] * window[i] * per_count;  // sum (I - mean I)^2
            const float r = products[i] * detail::inverse_square_root(deviation2 > flat ? deviation2 : count);
            out[i] = deviation2 > flat ? clamp(r, -1.f, 1.f) : 0.f;
        }
    }
    return squares;
}

inline void MaskedNcc<Cpu>::response(int slot, HostImage<float> out) {
    require(filled(slot), "MaskedNcc: slot ", slot, " is empty");
    require(out.size == response_size(slot), "MaskedNcc: a response of ", out.size.width, " x ", out.size.height,
            ", not ", response_size(slot).width, " x ", response_size(slot).height);
    const Slot& s = slots_[size_t(slot)];
    if (s.flat) {
        for (int y = 0; y < out.size.height; ++y) std::fill_n(out.row(y), out.size.width, 0.f);
    } else if (s.direct) {
        for_each(out.size.height, [&](int job, int y) { direct_row(slot, y, job, out.row(y)); });
    } else {
        for_each(fft_.blocks(), [&](int job, int block) { columns_of_block(slot, block, job, 0); });
        for_each(ceil_div(out.size.height, 2 * detail::fft_lanes), [&](int job, int group) {
            const int first = group * 2 * detail::fft_lanes;
            detail::store_rows<float>(responses_of_rows(slot, first, job, 0), first, out);
        });
    }
}

inline void MaskedNcc<Cpu>::peaks(HostSpan<Peak> out, Size reach) {
    require(int(out.count) == capacity(), "MaskedNcc: ", out.count, " peaks for ", capacity(), " slots");
    require(reach.width >= 0 && reach.height >= 0, "MaskedNcc: a reach of ", reach.width, " x ", reach.height);
    for_each(capacity(),
             [&](int job, int slot) { out[size_t(slot)] = filled(slot) ? find_peak(slot, job, reach) : Peak{}; });
}

inline Peak MaskedNcc<Cpu>::find_peak(int slot, int job, Size reach) {
    const Slot& s = slots_[size_t(slot)];
    const Size places = response_size(slot);
    const int lanes = detail::fft_lanes;
    const detail::PlaceRange columns(places.width, reach.width), rows(places.height, reach.height);
    if (s.flat) return {0, columns.first, rows.first};
    Peak best{-2, 0, 0};
    // Most groups of rows hold no better response: a maximum over lanes, which vectorises, says so.
    auto largest = [&](const detail::FftLanes<float>* eight_rows) {
        float lane_max[detail::fft_lanes];
        const float* values = reinterpret_cast<const float*>(eight_rows);
        std::fill_n(lane_max, lanes, -2.f);
        for (int x = columns.first; x <= columns.last; ++x)
            for (int lane = 0; lane < lanes; ++lane) {
                const float v = values[x * lanes + lane];
                lane_max[lane] = v > lane_max[lane] ? v : lane_max[lane];
            }
        return *std::max_element(lane_max, lane_max + lanes);
    };
    auto consider = [&](const float* values, int step, int y) {
        for (int x = columns.first; x <= columns.last; ++x)
            if (values[x * step] > best.value) best = {values[x * step], x, y};
    };
    if (s.direct) {
        float* row = lines_.view().row(4 * job);
        for (int y = rows.first; y <= rows.last; ++y) direct_row(slot, y, job, row), consider(row, 1, y);
    } else {
        for (int block = 0; block < fft_.blocks(); ++block) columns_of_block(slot, block, job, job);
        for (int first = rows.first / (2 * lanes) * 2 * lanes; first <= rows.last; first += 2 * lanes) {
            const auto responses = responses_of_rows(slot, first, job, job);
            for (int half = 0; half < 2; ++half) {
                const auto* group = half == 0 ? responses.real : responses.imag;
                const int from = first + half * lanes, end = std::min(rows.last + 1, from + lanes);
                if (from < end && largest(group) > best.value)
                    for (int y = std::max(from, rows.first); y < end; ++y)
                        consider(reinterpret_cast<const float*>(group) + (y - from), lanes, y);
            }
        }
    }
    best.value = exact_response(slot, best.x, best.y);
    return best;
}
}  // namespace cinebokeh
