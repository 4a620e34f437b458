#include "cinebokeh/nn/deform_conv.hpp"

#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
struct Reference {
    std::vector<double> out;
    double magnitude = 0;  // the largest sum of absolute products
};
// torchvision's documentation in double: every corner asked for by itself.
template <class T>
Reference reference_deform(const std::vector<float>& in, Shape s, const std::vector<float>& offset,
                           const std::vector<float>& modulation, const DeformConv2dParams& params,
                           const Conv2dWeights& weights, Shape o) {
    const Conv2dParams& p = params.conv;
    const int group_in = p.in_channels / p.groups, group_out = p.out_channels / p.groups, area = p.kernel * p.kernel;
    const auto pixel = [&](int n, int y, int x, int c) {
        return y < 0 || x < 0 || y >= s.h || x >= s.w ? 0.0 : double(in[size_t(((n * s.h + y) * s.w + x) * s.c + c)]);
    };
    Reference r;
    for (int n = 0; n < o.n; ++n)
        for (int y = 0; y < o.h; ++y)
            for (int x = 0; x < o.w; ++x)
                for (int c = 0; c < o.c; ++c) {
                    double sum = weights.bias.empty() ? 0 : double(weights.bias[size_t(c)]), magnitude = std::abs(sum);
                    for (int i = 0; i < group_in; ++i)
                        for (int t = 0; t < area; ++t) {
                            const int from = c / group_out * group_in + i;
                            const int at = from / (p.in_channels / params.offset_groups) * area + t;
                            const size_t place = size_t((n * o.h + y) * o.w + x) * size_t(params.offset_groups * area);
                            const float* moved = &offset[2 * (place + size_t(at))];
                            const double v =
                                double(float(y * p.stride - p.padding + t / p.kernel * p.dilation) + moved[0]);
                            const double u =
                                double(float(x * p.stride - p.padding + t % p.kernel * p.dilation) + moved[1]);
                            double value = 0;
                            if (v > -1 && u > -1 && v < s.h && u < s.w) {
                                const int top = int(std::floor(v)), left = int(std::floor(u));
                                const double b = v - top, a = u - left;
                                value = (1 - b) *
                                            ((1 - a) * pixel(n, top, left, from) + a * pixel(n, top, left + 1, from)) +
                                        b * ((1 - a) * pixel(n, top + 1, left, from) +
                                             a * pixel(n, top + 1, left + 1, from));
                                if (!modulation.empty()) value *= double(modulation[place + size_t(at)]);
                            }
                            const double product =
                                value * double(weights.weight[size_t((c * group_in + i) * area + t)]);
                            sum += product, magnitude += std::abs(product);
                        }
                    r.out.push_back(sum);
                    r.magnitude = std::max(r.magnitude, magnitude);
                }
    return r;
}

template <class T>
struct Problem {
    DeformConv2dParams p;
    Shape s, o;
    std::vector<float> values, offset, modulation;
    Conv2dWeights weights;

    Problem(Size size, const DeformConv2dParams& params, bool modulated, float reach, int n = 1)
        : p(params), s{n, size.height, size.width, params.conv.in_channels} {
        const Conv2dParams& c = p.conv;
        const auto length = [&](int l) { return (l + 2 * c.padding - c.dilation * (c.kernel - 1) - 1) / c.stride + 1; };
        o = {n, length(s.h), length(s.w), c.out_channels};
        const size_t taps = size_t(p.offset_groups * c.kernel * c.kernel);
        values = stored<T>(noise(s.count(), -1, 1, 1));
        offset = noise(o.pixels() * taps * 2, -reach, reach, 2);
        if (modulated) modulation = noise(o.pixels() * taps, 0, 1, 3);
        weights.weight =
            stored<T>(noise(size_t(c.out_channels * (c.in_channels / c.groups) * c.kernel * c.kernel), -1, 1, 4));
        weights.bias = noise(size_t(c.out_channels), -1, 1, 5);
    }
    template <class Exec>
    std::vector<float> run(Exec& exec) const {
        const int taps = p.offset_groups * p.conv.kernel * p.conv.kernel;
        DeformConv2d<T, Exec> layer(exec, p, weights, s.size());
        TensorBuffer<T, Exec> in(exec, s, values), out(exec, layer.output_shape(s));
        TensorBuffer<float, Exec> moved(exec, {o.n, o.h, o.w, 2 * taps}, offset), factor;
        TensorView<const float, Exec> factors;
        if (!modulation.empty()) {
            factor = TensorBuffer<float, Exec>(exec, {o.n, o.h, o.w, taps}, modulation);
            factors = factor.view();
        }
        layer(in.view(), moved.view(), factors, out.view());
        return out.download();
    }
    template <class Exec>
    void check() const {
        CAPTURE(to_string(s));
        CAPTURE(p.conv.kernel);
        CAPTURE(p.conv.groups);
        CAPTURE(p.offset_groups);
        Exec exec;
        const Reference expected = reference_deform<T>(values, s, offset, modulation, p, weights, o);
        const int k = p.conv.in_channels / p.conv.groups * p.conv.kernel * p.conv.kernel;
        // Sums of k products in float, of samples of six roundings each; samples and results are rounded to T.
        const double bound = (k + 10) * 0x1p-24 * expected.magnitude + 2 * rounding<T> * expected.magnitude;
        CHECK(worst_error(run(exec), expected.out) <= bound);
    }
};
DeformConv2dParams make(int in, int out, int kernel = 3, int offset_groups = 1, int groups = 1) {
    return {{.in_channels = in, .out_channels = out, .kernel = kernel, .padding = kernel / 2, .groups = groups},
            offset_groups};
}
}  // namespace

TEST_CASE_TEMPLATE("a deformable convolution follows torchvision's definition", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    for (Size s : {Size{1, 1}, Size{7, 5}, Size{16, 3}, Size{17, 4}, Size{33, 3}})
        for (bool modulated : {false, true}) Problem<T>(s, make(6, 10), modulated, 2.5f).template check<Exec>();
    for (int in : {1, 3, 16, 20})
        for (int out : {1, 8, 20}) Problem<T>({9, 4}, make(in, out), true, 1.5f).template check<Exec>();
    Problem<T>({8, 6}, make(8, 6, 1), true, 3.f).template check<Exec>();
    Problem<T>({8, 6}, make(4, 6, 5), true, 3.f).template check<Exec>();
    Problem<T>({6, 5}, make(4, 4), true, 1.f, 2).template check<Exec>();
    Problem<T>({8, 6}, make(4, 4), true, 50.f).template check<Exec>();  // most samples fall outside
}

TEST_CASE_TEMPLATE("groups, offset groups, stride and dilation", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    for (int groups : {1, 2, 4})
        for (int offset_groups : {1, 2, 4})
            Problem<T>({9, 5}, make(8, 8, 3, offset_groups, groups), true, 2.f).template check<Exec>();
    Problem<T>({9, 5}, make(6, 6, 3, 2, 6), true, 2.f).template check<Exec>();
    for (int stride : {1, 2})
        for (int dilation : {1, 2})
            for (int padding : {0, 2}) {
                const DeformConv2dParams p{{.in_channels = 4,
                                            .out_channels = 6,
                                            .kernel = 3,
                                            .stride = stride,
                                            .padding = padding,
                                            .dilation = dilation},
                                           2};
                Problem<T>({11, 9}, p, true, 1.5f).template check<Exec>();
            }
}

TEST_CASE_TEMPLATE("without offsets it is the convolution, and a whole offset shifts it", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Problem<T> still({12, 9}, make(5, 7), false, 0.f);
    Exec exec;
    Conv2d<T, Exec> conv(exec, still.p.conv, still.weights, still.s.size());
    TensorBuffer<T, Exec> in(exec, still.s, still.values), out(exec, still.o);
    conv(in.view(), out.view());
    const auto plain = out.download(), deformed = still.run(exec);
    // Two sums of 45 products below 1 in different orders, each rounded to T.
    CHECK(worst_error(deformed, plain) <= 46 * (2 * rounding<T> + 2 * 46 * 0x1p-24));
    for (size_t i = 0; i < still.offset.size(); ++i) still.offset[i] = i % 2 ? 2.f : 1.f;
    const auto shifted = still.run(exec);
    double worst = 0;
    for (int y = 1; y < 7; ++y)  // where neither looks beyond the border
        for (int x = 1; x < 9; ++x)
            for (int c = 0; c < 7; ++c)
                worst = std::max(worst, std::abs(double(shifted[size_t((y * 12 + x) * 7 + c)]) -
                                                 double(deformed[size_t(((y + 1) * 12 + x + 2) * 7 + c)])));
    CHECK(worst == 0);
}

TEST_CASE_TEMPLATE("offsets that are not numbers or far away read nothing, and no corner outside is read", L,
                   LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Problem<T> problem({6, 5}, make(3, 4), true, 1.f);
    Exec exec;
    for (float bad : {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, -7.f, 7.f}) {
        std::fill(problem.offset.begin(), problem.offset.end(), bad);
        const auto out = problem.run(exec);
        for (size_t i = 0; i < out.size(); ++i) CHECK(out[i] == to_float(from_float<T>(problem.weights.bias[i % 4])));
    }
    // A modulation that is not a number spoils its output, and reads nothing outside either.
    Problem<T> spoilt({6, 5}, make(3, 4), true, 3.f);
    spoilt.modulation.assign(spoilt.modulation.size(), NAN);
    CHECK(std::isnan(spoilt.run(exec)[size_t((2 * 6 + 3) * 4)]));
    // A pixel that is not a number stays out of the samples beside it.
    Problem<T> beside({4, 1}, {{.in_channels = 1, .out_channels = 1}, 1}, false, 0.f);
    beside.values = {1, 2, NAN, 4};
    beside.offset = {0, 0, 0, 0, 0, 1, 0, 0.5f};  // (y, x): the pixels 0, 1, 3, and half of 3
    const auto out = beside.run(exec);
    CHECK(std::none_of(out.begin(), out.end(), [](float v) { return std::isnan(v); }));
}

TEST_CASE_TEMPLATE("it allocates nothing and does not depend on the number of threads", T, float, BFloat16) {
    const Problem<T> problem({35, 21}, make(12, 20, 3, 2, 2), true, 2.f);
    std::vector<std::vector<float>> results;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        DeformConv2d<T, Cpu> layer(exec, problem.p, problem.weights, problem.s.size());
        TensorBuffer<T, Cpu> in(exec, problem.s, problem.values), out(exec, problem.o);
        TensorBuffer<float, Cpu> offset(exec, {1, 21, 35, 36}, problem.offset),
            factor(exec, {1, 21, 35, 18}, problem.modulation);
        CHECK(allocations_during([&] { layer(in.view(), offset.view(), factor.view(), out.view()); }) == 0);
        results.push_back(out.download());
    }
    CHECK(results[0] == results[1]);
}

TEST_CASE("deformable convolutions refuse bad parameters and shapes") {
    Cpu exec;
    using Layer = DeformConv2d<float, Cpu>;
    const Problem<float> good({6, 5}, make(4, 6, 3, 2), true, 1.f);
    CHECK_THROWS_AS(Layer(exec, make(4, 6, 3, 3), good.weights, Size{6, 5}), Error);
    CHECK_THROWS_AS(Layer(exec, make(4, 6, 3, 0), good.weights, Size{6, 5}), Error);
    CHECK_THROWS_AS(Layer(exec, make(4, 6, 3, 1, 4), good.weights, Size{6, 5}), Error);
    CHECK_THROWS_AS(Layer(exec, make(4, 5), good.weights, Size{6, 5}), Error);
    Layer layer(exec, good.p, good.weights, {6, 5});
    TensorBuffer<float, Cpu> in(exec, {1, 5, 6, 4}), out(exec, {1, 5, 6, 6}), offset(exec, {1, 5, 6, 36}),
        factor(exec, {1, 5, 6, 18}), wrong(exec, {1, 5, 6, 18}), large(exec, {1, 6, 6, 4}),
        large_out(exec, {1, 6, 6, 6}), none(exec, {0, 5, 6, 4}), none_out(exec, {0, 5, 6, 6}),
        none_offset(exec, {0, 5, 6, 36});
    const TensorView<const float, Cpu> ones;
    CHECK_NOTHROW(layer(in.view(), offset.view(), factor.view(), out.view()));
    CHECK_NOTHROW(layer(in.view(), offset.view(), ones, out.view()));
    CHECK_THROWS_AS(layer(in.view(), wrong.view(), ones, out.view()), Error);
    CHECK_THROWS_AS(layer(in.view(), offset.view(), offset.view(), out.view()), Error);
    CHECK_THROWS_AS(layer(out.view(), offset.view(), ones, out.view()), Error);
    CHECK_THROWS_AS(layer(in.view(), offset.view(), ones, in.view()), Error);
    CHECK_THROWS_AS(layer(large.view(), offset.view(), ones, large_out.view()), Error);
    CHECK_NOTHROW(layer(none.view(), none_offset.view(), ones, none_out.view()));
}
