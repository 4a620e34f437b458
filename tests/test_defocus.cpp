#include "cinebokeh/defocus.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// Where the cone of light from a point meets the sensor, by similar triangles through the image distances of the point
// and of the focal plane: 1 / f = 1 / distance + 1 / image. Signed positive for nearer points.
double traced_radius(const Lens& lens, int width, double distance) {
    const double f = double(lens.focal_length), focus = double(lens.focus_distance);
    const double sensor = 1 / (1 / f - 1 / focus), image = 1 / (1 / f - 1 / distance);
    const double radius_in_metres = f / double(lens.f_number) / 2 * (image - sensor) / image;
    return radius_in_metres * width / double(lens.sensor_width);
}
}  // namespace

TEST_CASE("the circle of confusion is where the cone of light meets the sensor") {
    for (const Lens lens : {Lens{}, Lens{.focal_length = 0.085f, .f_number = 1.2f, .focus_distance = 0.9f},
                            Lens{.focal_length = 0.006f, .f_number = 4, .focus_distance = 7, .sensor_width = 0.007f}})
        for (double distance : {0.3, 1.0, 2.0, 25.0, 1e9}) {
            CAPTURE(lens.focal_length);
            CAPTURE(distance);
            const double traced = traced_radius(lens, 1920, distance);
            // 1e-6: differences of doubles that were floats
            CHECK(std::abs(circle_of_confusion(lens, 1920, distance) - traced) <= 1e-6 * (1 + std::abs(traced)));
        }
}

TEST_CASE("the strength of a lens grows as it is focused nearer, and is finite at infinity") {
    Lens lens{.focus_distance = INFINITY};
    const double far = blur_strength(lens, 1000);
    CHECK(far == doctest::Approx(0.05 / 1.8 / 2 * 0.05 * 1000 / 0.036));
    lens.focus_distance = 0.5f;
    CHECK(blur_strength(lens, 1000) == doctest::Approx(far * 0.5 / 0.45));
    CHECK(aperture_diameter(lens) == doctest::Approx(0.05 / 1.8));
}

TEST_CASE("a lens that cannot be is refused") {
    CHECK_THROWS_AS(blur_strength({.focal_length = 0}, 100), Error);
    CHECK_THROWS_AS(blur_strength({.f_number = -1}, 100), Error);
    CHECK_THROWS_AS(blur_strength({.f_number = NAN}, 100), Error);
    CHECK_THROWS_AS(blur_strength({.focus_distance = 0.05f}, 100), Error);
    CHECK_THROWS_AS(blur_strength({.focus_distance = NAN}, 100), Error);
    CHECK_THROWS_AS(blur_strength({.sensor_width = INFINITY}, 100), Error);
    CHECK_THROWS_AS(blur_strength({}, 0), Error);
    CHECK_THROWS_AS(focus_of({}, 100, {.a = 0}), Error);
    CHECK_THROWS_AS(focus_of({}, 100, {.a = -1}), Error);
    CHECK_THROWS_AS(focus_of({}, 100, {.a = 1, .b = NAN}), Error);
}

TEST_CASE_TEMPLATE("relative disparity of a stated scale, disparity and depth give the same defocus", Exec, EXECUTORS) {
    const Size size{37, 21};
    const Lens lens{.focus_distance = 1.5f};
    const DisparityScale scale{.a = 2.5f, .b = 0.1f};
    const std::vector<float> inverse = noise(size, 0.12f, 2);
    std::vector<float> depth = inverse, relative = inverse;
    for (float& v : depth) v = 1 / v;
    for (float& v : relative) v = (v - 0.1f) / 2.5f;
    Exec exec;
    Buffer<float, Exec> map(exec, size, inverse), of_inverse(exec, size), of_depth(exec, size), of_relative(exec, size);
    defocus_map<Exec>(exec, map.view(), focus_of(lens, size.width), of_inverse.view());
    map.upload(depth);
    defocus_of_depth<Exec>(exec, map.view(), lens, of_depth.view());
    map.upload(relative);
    defocus_map<Exec>(exec, map.view(), focus_of(lens, size.width, scale), of_relative.view());
    std::vector<double> expected;
    for (float v : inverse) expected.push_back(traced_radius(lens, size.width, 1 / double(v)));
    const double bound = 1e-5 * blur_strength(lens, size.width);  // a few roundings of numbers up to 2
    CHECK(worst_error(of_inverse.download(), expected) <= bound);
    CHECK(worst_error(of_depth.download(), expected) <= bound);
    CHECK(worst_error(of_relative.download(), expected) <= bound);
}

TEST_CASE_TEMPLATE("defocus is K (d - d_f) to the last bit", Exec, EXECUTORS) {
    for (Size size : {Size{1, 1}, Size{1, 9}, Size{32, 8}, Size{131, 67}}) {
        const std::vector<float> disparity = noise(size, -0.5f, 1.5f);
        Exec exec;
        Buffer<float, Exec> in(exec, size, disparity), out(exec, size);
        defocus_map<Exec>(exec, in.view(), {.strength = 31.7f, .disparity = 0.3f}, out.view());
        std::vector<float> expected;
        for (float d : disparity) {
            const float difference = d - 0.3f;
            expected.push_back(31.7f * difference);
        }
        CHECK(worst_error(out.download(), expected) == 0);
    }
}

TEST_CASE_TEMPLATE("what is no number leaves the pixel sharp, and radii are cut at the largest", Exec, EXECUTORS) {
    const std::vector<float> odd = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 0.5f, -3};
    const Size size{int(odd.size()), 1};
    const float most = largest_defocus;
    Exec exec;
    Buffer<float, Exec> in(exec, size, odd), out(exec, size);
    defocus_map<Exec>(exec, in.view(), {.strength = 10, .disparity = 0.5f}, out.view());
    CHECK(out.download() == std::vector<float>{0, most, -most, most, -most, 0, -35});
    defocus_map<Exec>(exec, in.view(), {.strength = 0, .disparity = 0.5f}, out.view());
    CHECK(out.download() == std::vector<float>(odd.size(), 0.f));
    in.upload({NAN, INFINITY, 0, -1, -INFINITY, 2, 1e-30f});
    defocus_of_depth<Exec>(exec, in.view(), {.focus_distance = 2}, out.view());
    const float infinitely_far = float(circle_of_confusion({.focus_distance = 2}, size.width, INFINITY));
    const auto of_depth = out.download();
    CHECK(of_depth[1] == doctest::Approx(infinitely_far));
    CHECK(infinitely_far < 0);
    for (int i : {0, 5}) CHECK(of_depth[size_t(i)] == 0);
    for (int i : {2, 3, 4, 6}) CHECK(of_depth[size_t(i)] == most);
}

TEST_CASE("a defocus map of bad parameters or sizes is refused") {
    Cpu exec;
    Buffer<float, Cpu> in(exec, {4, 4}), out(exec, {4, 4}), narrow(exec, {3, 4}), none(exec, {0, 4});
    const auto map = [&](Focus focus) { defocus_map<Cpu>(exec, in.view(), focus, out.view()); };
    CHECK_THROWS_AS(map({.strength = -1}), Error);
    CHECK_THROWS_AS(map({.strength = NAN}), Error);
    CHECK_THROWS_AS(map({.strength = INFINITY}), Error);
    CHECK_THROWS_AS(map({.strength = 1, .disparity = NAN}), Error);
    CHECK_THROWS_AS(defocus_map<Cpu>(exec, in.view(), {}, narrow.view()), Error);
    CHECK_THROWS_AS(defocus_of_depth<Cpu>(exec, in.view(), {}, narrow.view()), Error);
    CHECK_THROWS_AS(defocus_of_depth<Cpu>(exec, in.view(), {.f_number = 0}, out.view()), Error);
    CHECK_NOTHROW(defocus_of_depth<Cpu>(exec, none.view(), {}, none.view()));
}
