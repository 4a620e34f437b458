#include "cinebokeh/nn/upsample_conv.hpp"

#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
// The definitions in double: sample i of the doubled image lies at (i + 1/2) / 2 - 1/2 of the coarse one, which is
// continued by its border.
std::vector<double> reference_twice(const std::vector<float>& in, Shape s, Size size) {
    std::vector<double> out;
    const auto at = [&](int n, int y, int x, int c) {
        const int v = std::clamp(y, 0, s.h - 1), u = std::clamp(x, 0, s.w - 1);
        return double(in[size_t(((n * s.h + v) * s.w + u) * s.c + c)]);
    };
    for (int n = 0; n < s.n; ++n)
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x)
                for (int c = 0; c < s.c; ++c) {
                    const double v = (y + 0.5) / 2 - 0.5, u = (x + 0.5) / 2 - 0.5;
                    const int top = int(std::floor(v)), left = int(std::floor(u));
                    const double b = v - top, r = u - left;
                    out.push_back((at(n, top, left, c) * (1 - r) + at(n, top, left + 1, c) * r) * (1 - b) +
                                  (at(n, top + 1, left, c) * (1 - r) + at(n, top + 1, left + 1, c) * r) * b);
                }
    return out;
}
// Padded convolution of the channels of one tensor, which are `first` and on of the weights.
void add_conv(std::vector<double>& out, double& magnitude, const std::vector<double>& in, Shape s, int first,
              const Conv2dParams& p, const Conv2dWeights& weights) {
    const int reach = p.kernel / 2;
    for (int n = 0; n < s.n; ++n)
        for (int y = 0; y < s.h; ++y)
            for (int x = 0; x < s.w; ++x)
                for (int o = 0; o < p.out_channels; ++o) {
                    double sum = 0, absolute = 0;
                    for (int c = 0; c < s.c; ++c)
                        for (int ky = 0; ky < p.kernel; ++ky)
                            for (int kx = 0; kx < p.kernel; ++kx) {
                                const int v = y + ky - reach, u = x + kx - reach;
                                if (v < 0 || u < 0 || v >= s.h || u >= s.w) continue;
                                const size_t weight =
                                    size_t(((o * p.in_channels + first + c) * p.kernel + ky) * p.kernel + kx);
                                const double product =
                                    in[size_t(((n * s.h + v) * s.w + u) * s.c + c)] * double(weights.weight[weight]);
                                sum += product, absolute += std::abs(product);
                            }
                    out[size_t(((n * s.h + y) * s.w + x) * p.out_channels + o)] += sum;
                    magnitude = std::max(magnitude, absolute);
                }
}
Conv2dWeights random_weights(const Conv2dParams& p) {
    return {noise(size_t(p.out_channels * p.in_channels * p.kernel * p.kernel), -1, 1, 3),
            noise(size_t(p.out_channels), -1, 1, 4)};
}
std::vector<double> widened(const std::vector<float>& values) { return {values.begin(), values.end()}; }

template <class L>
void compare(Shape fine, std::vector<int> coarse_channels, int outputs, int kernel) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    CAPTURE(to_string(fine));
    CAPTURE(outputs);
    CAPTURE(kernel);
    int total = 0;
    for (const int c : coarse_channels) total += c;
    const Conv2dParams p{
        .in_channels = total + fine.c, .out_channels = outputs, .kernel = kernel, .padding = kernel / 2};
    Conv2dWeights weights = random_weights(p);
    weights.weight = stored<T>(weights.weight);

    Exec exec;
    UpsampleConv2d<T, Exec> layer(exec, p, total, weights, {fine.w + 3, fine.h + 1});
    const Shape out_shape{fine.n, fine.h, fine.w, outputs};
    std::vector<double> expected;
    for (size_t i = 0; i < out_shape.count(); ++i) expected.push_back(double(weights.bias[i % size_t(outputs)]));
    double magnitude = 2;  // of a bias and of what is rounded on the way
    std::vector<TensorBuffer<T, Exec>> buffers;
    int first = 0;
    for (const int c : coarse_channels) {
        const Shape s{fine.n, ceil_div(fine.h, 2), ceil_div(fine.w, 2), c};
        const auto values = stored<T>(noise(s.count(), -1, 1, unsigned(first) + 7));
        add_conv(expected, magnitude, reference_twice(values, s, fine.size()), {fine.n, fine.h, fine.w, c}, first, p,
                 weights);
        buffers.emplace_back(exec, s, values);
        first += c;
    }
    const auto values = stored<T>(noise(fine.count(), -1, 1, 9));
    add_conv(expected, magnitude, widened(values), fine, first, p, weights);
    const TensorBuffer<T, Exec> fine_buffer(exec, fine, values);
    TensorBuffer<T, Exec> out(exec, out_shape);
    ConvInputs<T, Exec> coarse(buffers[0].view());
    for (size_t i = 1; i < buffers.size(); ++i) coarse.tensors[coarse.count++] = buffers[i].view();
    layer(coarse, fine_buffer.view(), out.view());
    // Sums of k products in float; the doubled values and the sum are rounded to the storage type, a few operations of
    // floats make the doubled ones.
    const int k = p.in_channels * kernel * kernel;
    const double bound = double(int(coarse_channels.size()) + 1) * magnitude * ((k + 8) * 0x1p-24 + 2 * rounding<T>);
    CHECK(worst_error(out.download(), expected) <= bound);
}
}  // namespace

TEST_CASE_TEMPLATE("the convolution of the doubled and the fine tensors is its definition", L, LAYER_EXECUTORS) {
    for (const Size s : {Size{1, 1}, Size{2, 2}, Size{7, 5}, Size{16, 9}, Size{1, 12}, Size{33, 2}, Size{18, 50}})
        compare<L>({1, s.height, s.width, 3}, {5, 4}, 9, 3);
    compare<L>({1, 6, 9, 1}, {16}, 16, 3);
    compare<L>({1, 6, 9, 2}, {1, 20, 20}, 4, 1);
    compare<L>({2, 5, 6, 3}, {6}, 5, 5);  // a batch
}

TEST_CASE_TEMPLATE("a constant image stays one when it is doubled", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    UpsampleConv2d<T, Exec> sum(exec, {.in_channels = 2, .out_channels = 1}, 1, {{1, 1}, {}}, {9, 7});
    const TensorBuffer<T, Exec> coarse(exec, {1, 4, 5, 1}, std::vector<float>(20, 0.75f));
    const TensorBuffer<T, Exec> fine(exec, {1, 7, 9, 1}, std::vector<float>(63, 0.5f));
    TensorBuffer<T, Exec> out(exec, {1, 7, 9, 1});
    sum(coarse.view(), fine.view(), out.view());
    CHECK(out.download() == std::vector<float>(63, 1.25f));
}

TEST_CASE("it does not depend on the threads, and allocates nothing") {
    Cpu one(1), three(3);
    const Conv2dParams p{.in_channels = 13, .out_channels = 8, .kernel = 3, .padding = 1};
    const Shape small{1, 40, 15, 10}, large{1, 79, 30, 3};
    UpsampleConv2d<BFloat16, Cpu> a(one, p, 10, random_weights(p), large.size()),
        b(three, p, 10, random_weights(p), large.size());
    const TensorBuffer<BFloat16, Cpu> coarse(one, small, noise(small.count(), -1, 1)),
        fine(one, large, noise(large.count(), -1, 1));
    TensorBuffer<BFloat16, Cpu> out(one, {1, 79, 30, 8}), other(one, {1, 79, 30, 8});
    a(coarse.view(), fine.view(), out.view());
    CHECK(allocations_during([&] { b(coarse.view(), fine.view(), other.view()); }) == 0);
    CHECK(out.download() == other.download());
}

TEST_CASE("shapes and layers that do not fit are refused") {
    Cpu exec;
    using Layer = UpsampleConv2d<float, Cpu>;
    const Conv2dParams p{.in_channels = 4, .out_channels = 2, .kernel = 3, .padding = 1};
    const Conv2dWeights weights = random_weights(p);
    for (const int coarse : {0, -1, 4, 5}) CHECK_THROWS_AS(Layer(exec, p, coarse, weights, {8, 8}), Error);
    Conv2dParams strided = p, grouped = p;
    strided.stride = 2, grouped.groups = 2;
    CHECK_THROWS_AS(Layer(exec, strided, 2, weights, {8, 8}), Error);
    CHECK_THROWS_AS(Layer(exec, grouped, 2, weights, {8, 8}), Error);
    CHECK_THROWS_AS(Layer(exec, p, 2, {{1, 2, 3}, {}}, {8, 8}), Error);
    CHECK_THROWS_AS(Layer(exec, p, 2, weights, {8, -1}), Error);
    Layer layer(exec, p, 2, weights, {8, 8});
    const auto run = [&](Shape coarse, Shape fine, Shape out) {
        TensorBuffer<float, Cpu> a(exec, coarse), b(exec, fine), c(exec, out);
        layer(a.view(), b.view(), c.view());
    };
    CHECK_NOTHROW(run({1, 3, 4, 2}, {1, 6, 7, 2}, {1, 6, 7, 2}));
    CHECK_NOTHROW(run({0, 3, 4, 2}, {0, 6, 7, 2}, {0, 6, 7, 2}));
    CHECK_THROWS_AS(run({1, 4, 4, 2}, {1, 6, 7, 2}, {1, 6, 7, 2}), Error);
    CHECK_THROWS_AS(run({1, 3, 4, 1}, {1, 6, 7, 3}, {1, 6, 7, 2}), Error);
    CHECK_THROWS_AS(run({1, 3, 4, 2}, {1, 6, 7, 2}, {1, 6, 7, 3}), Error);
    CHECK_THROWS_AS(run({1, 5, 4, 2}, {1, 9, 7, 2}, {1, 9, 7, 2}), Error);
}
