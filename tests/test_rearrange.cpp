#include "cinebokeh/nn/rearrange.hpp"

#include "nn_support.hpp"

using namespace cinebokeh;

TEST_CASE_TEMPLATE("concat puts channels behind each other", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    const auto a = stored<T>(noise(2 * 3 * 4 * 5, -1, 1)), b = stored<T>(noise(2 * 3 * 4 * 2, -1, 1, 2));
    TensorBuffer<T, Exec> first(exec, {2, 3, 4, 5}, a), second(exec, {2, 3, 4, 2}, b), out(exec, {2, 3, 4, 7}),
        wrong(exec, {2, 3, 4, 6}), small(exec, {2, 3, 3, 2});
    concat<T>(exec, {first.view(), second.view()}, out.view());
    std::vector<float> expected;
    for (size_t i = 0; i < 24; ++i) {
        expected.insert(expected.end(), a.begin() + long(i * 5), a.begin() + long(i * 5 + 5));
        expected.insert(expected.end(), b.begin() + long(i * 2), b.begin() + long(i * 2 + 2));
    }
    CHECK(out.download() == expected);
    CHECK_THROWS_AS(concat<T>(exec, {first.view(), second.view()}, wrong.view()), Error);
    CHECK_THROWS_AS(concat<T>(exec, {first.view(), small.view()}, out.view()), Error);
}

TEST_CASE_TEMPLATE("pixel_shuffle makes squares of channels, and pixel_unshuffle undoes it", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    for (int f : {1, 2, 3}) {
        const Shape coarse{2, 3, 5, 4 * f * f}, fine{2, 3 * f, 5 * f, 4};
        const auto values = stored<T>(noise(coarse.count(), -1, 1));
        TensorBuffer<T, Exec> in(exec, coarse, values), out(exec, fine), back(exec, coarse);
        pixel_shuffle<T>(exec, in.view(), f, out.view());
        const auto pixels = out.download();
        int wrong = 0;
        for (int n = 0; n < 2; ++n)
            for (int y = 0; y < 3; ++y)
                for (int x = 0; x < 5; ++x)
                    for (int c = 0; c < 4; ++c)
                        for (int v = 0; v < f; ++v)
                            for (int u = 0; u < f; ++u)
                                wrong += pixels[size_t(((n * 3 * f + y * f + v) * 5 * f + x * f + u) * 4 + c)] !=
                                         values[size_t(((n * 3 + y) * 5 + x) * 4 * f * f + (c * f + v) * f + u)];
        CHECK(wrong == 0);
        pixel_unshuffle<T>(exec, out.view(), f, back.view());
        CHECK(back.download() == values);
    }
    TensorBuffer<T, Exec> in(exec, {1, 3, 5, 6}), out(exec, {1, 6, 10, 2});
    CHECK_THROWS_AS(pixel_shuffle<T>(exec, in.view(), 2, out.view()), Error);
    CHECK_THROWS_AS(pixel_shuffle<T>(exec, in.view(), 0, out.view()), Error);
}
