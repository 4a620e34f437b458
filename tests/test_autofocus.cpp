#include "cinebokeh/autofocus.hpp"

#include <algorithm>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The shortest half by trying every pair of samples, in the words of the header; weights are whole numbers here, so a
// sample of weight w is w samples.
float reference(std::vector<float> values) {
    std::sort(values.begin(), values.end());
    const size_t n = values.size(), half = (n + 1) / 2;
    size_t best = 0;
    for (size_t i = 0; i + half <= n; ++i)
        if (values[i + half - 1] - values[i] <= values[best + half - 1] - values[best]) best = i;
    return values[best + (half + 1) / 2 - 1];
}
}  // namespace

TEST_CASE_TEMPLATE("autofocus is the median of the shortest half", Exec, EXECUTORS) {
    Exec exec;
    Autofocus<Exec> autofocus(exec);
    for (Size size : {Size{1, 1}, Size{1, 7}, Size{9, 9}, Size{40, 31}}) {
        std::vector<float> disparity = noise(size, 0, 1);
        for (size_t i = 0; i < disparity.size(); i += 2) disparity[i] = 0.5f + disparity[i] * 0.01f;
        Buffer<float, Exec> map(exec, size, disparity);
        CHECK(autofocus.in_box(map.view(), {0, 0, size}) == reference(disparity));
        std::vector<float> window;
        for (int y = 0; y < std::min(size.height, 4); ++y)
            for (int x = 0; x < std::min(size.width, 3); ++x) window.push_back(disparity[size_t(y * size.width + x)]);
        CHECK(autofocus.in_box(map.view(), {-5, -4, {8, 8}}) == reference(window));
        CHECK(autofocus.at_point(map.view(), 0, 0, 0) == disparity[0]);
    }
}

TEST_CASE_TEMPLATE("a point near an edge gets the larger surface, the nearer of two alike, and nothing between", Exec,
                   EXECUTORS) {
    const Size size{40, 20};
    std::vector<float> disparity(size.area(), 0.2f);
    for (int y = 0; y < 20; ++y)
        for (int x = 20; x < 40; ++x) disparity[size_t(y * 40 + x)] = 0.9f;
    Exec exec;
    Buffer<float, Exec> map(exec, size, disparity);
    Autofocus<Exec> autofocus(exec);
    CHECK(autofocus.at_point(map.view(), 18, 10, 4) == 0.2f);
    CHECK(autofocus.at_point(map.view(), 21, 10, 4) == 0.9f);
    CHECK(autofocus.in_box(map.view(), {16, 3, {8, 8}}) == 0.9f);
}

TEST_CASE_TEMPLATE("the subject is found under its matte, whatever is wrong at its edge", Exec, EXECUTORS) {
    const Size size{400, 300};  // more pixels than are looked at
    std::vector<float> disparity(size.area(), 0.1f), matte(size.area(), 0.f);
    for (int y = 60; y < 300; ++y)
        for (int x = 150; x < 260; ++x) {
            const size_t i = size_t(y * 400 + x);
            matte[i] = x < 160 ? 0.4f : 1;
            if (x >= 185) disparity[i] = 0.6f + 0.0001f * float(x - 200);  // the arm is taken for background
        }
    disparity[70 * 400 + 200] = NAN, disparity[71 * 400 + 200] = INFINITY, matte[72 * 400 + 200] = NAN;
    Exec exec;
    Buffer<float, Exec> map(exec, size, disparity), alpha(exec, size, matte);
    Autofocus<Exec> autofocus(exec);
    const auto found = autofocus.on_matte(map.view(), alpha.view());
    REQUIRE(found);
    CHECK(*found >= 0.5985f);
    CHECK(*found <= 0.606f);
    alpha.upload(std::vector<float>(size.area(), 0.3f));
    CHECK(!autofocus.on_matte(map.view(), alpha.view()));
    map.upload(std::vector<float>(size.area(), NAN));
    CHECK(!autofocus.in_box(map.view(), {0, 0, size}));
    CHECK(!autofocus.in_box(map.view(), {400, 0, {10, 10}}));
    CHECK(!autofocus.in_box(map.view(), {0, 0, {-3, 7}}));
}

TEST_CASE_TEMPLATE("pixels weigh as much as their matte", Exec, EXECUTORS) {
    Exec exec;
    Buffer<float, Exec> map(exec, {4, 1}, {0, 0, 1, 1}), alpha(exec, {4, 1}, {1, 0.9f, 0.6f, 0.7f});
    Autofocus<Exec> autofocus(exec);
    CHECK(autofocus.on_matte(map.view(), alpha.view()) == 0.f);
    alpha.upload({0.7f, 0.9f, 2, 1});
    CHECK(autofocus.on_matte(map.view(), alpha.view()) == 1.f);
}

TEST_CASE("autofocus allocates nothing and refuses bad input") {
    Cpu exec;
    Autofocus<Cpu> autofocus(exec);
    Buffer<float, Cpu> map(exec, {200, 200}, noise(Size{200, 200}, 0, 1)), small(exec, {4, 4});
    CHECK(allocations_during([&] { autofocus.in_box(map.view(), {0, 0, {200, 200}}); }) == 0);
    CHECK_THROWS_AS(autofocus.at_point(map.view(), 200, 0), Error);
    CHECK_THROWS_AS(autofocus.at_point(map.view(), 0, -1), Error);
    CHECK_THROWS_AS(autofocus.at_point(map.view(), 0, 0, -1), Error);
    CHECK_THROWS_AS(autofocus.on_matte(map.view(), small.view()), Error);
}
