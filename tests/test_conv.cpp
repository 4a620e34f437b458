#include "cinebokeh/nn/conv.hpp"

#include <array>
#include <utility>

#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
struct Reference {
    std::vector<double> out;
    double magnitude = 0;  // the largest sum of absolute products: what rounding errors are relative to
};
// The definition in double.
Reference reference_conv(const std::vector<float>& in, Shape s, const Conv2dParams& p, const Conv2dWeights& weights,
                         Shape o) {
    Reference r;
    const int group_in = p.in_channels / p.groups, group_out = p.out_channels / p.groups;
    for (int n = 0; n < o.n; ++n)
        for (int y = 0; y < o.h; ++y)
            for (int x = 0; x < o.w; ++x)
                for (int c = 0; c < o.c; ++c) {
                    double sum = weights.bias.empty() ? 0 : double(weights.bias[size_t(c)]), magnitude = std::abs(sum);
                    for (int i = 0; i < group_in; ++i)
                        for (int ky = 0; ky < p.kernel; ++ky)
                            for (int kx = 0; kx < p.kernel; ++kx) {
                                const int v = y * p.stride - p.padding + ky * p.dilation;
                                const int u = x * p.stride - p.padding + kx * p.dilation;
                                if (v < 0 || u < 0 || v >= s.h || u >= s.w) continue;
                                const int from = c / group_out * group_in + i;
                                const double product =
                                    double(in[size_t(((n * s.h + v) * s.w + u) * s.c + from)]) *
                                    double(
                                        weights.weight[size_t(((c * group_in + i) * p.kernel + ky) * p.kernel + kx)]);
                                sum += product, magnitude += std::abs(product);
                            }
                    r.out.push_back(sum);
                    r.magnitude = std::max(r.magnitude, magnitude);
                }
    return r;
}
template <class T>
Conv2dWeights random_weights(const Conv2dParams& p, bool bias, unsigned seed = 3) {
    const size_t count = size_t(p.out_channels * (p.in_channels / p.groups) * p.kernel * p.kernel);
    Conv2dWeights w{stored<T>(noise(count, -1, 1, seed)), {}};
    if (bias) w.bias = noise(size_t(p.out_channels), -1, 1, seed + 1);
    return w;
}
// Sums of k products in float, whatever their order, and one rounding to the storage type.
template <class T>
double bound(const Reference& r, const Conv2dParams& p) {
    const int k = p.in_channels / p.groups * p.kernel * p.kernel;
    return (k + 4) * 0x1p-24 * r.magnitude + rounding<T> * r.magnitude;
}

template <class L>
void compare(Shape s, const Conv2dParams& p, bool bias) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    CAPTURE(to_string(s));
    CAPTURE(p.out_channels);
    CAPTURE(p.kernel);
    CAPTURE(p.stride);
    CAPTURE(p.padding);
    CAPTURE(p.dilation);
    CAPTURE(p.groups);
    const auto values = stored<T>(noise(s.count(), -1, 1));
    const auto weights = random_weights<T>(p, bias);
    Exec exec;
    Conv2d<T, Exec> conv(exec, p, weights, {s.w, s.h});
    TensorBuffer<T, Exec> in(exec, s, values), out(exec, conv.output_shape(s));
    conv(in.view(), out.view());
    const Reference expected = reference_conv(values, s, p, weights, out.shape());
    CHECK(worst_error(out.download(), expected.out) <= bound<T>(expected, p));
}
Conv2dParams same_size(int in, int out, int kernel) {
    return {.in_channels = in, .out_channels = out, .kernel = kernel, .padding = kernel / 2};
}
}  // namespace

TEST_CASE_TEMPLATE("a convolution is its definition, over sizes of images and channels", L, LAYER_EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{7, 5}, Size{16, 8}, Size{17, 9}, Size{1, 20}, Size{35, 3}})
        for (int kernel : {1, 3}) compare<L>({1, s.height, s.width, 5}, same_size(5, 9, kernel), true);
    for (int in : {1, 2, 3, 16, 19})
        for (int out : {1, 4, 8, 16, 20, 40}) compare<L>({1, 4, 9, in}, same_size(in, out, 3), in % 2 == 0);
    compare<L>({3, 5, 6, 4}, same_size(4, 6, 3), true);  // a batch
    // One pixel, whose channels are enough for several threads.
    for (int out : {300, 264, 8}) compare<L>({1, 1, 1, 200}, same_size(200, out, 1), true);
    compare<L>({1, 1, 1, 40}, same_size(40, 100, 3), true);
}

TEST_CASE_TEMPLATE("stride, dilation, padding and groups", L, LAYER_EXECUTORS) {
    for (int stride : {1, 2, 3})
        for (int dilation : {1, 2})
            for (int padding : {0, 1, 4}) {
                const Conv2dParams p{.in_channels = 4,
                                     .out_channels = 6,
                                     .kernel = 3,
                                     .stride = stride,
                                     .padding = padding,
                                     .dilation = dilation};
                compare<L>({1, 9, 12, 4}, p, true);
            }
    for (int groups : {2, 4})
        compare<L>({1, 6, 7, 8}, {.in_channels = 8, .out_channels = 12, .kernel = 3, .padding = 1, .groups = groups},
                   true);
    compare<L>({1, 9, 8, 4}, {.in_channels = 4, .out_channels = 3, .kernel = 2, .stride = 2}, true);
    compare<L>({1, 8, 9, 3}, {.in_channels = 3, .out_channels = 16, .kernel = 3, .stride = 2, .padding = 1}, false);
}

TEST_CASE_TEMPLATE("depthwise convolutions", L, LAYER_EXECUTORS) {
    for (int channels : {1, 3, 16, 24, 40})
        for (int kernel : {2, 3, 5})
            for (int stride : {1, 2})
                for (int dilation : {1, 2})
                    compare<L>({1, 7, 11, channels},
                               {.in_channels = channels,
                                .out_channels = channels,
                                .kernel = kernel,
                                .stride = stride,
                                .padding = kernel / 2 * dilation,
                                .dilation = dilation,
                                .groups = channels},
                               true);
    compare<L>({1, 6, 6, 3}, {.in_channels = 3, .out_channels = 6, .kernel = 3, .padding = 1, .groups = 3}, true);
}

TEST_CASE_TEMPLATE("activation first, then the residual, which may be the output", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Conv2dParams p = same_size(6, 20, 3);
    const Shape s{1, 6, 10, 6}, o{1, 6, 10, 20};
    const auto values = stored<T>(noise(s.count(), -1, 1)), added = stored<T>(noise(o.count(), -1, 1, 5));
    const auto weights = random_weights<T>(p, true);
    const Reference plain = reference_conv(values, s, p, weights, o);
    Exec exec;
    for (ActivationKind kind : {ActivationKind::none, ActivationKind::relu, ActivationKind::relu6,
                                ActivationKind::hardswish, ActivationKind::hardsigmoid, ActivationKind::sigmoid,
                                ActivationKind::tanh, ActivationKind::leaky_relu, ActivationKind::elu}) {
        CAPTURE(int(kind));
        p.activation = kind;
        Conv2d<T, Exec> conv(exec, p, weights, {s.w, s.h});
        TensorBuffer<T, Exec> in(exec, s, values), out(exec, o, added);
        conv(in.view(), out.view(), out.view());
        std::vector<double> expected;
        for (size_t i = 0; i < plain.out.size(); ++i)
            expected.push_back(double(p.activation(float(plain.out[i]))) + double(added[i]));
        // The steepest activation is hardswish, with a slope of 3/2; the sum is rounded once more.
        CHECK(worst_error(out.download(), expected) <= 1.5 * bound<T>(plain, p) + 4 * 0x1p-24 * plain.magnitude);
    }
}

TEST_CASE_TEMPLATE("several inputs are their concatenation, and outputs may be channels of a larger tensor", L,
                   LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    for (auto [a, b, c] : std::vector<std::array<int, 3>>{{6, 5, 3}, {3, 4, 1}, {16, 8, 4}})
        for (int kernel : {1, 3}) {
            const Conv2dParams p = same_size(a + b + c, 8, kernel);
            const Shape s{2, 5, 9, a + b + c};
            const auto values = stored<T>(noise(s.count(), -1, 1));
            const auto weights = random_weights<T>(p, true);
            Exec exec;
            Conv2d<T, Exec> conv(exec, p, weights, {s.w, s.h});
            TensorBuffer<T, Exec> whole(exec, s, values), wide(exec, {2, 5, 9, 13});
            wide.upload(std::vector<float>(wide.shape().count(), 7.f));
            const TensorView<const T, Exec> in = whole.view();
            conv({in.channels(0, a), in.channels(a, b), in.channels(a + b, c)}, wide.view().channels(3, 8));
            const Reference expected = reference_conv(values, s, p, weights, {2, 5, 9, 8});
            const auto result = wide.download();
            std::vector<float> inside;
            int overwritten = 0;
            for (size_t i = 0; i < result.size(); ++i)
                if (i % 13 >= 3 && i % 13 < 11)
                    inside.push_back(result[i]);
                else
                    overwritten += result[i] != 7.f;
            CHECK(worst_error(inside, expected.out) <= bound<T>(expected, p));
            CHECK(overwritten == 0);
        }
}

TEST_CASE_TEMPLATE("inputs may be channels of larger tensors, wherever these begin", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    const Shape s{1, 5, 9, 50};
    const auto values = stored<T>(noise(s.count(), -1, 1));
    Exec exec;
    TensorBuffer<T, Exec> wide(exec, s, values);
    for (const int first : {0, 8, 4, 20, 2, 1})
        for (const int count : {8, 12, 20, 22, 30}) {
            CAPTURE(first);
            CAPTURE(count);
            const Conv2dParams p = same_size(count, 5, 3);
            const auto weights = random_weights<T>(p, true);
            std::vector<float> inside;
            for (size_t i = 0; i < values.size(); ++i)
                if (const int c = int(i % 50); c >= first && c < first + count) inside.push_back(values[i]);
            Conv2d<T, Exec> conv(exec, p, weights, {s.w, s.h});
            TensorBuffer<T, Exec> out(exec, {1, 5, 9, 5});
            conv(std::as_const(wide).view().channels(first, count), out.view());
            const Reference expected = reference_conv(inside, {1, 5, 9, count}, p, weights, out.shape());
            CHECK(worst_error(out.download(), expected.out) <= bound<T>(expected, p));
        }
    // What lies behind the channels of a tensor has no effect, whatever it is.
    const Conv2dParams p = same_size(12, 5, 1);
    const auto weights = random_weights<T>(p, true);
    Conv2d<T, Exec> conv(exec, p, weights, {s.w, s.h});
    std::vector<float> spoilt = values, spoilt_inside;
    for (size_t i = 0; i < spoilt.size(); ++i)
        if (i % 50 < 12)
            spoilt_inside.push_back(spoilt[i]);
        else
            spoilt[i] = NAN;
    wide.upload(spoilt);
    TensorBuffer<T, Exec> out(exec, {1, 5, 9, 5});
    conv(std::as_const(wide).view().channels(0, 12), out.view());
    const Reference expected = reference_conv(spoilt_inside, {1, 5, 9, 12}, p, weights, out.shape());
    CHECK(worst_error(out.download(), expected.out) <= bound<T>(expected, p));
}

TEST_CASE_TEMPLATE("products of many channels, however they are shared among warps", L, LAYER_EXECUTORS) {
    compare<L>({1, 2, 3, 200}, same_size(200, 40, 3), true);
    compare<L>({1, 3, 19, 72}, same_size(72, 17, 1), true);
    compare<L>({2, 3, 7, 33}, same_size(33, 70, 3), false);
    compare<L>({1, 40, 50, 8}, same_size(8, 33, 1), true);
}

TEST_CASE_TEMPLATE("a plan serves smaller images; a convolution shifts with its input", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    const Conv2dParams p = same_size(3, 4, 3);
    const auto weights = random_weights<T>(p, true);
    Exec exec;
    Conv2d<T, Exec> conv(exec, p, weights, {40, 30});
    std::vector<float> spot(12 * 19 * 3, 0.f), moved = spot;
    spot[(4 * 19 + 5) * 3 + 1] = 1, moved[(7 * 19 + 12) * 3 + 1] = 1;
    TensorBuffer<T, Exec> a(exec, {1, 12, 19, 3}, spot), b(exec, {1, 12, 19, 3}, moved), out_a(exec, {1, 12, 19, 4}),
        out_b(exec, {1, 12, 19, 4});
    conv(a.view(), out_a.view());
    conv(b.view(), out_b.view());
    const auto ra = out_a.download(), rb = out_b.download();
    int different = 0;
    for (int y = 0; y < 9; ++y)
        for (int x = 0; x < 12; ++x)
            for (int c = 0; c < 4; ++c)
                different += ra[size_t((y * 19 + x) * 4 + c)] != rb[size_t(((y + 3) * 19 + x + 7) * 4 + c)];
    CHECK(different == 0);
}

TEST_CASE("batch normalisation folds into the weights, with the eps that is given") {
    const Conv2dParams p = same_size(3, 5, 3);
    const Shape s{1, 6, 7, 3};
    const auto values = noise(s.count(), -1, 1);
    for (bool bias : {false, true})
        for (double eps : {1e-5, 1e-3}) {
            const auto weights = random_weights<float>(p, bias);
            const BatchNorm norm{noise(5, 0.5, 2, 7), noise(5, -1, 1, 8), noise(5, -1, 1, 9), noise(5, 0.001f, 2, 10),
                                 eps};
            Cpu exec;
            Conv2d<float, Cpu> conv(exec, p, fold_batch_norm(weights, norm), {7, 6});
            TensorBuffer<float, Cpu> in(exec, s, values), out(exec, conv.output_shape(s));
            conv(in.view(), out.view());
            Reference expected = reference_conv(values, s, p, weights, out.shape());
            for (size_t i = 0; i < expected.out.size(); ++i) {
                const size_t c = i % 5;
                expected.out[i] = (expected.out[i] - double(norm.mean[c])) / std::sqrt(double(norm.variance[c]) + eps) *
                                      double(norm.scale[c]) +
                                  double(norm.shift[c]);
            }
            // The smallest variance scales values, and their errors, by up to 2 / sqrt(0.001) = 63.
            CHECK(worst_error(out.download(), expected.out) <= 63 * bound<float>(expected, p));
        }
    const BatchNorm negative{{1.f}, {0.f}, {0.f}, {-1.f}, 1e-5}, uneven{{1.f}, {0.f, 1.f}, {0.f}, {1.f}, 1e-5};
    CHECK_THROWS_AS(fold_batch_norm({{1.f}, {}}, negative), Error);
    CHECK_THROWS_AS(fold_batch_norm({{1.f}, {}}, uneven), Error);
    CHECK_THROWS_AS(fold_batch_norm({{1.f}, {}}, {}), Error);
}

TEST_CASE_TEMPLATE("convolutions allocate nothing and do not depend on the number of threads", T, float, Half,
                   BFloat16) {
    const Shape s{1, 37, 45, 10};
    for (const Conv2dParams& p : {same_size(10, 24, 3), same_size(10, 24, 1),
                                  Conv2dParams{.in_channels = 10, .out_channels = 10, .kernel = 3, .groups = 10}}) {
        std::vector<std::vector<float>> results;
        for (int threads : {1, 3}) {
            Cpu exec(threads);
            Conv2d<T, Cpu> conv(exec, p, random_weights<T>(p, true), {s.w, s.h});
            TensorBuffer<T, Cpu> in(exec, s, noise(s.count(), -1, 1)), out(exec, conv.output_shape(s));
            CHECK(allocations_during([&] { conv(in.view(), out.view()); }) == 0);
            results.push_back(out.download());
        }
        CHECK(results[0] == results[1]);
    }
}

TEST_CASE("a NaN reaches the outputs that see it and no other") {
    const Conv2dParams p = same_size(3, 4, 3);
    Cpu exec;
    Conv2d<BFloat16, Cpu> conv(exec, p, random_weights<BFloat16>(p, true), {12, 9});
    auto values = noise(9 * 12 * 3, -1, 1);
    values[(4 * 12 + 5) * 3 + 1] = NAN;
    TensorBuffer<BFloat16, Cpu> in(exec, {1, 9, 12, 3}, values), out(exec, {1, 9, 12, 4});
    conv(in.view(), out.view());
    const auto result = out.download();
    for (int y = 0; y < 9; ++y)
        for (int x = 0; x < 12; ++x)
            CHECK(std::isnan(result[size_t((y * 12 + x) * 4)]) == (std::abs(y - 4) <= 1 && std::abs(x - 5) <= 1));
}

TEST_CASE("convolutions refuse bad parameters, weights and shapes") {
    Cpu exec;
    const auto make = [&](Conv2dParams p) {
        const size_t count = size_t(std::max(p.out_channels, 0) * std::max(p.in_channels / std::max(p.groups, 1), 0) *
                                    p.kernel * p.kernel);
        Conv2d<float, Cpu>(exec, p, {std::vector<float>(count), {}}, {8, 8});
    };
    CHECK_NOTHROW(make({.in_channels = 4, .out_channels = 6, .groups = 2}));
    CHECK_THROWS_AS(make({.in_channels = 4, .out_channels = 6, .groups = 3}), Error);
    CHECK_THROWS_AS(make({.in_channels = 6, .out_channels = 4, .groups = 3}), Error);
    CHECK_THROWS_AS(make({.in_channels = 0, .out_channels = 4}), Error);
    CHECK_THROWS_AS(make({.in_channels = 4, .out_channels = 0}), Error);
    CHECK_THROWS_AS(make({.in_channels = 4, .out_channels = 4, .kernel = 0}), Error);
    CHECK_THROWS_AS(make({.in_channels = 4, .out_channels = 4, .stride = 0}), Error);
    CHECK_THROWS_AS(make({.in_channels = 4, .out_channels = 4, .padding = -1}), Error);
    CHECK_THROWS_AS(make({.in_channels = 4, .out_channels = 4, .dilation = 0}), Error);
    CHECK_THROWS_AS(make({.in_channels = 4, .out_channels = 4, .groups = 0}), Error);
    const Conv2dParams p{.in_channels = 3, .out_channels = 4, .kernel = 3};
    using Conv = Conv2d<float, Cpu>;
    CHECK_THROWS_AS(Conv(exec, p, {std::vector<float>(107), {}}, Size{8, 8}), Error);
    CHECK_THROWS_AS(Conv(exec, p, {std::vector<float>(108), std::vector<float>(3)}, Size{8, 8}), Error);
    Conv conv(exec, p, {std::vector<float>(108), {}}, {8, 8});
    TensorBuffer<float, Cpu> in(exec, {1, 8, 8, 3}), out(exec, {1, 6, 6, 4}), wrong(exec, {1, 6, 5, 4}),
        four(exec, {1, 8, 8, 4}), large(exec, {1, 8, 9, 3}), large_out(exec, {1, 6, 7, 4}), tiny(exec, {1, 2, 8, 3}),
        none(exec, {0, 8, 8, 3}), none_out(exec, {0, 6, 6, 4});
    CHECK_NOTHROW(conv(in.view(), out.view()));
    CHECK_THROWS_AS(conv(in.view(), wrong.view()), Error);
    CHECK_THROWS_AS(conv(four.view(), out.view()), Error);
    CHECK_THROWS_AS(conv(large.view(), large_out.view()), Error);
    CHECK_THROWS_AS(conv(in.view(), out.view(), wrong.view()), Error);
    CHECK_THROWS_AS(conv({in.view(), tiny.view()}, out.view()), Error);
    CHECK_NOTHROW(conv(none.view(), none_out.view()));
    CHECK(conv.output_shape({1, 2, 8, 3}).empty());  // the filter does not fit
    CHECK(conv.output_shape({1, 0, 8, 3}).empty());
}
