// The FFT of complex lines on Cuda, in shared memory: Stockham's passes as in core/fft_line.hpp. What a line is, and
// where its result goes, is up to the caller, so that products and masks cost no pass over memory of their own.
#pragma once
#include "cinebokeh/core/fft_line.hpp"
#if CINEBOKEH_GRID

namespace cinebokeh {
namespace detail {
template <class T>
struct alignas(2 * sizeof(T)) Complex {
    T re = 0, im = 0;
    friend CINEBOKEH_HD Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
    friend CINEBOKEH_HD Complex operator*(Complex a, Complex b) {
        return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
};
template <class T>
CINEBOKEH_HD Complex<T> conjugate(Complex<T> a) {
    return {a.re, -a.im};
}
template <class T>
CINEBOKEH_HD Complex<T> times_i(Complex<T> a) {
    return {-a.im, a.re};
}
template <class T>
CINEBOKEH_HD Complex<T> operator-(Complex<T> a, Complex<T> b) {
    return {a.re - b.re, a.im - b.im};
}
/// The transforms of two real arrays a and b at k, from that of a + ib at k and at -k.
template <class T>
CINEBOKEH_HD Complex<T> first_of_pair(Complex<T> at_k, Complex<T> at_minus_k) {
    return {(at_k.re + at_minus_k.re) / 2, (at_k.im - at_minus_k.im) / 2};
}
template <class T>
CINEBOKEH_HD Complex<T> second_of_pair(Complex<T> at_k, Complex<T> at_minus_k) {
    return {(at_k.im + at_minus_k.im) / 2, (at_minus_k.re - at_k.re) / 2};
}

/// Transforms of one size as kernels see them.
template <class T>
struct FftOnDevice {
    int length, passes, radices[32];
    const Complex<T>* roots;  // [length] exp(-2 pi i j / length)
};

/// Plan of the FFT of one length in shared memory.
template <class T>
class LineFftCuda {
public:
    static constexpr int threads = 128, most_shared_bytes = 200 * 1024;

    /// Throws Error if the length is not its own smooth_size or too long for shared memory. Allocates.
    LineFftCuda(Cuda& exec, int length) : exec_(&exec), device_{length, 0, {}, nullptr} {
        require(length >= 1 && smooth_size(length) == length, "FFT: the length ", length,
                " has a prime factor above 7");
        require(shared_bytes(length, 1) <= size_t(most_shared_bytes), "FFT: a line of ", length,
                " numbers does not fit into shared memory");
        int rest = length;
        for (int radix : {4, 2, 3, 5, 7})
            for (; rest % radix == 0; rest /= radix) device_.radices[device_.passes++] = radix;
        std::vector<Complex<T>> roots;
        for (int j = 0; j < length; ++j) {
            const double angle = -2 * 3.14159265358979323846 * j / length;
            roots.push_back({T(std::cos(angle)), T(std::sin(angle))});
        }
        roots_ = {exec, {length, 1}, roots};
        device_.roots = roots_.view().data;
    }
    int length() const { return device_.length; }
    const FftOnDevice<T>& on_device() const { return device_; }
    /// What fft_in_shared takes for `lines` lines: two copies.
    static size_t shared_bytes(int length, int lines) {
        return size_t(2 * lines) * size_t(length) * sizeof(Complex<T>);
    }

    /// Transforms `lines` lines in each of `batches`: result = FFT of load(line, i, batch), to store(line, i, batch,
    /// value). With `inverse` exp(+2 pi i ...), not scaled. `along_rows` says that elements of a line, rather than
    /// lines, lie side by side in memory. A store may write over what the loads of the same line read. What a load or
    /// store needs to find out about a batch only once it does in of(batch), where it has one: that returns what is
    /// called as (line, i) or (line, i, value).
    template <class Load, class Store>
    void run(int lines, int batches, bool inverse, bool along_rows, const Load& load, const Store& store) const;

private:
    /// Lines per block: enough work for the threads, and several blocks to a multiprocessor; fewer where that leaves
    /// multiprocessors idle, but 32 bytes side by side of lines that are columns.
    int group(int lines, int batches, bool along_rows) const {
        const int least = along_rows ? 1 : int(32 / sizeof(Complex<T>));
        int group = clamp(int(48 * 1024 / shared_bytes(length(), 1)), 1, 8);
        while (group / 2 >= least && ceil_div(lines, group) * batches < 2 * exec_->multiprocessors()) group /= 2;
        return group;
    }

    Cuda* exec_;
    FftOnDevice<T> device_;
    Buffer<Complex<T>, Cuda> roots_;
};
}  // namespace detail

namespace kernels {
using detail::Complex;
using detail::FftOnDevice;

// The transform of R values in place. `roots` holds exp(-2 pi i j / length), length a multiple of R.
template <class T, int R>
static __device__ void fft_butterfly(const FftOnDevice<T>& fft, Complex<T> (&v)[R]) {
    if constexpr (R == 2) {
        const Complex<T> a = v[0];
        v[0] = a + v[1], v[1] = a - v[1];
    } else if constexpr (R == 4) {
        const Complex<T> a = v[0] + v[2], b = v[0] - v[2], c = v[1] + v[3], d = times_i(v[1] - v[3]);
        v[0] = a + c, v[1] = b - d, v[2] = a - c, v[3] = b + d;
    } else {
        Complex<T> out[R];
        CINEBOKEH_UNROLL
        for (int j = 0; j < R; ++j) {
            out[j] = v[0];
            CINEBOKEH_UNROLL
            for (int k = 1; k < R; ++k) out[j] = out[j] + v[k] * fft.roots[j * k % R * (fft.length / R)];
        }
        CINEBOKEH_UNROLL
        for (int j = 0; j < R; ++j) v[j] = out[j];
    }
}

// One pass over `lines` interleaved lines; s transforms of length / s elements each are still to be done in a line.
template <class T, int R>
static __device__ void fft_pass(const FftOnDevice<T>& fft, int s, int lines, const Complex<T>* in, Complex<T>* out) {
    const int m = fft.length / R;
    for (int i = int(threadIdx.x); i < m * lines; i += int(blockDim.x)) {
        const int line = i % lines, b = i / lines, q = b % s, p = b / s;
        Complex<T> v[R];
        CINEBOKEH_UNROLL
        for (int k = 0; k < R; ++k) v[k] = in[(b + m * k) * lines + line];
        fft_butterfly<T, R>(fft, v);
        CINEBOKEH_UNROLL
        for (int j = 0; j < R; ++j) out[(q + s * (R * p + j)) * lines + line] = v[j] * fft.roots[j * p * s];
    }
}

/// Transforms `lines` lines of `a`, [length][lines]; returns the one of a and b that holds the result. All threads call
/// it after a barrier; it ends with one.
template <class T>
static __device__ Complex<T>* fft_in_shared(const FftOnDevice<T>& fft, int lines, Complex<T>* a, Complex<T>* b) {
    for (int pass = 0, s = 1; pass < fft.passes; ++pass) {
        const int radix = fft.radices[pass];
        switch (radix) {
            case 2:
                fft_pass<T, 2>(fft, s, lines, a, b);
                break;
            case 3:
                fft_pass<T, 3>(fft, s, lines, a, b);
                break;
            case 4:
                fft_pass<T, 4>(fft, s, lines, a, b);
                break;
            case 5:
                fft_pass<T, 5>(fft, s, lines, a, b);
                break;
            default:
                fft_pass<T, 7>(fft, s, lines, a, b);
                break;
        }
        __syncthreads();  // the pass is complete
        s *= radix;
        Complex<T>* result = b;
        b = a, a = result;
    }
    return a;
}

template <class F>
static __device__ inline auto fft_access(const F& f, int batch) {
    if constexpr (requires { f.of(batch); })
        return f.of(batch);
    else
        return [f, batch](int line, int i, auto... value) { return f(line, i, batch, value...); };
}

template <class T, class Load, class Store>
static __global__ void fft_lines(FftOnDevice<T> fft, int group, int lines, bool inverse, bool along_rows, Load load,
                                 Store store) {
    Complex<T>* shared = dynamic_shared<Complex<T>>();
    const int first = int(blockIdx.x) * group, count = group * fft.length;
    const auto read = fft_access(load, int(blockIdx.y));
    const auto write = fft_access(store, int(blockIdx.y));
    for (int i = int(threadIdx.x); i < count; i += int(blockDim.x)) {
        const int line = along_rows ? i / fft.length : i % group, k = along_rows ? i % fft.length : i / group;
        Complex<T> v;
        if (first + line < lines) v = read(first + line, k);
        shared[k * group + line] = inverse ? Complex<T>{v.im, v.re} : v;
    }
    __syncthreads();  // the lines are there
    const Complex<T>* result = fft_in_shared(fft, group, shared, shared + count);
    for (int i = int(threadIdx.x); i < count; i += int(blockDim.x)) {
        const int line = along_rows ? i / fft.length : i % group, k = along_rows ? i % fft.length : i / group;
        const Complex<T> v = result[k * group + line];
        if (first + line < lines) write(first + line, k, inverse ? Complex<T>{v.im, v.re} : v);
    }
}
}  // namespace kernels

namespace detail {
template <class T>
template <class Load, class Store>
void LineFftCuda<T>::run(int lines, int batches, bool inverse, bool along_rows, const Load& load,
                         const Store& store) const {
    const int together = group(lines, batches, along_rows);
    exec_->launch(dim3(unsigned(ceil_div(lines, together)), unsigned(batches)), dim3(threads),
                  shared_bytes(length(), together), kernels::fft_lines<T, Load, Store>, device_, together, lines,
                  inverse, along_rows, load, store);
}

/// Complex spectra of one size in device memory, [height, width] each, `stride` numbers apart.
template <class T>
struct FftPlanes {
    Complex<T>* data;
    Size size;
    size_t stride;
    CINEBOKEH_HD Complex<T>& at(int x, int y, int plane) const {
        return data[size_t(plane) * stride + size_t(y) * size_t(size.width) + size_t(x)];
    }
    /// The coefficient at -k.
    CINEBOKEH_HD Complex<T> at_minus(int x, int y, int plane) const {
        return at(x == 0 ? 0 : size.width - x, y == 0 ? 0 : size.height - y, plane);
    }
};

/// Load and store lines of planes: rows, or columns, of which the pixels from row `rows` on are 0.
template <class T>
struct FftRow {
    FftPlanes<T> planes;
    int first_plane;
    CINEBOKEH_HD Complex<T> operator()(int y, int x, int batch) const { return planes.at(x, y, first_plane + batch); }
    CINEBOKEH_HD void operator()(int y, int x, int batch, Complex<T> v) const {
        planes.at(x, y, first_plane + batch) = v;
    }
};
template <class T>
struct FftColumn {
    FftPlanes<T> planes;
    int first_plane, rows;
    CINEBOKEH_HD Complex<T> operator()(int x, int y, int batch) const {
        return y < rows ? planes.at(x, y, first_plane + batch) : Complex<T>{};
    }
    CINEBOKEH_HD void operator()(int x, int y, int batch, Complex<T> v) const {
        if (y < rows) planes.at(x, y, first_plane + batch) = v;
    }
};

/// Plan of the complex FFT of images of one size, rows first.
template <class T>
class PlaneFftCuda {
public:
    /// As LineFftCuda for both sides.
    PlaneFftCuda(Cuda& exec, Size size) : rows_(exec, size.width), columns_(exec, size.height) {}
    Size size() const { return {rows_.length(), columns_.length()}; }
    const LineFftCuda<T>& rows() const { return rows_; }
    const LineFftCuda<T>& columns() const { return columns_; }

    /// planes[first + batch] = FFT of load(y, x, batch), of which only the first `height` rows are not 0.
    template <class Load>
    void forward(int height, int batches, const Load& load, FftPlanes<T> planes, int first) const {
        rows_.run(height, batches, false, true, load, FftRow<T>{planes, first});
        columns_.run(size().width, batches, false, false, FftColumn<T>{planes, first, height},
                     FftColumn<T>{planes, first, size().height});
    }

private:
    LineFftCuda<T> rows_, columns_;
};
}  // namespace detail
}  // namespace cinebokeh
#endif
