// LineFft: the complex FFT of one length, of `fft_lanes` lines side by side. core/fft.hpp makes images of it.
//
// Stockham's self-sorting FFT (Swarztrauber, "FFT algorithms for vector computers", 1984) with radices 2, 3, 4, 5
// and 7. Every pass goes from one buffer to another, and element i of the eight lines is one vector, so that each load,
// store and multiplication of a butterfly is a plain vector operation.
#pragma once
#include <cmath>
#include <cstring>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// The smallest number >= n that has no prime factor but 2, 3, 5 and 7: the lengths that an FFT takes.
constexpr int smooth_size(int n) {
    for (n = n < 1 ? 1 : n;; ++n) {
        int rest = n;
        for (int factor : {2, 3, 5, 7})
            while (rest % factor == 0) rest /= factor;
        if (rest == 1) return n;
    }
}

namespace detail {
inline constexpr int fft_lanes = 8;

#if defined(__GNUC__)
template <class T>
struct FftVectorOf {
    typedef T type __attribute__((vector_size(fft_lanes * sizeof(T))));
};
template <class T>
using FftVector = typename FftVectorOf<T>::type;
#else
template <class T>
struct FftVector {
    T v[fft_lanes];
    T& operator[](int i) { return v[i]; }
    T operator[](int i) const { return v[i]; }
    template <class F>
    static FftVector map(F f) {
        FftVector r;
        for (int i = 0; i < fft_lanes; ++i) r.v[i] = f(i);
        return r;
    }
    friend FftVector operator+(const FftVector& a, const FftVector& b) {
        return map([&](int i) { return a.v[i] + b.v[i]; });
    }
    friend FftVector operator-(const FftVector& a, const FftVector& b) {
        return map([&](int i) { return a.v[i] - b.v[i]; });
    }
    friend FftVector operator*(const FftVector& a, const FftVector& b) {
        return map([&](int i) { return a.v[i] * b.v[i]; });
    }
    friend FftVector operator*(T s, const FftVector& a) {
        return map([&](int i) { return s * a.v[i]; });
    }
    FftVector& operator+=(const FftVector& a) { return *this = *this + a; }
    FftVector& operator-=(const FftVector& a) { return *this = *this - a; }
};
#endif

/// Element i of eight lines in memory, which need not be aligned to the vector that it is loaded into. Vectors go by
/// reference: by value their calling convention would depend on the processor.
template <class T>
struct FftLanes {
    T v[fft_lanes];
    void load(FftVector<T>& to) const { std::memcpy(&to, v, sizeof v); }
    FftLanes& operator=(const FftVector<T>& a) {
        std::memcpy(v, &a, sizeof v);
        return *this;
    }
};

/// Eight complex lines: real[i] and imag[i] hold element i of each.
template <class T>
struct ComplexLines {
    FftLanes<T>* real;
    FftLanes<T>* imag;
};

// cos and sin of 2 pi j / R for the odd radices.
template <class T, int R>
struct Roots {
    static_assert(R == 3 || R == 5 || R == 7);
    static constexpr double cosines[4] = {1,
                                          R == 3   ? -0.5
                                          : R == 5 ? 0.30901699437494742410
                                                   : 0.62348980185873353053,
                                          R == 5 ? -0.80901699437494742410 : -0.22252093395631440429,
                                          -0.90096886790241912624};
    static constexpr double sines[4] = {0,
                                        R == 3   ? 0.86602540378443864676
                                        : R == 5 ? 0.95105651629515357212
                                                 : 0.78183148246802980871,
                                        R == 5 ? 0.58778525229247312917 : 0.97492791218182360702,
                                        0.43388373911755812048};
    static constexpr T cosine(int j) { return j %= R, T(cosines[j <= R / 2 ? j : R - j]); }
    static constexpr T sine(int j) { return j %= R, j <= R / 2 ? T(sines[j]) : -T(sines[R - j]); }
};

// The transform of R values, exp(-2 pi i j k / R), in place.
template <class T, int R>
inline void butterfly(FftVector<T> (&re)[R], FftVector<T> (&im)[R]) {
    using L = FftVector<T>;
    if constexpr (R == 2) {
        const L r = re[0] - re[1], i = im[0] - im[1];
        re[0] += re[1], im[0] += im[1];
        re[1] = r, im[1] = i;
    } else if constexpr (R == 4) {
        const L ar = re[0] + re[2], ai = im[0] + im[2], br = re[0] - re[2], bi = im[0] - im[2];
        const L cr = re[1] + re[3], ci = im[1] + im[3], dr = re[1] - re[3], di = im[1] - im[3];
        re[0] = ar + cr, im[0] = ai + ci;
        re[1] = br + di, im[1] = bi - dr;
        re[2] = ar - cr, im[2] = ai - ci;
        re[3] = br - di, im[3] = bi + dr;
    } else if constexpr (R == 8) {
        // Two transforms of four; the odd one turned by exp(-2 pi i k / 8) before the two are added.
        L even_r[4] = {re[0], re[2], re[4], re[6]}, even_i[4] = {im[0], im[2], im[4], im[6]};
        L odd_r[4] = {re[1], re[3], re[5], re[7]}, odd_i[4] = {im[1], im[3], im[5], im[7]};
        butterfly<T, 4>(even_r, even_i);
        butterfly<T, 4>(odd_r, odd_i);
        constexpr T diagonal = T(0.70710678118654752440);
        const L r1 = diagonal * (odd_r[1] + odd_i[1]), i1 = diagonal * (odd_i[1] - odd_r[1]);
        const L r3 = diagonal * (odd_i[3] - odd_r[3]), i3 = diagonal * (odd_r[3] + odd_i[3]);
        re[0] = even_r[0] + odd_r[0], im[0] = even_i[0] + odd_i[0];
        re[4] = even_r[0] - odd_r[0], im[4] = even_i[0] - odd_i[0];
        re[1] = even_r[1] + r1, im[1] = even_i[1] + i1;
        re[5] = even_r[1] - r1, im[5] = even_i[1] - i1;
        re[2] = even_r[2] + odd_i[2], im[2] = even_i[2] - odd_r[2];
        re[6] = even_r[2] - odd_i[2], im[6] = even_i[2] + odd_r[2];
        re[3] = even_r[3] + r3, im[3] = even_i[3] - i3;
        re[7] = even_r[3] - r3, im[7] = even_i[3] + i3;
    } else {
        constexpr int half = R / 2;
        L sum_r[half], sum_i[half], dif_r[half], dif_i[half];
        const L first_r = re[0], first_i = im[0];
        for (int k = 0; k < half; ++k) {
            sum_r[k] = re[k + 1] + re[R - 1 - k], sum_i[k] = im[k + 1] + im[R - 1 - k];
            dif_r[k] = re[k + 1] - re[R - 1 - k], dif_i[k] = im[k + 1] - im[R - 1 - k];
            re[0] += sum_r[k], im[0] += sum_i[k];
        }
        for (int j = 1; j <= half; ++j) {
            L even_r = first_r, even_i = first_i;
            L odd_r = Roots<T, R>::sine(j) * dif_r[0], odd_i = Roots<T, R>::sine(j) * dif_i[0];
            for (int k = 0; k < half; ++k) {
                even_r += Roots<T, R>::cosine(j * (k + 1)) * sum_r[k];
                even_i += Roots<T, R>::cosine(j * (k + 1)) * sum_i[k];
                if (k > 0) odd_r += Roots<T, R>::sine(j * (k + 1)) * dif_r[k];
                if (k > 0) odd_i += Roots<T, R>::sine(j * (k + 1)) * dif_i[k];
            }
            re[j] = even_r + odd_i, im[j] = even_i - odd_r;
            re[R - j] = even_r - odd_i, im[R - j] = even_i + odd_r;
        }
    }
}

// One pass over lines of which s are interleaved and n elements are still to be transformed.
template <class T, int R, bool last>
void fft_pass(int n, int s, ComplexLines<const T> in, ComplexLines<T> out, const T* twiddle);

/// Plan of the FFT of one length, which must be its own smooth_size.
template <class T>
class LineFft {
public:
    LineFft(Cpu& exec, int length) : length_(length) {
        require(length >= 1 && smooth_size(length) == length, "LineFft: the length ", length,
                " has a prime factor above 7");
        int rest = length;
        for (int radix : {8, 4, 2, 3, 5, 7})
            for (; rest % radix == 0; rest /= radix) radices_[passes_++] = radix;
        twiddles_ = Buffer<T, Cpu>(exec, {2 * length + 1, 1});
        fill_twiddles();
    }
    int length() const { return length_; }

    /// Transforms `in` and returns the one of `a` and `b` that holds the result; `b` may be `in`, which is then lost.
    ComplexLines<T> forward(ComplexLines<const T> in, ComplexLines<T> a, ComplexLines<T> b) const;
    /// The same with exp(+2 pi i ...), not scaled: the transform with real and imaginary parts exchanged.
    ComplexLines<T> inverse(ComplexLines<const T> in, ComplexLines<T> a, ComplexLines<T> b) const {
        const ComplexLines<T> r = forward({in.imag, in.real}, {a.imag, a.real}, {b.imag, b.real});
        return {r.imag, r.real};
    }

private:
    void fill_twiddles() {
        T* w = twiddles_.span().data;
        for (int pass = 0, n = length_; pass < passes_; n /= radices_[pass++]) {
            const int radix = radices_[pass];
            for (int p = 0; n != radix && p < n / radix; ++p)
                for (int j = 1; j < radix; ++j) {
                    const double angle = -2 * 3.14159265358979323846 * double(j) * p / n;
                    *w++ = T(std::cos(angle)), *w++ = T(std::sin(angle));
                }
        }
    }
    template <int R>
    const T* run(int n, int s, ComplexLines<const T> in, ComplexLines<T> out, const T* twiddle) const {
        if (n == R)
            fft_pass<T, R, true>(n, s, in, out, twiddle);
        else
            fft_pass<T, R, false>(n, s, in, out, twiddle);
        return twiddle + 2 * (R - 1) * (n / R);
    }

    int length_, passes_ = 0, radices_[32];
    Buffer<T, Cpu> twiddles_;  // per pass [n / radix][radix - 1] of (cos, sin)
};

template <class T>
struct ComplexLines<const T> {
    const FftLanes<T>* real;
    const FftLanes<T>* imag;
    ComplexLines(const FftLanes<T>* r, const FftLanes<T>* i) : real(r), imag(i) {}
    ComplexLines(ComplexLines<T> lines) : real(lines.real), imag(lines.imag) {}
};

template <class T, int R, bool last>
void fft_pass(int n, int s, ComplexLines<const T> in, ComplexLines<T> out, const T* twiddle) {
    using L = FftLanes<T>;
    const int m = n / R;
    const L *CINEBOKEH_RESTRICT in_re = in.real, *CINEBOKEH_RESTRICT in_im = in.imag;
    L *CINEBOKEH_RESTRICT out_re = out.real, *CINEBOKEH_RESTRICT out_im = out.imag;
    for (int p = 0; p < m; ++p, twiddle += 2 * (R - 1)) {
        for (int q = 0; q < s; ++q) {
            FftVector<T> re[R], im[R];
            for (int k = 0; k < R; ++k) in_re[q + s * (p + m * k)].load(re[k]), in_im[q + s * (p + m * k)].load(im[k]);
            butterfly<T, R>(re, im);
            L *to_re = out_re + q + s * R * p, *to_im = out_im + q + s * R * p;
            to_re[0] = re[0], to_im[0] = im[0];
            for (int j = 1; j < R; ++j) {
                if constexpr (last) {
                    to_re[s * j] = re[j], to_im[s * j] = im[j];
                } else {
                    const T c = twiddle[2 * j - 2], d = twiddle[2 * j - 1];
                    to_re[s * j] = c * re[j] - d * im[j];
                    to_im[s * j] = c * im[j] + d * re[j];
                }
            }
        }
    }
}

template <class T>
ComplexLines<T> LineFft<T>::forward(ComplexLines<const T> in, ComplexLines<T> a, ComplexLines<T> b) const {
    if (passes_ == 0) {
        a.real[0] = in.real[0], a.imag[0] = in.imag[0];
        return a;
    }
    const T* twiddle = twiddles_.span().data;
    for (int pass = 0, n = length_, s = 1; pass < passes_; ++pass) {
        const int radix = radices_[pass];
        switch (radix) {
            case 2:
                twiddle = run<2>(n, s, in, a, twiddle);
                break;
            case 3:
                twiddle = run<3>(n, s, in, a, twiddle);
                break;
            case 4:
                twiddle = run<4>(n, s, in, a, twiddle);
                break;
            case 5:
                twiddle = run<5>(n, s, in, a, twiddle);
                break;
            case 7:
                twiddle = run<7>(n, s, in, a, twiddle);
                break;
            default:
                twiddle = run<8>(n, s, in, a, twiddle);
                break;
        }
        n /= radix, s *= radix;
        in = a;
        std::swap(a, b);
    }
    return b;
}
}  // namespace detail
}  // namespace cinebokeh
