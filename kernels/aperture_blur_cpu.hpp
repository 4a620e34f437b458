// Convolution by FFT on the CPU. A thread takes a block of the image through all of it, both pairs of channels, in its
// own scratch memory: rows to rows of spectra, columns forward, times the filter, and back.
#pragma once
#include <atomic>

#include "cinebokeh/core/fft.hpp"
#include "kernels/aperture_blur.hpp"

namespace cinebokeh::detail {

template <>
class BlockConvolver<HostSpace> {
public:
    // Plan for filters of up to `reach` pixels around their middle.
    BlockConvolver(Cpu& exec, Size max_size, int reach, int filters)
        : side_(convolution_side(reach, max_size)),
          reach_(reach),
          fft_(exec, side_),
          filters_(exec, {2 * side_ * side_, filters}),
          scratch_(exec, {scratch_count(), exec.threads()}),
          jobs_(exec.threads()) {}

    // Sets a filter, [2 reach + 1][2 reach + 1], the middle at the pixel that is filtered.
    void set_filter(Cpu&, int index, int reach, const float* weights);

    // Filters an image; with `turned` the filter is turned by 180 degrees.
    //   load(x, y, count, line)    reads pixels (x, y) .. (x + count, y), which may be outside the image, as Float4
    //   wanted(x, y, size)         whether any of these pixels, all inside, is wanted
    //   store(x, y, count, line)   takes pixels of the result
    // The pixels of a row are taken by one thread, in any order of the rows.
    template <class Load, class Wanted, class Store>
    void operator()(Cpu& exec, int index, bool turned, Size size, const Load& load, const Wanted& wanted,
                    const Store& store);

private:
    using Lanes = FftLanes<float>;
    using Lines = ComplexLines<float>;
    // A block: for each pair its spectrum in groups of columns, [part][side / lanes][side][lanes].
    struct Scratch {
        float* block[convolved_pairs][2];
        Lines line[4];
        Float4* row;
    };
    int scratch_count() const { return (4 * side_ + 12 * fft_lanes) * side_; }
    Scratch scratch(int job);
    Lanes* group(float* block, int g) const { return reinterpret_cast<Lanes*>(block) + size_t(g) * size_t(side_); }

    void rows_forward(const Scratch& s, int pair, int first);
    void columns(const Scratch& s, int pair, const float* filter, float sign);
    Lines rows_back(const Scratch& s, int pair, int first);
    template <class Load>
    void load_rows(const Scratch& s, int x, int y, const Load& load);

    int side_, reach_;
    LineFft<float> fft_;
    Buffer<float, Cpu> filters_, scratch_;
    int jobs_;
};

inline BlockConvolver<HostSpace>::Scratch BlockConvolver<HostSpace>::scratch(int job) {
    Scratch s;
    float* at = scratch_.view().row(job);
    for (auto& pair : s.block)
        for (float*& part : pair) part = at, at += side_ * side_;
    for (Lines& line : s.line) {
        line.real = reinterpret_cast<Lanes*>(at), at += side_ * fft_lanes;
        line.imag = reinterpret_cast<Lanes*>(at), at += side_ * fft_lanes;
    }
    s.row = reinterpret_cast<Float4*>(at);  // a group of them
    return s;
}

// Rows [first, + lanes) of a block, which are in line[pair].
inline void BlockConvolver<HostSpace>::rows_forward(const Scratch& s, int pair, int first) {
    const Lines r = fft_.forward(s.line[pair], s.line[2], s.line[3]);
    for (int g = 0; g * fft_lanes < side_; ++g) {
        transpose_tile(r.real[g * fft_lanes].v, group(s.block[pair][0], g)[first].v);
        transpose_tile(r.imag[g * fft_lanes].v, group(s.block[pair][1], g)[first].v);
    }
}

inline void BlockConvolver<HostSpace>::columns(const Scratch& s, int pair, const float* filter, float sign) {
    using V = FftVector<float>;
    for (int g = 0; g * fft_lanes < side_; ++g) {
        const Lines block{group(s.block[pair][0], g), group(s.block[pair][1], g)};
        const Lines spectrum = fft_.forward(block, s.line[2], s.line[3]);
        const auto* filter_re = reinterpret_cast<const Lanes*>(filter) + g * side_;
        const auto* filter_im = filter_re + side_ * side_ / fft_lanes;
        for (int y = 0; y < side_; ++y) {
            V re, im, a, b;
            spectrum.real[y].load(re), spectrum.imag[y].load(im), filter_re[y].load(a), filter_im[y].load(b);
            b = sign * b;
            spectrum.real[y] = re * a - im * b, spectrum.imag[y] = re * b + im * a;
        }
        const Lines other = spectrum.real == s.line[2].real ? s.line[3] : s.line[2];
        const Lines back = fft_.inverse(spectrum, other, spectrum);
        std::memcpy(block.real, back.real, sizeof(Lanes) * size_t(side_));
        std::memcpy(block.imag, back.imag, sizeof(Lanes) * size_t(side_));
    }
}

inline BlockConvolver<HostSpace>::Lines BlockConvolver<HostSpace>::rows_back(const Scratch& s, int pair, int first) {
    const Lines line = s.line[pair];
    for (int g = 0; g * fft_lanes < side_; ++g) {
        transpose_tile(group(s.block[pair][0], g)[first].v, line.real[g * fft_lanes].v);
        transpose_tile(group(s.block[pair][1], g)[first].v, line.imag[g * fft_lanes].v);
    }
    return fft_.inverse(line, s.line[2 + pair], line);
}

template <class Load>
void BlockConvolver<HostSpace>::load_rows(const Scratch& s, int x, int y, const Load& load) {
    for (int r = 0; r < fft_lanes; ++r) load(x, y + r, side_, s.row + r * side_);
    for (int i = 0; i < side_; ++i)
        for (int r = 0; r < fft_lanes; ++r) {
            const Float4 v = s.row[r * side_ + i];
            s.line[0].real[i].v[r] = v[0], s.line[0].imag[i].v[r] = v[1];
            s.line[1].real[i].v[r] = v[2], s.line[1].imag[i].v[r] = v[3];
        }
}

inline void BlockConvolver<HostSpace>::set_filter(Cpu&, int index, int reach, const float* weights) {
    const Scratch s = scratch(0);
    const float scale = 1 / (float(side_) * float(side_));  // of the transform there and back
    const auto weight = [&](int x, int y) {                 // around the corner, the middle of the filter
        const int u = 2 * x < side_ ? x : x - side_, v = 2 * y < side_ ? y : y - side_;
        return std::abs(u) <= reach && std::abs(v) <= reach ? weights[(v + reach) * (2 * reach + 1) + u + reach] : 0.f;
    };
    for (int first = 0; first < side_; first += fft_lanes) {
        for (int i = 0; i < side_; ++i)
            for (int r = 0; r < fft_lanes; ++r)
                s.line[0].real[i].v[r] = scale * weight(i, first + r), s.line[0].imag[i].v[r] = 0;
        rows_forward(s, 0, first);
    }
    float* const out = filters_.view().row(index);
    for (int g = 0; g * fft_lanes < side_; ++g) {
        const Lines spectrum =
            fft_.forward(Lines{group(s.block[0][0], g), group(s.block[0][1], g)}, s.line[2], s.line[3]);
        std::memcpy(group(out, g), spectrum.real, sizeof(Lanes) * size_t(side_));
        std::memcpy(group(out + side_ * side_, g), spectrum.imag, sizeof(Lanes) * size_t(side_));
    }
}

template <class Load, class Wanted, class Store>
void BlockConvolver<HostSpace>::operator()(Cpu& exec, int index, bool turned, Size size, const Load& load,
                                           const Wanted& wanted, const Store& store) {
    const ConvolutionBlocks blocks{side_, reach_, size};
    const float* const filter = filters_.view().row(index);
    const auto block_of = [&](const Scratch& s, int block) {
        const int left = blocks.left(block), top = blocks.top(block), x0 = left + reach_, y0 = top + reach_;
        const Size part{std::min(blocks.kept(), size.width - x0), std::min(blocks.kept(), size.height - y0)};
        if (!wanted(x0, y0, part)) return;
        for (int first = 0; first < side_; first += fft_lanes) {
            load_rows(s, left, top + first, load);
            for (int pair = 0; pair < convolved_pairs; ++pair) rows_forward(s, pair, first);
        }
        for (int pair = 0; pair < convolved_pairs; ++pair) columns(s, pair, filter, turned ? -1.f : 1.f);
        for (int first = reach_ / fft_lanes * fft_lanes; first < reach_ + part.height; first += fft_lanes) {
            const Lines a = rows_back(s, 0, first), b = rows_back(s, 1, first);
            for (int r = std::max(0, reach_ - first); r < fft_lanes && first + r < reach_ + part.height; ++r) {
                const auto light = [&](const Lanes* line, int i) { return std::max(line[reach_ + i].v[r], 0.f); };
                for (int i = 0; i < part.width; ++i)
                    s.row[i] = {light(a.real, i), light(a.imag, i), light(b.real, i), light(b.imag, i)};
                store(x0, top + first + r, part.width, s.row);
            }
        }
    };
    std::atomic<int> next{0};
    exec.for_each(jobs_, [&](int job) {
        for (int block; (block = next.fetch_add(1)) < blocks.count();) block_of(scratch(job), block);
    });
}

inline void convolve(Cpu& exec, BlockConvolver<HostSpace>& convolver, bool turned, const CutLight<HostSpace>& in,
                     HostImage<Float4> out) {
    convolver(
        exec, 0, turned, out.size,
        [&](int x, int y, int count, Float4* line) {
            for (int i = 0; i < count; ++i) line[i] = in(x + i, y);
        },
        [](int, int, Size) { return true; },
        [&](int x, int y, int count, const Float4* line) { std::copy(line, line + count, out.row(y) + x); });
}
}  // namespace cinebokeh::detail
