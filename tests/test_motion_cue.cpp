#include "cinebokeh/motion_cue.hpp"

#include "support.hpp"

using namespace cinebokeh;

TEST_CASE("an affine motion is found among outliers") {
    const AffineMotion truth{{1.02f, -.03f, 4, .05f, .97f, -2}};
    const auto where = noise(400, 0, 300), jitter = noise(400, -.2f, .2f, 2), wild = noise(400, -40, 40, 3);
    std::vector<Float2> from(200), to(200);
    for (size_t i = 0; i < 200; ++i) {
        from[i] = {where[2 * i], where[2 * i + 1]};
        to[i] = truth(from[i][0], from[i][1]) + Float2{jitter[2 * i], jitter[2 * i + 1]};
        if (i % 5 < 2) to[i] = to[i] + Float2{wild[2 * i] + (wild[2 * i] > 0 ? 3.f : -3.f), wild[2 * i + 1]};
    }
    AffineMotion found;
    Random random(1);
    CHECK(allocations_during([&] { CHECK(fit_affine({from.data(), 200}, {to.data(), 200}, 1, random, found)); }) == 0);
    for (float x : {0.f, 300.f})
        for (float y : {0.f, 300.f}) {
            const Float2 a = truth(x, y), b = found(x, y);
            // 120 inliers with noise of .12 rms: at a corner, the error of a plane fit is about 3 * .12 / sqrt(120).
            CHECK(std::hypot(a[0] - b[0], a[1] - b[1]) < .15f);
        }
}

TEST_CASE("too few points, or points on a line, have no affine motion") {
    std::vector<Float2> from(50), to(50);
    for (size_t i = 0; i < 50; ++i) from[i] = to[i] = {float(i), 2 * float(i)};
    AffineMotion motion;
    Random random(1);
    CHECK_FALSE(fit_affine({from.data(), 50}, {to.data(), 50}, 1, random, motion));
    CHECK_FALSE(fit_affine({from.data(), 11}, {to.data(), 11}, 1, random, motion));
    CHECK(motion.m == AffineMotion().m);
    CHECK_THROWS_AS(fit_affine({from.data(), 50}, {to.data(), 49}, 1, random, motion), Error);
}

TEST_CASE("what moves differently from the background is salient and like the subject") {
    const Size s{160, 120};
    std::vector<Float2> flow(s.area());
    std::vector<float> predicted(s.area()), distance(s.area()), salience(s.area()), likeness(s.area());
    std::vector<uint8_t> active(s.area(), 1);
    const auto inside = [](int x, int y) { return x >= 50 && x < 110 && y >= 30 && y < 90; };
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t i = size_t(y * s.width + x);
            flow[i] = inside(x, y) ? Float2{6, -1} : Float2{-1, .5f};
            predicted[i] = inside(x, y + 6);  // the prediction lags behind
            distance[i] = predicted[i] > .5f ? 5.f : -5.f;
        }
    active[0] = 0;
    for (int threads : {1, 2}) {
        Cpu exec(threads);
        MotionCue cue(exec, s);
        CHECK(allocations_during([&] {
                  cue(host_view(flow, s), host_view(predicted, s), host_view(distance, s), host_view(active, s),
                      host_view(salience, s), host_view(likeness, s));
              }) == 0);
        for (int y = 0; y < s.height; ++y)
            for (int x = 1; x < s.width; ++x) {
                const size_t i = size_t(y * s.width + x);
                CHECK((salience[i] > 0) == inside(x, y));
                // |(7, -1.5)| = 7.16 pixels apart: log(8.16) = 2.1, clamped.
                CHECK(likeness[i] == doctest::Approx(inside(x, y) ? 2 : -2).epsilon(.02));
            }
        CHECK(salience[0] == 0);
        CHECK(likeness[0] == 0);
    }
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("the device finds what moves differently, and nothing without a background", Exec, CUDA_EXECUTORS) {
    const Size s{160, 120};
    std::vector<Float2> flow(s.area());
    std::vector<float> predicted(s.area()), distance(s.area());
    const auto inside = [](int x, int y) { return x >= 50 && x < 110 && y >= 30 && y < 90; };
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t i = size_t(y * s.width + x);
            flow[i] = inside(x, y) ? Float2{6, -1} : Float2{-1, .5f};
            predicted[i] = inside(x, y + 6);  // the prediction lags behind
            distance[i] = predicted[i] > .5f ? 5.f : -5.f;
        }
    Exec exec;
    MotionCueCuda cue(exec, s);
    Buffer<Float2, Exec> moved(exec, s, flow);
    Buffer<float, Exec> matte(exec, s, predicted), to_edge(exec, s, distance), salience(exec, s), likeness(exec, s);
    std::vector<uint8_t> all_but_one(s.area(), 1);
    all_but_one[0] = 0;
    Buffer<uint8_t, Exec> active(exec, s, all_but_one);
    const auto run = [&] {
        CHECK(allocations_during([&] {
                  cue(moved.view(), matte.view(), to_edge.view(), active.view(), salience.view(), likeness.view());
              }) == 0);
    };
    run();
    const auto a = salience.download(), b = likeness.download();
    for (int y = 0; y < s.height; ++y)
        for (int x = 1; x < s.width; ++x) {
            const size_t i = size_t(y * s.width + x);
            CHECK((a[i] > 0) == inside(x, y));
            CHECK(b[i] == doctest::Approx(inside(x, y) ? 2 : -2).epsilon(.02));  // as on the CPU
        }
    CHECK((a[0] == 0 && b[0] == 0));
    matte.upload(std::vector<float>(s.area(), 1.f));
    run();
    CHECK(worst_error(salience.download(), std::vector<double>(s.area())) == 0);
    moved.upload(std::vector<Float2>(s.area(), Float2{NAN, 1}));
    matte.upload(predicted);
    run();
    CHECK(worst_error(likeness.download(), std::vector<double>(s.area())) == 0);
}
#endif

TEST_CASE("without a background there is no motion cue, and NaN flow gives finite numbers") {
    const Size s{40, 40};
    Cpu exec(2);
    MotionCue cue(exec, s);
    std::vector<Float2> flow(s.area(), Float2{NAN, 1});
    std::vector<float> predicted(s.area(), 1.f), distance(s.area(), 5.f), salience(s.area(), 9.f),
        likeness(s.area(), 9.f);
    std::vector<uint8_t> active(s.area(), 1);
    for (float p : {1.f, 0.f}) {
        std::fill(predicted.begin(), predicted.end(), p);
        cue(host_view(flow, s), host_view(predicted, s), host_view(distance, s), host_view(active, s),
            host_view(salience, s), host_view(likeness, s));
        CHECK(worst_error(salience, std::vector<double>(s.area())) == 0);
        CHECK(worst_error(likeness, std::vector<double>(s.area())) == 0);
    }
    CHECK_THROWS_AS(cue(host_view(flow, {40, 39}), host_view(predicted, s), host_view(distance, s),
                        host_view(active, s), host_view(salience, s), host_view(likeness, s)),
                    Error);
    MotionCue tiny(exec, {1, 1});
    tiny(host_view(flow, {1, 1}), host_view(predicted, {1, 1}), host_view(distance, {1, 1}), host_view(active, {1, 1}),
         host_view(salience, {1, 1}), host_view(likeness, {1, 1}));
    CHECK(salience[0] == 0);
}
