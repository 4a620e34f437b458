// How convolutions are cut into matrices, and that what fills these up comes from nowhere else.
#include "cinebokeh/nn/conv_gru.hpp"
#include "cinebokeh/nn/deform_conv.hpp"
#include "cinebokeh/nn/upsample_conv.hpp"
#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
// Memory whose every float and 16-bit number is a NaN, or zero.
Allocator filled_with_nan(bool nan) {
    static const int bytes[] = {0, 0xff};
    return {[](void* context, size_t size) {
                return std::memset(host_allocator().allocate(nullptr, size), *static_cast<const int*>(context), size);
            },
            host_allocator().deallocate, const_cast<int*>(&bytes[nan])};
}
// What layer(exec) returns does not depend on what its memory held before.
template <class F>
void check_memory(const F& layer) {
    Cpu zeros(2, filled_with_nan(false)), spoilt(2, filled_with_nan(true));
    const std::vector<float> expected = layer(zeros), result = layer(spoilt);
    CHECK(result == expected);  // a NaN would differ from itself
}
template <class T>
TensorBuffer<T, Cpu> random_tensor(Cpu& exec, Shape s, unsigned seed) {
    return {exec, s, noise(s.count(), -1, 1, seed)};
}
Conv2dWeights random_weights(const Conv2dParams& p) {
    return {noise(size_t(p.out_channels * p.in_channels / p.groups * p.kernel * p.kernel), -1, 1, 3),
            noise(size_t(p.out_channels), -1, 1, 4)};
}
}  // namespace

TEST_CASE("matrices are cut evenly, and filled up by less than one plane each") {
    for (int planes = 1; planes <= 700; ++planes) {
        const detail::MatrixPlanes cut(planes);
        CAPTURE(planes);
        CHECK(cut.rows >= 1);
        CHECK(cut.rows <= detail::matrix_rows);
        CHECK(cut.planes() >= planes);
        CHECK(cut.planes() - planes < cut.matrices);
        const detail::MatrixPlanes again(cut.planes());  // tiles see only that number
        CHECK(again.matrices == cut.matrices);
        CHECK(again.rows == cut.rows);
    }
}

TEST_CASE_TEMPLATE("layers do not depend on what their memory held before", T, float, Half, BFloat16) {
    SUBCASE("convolutions") {
        for (const int channels : {1, 5, 33, 65, 171})
            for (const Conv2dParams& p :
                 {Conv2dParams{.in_channels = channels, .out_channels = 9, .kernel = 1},
                  Conv2dParams{.in_channels = channels, .out_channels = 33, .kernel = 3, .padding = 1},
                  Conv2dParams{.in_channels = channels, .out_channels = 20, .kernel = 5, .stride = 2, .padding = 2}}) {
                CAPTURE(channels);
                CAPTURE(p.kernel);
                check_memory([&](Cpu& exec) {
                    const Shape s{1, 7, 35, channels};
                    Conv2d<T, Cpu> conv(exec, p, random_weights(p), {64, 9});
                    TensorBuffer<T, Cpu> out(exec, conv.output_shape(s));
                    conv(random_tensor<T>(exec, s, 1).view(), out.view());
                    return out.download();
                });
            }
    }
    SUBCASE("ConvGRU") {
        for (const int channels : {3, 20, 40, 66})
            for (const int kernel : {1, 3, 5}) {
                CAPTURE(channels);
                CAPTURE(kernel);
                check_memory([&](Cpu& exec) {
                    const Shape s{1, 6, 19, channels};
                    const size_t taps = size_t(2 * channels * kernel * kernel);
                    const Conv2dWeights gates{noise(size_t(2 * channels) * taps, -1, 1, 5), {}},
                        candidate{noise(size_t(channels) * taps, -1, 1, 6), {}};
                    ConvGru<T, Cpu> gru(exec, {.channels = channels, .kernel = kernel}, {gates, candidate}, s);
                    TensorBuffer<T, Cpu> next(exec, s);
                    gru(random_tensor<T>(exec, s, 1).view(), random_tensor<T>(exec, s, 2).view(), next.view());
                    return next.download();
                });
            }
    }
    SUBCASE("deformable convolutions") {
        for (const int groups : {1, 3}) {
            const Conv2dParams p{.in_channels = 33, .out_channels = 18, .kernel = 3, .padding = 1, .groups = groups};
            check_memory([&](Cpu& exec) {
                const Shape s{1, 5, 21, 33};
                DeformConv2d<T, Cpu> deform(exec, {p, 1}, random_weights(p), {21, 5});
                TensorBuffer<T, Cpu> out(exec, {1, 5, 21, 18});
                deform(random_tensor<T>(exec, s, 1).view(), random_tensor<float>(exec, {1, 5, 21, 18}, 2).view(), {},
                       out.view());
                return out.download();
            });
        }
    }
    SUBCASE("convolutions over a doubled tensor") {
        const Conv2dParams p{.in_channels = 37, .out_channels = 40, .kernel = 3, .padding = 1};
        check_memory([&](Cpu& exec) {
            UpsampleConv2d<T, Cpu> conv(exec, p, 30, random_weights(p), {70, 9});
            TensorBuffer<T, Cpu> out(exec, {1, 9, 37, 40});
            conv(random_tensor<T>(exec, {1, 5, 19, 30}, 1).view(), random_tensor<T>(exec, {1, 9, 37, 7}, 2).view(),
                 out.view());
            return out.download();
        });
    }
}
