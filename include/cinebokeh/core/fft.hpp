// RealFft2d: the discrete Fourier transform of real images, by an FFT of our own that needs no library.
#pragma once
#include "cinebokeh/core/fft_line.hpp"

namespace cinebokeh {

/// Plan of the transform of real images of one size.
///
///   F(kx, ky) = sum over x, y of image(x, y) exp(-2 pi i (kx x / width + ky y / height))
///
/// A spectrum is an array of spectrum_count() numbers: the columns kx = 0 .. width / 2 of F in blocks of `lanes`
/// columns; each block holds its real parts as [height][lanes], then its imaginary parts. What fills up the last block
/// is 0. at() reads one coefficient.
///
/// T is float or double. Calls allocate nothing and are deterministic: the same bits with any number of threads.
/// One call at a time on one plan. A NaN or infinity in the input spreads over the whole output.
template <class T>
class RealFft2d {
public:
    static constexpr int lanes = detail::fft_lanes;

    /// Throws Error unless each side is its own smooth_size. Allocates.
    RealFft2d(Cpu& exec, Size size);

    Size size() const { return size_; }
    size_t spectrum_count() const { return size_t(blocks()) * block_count(); }

    /// Transforms an image; one that is smaller than the plan is filled up with 0. Throws Error if it is larger.
    void forward(HostImage<const T> image, HostSpan<T> spectrum);

    /// Transforms back, not scaled: inverse(forward(image)) = width * height * image. Only the top left part that
    /// `image` has room for is computed. Throws Error if `image` is larger than the plan.
    void inverse(HostSpan<const T> spectrum, HostImage<T> image);

    /// The real (part 0) or imaginary (part 1) part of F(kx, ky), 0 <= kx <= width / 2, 0 <= ky < height.
    T at(HostSpan<const T> spectrum, int kx, int ky, int part) const {
        return spectrum[kx / lanes * block_count() + size_t(part * size_.height + ky) * lanes + size_t(kx % lanes)];
    }

    // The steps, for plans that work on spectra block by block (masked NCC): columns of a block, then groups of rows.
    int blocks() const { return ceil_div(size_.width / 2 + 1, lanes); }
    size_t block_count() const { return size_t(2) * lanes * size_t(size_.height); }
    const detail::LineFft<T>& columns() const { return columns_; }
    const detail::LineFft<T>& rows() const { return rows_; }

private:
    using Lines = detail::ComplexLines<T>;

    void check(size_t count, Size image, const char* what) const {
        require(count == spectrum_count(), what, ": the spectrum has ", count, " numbers, not ", spectrum_count());
        require(image.width <= size_.width && image.height <= size_.height, what, ": an image of ", image.width, " x ",
                image.height, " in a plan of ", size_.width, " x ", size_.height);
    }
    /// Buffer `i` of four for the job of a thread.
    Lines scratch(int job, int i) {
        T* line = scratch_.view().row(4 * job + i);
        return {reinterpret_cast<detail::FftLanes<T>*>(line),
                reinterpret_cast<detail::FftLanes<T>*>(line + line_count())};
    }
    int line_count() const { return lanes * std::max(size_.width, size_.height); }
    /// Calls body(job, i) for every i in [0, count); a job runs on one thread at a time.
    template <class Body>
    void for_each(int count, Body&& body) {
        const int jobs = exec_->threads();
        exec_->for_each(jobs, [&](int job) {
            for (int i = job; i < count; i += jobs) body(job, i);
        });
    }

    Cpu* exec_;
    Size size_;
    detail::LineFft<T> rows_, columns_;
    Buffer<T, Cpu> scratch_, middle_;  // middle_: a spectrum that is transformed along y only
};

// ---------------------------------------------------------------------------- implementation

namespace detail {
/// Where a half spectrum that is (or is not yet) transformed along y lies: [block][part][height][lanes].
template <class T>
struct HalfSpectrum {
    T* data;
    int height;
    size_t block_count() const { return size_t(2) * fft_lanes * size_t(height); }
};

/// Lines of the rows first .. first + lanes (real) and the next `lanes` rows (imaginary), 0 outside the image.
template <class T>
void load_rows(HostImage<const T> image, int first, int length, ComplexLines<T> lines) {
    for (int row = 0; row < 2 * fft_lanes; ++row) {
        const int y = first + row, width = y < image.size.height ? image.size.width : 0;
        T* to = reinterpret_cast<T*>(row < fft_lanes ? lines.real : lines.imag) + row % fft_lanes;
        const T* from = width ? image.row(y) : nullptr;
        for (int x = 0; x < width; ++x) to[x * fft_lanes] = from[x];
        for (int x = width; x < length; ++x) to[x * fft_lanes] = 0;
    }
}

template <class T>
void store_rows(ComplexLines<const T> lines, int first, HostImage<T> image) {
    for (int row = 0; row < 2 * fft_lanes && first + row < image.size.height; ++row) {
        const T* from = reinterpret_cast<const T*>(row < fft_lanes ? lines.real : lines.imag) + row % fft_lanes;
        T* to = image.row(first + row);
        for (int x = 0; x < image.size.width; ++x) to[x] = from[x * fft_lanes];
    }
}

/// Two real lines a, b were transformed as z = a + ib: A(k) = (Z(k) + conj Z(-k)) / 2, B(k) = (Z(k) - conj Z(-k)) / 2i.
template <class T>
void split_rows(ComplexLines<const T> z, int length, int first, HalfSpectrum<T> out) {
    const T half = T(0.5);
    for (int k = 0; k <= length / 2; ++k) {
        const int minus_k = k == 0 ? 0 : length - k;
        FftVector<T> r, i, minus_r, minus_i;
        z.real[k].load(r), z.imag[k].load(i), z.real[minus_k].load(minus_r), z.imag[minus_k].load(minus_i);
        const FftVector<T> parts[4] = {half * (r + minus_r), half * (i - minus_i),   // A
                                       half * (i + minus_i), half * (minus_r - r)};  // B
        T* block = out.data + size_t(k / fft_lanes) * out.block_count() + k % fft_lanes;
        for (int part = 0; part < 4; ++part) {
            const int y = first + part / 2 * fft_lanes;
            T* to = block + size_t(part % 2 * out.height + y) * fft_lanes;
            for (int lane = 0; lane < fft_lanes && y + lane < out.height; ++lane)
                to[lane * fft_lanes] = parts[part][lane];
        }
    }
}

/// Loads lane `column` of 8 rows by 8 columns into lines: lines[column][row] = tile[row][column].
template <class T>
void transpose_tile(const T* tile, T* lines) {
    for (int column = 0; column < fft_lanes; ++column)
        for (int row = 0; row < fft_lanes; ++row) lines[column * fft_lanes + row] = tile[row * fft_lanes + column];
}

/// The lines Z = A + iB of the rows [a_first, + lanes) of `a` and [b_first, + lanes) of `b`: after the inverse
/// transform the rows of a are the real parts and those of b the imaginary parts. Both have whole groups of rows.
template <class T>
void merge_rows(HalfSpectrum<const T> a, int a_first, HalfSpectrum<const T> b, int b_first, int length,
                ComplexLines<T> z) {
    for (int block = 0; block * fft_lanes <= length / 2; ++block) {
        FftLanes<T> tiles[4][fft_lanes];
        const T* from_a = a.data + size_t(block) * a.block_count() + size_t(a_first) * fft_lanes;
        const T* from_b = b.data + size_t(block) * b.block_count() + size_t(b_first) * fft_lanes;
        for (int part = 0; part < 2; ++part) {
            transpose_tile(from_a + size_t(part * a.height) * fft_lanes, reinterpret_cast<T*>(tiles[part]));
            transpose_tile(from_b + size_t(part * b.height) * fft_lanes, reinterpret_cast<T*>(tiles[2 + part]));
        }
        for (int i = 0, k = block * fft_lanes; i < fft_lanes && k <= length / 2; ++i, ++k) {
            FftVector<T> ar, ai, br, bi;
            tiles[0][i].load(ar), tiles[1][i].load(ai), tiles[2][i].load(br), tiles[3][i].load(bi);
            if (k > 0) z.real[length - k] = ar + bi, z.imag[length - k] = br - ai;
            z.real[k] = ar - bi, z.imag[k] = ai + br;
        }
    }
}
}  // namespace detail

template <class T>
RealFft2d<T>::RealFft2d(Cpu& exec, Size size)
    : exec_(&exec), size_(size), rows_(exec, size.width), columns_(exec, size.height) {
    scratch_ = Buffer<T, Cpu>(exec, {2 * line_count(), 4 * exec.threads()});
    const int padded_height = int(round_up(size_t(size.height), 2 * lanes));
    middle_ = Buffer<T, Cpu>(exec, {2 * lanes * padded_height, blocks()});
}

template <class T>
void RealFft2d<T>::forward(HostImage<const T> image, HostSpan<T> spectrum) {
    check(spectrum.count, image.size, "RealFft2d::forward");
    std::memset(spectrum.data + size_t(blocks() - 1) * block_count(), 0, block_count() * sizeof(T));
    for_each(ceil_div(size_.height, 2 * lanes), [&](int job, int group) {
        const int first = group * 2 * lanes;
        detail::load_rows<T>(image, first, size_.width, scratch(job, 0));
        const Lines z = rows_.forward(scratch(job, 0), scratch(job, 1), scratch(job, 0));
        detail::split_rows<T>(z, size_.width, first, {spectrum.data, size_.height});
    });
    for_each(blocks(), [&](int job, int block) {
        T* data = spectrum.data + size_t(block) * block_count();
        detail::FftLanes<T>* lines = reinterpret_cast<detail::FftLanes<T>*>(data);
        const Lines r = columns_.forward(Lines{lines, lines + size_.height}, scratch(job, 0), scratch(job, 1));
        std::memcpy(data, r.real, block_count() / 2 * sizeof(T));
        std::memcpy(data + block_count() / 2, r.imag, block_count() / 2 * sizeof(T));
    });
}

template <class T>
void RealFft2d<T>::inverse(HostSpan<const T> spectrum, HostImage<T> image) {
    check(spectrum.count, image.size, "RealFft2d::inverse");
    if (image.size.empty()) return;
    // Rows that only fill up the last group must be 0: they share lines with rows that are wanted.
    const int rows = image.size.height, padded = int(round_up(size_t(rows), 2 * lanes));
    for_each(blocks(), [&](int job, int block) {
        const auto* in = reinterpret_cast<const detail::FftLanes<T>*>(spectrum.data + size_t(block) * block_count());
        const Lines r = columns_.inverse({in, in + size_.height}, scratch(job, 0), scratch(job, 1));
        T* out = middle_.view().data + size_t(block) * 2 * lanes * size_t(padded);
        for (int part = 0; part < 2; ++part, out += padded * lanes) {
            std::memcpy(out, part == 0 ? r.real : r.imag, size_t(rows) * lanes * sizeof(T));
            std::memset(out + rows * lanes, 0, size_t(padded - rows) * lanes * sizeof(T));
        }
    });
    for_each(ceil_div(image.size.height, 2 * lanes), [&](int job, int group) {
        const detail::HalfSpectrum<const T> middle{middle_.view().data, padded};
        const int first = group * 2 * lanes;
        detail::merge_rows<T>(middle, first, middle, first + lanes, size_.width, scratch(job, 0));
        const Lines r = rows_.inverse(scratch(job, 0), scratch(job, 1), scratch(job, 0));
        detail::store_rows<T>(r, first, image);
    });
}
}  // namespace cinebokeh
