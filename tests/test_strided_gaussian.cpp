#include "cinebokeh/strided_gaussian.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
std::vector<Float4> noise4(Size s) {
    const std::vector<float> values = noise(s.area() * 4, -100, 100);
    std::vector<Float4> pixels(s.area());
    for (size_t i = 0; i < pixels.size(); ++i)
        for (int c = 0; c < 4; ++c) pixels[i][c] = values[4 * i + size_t(c)];
    return pixels;
}

// The definition: the full two-dimensional weighted sum with a replicated border, in double.
double reference(const std::vector<Float4>& in, Size s, const StridedGaussian::Params& params, int x, int y, int c) {
    const double sigma = double(params.sigma);
    const int radius = int(std::ceil(3 * sigma));
    double sum = 0, total = 0;
    for (int dy = -radius; dy <= radius; ++dy)
        for (int dx = -radius; dx <= radius; ++dx) {
            const double w = std::exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
            const int u = std::min(std::max(x + dx, 0), s.width - 1), v = std::min(std::max(y + dy, 0), s.height - 1);
            const double value = double(in[size_t(v) * size_t(s.width) + size_t(u)][c]);
            sum += w * (params.squares ? value * value : value);
            total += w;
        }
    return sum / total;
}
#if CINEBOKEH_GRID
template <class Exec>
using OnExec = ForSpace<Exec, StridedGaussian, StridedGaussianCuda>;
#else
template <class>
using OnExec = StridedGaussian;
#endif
}  // namespace

TEST_CASE_TEMPLATE("a strided Gaussian is the full Gaussian at every sample", Exec, EXECUTORS) {
    Exec exec;
    struct Case {
        Size size;
        StridedGaussian::Params params;
    };
    for (const Case& c : {Case{{1, 1}, {.sigma = 2}}, Case{{7, 5}, {.sigma = 3, .stride = 2, .offset = 1}},
                          Case{{33, 19}, {.sigma = .7f}}, Case{{50, 41}, {.sigma = 8, .stride = 4, .offset = 2}},
                          Case{{16, 70}, {.sigma = 1.5f, .stride = 2}}, Case{{3, 9}, {.sigma = 1, .squares = true}},
                          Case{{37, 21}, {.sigma = 4, .stride = 2, .offset = 1, .squares = true}}}) {
        CAPTURE(c.size.width);
        const auto in = noise4(c.size);
        OnExec<Exec> blur(exec, c.size, c.params);
        Buffer<Float4, Exec> image(exec, c.size, in), samples(exec, blur.grid());
        blur(image.view(), samples.view());
        const auto out = samples.download();
        double worst = 0;
        for (int j = 0; j < blur.grid().height; ++j)
            for (int i = 0; i < blur.grid().width; ++i)
                for (int k = 0; k < 4; ++k)
                    worst =
                        std::max(worst, std::abs(double(out[size_t(j * blur.grid().width + i)][k]) -
                                                 reference(in, c.size, c.params, c.params.offset + i * c.params.stride,
                                                           c.params.offset + j * c.params.stride, k)));
        // 98 additions of numbers up to 100, float: 98 * 100 * 2^-24 = 6e-4 at most; a hundred times for squares.
        CHECK(worst < (c.params.squares ? .1 : 1e-3));
    }
}

TEST_CASE("a strided Gaussian allocates nothing and does not depend on the threads") {
    const Size s{61, 47};
    const auto in = noise4(s);
    Cpu one(1), two(2);
    StridedGaussian a(one, s, {.sigma = 2, .stride = 2}), b(two, s, {.sigma = 2, .stride = 2});
    Buffer<Float4, Cpu> out_a(one, a.grid()), out_b(two, b.grid());
    CHECK(allocations_during([&] { a(host_view(in, s), out_a.view()), b(host_view(in, s), out_b.view()); }) == 0);
    CHECK(out_a.download() == out_b.download());
}

TEST_CASE("a strided Gaussian refuses bad arguments") {
    Cpu exec(1);
    CHECK_THROWS_AS(StridedGaussian(exec, {4, 4}, {.sigma = 0}), Error);
    CHECK_THROWS_AS(StridedGaussian(exec, {4, 4}, {.sigma = NAN}), Error);
    CHECK_THROWS_AS(StridedGaussian(exec, {4, 4}, {.stride = 0}), Error);
    CHECK_THROWS_AS(StridedGaussian(exec, {4, 4}, {.offset = 4}), Error);
    CHECK_THROWS_AS(StridedGaussian(exec, {0, 4}, {}), Error);
    StridedGaussian blur(exec, {4, 4}, {});
    Buffer<Float4, Cpu> right(exec, {4, 4}), wrong(exec, {4, 3});
    CHECK_THROWS_AS(blur(wrong.view(), right.view()), Error);
    CHECK_THROWS_AS(blur(right.view(), wrong.view()), Error);
}
