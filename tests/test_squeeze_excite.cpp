#include "cinebokeh/nn/squeeze_excite.hpp"

#include "cinebokeh/nn/lr_aspp.hpp"
#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
// The mean of every channel of one image, and a matrix product with it.
std::vector<double> means(const std::vector<float>& in, Shape s) {
    std::vector<double> mean(size_t(s.c), 0.0);
    for (size_t i = 0; i < in.size(); ++i) mean[i % mean.size()] += double(in[i]) / (s.h * s.w);
    return mean;
}
std::vector<double> product(const Conv2dWeights& w, const std::vector<double>& in, size_t rows) {
    std::vector<double> out;
    for (size_t o = 0; o < rows; ++o) {
        double sum = w.bias.empty() ? 0 : double(w.bias[o]);
        for (size_t i = 0; i < in.size(); ++i) sum += double(w.weight[o * in.size() + i]) * in[i];
        out.push_back(sum);
    }
    return out;
}
}  // namespace

TEST_CASE_TEMPLATE("channels are weighted by the gate of their averages", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    for (Shape s : {Shape{1, 1, 1, 8}, Shape{1, 7, 5, 16}, Shape{1, 9, 12, 20}}) {
        const size_t c = size_t(s.c), squeezed = 8;
        const Conv2dWeights squeeze{noise(squeezed * c, -1, 1, 3), noise(squeezed, -1, 1, 4)};
        const Conv2dWeights expand{noise(c * squeezed, -1, 1, 5), noise(c, -1, 1, 6)};
        const auto values = stored<T>(noise(s.count(), -1, 2));
        Exec exec;
        SqueezeExcite<T, Exec> layer(exec, {.channels = s.c, .squeezed = int(squeezed)}, squeeze, expand,
                                     {2, 9, 12, s.c});
        TensorBuffer<T, Exec> tensor(exec, s, values);
        layer(tensor.view(), tensor.view());
        auto hidden = product(squeeze, means(values, s), squeezed);
        for (double& v : hidden) v = std::max(v, 0.0);
        auto gate = product(expand, hidden, c);
        std::vector<double> expected;
        for (size_t i = 0; i < values.size(); ++i)
            expected.push_back(double(values[i]) * std::min(std::max(gate[i % c] + 3, 0.0), 6.0) / 6);
        // Averages, two products of at most 20 terms below 10, in float; values of at most 2 are stored.
        CHECK(worst_error(tensor.download(), expected) <= 2 * rounding<T> + 4 * 100 * 0x1p-24 * 10);
    }
}

TEST_CASE_TEMPLATE("LR-ASPP weights its features by the sigmoid of the average", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    const Shape s{1, 6, 7, 12}, o{1, 6, 7, 9};
    const Conv2dWeights features{stored<T>(noise(9 * 12, -1, 1, 3)), noise(9, -1, 1, 4)},
        gate{noise(9 * 12, -1, 1, 5), {}};
    const auto values = stored<T>(noise(s.count(), -1, 1));
    Exec exec;
    LrAspp<T, Exec> layer(exec, 12, 9, features, gate, s);
    TensorBuffer<T, Exec> in(exec, s, values), out(exec, o);
    layer(in.view(), out.view());
    const auto factor = product(gate, means(values, s), 9);
    std::vector<double> expected;
    for (size_t pixel = 0; pixel < 42; ++pixel) {
        const std::vector<double> column(values.begin() + long(pixel * 12), values.begin() + long(pixel * 12 + 12));
        const auto feature = product(features, column, 9);
        for (size_t c = 0; c < 9; ++c) expected.push_back(std::max(feature[c], 0.0) / (1 + std::exp(-factor[c])));
    }
    // Sums of 13 terms below 1, stored twice.
    CHECK(worst_error(out.download(), expected) <= 13 * (2 * rounding<T> + 20 * 0x1p-24));
}

TEST_CASE("both allocate nothing and refuse what does not fit") {
    Cpu exec;
    const Conv2dWeights squeeze{noise(32, -1, 1), noise(4, -1, 1)}, expand{noise(32, -1, 1), noise(8, -1, 1)};
    SqueezeExcite<float, Cpu> layer(exec, {.channels = 8, .squeezed = 4}, squeeze, expand, {1, 5, 5, 8});
    TensorBuffer<float, Cpu> a(exec, {1, 5, 5, 8}), deep(exec, {1, 5, 5, 9}), large(exec, {1, 6, 5, 8}),
        batch(exec, {2, 5, 5, 8}), none(exec, {1, 0, 5, 8}), out(exec, {1, 5, 5, 4});
    CHECK(allocations_during([&] { layer(a.view(), a.view()); }) == 0);
    CHECK_THROWS_AS(layer(deep.view(), deep.view()), Error);
    CHECK_THROWS_AS(layer(large.view(), large.view()), Error);
    CHECK_THROWS_AS(layer(batch.view(), batch.view()), Error);
    CHECK_THROWS_AS(layer(a.view(), large.view()), Error);
    CHECK_NOTHROW(layer(none.view(), none.view()));
    using Layer = SqueezeExcite<float, Cpu>;
    CHECK_THROWS_AS(Layer(exec, {.channels = 8, .squeezed = 3}, squeeze, expand, Shape{1, 5, 5, 8}), Error);
    LrAspp<float, Cpu> head(exec, 8, 4, squeeze, {squeeze.weight, {}}, {1, 5, 5, 8});
    CHECK(allocations_during([&] { head(a.view(), out.view()); }) == 0);
    CHECK_THROWS_AS(head(a.view(), a.view()), Error);
}
