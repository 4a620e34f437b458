#include "cinebokeh/nn/pool.hpp"

#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
// PyTorch's documentation, value by value, over an image that is padded by hand.
std::vector<double> reference_pool(const std::vector<float>& in, Shape s, const Pool2dParams& p, Size size,
                                   bool largest) {
    std::vector<double> out;
    for (int n = 0; n < s.n; ++n)
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x)
                for (int c = 0; c < s.c; ++c) {
                    double sum = 0, most = -INFINITY;
                    int inside = 0, padded = 0;
                    for (int ky = 0; ky < p.kernel; ++ky)
                        for (int kx = 0; kx < p.kernel; ++kx) {
                            const int v = y * p.stride + ky - p.padding, u = x * p.stride + kx - p.padding;
                            if (v >= s.h + p.padding || u >= s.w + p.padding) continue;
                            ++padded;
                            if (v < 0 || u < 0 || v >= s.h || u >= s.w) continue;
                            ++inside;
                            const double value = double(in[size_t(((n * s.h + v) * s.w + u) * s.c + c)]);
                            sum += value, most = std::max(most, value);
                        }
                    out.push_back(largest ? most : sum / (p.count_include_pad ? padded : inside));
                }
    return out;
}
}  // namespace

TEST_CASE_TEMPLATE("pools follow PyTorch's rules for padding and for windows over the end", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    for (Shape s : {Shape{1, 1, 1, 3}, Shape{1, 5, 7, 3}, Shape{2, 6, 8, 5}, Shape{1, 9, 4, 16}})
        for (Vec<int, 3> w : {Vec<int, 3>{2, 2, 0}, {3, 2, 1}, {3, 1, 1}, {2, 3, 1}, {1, 1, 0}})
            for (bool ceil_mode : {false, true})
                for (bool include : {false, true}) {
                    const Pool2dParams p{w[0], w[1], w[2], ceil_mode, include};
                    const auto values = stored<T>(noise(s.count(), -2, 2));
                    const Size size = pooled_size(p, s.size());
                    TensorBuffer<T, Exec> in(exec, s, values), out(exec, {s.n, size.height, size.width, s.c});
                    average_pool<T>(exec, in.view(), p, out.view());
                    // Nine additions of numbers below 2, a division, and the storage.
                    CHECK(worst_error(out.download(), reference_pool(values, s, p, size, false)) <=
                          2 * rounding<T> + 11 * 2 * 0x1p-24);
                    max_pool<T>(exec, in.view(), p, out.view());
                    CHECK(worst_error(out.download(), reference_pool(values, s, p, size, true)) == 0);
                }
}

TEST_CASE("the size of a pooled image is PyTorch's") {
    const auto length = [](int in, Pool2dParams p) { return pooled_size(p, {in, in}).width; };
    CHECK(length(7, {.kernel = 2, .stride = 2}) == 3);
    CHECK(length(7, {.kernel = 2, .stride = 2, .ceil_mode = true}) == 4);
    CHECK(length(1, {.kernel = 2, .stride = 2}) == 0);
    CHECK(length(1, {.kernel = 2, .stride = 2, .ceil_mode = true}) == 1);
    CHECK(length(6, {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}) == 4);
    CHECK(length(5, {.kernel = 2, .stride = 3, .padding = 1, .ceil_mode = true}) ==
          2);  // a third begins in the padding
    CHECK(length(0, {}) == 0);
    for (const Pool2dParams& bad :
         {Pool2dParams{.kernel = 0}, {.stride = 0}, {.kernel = 3, .padding = 2}, {.padding = -1}, {.kernel = 65}})
        CHECK_THROWS_AS(pooled_size(bad, {8, 8}), Error);
}

TEST_CASE_TEMPLATE("a NaN makes its windows NaN", Exec, EXECUTORS) {
    Exec exec;
    std::vector<float> values(16, 1.f);
    values[0] = NAN, values[15] = NAN;
    TensorBuffer<float, Exec> in(exec, {1, 4, 4, 1}, values), out(exec, {1, 2, 2, 1});
    max_pool<float>(exec, in.view(), {}, out.view());
    const auto most = out.download();
    average_pool<float>(exec, in.view(), {}, out.view());
    const auto mean = out.download();
    for (size_t i = 0; i < 4; ++i) CHECK((std::isnan(most[i]) && std::isnan(mean[i])) == (i == 0 || i == 3));
}

TEST_CASE_TEMPLATE("the global average is the mean of every channel of every image", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    GlobalAveragePool<T, Exec> average(exec, {2, 70, 50, 24});
    for (Shape s : {Shape{1, 1, 1, 1}, Shape{1, 5, 7, 3}, Shape{2, 32, 9, 24}, Shape{1, 70, 3, 17}}) {
        const auto values = stored<T>(noise(s.count(), -1, 2));
        TensorBuffer<T, Exec> in(exec, s, values);
        TensorBuffer<float, Exec> out(exec, {s.n, 1, 1, s.c});
        average(in.view(), out.view());
        std::vector<double> expected(size_t(s.n * s.c), 0.0);
        const size_t area = size_t(s.h * s.w), c = size_t(s.c);
        for (size_t i = 0; i < values.size(); ++i)
            expected[i / (area * c) * c + i % c] += double(values[i]) / double(area);
        // Every sum is at most the mean of |values| times its additions: h / 32 rows, then 32 bands.
        CHECK(worst_error(out.download(), expected) <= 2 * (double(ceil_div(s.h, 32) * s.w) + 34) * 0x1p-24);
    }
    TensorBuffer<T, Exec> in(exec, {1, 2, 2, 3}), large(exec, {1, 71, 2, 3}), none(exec, {1, 0, 2, 3});
    TensorBuffer<float, Exec> out(exec, {1, 1, 1, 3}), wrong(exec, {1, 1, 1, 4});
    CHECK_THROWS_AS(average(in.view(), wrong.view()), Error);
    CHECK_THROWS_AS(average(large.view(), out.view()), Error);
    CHECK_THROWS_AS(average(none.view(), out.view()), Error);
    TensorBuffer<T, Exec> bad(exec, {1, 2, 2, 3});
    CHECK_THROWS_AS(average_pool<T>(exec, in.view(), {}, bad.view()), Error);
}
