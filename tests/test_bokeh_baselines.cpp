#include "cinebokeh/bokeh_baselines.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
std::vector<Float4> random_light(Size s) {
    const auto values = noise(3 * s.area(), 0, 1);
    std::vector<Float4> pixels(s.area());
    for (size_t i = 0; i < s.area(); ++i) pixels[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2], 0.5f};
    return pixels;
}
double difference(const std::vector<Float4>& a, const std::vector<double>& b) {  // of the colours
    double worst = 0;
    for (size_t i = 0; i < a.size(); ++i)
        for (int c = 0; c < 3; ++c) worst = std::max(worst, std::abs(double(a[i][c]) - b[3 * i + size_t(c)]));
    return worst;
}

// Scatters pixel after pixel, as the paper describes it.
std::vector<double> reference_scatter(const std::vector<Float4>& frame, const std::vector<float>& defocus, Size s,
                                      double max_radius) {
    std::vector<double> sum(3 * s.area()), total(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t from = size_t(y * s.width + x);
            const double r = std::isnan(defocus[from]) ? 0 : std::min(std::abs(double(defocus[from])), max_radius);
            const int reach = int(r) + 1;
            for (int dy = -reach; dy <= reach; ++dy)
                for (int dx = -reach; dx <= reach; ++dx) {
                    if (!s.contains(x + dx, y + dy)) continue;
                    const size_t to = size_t((y + dy) * s.width + x + dx);
                    const double w = (0.5 + 0.5 * std::tanh(4 * (r - std::hypot(dx, dy)))) / (r * r + 0.2);
                    total[to] += w;
                    for (int c = 0; c < 3; ++c) sum[3 * to + size_t(c)] += w * double(frame[from][c]);
                }
        }
    for (size_t i = 0; i < sum.size(); ++i) sum[i] /= total[i / 3];
    return sum;
}
}  // namespace

TEST_CASE_TEMPLATE("plain scatter is the weighted mean of the disks that reach a pixel", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{1, 19}, Size{32, 8}, Size{33, 25}}) {
        const auto frame = random_light(s);
        auto defocus = noise(s, -6, 6);
        defocus[s.area() / 2] = NAN, defocus[s.area() / 3] = INFINITY;
        Exec exec;
        Buffer<Float4, Exec> in(exec, s, frame), out(exec, s);
        Buffer<float, Exec> radius(exec, s, defocus);
        plain_scatter<Exec>(exec, in.view(), radius.view(), 5, out.view());
        // 225 additions of positive numbers and a hyperbolic tangent, in float
        CHECK(difference(out.download(), reference_scatter(frame, defocus, s, 5)) <= 1e-4);
        CHECK(out.download()[0][3] == 0.5f);
    }
}

TEST_CASE_TEMPLATE("fixed layers blur a plane with one disk and know nothing of what is hidden", Exec, EXECUTORS) {
    const Size s{48, 24};
    std::vector<Float4> frame(s.area());
    std::vector<float> defocus(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {  // a black plane in focus, a white one behind it
            const float v = x < 24 ? 0.f : 1.f;
            frame[size_t(y * s.width + x)] = {v, v, v, 1};
            defocus[size_t(y * s.width + x)] = x < 24 ? 0.f : -6.f;
        }
    Exec exec;
    Buffer<Float4, Exec> in(exec, s, frame), out(exec, s);
    Buffer<float, Exec> radius(exec, s, defocus);
    FixedLayersBokeh<Exec> bokeh(exec, s, 6, 4);
    bokeh(in.view(), radius.view(), out.view());
    // Nothing lies under the half transparent edge, and what the layers do not cover is divided out: no mixture.
    for (const Float4& p : out.download()) CHECK(std::min(p[0], 1 - p[0]) <= 1e-4f);
    Buffer<float, Exec> plane(exec, s, std::vector<float>(s.area(), 3.2f));
    bokeh(in.view(), plane.view(), out.view());  // the nearest layer has radius 3
    for (int x = 0; x < s.width; ++x) {
        const double t = clamp((x - 23.5) / 3, -1.0, 1.0),
                     covered = 0.5 + (std::asin(t) + t * std::sqrt(1 - t * t)) / 3.14159265;
        CHECK(std::abs(double(out.download()[size_t(12 * s.width + x)][0]) - covered) <= 0.03);  // rows are whole
    }
}

TEST_CASE_TEMPLATE("buckets are blurred more and more, and the portrait is pasted on top", Exec, EXECUTORS) {
    const Size s{100, 16};
    std::vector<Float4> frame(s.area());
    std::vector<float> defocus(s.area()), matte(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {  // stripes; the five buckets are 20 pixels each
            const float v = x % 2 ? 1.f : 0.f;
            frame[size_t(y * s.width + x)] = {v, v, v, 1};
            defocus[size_t(y * s.width + x)] = (y < 8 ? -1.f : 1.f) * (float(x / 20) + 0.5f);
            matte[size_t(y * s.width + x)] = y == 3 ? 1.f : y == 4 ? 0.5f : 0.f;
        }
    Exec exec;
    Buffer<Float4, Exec> in(exec, s, frame), out(exec, s);
    Buffer<float, Exec> radius(exec, s, defocus), portrait(exec, s, matte);
    BucketedBlur<Exec> blur(exec, s, 5);
    blur(in.view(), radius.view(), portrait.view(), out.view());
    const auto pixels = out.download();
    for (int y = 0; y < s.height; ++y)
        for (int bucket = 0; bucket < 5; ++bucket) {
            const int x = bucket * 20 + 9;  // an odd column: a white stripe
            const double contrast = double(pixels[size_t(y * s.width + x)][0]) - 0.5;
            // Stripes of period 2 under a Gaussian: exp(-pi^2 sigma^2 / 2) of them is left, and as much again that
            // comes from sampling it; what the taps cut off at three sigma add is below 3e-3.
            const double sigma = bucket ? (bucket + 0.5) / 2 : 0;
            const double blurred = (bucket ? 1 : 0.5) * std::exp(-0.5 * 9.8696 * sigma * sigma);
            const double alpha = y == 3 ? 1 : y == 4 ? 0.5 : 0;
            CHECK(std::abs(contrast - (alpha * 0.5 + (1 - alpha) * blurred)) <= 0.02);
        }
}

TEST_CASE("the renderers to compare with allocate nothing and refuse bad input") {
    const Size s{20, 12};
    Cpu exec;
    Buffer<Float4, Cpu> frame(exec, s, random_light(s)), out(exec, s), small(exec, {3, 3}), large(exec, {21, 12});
    Buffer<float, Cpu> defocus(exec, s, noise(s, -4, 4)), narrow(exec, {3, 3}), wide(exec, {21, 12});
    FixedLayersBokeh<Cpu> layers(exec, s, 4);
    BucketedBlur<Cpu> buckets(exec, s, 4);
    CHECK(allocations_during([&] {
              layers(frame.view(), defocus.view(), out.view());
              buckets(frame.view(), defocus.view(), {}, out.view());
              plain_scatter<Cpu>(exec, frame.view(), defocus.view(), 4, out.view());
          }) == 0);
    using Layers = FixedLayersBokeh<Cpu>;
    using Buckets = BucketedBlur<Cpu>;
    CHECK_THROWS_AS(Layers(exec, s, 201), Error);
    CHECK_THROWS_AS(Layers(exec, s, NAN), Error);
    CHECK_THROWS_AS(Layers(exec, s, 4, 0), Error);
    CHECK_THROWS_AS(Buckets(exec, s, 0.5f), Error);
    CHECK_THROWS_AS(layers(frame.view(), narrow.view(), out.view()), Error);
    CHECK_THROWS_AS(layers(large.view(), wide.view(), large.view()), Error);
    CHECK_THROWS_AS(layers(frame.view(), defocus.view(), frame.view()), Error);
    CHECK_THROWS_AS(buckets(frame.view(), defocus.view(), narrow.view(), out.view()), Error);
    CHECK_THROWS_AS(plain_scatter<Cpu>(exec, frame.view(), defocus.view(), 201, out.view()), Error);
    CHECK_THROWS_AS(plain_scatter<Cpu>(exec, frame.view(), defocus.view(), 4, small.view()), Error);
}
