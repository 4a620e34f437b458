#include "cinebokeh/nn/conv_gru.hpp"

#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
using Numbers = std::vector<double>;

// A "same" convolution of [x, h] in double.
Numbers conv_same(const Numbers& x, const Numbers& h, Shape s, const Conv2dWeights& w, int out, int k) {
    Numbers result;
    for (int n = 0; n < s.n; ++n)
        for (int y = 0; y < s.h; ++y)
            for (int u = 0; u < s.w; ++u)
                for (int o = 0; o < out; ++o) {
                    double sum = w.bias.empty() ? 0 : double(w.bias[size_t(o)]);
                    for (int i = 0; i < 2 * s.c; ++i)
                        for (int ky = 0; ky < k; ++ky)
                            for (int kx = 0; kx < k; ++kx) {
                                const int yy = y + ky - k / 2, xx = u + kx - k / 2;
                                if (yy < 0 || xx < 0 || yy >= s.h || xx >= s.w) continue;
                                const Numbers& from = i < s.c ? x : h;
                                sum += from[size_t(((n * s.h + yy) * s.w + xx) * s.c + i % s.c)] *
                                       double(w.weight[size_t(((o * 2 * s.c + i) * k + ky) * k + kx)]);
                            }
                    result.push_back(sum);
                }
    return result;
}
Numbers reference_gru(const Numbers& x, const Numbers& h, Shape s, const ConvGruWeights& w, const ConvGruParams& p) {
    const size_t c = size_t(s.c);
    const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
    const Numbers gates = conv_same(x, h, s, w.gates, 2 * s.c, p.kernel);
    Numbers reset(h.size()), next(h.size());
    for (size_t i = 0; i < h.size(); ++i) reset[i] = sigmoid(gates[i / c * 2 * c + i % c]) * h[i];
    const Numbers candidate = conv_same(x, reset, s, w.candidate, s.c, p.kernel);
    for (size_t i = 0; i < h.size(); ++i) {
        const double z = sigmoid(gates[i / c * 2 * c + c + i % c]), n = std::tanh(candidate[i]);
        next[i] = p.update_gate == UpdateGate::weighs_candidate ? (1 - z) * h[i] + z * n : z * h[i] + (1 - z) * n;
    }
    return next;
}
template <class T>
ConvGruWeights random_gru(int c, int k, bool bias = true) {
    const float scale = 1 / std::sqrt(float(2 * c * k * k));
    const size_t taps = size_t(2 * c * k * k);
    ConvGruWeights w;
    w.gates.weight = stored<T>(noise(size_t(2 * c) * taps, -3 * scale, 3 * scale, 11));
    w.candidate.weight = stored<T>(noise(size_t(c) * taps, -3 * scale, 3 * scale, 12));
    if (bias) w.gates.bias = noise(size_t(2 * c), -1, 1, 13), w.candidate.bias = noise(size_t(c), -1, 1, 14);
    return w;
}
Numbers doubles(const std::vector<float>& v) { return Numbers(v.begin(), v.end()); }
}  // namespace

TEST_CASE_TEMPLATE("three steps follow the equations, with both meanings of the update gate", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    for (Shape s : {Shape{1, 1, 1, 4}, Shape{1, 5, 7, 4}, Shape{1, 9, 18, 16}, Shape{2, 4, 6, 20}, Shape{1, 3, 33, 3}})
        for (UpdateGate rule : {UpdateGate::weighs_candidate, UpdateGate::weighs_state}) {
            CAPTURE(to_string(s));
            const ConvGruParams p{.channels = s.c, .update_gate = rule};
            const auto w = random_gru<T>(s.c, 3);
            Exec exec;
            ConvGru<T, Exec> gru(exec, p, w, s);
            TensorBuffer<T, Exec> x(exec, s), h(exec, s), next(exec, s);
            Numbers expected(s.count(), 0.0);
            for (unsigned step = 0; step < 3; ++step) {
                const auto values = stored<T>(noise(s.count(), -1, 1, 20 + step));
                x.upload(values);
                gru(x.view(), h.view(), next.view());
                expected = reference_gru(doubles(values), expected, s, w, p);
                // A state of at most 1 is rounded; so is r * h, whose errors pass 18 c weights of at most 3 scale with
                // random signs: below 3 of them. Each step carries the last one's errors on, at most doubled.
                const double bound = (rounding<T> * 4 + 1e-6) * double(1 << step);
                CHECK(worst_error(next.download(), expected) <= bound);
                std::swap(h, next);
            }
        }
}

TEST_CASE_TEMPLATE("states are channels of larger tensors, and a plan serves smaller ones", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    const Shape s{1, 6, 9, 8}, wide{1, 6, 9, 24};
    const auto w = random_gru<T>(8, 3, false);
    Exec exec;
    ConvGru<T, Exec> gru(exec, {.channels = 8}, w, {2, 10, 12, 8});
    const auto values = stored<T>(noise(s.count(), -1, 1, 1)), state = stored<T>(noise(s.count(), -1, 1, 2));
    TensorBuffer<T, Exec> x(exec, s, values), h(exec, s, state), next(exec, s), all(exec, wide);
    gru(x.view(), h.view(), next.view());
    convert<T, T, Exec>(exec, x.view(), all.view().channels(16, 8));
    convert<T, T, Exec>(exec, h.view(), all.view().channels(8, 8));
    gru(all.view().channels(16, 8), all.view().channels(8, 8), all.view().channels(0, 8));
    TensorBuffer<T, Exec> part(exec, s);
    convert<T, T, Exec>(exec, all.view().channels(0, 8), part.view());
    CHECK(part.download() == next.download());
}

TEST_CASE_TEMPLATE("a state that starts as zeros stays within one", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    const Shape s{1, 4, 8, 8};
    Exec exec;
    ConvGru<T, Exec> gru(exec, {.channels = 8}, random_gru<T>(8, 3), s);
    TensorBuffer<T, Exec> x(exec, s), h(exec, s), next(exec, s);
    for (unsigned step = 0; step < 8; ++step) {
        x.upload(noise(s.count(), -50, 50, step));
        gru(x.view(), h.view(), next.view());
        std::swap(h, next);
        for (float v : h.download()) CHECK(std::abs(v) <= 1);
    }
}

#if defined(CUDA_EXECUTORS)
TEST_CASE_TEMPLATE("on Cuda the next state may take the place of the state", Exec, CUDA_EXECUTORS) {
    for (const int channels : {5, 12, 20}) {
        const Shape s{1, 7, 9, channels};
        Exec exec;
        ConvGru<float, Exec> gru(exec, {.channels = channels}, random_gru<float>(channels, 3), s);
        TensorBuffer<float, Exec> x(exec, s, noise(s.count(), -1, 1, 1)), h(exec, s, noise(s.count(), -1, 1, 2)),
            next(exec, s);
        gru(x.view(), h.view(), next.view());
        gru(x.view(), h.view(), h.view());
        CHECK(h.download() == next.download());
    }
}
#endif

TEST_CASE_TEMPLATE("a step allocates nothing and does not depend on the number of threads", T, float, BFloat16) {
    const Shape s{1, 23, 17, 12};
    std::vector<std::vector<float>> results;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        ConvGru<T, Cpu> gru(exec, {.channels = 12}, random_gru<T>(12, 3), s);
        TensorBuffer<T, Cpu> x(exec, s, noise(s.count(), -1, 1, 1)), h(exec, s, noise(s.count(), -1, 1, 2)),
            next(exec, s);
        CHECK(allocations_during([&] { gru(x.view(), h.view(), next.view()); }) == 0);
        results.push_back(next.download());
    }
    CHECK(results[0] == results[1]);
}

TEST_CASE("ConvGRU refuses bad parameters, weights and shapes") {
    Cpu exec;
    using Gru = ConvGru<float, Cpu>;
    const Shape s{1, 4, 5, 2};
    const auto w = random_gru<float>(2, 3);
    CHECK_THROWS_AS(Gru(exec, ConvGruParams{.channels = 0}, w, s), Error);
    CHECK_THROWS_AS(Gru(exec, ConvGruParams{.channels = 3}, w, s), Error);
    CHECK_THROWS_AS(Gru(exec, ConvGruParams{.channels = 2, .kernel = 2}, w, s), Error);
    CHECK_THROWS_AS(Gru(exec, ConvGruParams{.channels = 2}, {w.candidate, w.gates}, s), Error);
    Gru gru(exec, {.channels = 2}, w, s);
    TensorBuffer<float, Cpu> x(exec, s), h(exec, s), next(exec, s), narrow(exec, {1, 4, 4, 2}),
        deep(exec, {1, 4, 5, 3}), large(exec, {1, 5, 5, 2}), large_h(exec, {1, 5, 5, 2}), none(exec, {0, 4, 5, 2}),
        empty;
    CHECK_NOTHROW(gru(x.view(), h.view(), next.view()));
    CHECK_THROWS_AS(gru(x.view(), h.view(), h.view()), Error);
    CHECK_THROWS_AS(gru(x.view(), narrow.view(), next.view()), Error);
    CHECK_THROWS_AS(gru(x.view(), h.view(), narrow.view()), Error);
    CHECK_THROWS_AS(gru(x.view(), empty.view(), next.view()), Error);
    CHECK_THROWS_AS(gru(deep.view(), deep.view(), deep.view()), Error);
    CHECK_THROWS_AS(gru(large.view(), large.view(), large_h.view()), Error);
    CHECK_NOTHROW(gru(none.view(), none.view(), none.view()));
}
