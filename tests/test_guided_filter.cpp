#include "cinebokeh/guided_filter.hpp"

#include "guided_reference.hpp"
#include "support.hpp"

using namespace cinebokeh;
using namespace cinebokeh::guided_reference;

namespace {
// Two flat halves with a little noise: the case a matte meets, and the hard one for cancellation.
std::vector<Rgba8> two_halves(Size s) {
    std::vector<Rgba8> pixels = noise_rgba(s, 5);
    for (size_t i = 0; i < pixels.size(); ++i) {
        const bool right = int(i % size_t(s.width)) >= s.width / 2;
        const int base = right ? 250 : 20;
        for (int c = 0; c < 3; ++c) pixels[i][c] = uint8_t(base + pixels[i][c] % 4);
    }
    return pixels;
}
}  // namespace

TEST_CASE_TEMPLATE("the colour guided filter is the one of the paper, also in place", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{32, 32}, Size{31, 33}, Size{70, 39}})
        for (int radius : {0, 1, 8})
            for (float epsilon : {0.01f, 20.f})
                for (bool flat : {false, true}) {
                    CAPTURE(s.width);
                    CAPTURE(radius);
                    CAPTURE(epsilon);
                    CAPTURE(flat);
                    Exec exec;
                    const auto guide = flat ? two_halves(s) : noise_rgba(s);
                    const auto in = noise(s, 0, 1, 3);
                    Buffer<Rgba8, Exec> g(exec, s, guide);
                    Buffer<float, Exec> p(exec, s, in), out(exec, s);
                    GuidedFilter<Exec> filter(exec, s, {.radius = radius, .epsilon = epsilon});
                    filter(g.view(), p.view(), out.view());
                    const auto expected =
                        reference_filter(colours(guide), {in.begin(), in.end()}, s, radius, double(epsilon));
                    // a and b are rounded to float once: |a| <= 1 / (2 sqrt(epsilon)) = 5, times 255, times 6e-8, four
                    // times.
                    CHECK(worst_error(out.download(), expected) <= (epsilon < 1 ? 4e-4 : 1e-5));
                    filter(g.view(), p.view(), p.view());
                    CHECK(worst_error(p.download(), out.download()) == 0);
                }
}

TEST_CASE_TEMPLATE("the grey guided filter is the one of the paper", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{33, 31}, Size{70, 39}}) {
        Exec exec;
        const auto guide = noise(s, -1, 1, 7), in = noise(s, 0, 1, 3);
        std::vector<Colour> triple;
        for (float v : guide) triple.push_back({double(v), 0, 0});
        Buffer<float, Exec> g(exec, s, guide), p(exec, s, in), out(exec, s);
        GuidedFilter<Exec> filter(exec, s, {.radius = 4, .epsilon = 0.01f});
        filter(g.view(), p.view(), out.view());
        // |a| <= 5, |guide| <= 1, |b| <= 6, each rounded to 6e-8 of itself a few times.
        CHECK(worst_error(out.download(), reference_filter(triple, {in.begin(), in.end()}, s, 4, 0.01f)) <= 3e-6);
    }
}

TEST_CASE_TEMPLATE("the subsampled filter applies interpolated functions of small images", Exec, EXECUTORS) {
    constexpr int step = 3;
    const Size s{50, 37}, small{17, 13};
    Exec exec;
    const auto guide = noise_rgba(s);
    const auto in = noise(s, 0, 1, 3);
    std::vector<Colour> small_guide(small.area());
    std::vector<double> small_in(small.area());
    for (int y = 0; y < small.height; ++y)
        for (int x = 0; x < small.width; ++x) {
            Colour sum{};
            double in_sum = 0, n = 0;
            for (int v = y * step; v < std::min(s.height, y * step + step); ++v)
                for (int u = x * step; u < std::min(s.width, x * step + step); ++u, n += 1) {
                    for (int c = 0; c < 3; ++c) sum[size_t(c)] += guide[size_t(v * s.width + u)][c];
                    in_sum += double(in[size_t(v * s.width + u)]);
                }
            for (double& c : sum) c = std::floor(c / n + 0.5);  // the small guide has 8 bits
            small_guide[size_t(y * small.width + x)] = sum;
            small_in[size_t(y * small.width + x)] = in_sum / n;
        }
    const auto means = window_means(reference_functions(small_guide, small_in, small, 2, 20), small, 2);
    const auto expected = applied(means, small, colours(guide), s, step, step);
    Buffer<Rgba8, Exec> g(exec, s, guide);
    Buffer<float, Exec> p(exec, s, in), out(exec, s);
    GuidedFilter<Exec> filter(exec, s, {.radius = 6, .epsilon = 20, .subsample = step});
    filter(g.view(), p.view(), out.view());
    CHECK(worst_error(out.download(), expected) <= 2e-5);  // as the plain filter, and the interpolation in float
}

TEST_CASE_TEMPLATE("a constant stays constant, and a guide with an edge gives it to the output", Exec, EXECUTORS) {
    const Size s{48, 30};
    Exec exec;
    Buffer<Rgba8, Exec> g(exec, s, two_halves(s));
    Buffer<float, Exec> p(exec, s, std::vector<float>(s.area(), 0.3f)), out(exec, s);
    GuidedFilter<Exec> filter(exec, s, {.radius = 6});
    filter(g.view(), p.view(), out.view());
    for (float v : out.download()) CHECK(std::abs(v - 0.3f) <= 1e-6f);
    // A matte whose edge lies two pixels beside the edge of the guide, and a value that is not a number.
    std::vector<float> matte(s.area());
    for (size_t i = 0; i < matte.size(); ++i) matte[i] = int(i % 48) >= 26 ? 1.f : 0.f;
    matte[15 * 48 + 10] = NAN;
    p.upload(matte);
    filter(g.view(), p.view(), out.view());
    const auto q = out.download();
    int steepest = 0;  // the column before the largest step of a row
    for (int x = 0; x + 1 < 48; ++x)
        if (q[size_t(15 * 48 + x + 1)] - q[size_t(15 * 48 + x)] >
            q[size_t(15 * 48 + steepest + 1)] - q[size_t(15 * 48 + steepest)])
            steepest = x;
    CHECK(steepest == 23);
    for (float v : q) CHECK(std::isfinite(v));
}

TEST_CASE("the filter allocates nothing, does not depend on the threads and serves smaller images") {
    const Size s{90, 75}, part{61, 66};
    const auto guide = noise_rgba(s);
    const auto in = noise(s, 0, 1);
    std::vector<std::vector<float>> results;
    for (int threads : {1, 3})
        for (int subsample : {1, 2}) {
            Cpu exec(threads);
            Buffer<Rgba8, Cpu> g(exec, s, guide);
            Buffer<float, Cpu> p(exec, s, in), out(exec, s, in);
            GuidedFilter<Cpu> filter(exec, s, {.radius = 5, .subsample = subsample});
            CHECK(allocations_during([&] {
                      filter(g.view().crop(8, 5, part), p.view().crop(8, 5, part), out.view().crop(8, 5, part));
                  }) == 0);
            results.push_back(out.download());
        }
    CHECK(results[0] == results[2]);
    CHECK(results[1] == results[3]);
}

TEST_CASE("the filter refuses bad parameters and sizes") {
    Cpu exec;
    using Filter = GuidedFilter<Cpu>;
    CHECK_THROWS_AS(Filter(exec, Size{4, 4}, {.radius = -1}), Error);
    CHECK_THROWS_AS(Filter(exec, Size{4, 4}, {.radius = 128}), Error);
    CHECK_THROWS_AS(Filter(exec, Size{4, 4}, {.epsilon = 0}), Error);
    CHECK_THROWS_AS(Filter(exec, Size{4, 4}, {.epsilon = NAN}), Error);
    CHECK_THROWS_AS(Filter(exec, Size{4, 4}, {.subsample = 0}), Error);
    CHECK_THROWS_AS(Filter(exec, Size{-4, 4}), Error);
    Filter filter(exec, {4, 4});
    Buffer<Rgba8, Cpu> guide(exec, {4, 4}), large_guide(exec, {5, 4});
    Buffer<float, Cpu> in(exec, {4, 4}), narrow(exec, {3, 4}), large(exec, {5, 4});
    CHECK_THROWS_AS(filter(guide.view(), narrow.view(), in.view()), Error);
    CHECK_THROWS_AS(filter(guide.view(), in.view(), narrow.view()), Error);
    CHECK_THROWS_AS(filter(large_guide.view(), large.view(), large.view()), Error);
    CHECK_NOTHROW(filter(guide.view().crop(0, 0, {0, 0}), in.view().crop(0, 0, {0, 0}), in.view().crop(0, 0, {0, 0})));
}

TEST_CASE("the widest window still has exact integer sums") {
    const Size s{300, 280};
    Cpu exec;
    Buffer<Rgba8, Cpu> g(exec, s, std::vector<Rgba8>(s.area(), Rgba8{255, 255, 255, 255}));
    Buffer<float, Cpu> p(exec, s, noise(s, 0, 1)), out(exec, s);
    GuidedFilter<Cpu> filter(exec, s, {.radius = 127, .epsilon = 0.01f});
    filter(g.view(), p.view(), out.view());
    double mean = 0;  // a flat guide: a = 0, so the output is the mean of means; all windows cover nearly everything
    for (float v : p.download()) mean += double(v) / double(s.area());
    for (float v : out.download()) CHECK(std::abs(double(v) - mean) < 0.02);
}
