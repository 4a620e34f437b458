#include "cinebokeh/plane_disparity.hpp"

#include "support.hpp"

using namespace cinebokeh;

TEST_CASE_TEMPLATE("subject and background are two planes that lean alike", Exec, EXECUTORS) {
    for (const Size s : {Size{1, 1}, Size{1, 40}, Size{32, 8}, Size{35, 19}}) {
        Exec exec;
        std::vector<float> matte = noise(s, 0, 1);
        matte[0] = NAN;
        Buffer<float, Exec> in(exec, s, matte), out(exec, s);
        plane_disparity<Exec>(exec, in.view(), {0.9f, 0.2f, 0.5f}, out.view());
        std::vector<double> expected(matte.size());
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                const size_t i = size_t(y) * size_t(s.width) + size_t(x);
                expected[i] = (matte[i] >= 0.5f ? 0.9 : 0.2) + 0.5 * ((y + 0.5) / s.height - 0.5);
            }
        CHECK(worst_error(out.download(), expected) <= 3e-7);  // a few roundings of numbers around 1
    }
}

TEST_CASE_TEMPLATE("without tilt the planes are exact", Exec, EXECUTORS) {
    Exec exec;
    Buffer<float, Exec> disparity(exec, {3, 1}, {0.f, 0.5f, 1.f});
    plane_disparity<Exec>(exec, disparity.view(), {0.7f, 0.1f}, disparity.view());
    CHECK(disparity.download() == std::vector<float>{0.1f, 0.7f, 0.7f});
}

TEST_CASE("plane_disparity refuses what does not fit") {
    Cpu exec;
    Buffer<float, Cpu> matte(exec, {4, 4}), small(exec, {4, 3});
    CHECK_THROWS_AS(plane_disparity<Cpu>(exec, matte.view(), {}, small.view()), Error);
    CHECK_THROWS_AS(plane_disparity<Cpu>(exec, matte.view(), {NAN, 0, 0}, matte.view()), Error);
    CHECK_THROWS_AS(plane_disparity<Cpu>(exec, matte.view(), {1, 0, INFINITY}, matte.view()), Error);
}
