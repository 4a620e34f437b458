// Sums over whole images on Cpu: of bands of rows, at the same time.
#pragma once
#include "cinebokeh/nn/pool.hpp"

namespace cinebokeh::detail {

template <class T>
struct BandSums {
    HostTensor<const T> in;
    HostTensor<float> sums;

    void operator()(int n, int, int band, int, int) const { on_cpu(n, 0, band); }
    void on_cpu(int n, int, int band) const {
        const int rows = ceil_div(in.shape.h, sums.shape.w), end = std::min(in.shape.h, (band + 1) * rows);
        float* const sum = sums.pixel(n, 0, band);
        for_each_lanes(in.shape.c, [&](int c, int count) {
            Lanes total = Lanes::all(0.f);
            for (int y = band * rows; y < end; ++y) {
                const T* pixel = in.row(n, y) + c;
                for (int x = 0; x < in.shape.w; ++x, pixel += in.pixel_stride) total += load_lanes(pixel, count);
            }
            store_lanes(sum + c, total, count);
        });
    }
};

/// The sums of every channel over parts of the images, which are to be added: [n, 1, parts, c]. pool_cuda.cuh has
/// those of Cuda.
template <class T>
class ImageSums<T, Cpu> {
public:
    ImageSums(Cpu& exec, Shape max_shape) : sums_(exec, {max_shape.n, 1, bands, max_shape.c}) {}

    HostTensor<const float> operator()(Cpu& exec, HostTensor<const T> in) {
        const HostTensor<float> sums = sums_.view().images(0, in.shape.n).channels(0, in.shape.c);
        for_each_channel_run(exec, sums.shape, BandSums<T>{in, sums});
        return sums;
    }

private:
    static constexpr int bands = 32;

    TensorBuffer<float, Cpu> sums_;
};
}  // namespace cinebokeh::detail
