#include "cinebokeh/cue_fusion.hpp"

#include "cinebokeh/gradient_features.hpp"
#include "cinebokeh/moments.hpp"
#include "cinebokeh/sampling.hpp"
#include "cinebokeh/warp.hpp"
#include "support.hpp"

using namespace cinebokeh;

TEST_CASE_TEMPLATE("cues add up where the band is active, and NaN cues are left out", Exec, EXECUTORS) {
    const Size s{35, 17};
    Exec exec;
    auto distance = noise(s, -20, 20), cue = noise(s, -3, 3, 2), logit = noise(s, -1, 1, 3);
    cue[40] = NAN;
    Buffer<float, Exec> d(exec, s, distance), c(exec, s, cue), l(exec, s, logit);
    Buffer<uint8_t, Exec> active(exec, s);
    above(exec, d.view(), -10, active.view());
    add_cue(exec, c.view(), .5f, active.view(), l.view());
    const auto on = active.download();
    const auto sum = l.download();
    for (size_t i = 0; i < s.area(); ++i) {
        CHECK(on[i] == (distance[i] > -10));
        const double want = double(logit[i]) + (on[i] && i != 40 ? .5 * double(cue[i]) : 0);
        CHECK(std::abs(double(sum[i]) - want) < 3e-7);  // one rounding of a number below 4
    }
}

TEST_CASE_TEMPLATE("the believed matte mixes label and logit, and training labels need their agreement", Exec,
                   EXECUTORS) {
    const Size s{21, 9};
    Exec exec;
    const auto logit = noise(s, -6, 6);
    std::vector<uint8_t> labels(s.area()), active(s.area(), 1);
    for (size_t i = 0; i < s.area(); ++i) labels[i] = i % 3 == 0;
    active[4] = 0;
    Buffer<float, Exec> l(exec, s, logit), matte(exec, s);
    Buffer<uint8_t, Exec> label(exec, s, labels), on(exec, s, active), out(exec, s);
    believed_matte(exec, label.view(), l.view(), on.view(), .7f, matte.view());
    training_labels(exec, label.view(), l.view(), 2, out.view());
    const auto m = matte.download();
    for (size_t i = 0; i < s.area(); ++i) {
        const double want = i == 4 ? 0 : .7 * (labels[i] ? .95 : .05) + .3 / (1 + std::exp(-double(logit[i])));
        CHECK(std::abs(double(m[i]) - want) < 1e-6);  // a few float operations on numbers below 1
    }
    const auto t = out.download();
    for (size_t i = 0; i < s.area(); ++i) CHECK(t[i] == (labels[i] ? (logit[i] > 2 ? 1 : 2) : (logit[i] < -2 ? 0 : 2)));
    CHECK_THROWS_AS(training_labels(exec, label.view(), l.view(), 2, out.view().crop(0, 0, {10, 4})), Error);
    CHECK_THROWS_AS(believed_matte(exec, label.view(), l.view(), on.view(), 1.1f, matte.view()), Error);
}

TEST_CASE_TEMPLATE("background weights fall off with the distance to the subject", Exec, EXECUTORS) {
    const Size s{4, 1};
    Exec exec;
    Buffer<float, Exec> d(exec, s, {5.f, 0.f, -40.f, -120.f}), w(exec, s);
    background_weight(exec, d.view(), {.distance = 40}, w.view());
    CHECK(worst_error(w.download(), std::vector<double>{1, 1, .5, .25}) < 1e-6);
    background_weight(exec, d.view(), {.floor = .15f, .distance = 40, .exponential = true}, w.view());
    CHECK(worst_error(w.download(), std::vector<double>{1.15, 1.15, .15 + std::exp(-1), .15 + std::exp(-3)}) < 1e-6);
    CHECK_THROWS_AS(background_weight(exec, d.view(), {.distance = 0}, w.view()), Error);
}

TEST_CASE_TEMPLATE("warp reads where the flow points, clamps at the border and ignores flows that are not finite", Exec,
                   EXECUTORS) {
    const Size s{23, 14};
    Exec exec;
    const auto in = noise(s, 0, 1), dx = noise(s, -30, 30, 2), dy = noise(s, -5, 5, 3);
    std::vector<Float2> flow(s.area());
    for (size_t i = 0; i < s.area(); ++i) flow[i] = {dx[i], dy[i]};
    flow[7] = {NAN, 0}, flow[8] = {0, INFINITY};
    Buffer<float, Exec> a(exec, s, in), out(exec, s);
    Buffer<Float2, Exec> f(exec, s, flow);
    warp(exec, a.view(), f.view(), out.view());
    const auto got = out.download();
    const auto at = [&](int x, int y) { return double(in[size_t(std::clamp(y, 0, 13) * 23 + std::clamp(x, 0, 22))]); };
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t i = size_t(y * s.width + x);
            double u = x + double(flow[i][0]), v = y + double(flow[i][1]);
            if (i == 7 || i == 8) u = x, v = y;
            u = std::clamp(u, 0., 22.), v = std::clamp(v, 0., 13.);
            const int x0 = int(u), y0 = int(v);
            const double p = u - x0, q = v - y0;
            const double want = (1 - q) * ((1 - p) * at(x0, y0) + p * at(x0 + 1, y0)) +
                                q * ((1 - p) * at(x0, y0 + 1) + p * at(x0 + 1, y0 + 1));
            CHECK(std::abs(double(got[i]) - want) < 1e-5);  // positions up to 50 are known to 4e-6
        }
    CHECK_THROWS_AS(warp(exec, a.view(), f.view(), out.view().crop(0, 0, {1, 1})), Error);
}

TEST_CASE_TEMPLATE("gradient features of a ramp are its slope in one orientation", Exec, EXECUTORS) {
    const Size s{20, 12};
    Exec exec;
    std::vector<uint8_t> ramp(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) ramp[size_t(y * s.width + x)] = uint8_t(10 + 5 * x + 5 * y);
    Buffer<uint8_t, Exec> luma(exec, s, ramp);
    Buffer<Float3, Exec> lab(exec, s, std::vector<Float3>(s.area(), Float3{50, 1, -2}));
    Buffer<Float4, Exec> colour(exec, s), orientation(exec, s);
    gradient_features(exec, lab.view(), luma.view(), colour.view(), orientation.view());
    const auto c = colour.download(), o = orientation.download();
    const double magnitude = 5 * std::sqrt(2.0);  // at 45 degrees: the second double-angle bin holds all of it
    for (int y = 1; y < s.height - 1; ++y)
        for (int x = 1; x < s.width - 1; ++x) {
            const size_t i = size_t(y * s.width + x);
            CHECK((c[i][0] == 50 && c[i][1] == 1 && c[i][2] == -2));
            CHECK(double(c[i][3]) == doctest::Approx(magnitude).epsilon(1e-6));
            for (int k = 0; k < 4; ++k) CHECK(std::abs(double(o[i][k]) - (k == 1 ? magnitude : 0)) < 1e-5);
        }
}

TEST_CASE_TEMPLATE("gradient features are those of the definition, at borders too", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{1, 5}, Size{64, 9}, Size{65, 3}, Size{130, 17}}) {
        CAPTURE(s.width);
        Exec exec;
        std::vector<uint8_t> grey(s.area());
        const auto values = noise(s, 0, 255, 11);
        for (size_t i = 0; i < grey.size(); ++i) grey[i] = i % 5 == 0 ? uint8_t(values[i]) : uint8_t(99);
        Buffer<uint8_t, Exec> luma(exec, s, grey);
        Buffer<Float3, Exec> lab(exec, s, std::vector<Float3>(s.area(), Float3{7, 8, 9}));
        Buffer<Float4, Exec> colour(exec, s), orientation(exec, s);
        gradient_features(exec, lab.view(), luma.view(), colour.view(), orientation.view());
        const auto c = colour.download(), o = orientation.download();
        const auto at = [&](int x, int y) {
            return double(grey[size_t(std::clamp(y, 0, s.height - 1) * s.width + std::clamp(x, 0, s.width - 1))]);
        };
        double worst = 0;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                const double gx = (at(x + 1, y - 1) - at(x - 1, y - 1) + 2 * (at(x + 1, y) - at(x - 1, y)) +
                                   at(x + 1, y + 1) - at(x - 1, y + 1)) /
                                  8;
                const double gy = (at(x - 1, y + 1) - at(x - 1, y - 1) + 2 * (at(x, y + 1) - at(x, y - 1)) +
                                   at(x + 1, y + 1) - at(x + 1, y - 1)) /
                                  8;
                const double magnitude = std::hypot(gx, gy), angle = std::atan2(gy, gx);
                const size_t i = size_t(y * s.width + x);
                worst = std::max(worst, std::abs(double(c[i][3]) - magnitude));
                for (int k = 0; k < 4; ++k) {
                    const double want = magnitude * std::max(0., std::cos(2 * angle - k * std::acos(-1.) / 2));
                    worst = std::max(worst, std::abs(double(o[i][k]) - want));
                }
            }
        CHECK(worst < 1e-3);  // magnitudes up to 181, 5e-6 of them
    }
}

TEST_CASE("moments are the centre and the root of the area") {
    const Size s{30, 20};
    Cpu exec(1);
    std::vector<float> matte(s.area());
    for (int y = 4; y < 12; ++y)
        for (int x = 10; x < 18; ++x) matte[size_t(y * s.width + x)] = .5f;
    matte[0] = NAN, matte[1] = -3;
    const Moments m = moments(exec, host_view(std::as_const(matte), s));
    CHECK(m.centroid == Float2{13.5f, 7.5f});
    CHECK(double(m.scale) == doctest::Approx(std::sqrt(32.0)));
    const std::vector<float> empty(s.area());
    CHECK(moments(exec, host_view(empty, s)).scale == 0);
    CHECK(moments(exec, host_view(empty, s)).centroid == Float2{14.5f, 9.5f});
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("moments and boxes on the device are those of the CPU", Exec, CUDA_EXECUTORS) {
    Cpu cpu;
    Exec exec;
    for (Size s : {Size{1, 1}, Size{40, 25}, Size{33, 270}}) {
        auto matte = noise(s, -.2f, 1, 3);
        matte[0] = NAN;
        std::vector<uint8_t> region(s.area(), 0), none = region;
        if (s.area() > 1) region[s.area() / 2] = 1, region[s.area() / 3] = 255;
        Buffer<float, Exec> alpha(exec, s, matte);
        const Moments want = moments(cpu, host_view(std::as_const(matte), s)), got = moments(exec, alpha.view());
        // Half a unit of 2^-16 a pixel, against sums of about .4 of the pixels.
        CHECK(std::abs(got.scale - want.scale) <= 1e-4 * (1 + want.scale));
        for (int c = 0; c < 2; ++c) CHECK(std::abs(got.centroid[c] - want.centroid[c]) < 1e-2);
        for (const auto& pixels : {region, none}) {
            Buffer<uint8_t, Exec> shown(exec, s, pixels);
            const Box box = bounding_box(exec, shown.view()), expected = bounding_box(cpu, host_view(pixels, s));
            CHECK((box.x == expected.x && box.y == expected.y && box.size == expected.size));
        }
    }
}
#endif

TEST_CASE_TEMPLATE("samples are read at their pixels and interpolated between them", Exec, EXECUTORS) {
    const Size s{23, 11}, g{6, 3};
    const SampleGrid grid{.stride = 4, .offset = 2};
    Exec exec;
    std::vector<float> plane(s.area());  // bilinear interpolation of a plane is the plane
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) plane[size_t(y * s.width + x)] = float(3 * x - 2 * y);
    Buffer<float, Exec> in(exec, s, plane), samples(exec, g), out(exec, s);
    subsample(exec, in.view(), grid, samples.view());
    interpolate(exec, samples.view(), grid, out.view());
    const auto read = samples.download(), got = out.download();
    for (int j = 0; j < g.height; ++j)
        for (int i = 0; i < g.width; ++i)
            CHECK(read[size_t(j * g.width + i)] == float(3 * (2 + 4 * i) - 2 * (2 + 4 * j)));
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)  // beyond the outermost samples their value goes on
            CHECK(got[size_t(y * s.width + x)] == float(3 * std::clamp(x, 2, 22) - 2 * std::clamp(y, 2, 10)));
    CHECK_THROWS_AS(subsample(exec, in.view(), {.stride = 4, .offset = 3}, samples.view()), Error);
    CHECK_THROWS_AS(interpolate(exec, samples.view(), {.stride = 0}, out.view()), Error);
}

TEST_CASE("a bounding box holds all that is set, and grows up to the border") {
    const Size s{12, 9};
    Cpu exec(1);
    std::vector<uint8_t> region(s.area());
    CHECK(bounding_box(exec, host_view(std::as_const(region), s)).size == Size{0, 0});
    region[size_t(3 * s.width + 5)] = 1, region[size_t(6 * s.width + 2)] = 255;
    const Box box = bounding_box(exec, host_view(std::as_const(region), s));
    CHECK((box.x == 2 && box.y == 3 && box.size == Size{4, 4}));
    const Box larger = enlarged(box, 4, s);
    CHECK((larger.x == 0 && larger.y == 0 && larger.size == Size{10, 9}));
}

TEST_CASE_TEMPLATE("levels stretch black to white, and regions select and keep", Exec, EXECUTORS) {
    const Size s{6, 1};
    Exec exec;
    Buffer<float, Exec> image(exec, s, {-1.f, .2f, .5f, .8f, 7.f, NAN});
    levels(exec, image.view(), .2f, .8f);
    CHECK(worst_error(image.download(), std::vector<double>{0, 0, .5, 1, 1, 0}) < 1e-6);
    CHECK_THROWS_AS(levels(exec, image.view(), .5f, .5f), Error);
    Buffer<uint8_t, Exec> region(exec, s, {0, 1, 255, 0, 1, 0});
    keep_inside(exec, region.view(), image.view());
    CHECK(worst_error(image.download(), std::vector<double>{0, 0, .5, 0, 1, 0}) < 1e-6);
    select(exec, region.view(), 3, -2, image.view());
    CHECK(worst_error(image.download(), std::vector<double>{-2, 3, 3, -2, 3, -2}) == 0);
}
