#include "cinebokeh/nn/tensor_resize.hpp"

#include "nn_support.hpp"

using namespace cinebokeh;

namespace {
double position_of(int i, int in, int out, bool align_corners, double scale) {
    if (align_corners) return out > 1 ? double(i) * (in - 1) / (out - 1) : 0;
    const double step = scale > 0 ? 1 / scale : double(in) / out;
    return std::min(std::max((i + 0.5) * step - 0.5, 0.0), double(in - 1));
}
std::vector<double> reference_bilinear(const std::vector<float>& in, Shape s, Shape o, const TensorResizeParams& p) {
    std::vector<double> out;
    for (int n = 0; n < o.n; ++n)
        for (int y = 0; y < o.h; ++y)
            for (int x = 0; x < o.w; ++x)
                for (int c = 0; c < o.c; ++c) {
                    const double v = position_of(y, s.h, o.h, p.align_corners, double(p.scale_y));
                    const double u = position_of(x, s.w, o.w, p.align_corners, double(p.scale_x));
                    double sum = 0;  // a tent of width one around the position
                    for (int yy = int(v); yy <= std::min(int(v) + 1, s.h - 1); ++yy)
                        for (int xx = int(u); xx <= std::min(int(u) + 1, s.w - 1); ++xx)
                            sum += (1 - std::abs(v - yy)) * (1 - std::abs(u - xx)) *
                                   double(in[size_t(((n * s.h + yy) * s.w + xx) * s.c + c)]);
                    out.push_back(sum);
                }
    return out;
}
}  // namespace

TEST_CASE_TEMPLATE("bilinear samples lie where PyTorch puts them", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    struct Case {
        Size in, out;
        TensorResizeParams p;
    };
    for (const Case& each : std::vector<Case>{{{1, 1}, {4, 3}, {}},
                                              {{7, 5}, {14, 10}, {}},
                                              {{7, 5}, {14, 10}, {.align_corners = true}},
                                              {{16, 9}, {5, 4}, {}},
                                              {{9, 8}, {1, 1}, {.align_corners = true}},
                                              {{20, 13}, {5, 3}, {.scale_y = 0.25f, .scale_x = 0.25f}},
                                              {{11, 9}, {4, 3}, {.scale_y = 0.4f, .scale_x = 0.4f}},
                                              {{6, 4}, {6, 4}, {}}}) {
        const Shape s{2, each.in.height, each.in.width, 3}, o{2, each.out.height, each.out.width, 3};
        const auto values = stored<T>(noise(s.count(), -1, 1));
        TensorBuffer<T, Exec> in(exec, s, values), out(exec, o);
        resize_bilinear<T>(exec, in.view(), each.p, out.view());
        // A position of up to 20 is rounded to 2^-20, and moves a value by at most twice that in each direction.
        CHECK(worst_error(out.download(), reference_bilinear(values, s, o, each.p)) <= rounding<T> + 5e-6);
    }
}

TEST_CASE_TEMPLATE("a quarter in size is the mean of the inner four of sixteen pixels", Exec, EXECUTORS) {
    Exec exec;
    const auto values = noise(16, 0, 1);
    TensorBuffer<float, Exec> in(exec, {1, 4, 4, 1}, values), out(exec, {1, 1, 1, 1});
    resize_bilinear<float>(exec, in.view(), {.scale_y = 0.25f, .scale_x = 0.25f}, out.view());
    CHECK(std::abs(out.download()[0] - (values[5] + values[6] + values[9] + values[10]) / 4) <= 1e-6f);
}

TEST_CASE_TEMPLATE("a nearest resize takes the pixel at floor(position / scale)", L, LAYER_EXECUTORS) {
    using T = typename L::T;
    using Exec = typename L::Exec;
    Exec exec;
    const std::vector<std::pair<Size, Size>> sizes = {
        {{1, 1}, {3, 2}}, {{7, 5}, {14, 10}}, {{16, 9}, {5, 4}}, {{5, 6}, {8, 4}}};
    for (const auto& [from, to] : sizes) {
        const auto [w, h] = from;
        const auto [width, height] = to;
        const Shape s{1, h, w, 2}, o{1, height, width, 2};
        const auto values = stored<T>(noise(s.count(), -1, 1));
        TensorBuffer<T, Exec> in(exec, s, values), out(exec, o);
        resize_nearest<T>(exec, in.view(), {}, out.view());
        std::vector<float> expected;
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                for (int c = 0; c < 2; ++c)
                    expected.push_back(values[size_t((y * h / height * w + x * w / width) * 2 + c)]);
        CHECK(out.download() == expected);
    }
}

TEST_CASE_TEMPLATE("a constant image stays constant, and a resize to the same size changes nothing", Exec, EXECUTORS) {
    Exec exec;
    const auto values = noise(5 * 7 * 4, -1, 1);
    TensorBuffer<float, Exec> in(exec, {1, 5, 7, 4}, values), same(exec, {1, 5, 7, 4}), large(exec, {1, 13, 17, 4});
    for (bool align : {false, true}) {
        resize_bilinear<float>(exec, in.view(), {.align_corners = align}, same.view());
        CHECK(same.download() == values);
    }
    in.upload(std::vector<float>(values.size(), 0.7f));
    resize_bilinear<float>(exec, in.view(), {}, large.view());
    for (float v : large.download()) CHECK(std::abs(v - 0.7f) <= 2e-7f);
}

TEST_CASE("resizes refuse what does not fit") {
    Cpu exec;
    TensorBuffer<float, Cpu> in(exec, {1, 4, 4, 3}), out(exec, {1, 8, 8, 3}), deep(exec, {1, 8, 8, 4}),
        batch(exec, {2, 8, 8, 3}), none(exec, {1, 0, 4, 3});
    const auto resize = [&](auto& from, auto& to, TensorResizeParams p) {
        resize_bilinear<float>(exec, from.view(), p, to.view());
    };
    CHECK_NOTHROW(resize(in, out, {}));
    CHECK_THROWS_AS(resize(in, deep, {}), Error);
    CHECK_THROWS_AS(resize(in, batch, {}), Error);
    CHECK_THROWS_AS(resize(none, out, {}), Error);
    CHECK_NOTHROW(resize(in, none, {}));
    CHECK_THROWS_AS(resize(in, out, {.scale_y = -1}), Error);
    CHECK_THROWS_AS(resize(in, out, {.scale_x = NAN}), Error);
    CHECK_THROWS_AS(resize(in, out, {.align_corners = true, .scale_x = 2}), Error);
    CHECK_THROWS_AS(resize_nearest<float>(exec, in.view(), {.align_corners = true}, out.view()), Error);
}
