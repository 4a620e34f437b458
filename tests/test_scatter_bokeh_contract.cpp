// What the plan promises besides its values: bits that agree, memory, and errors.
#include "cinebokeh/scatter_bokeh.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
struct Scene {
    Size size;
    std::vector<Float4> pixels;
    std::vector<float> defocus;
};
Scene scene(Size s, float radius) {
    Scene result{s, {}, noise(s, -radius, radius, 5)};
    const auto values = noise(4 * s.area(), -0.1f, 1.2f);  // some are cut
    for (size_t i = 0; i < s.area(); ++i)
        result.pixels.push_back({values[4 * i], values[4 * i + 1], values[4 * i + 2], values[4 * i + 3]});
    for (int y = 0; y < s.height; ++y)  // and a part where neighbours have one shape
        for (int x = s.width / 3; x < s.width; ++x)
            result.defocus[size_t(y * s.width + x)] = radius * (y % 8 < 4 ? 0.9f : -0.3f);
    return result;
}
template <class Exec>
std::vector<Float4> render(Exec& exec, const Scene& scene, const ScatterBokehParams& params) {
    Buffer<Float4, Exec> image(exec, scene.size, scene.pixels), out(exec, scene.size);
    Buffer<float, Exec> map(exec, scene.size, scene.defocus);
    ScatterBokeh<Exec> bokeh(exec, scene.size, params);
    bokeh(image.view(), map.view(), out.view());
    return out.download();
}
const ScatterBokehParams many_params[] = {
    {.max_radius = 15},
    {.aperture = {.blades = 7, .rotation = 12, .curvature = 0.5f, .squeeze = 1.33f}, .max_radius = 10, .max_value = 3},
    {.aperture = {.blades = 3, .cat_eye = 1}, .max_radius = 9},
    {.aperture = {.squeeze = 0.6f, .chromatic = -0.2f}, .max_radius = 12, .mode = ScatterMode::light},
    {.max_radius = 300},
};
}  // namespace

TEST_CASE("the number of threads does not change a bit") {
    const Scene s = scene({97, 43}, 14);
    for (const ScatterBokehParams& params : many_params) {
        Cpu one(1), three(3);
        CHECK(render(one, s, params) == render(three, s, params));
    }
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("both backends agree bit for bit", Exec, CUDA_EXECUTORS) {
    for (Size size : {Size{1, 1}, Size{128, 3}, Size{127, 9}, Size{150, 20}})
        for (const ScatterBokehParams& params : many_params) {
            CAPTURE(size.width);
            CAPTURE(params.max_radius);
            const Scene s = scene(size, size.width > 140 ? 30 : 13);
            Cpu cpu;
            Exec cuda;
            CHECK(render(cpu, s, params) == render(cuda, s, params));
        }
}
#endif

TEST_CASE_TEMPLATE("the widest circle does not overflow", Exec, EXECUTORS) {
    const Size size{40, 5};
    Scene s{size, std::vector<Float4>(size.area(), Float4{1, 0.5f, 0.25f, 1}), std::vector<float>(size.area(), 1e9f)};
    s.defocus[7] = -INFINITY;
    Exec exec;
    for (const Float4& p : render(exec, s, {.aperture = {.blades = 3}, .max_radius = largest_defocus}))
        // Light per 1/256 pixel is 17000 steps of 2^-37 at radius 2048 with three blades: half a step is 3e-5.
        for (int c = 0; c < 3; ++c) CHECK(std::abs(p[c] * float(1 << c) - 1) <= 1.5e-4f);
}

TEST_CASE_TEMPLATE("all light at one point does not overflow", Exec, EXECUTORS) {
    // Every pixel has the radius that just reaches the centre: the densest that light can get.
    const Size size{71, 71};
    Scene s{size, std::vector<Float4>(size.area(), Float4{1, 1, 1, 1}), {}};
    double sum = 0;
    for (int y = 0; y < 71; ++y)
        for (int x = 0; x < 71; ++x) {
            const double d = std::hypot(x - 35, y - 35) + 0.5;
            s.defocus.push_back(-float(d));
            sum += 1 / (3.14159 * d * d);
        }
    Exec exec;
    const auto out = render(exec, s, {.max_radius = 120, .mode = ScatterMode::light});
    CHECK(double(out[35 * 71 + 35][0]) == doctest::Approx(sum).epsilon(0.1));  // the edges of the shapes are soft
}

TEST_CASE_TEMPLATE("a plan serves parts of images, bottom-up images and its own input", Exec, EXECUTORS) {
    const Scene s = scene({60, 50}, 9);
    const Size part{33, 41};
    Exec exec;
    Buffer<Float4, Exec> image(exec, s.size, s.pixels), tight(exec, part), expected(exec, part), result(exec, part);
    Buffer<float, Exec> map(exec, s.size, s.defocus), tight_map(exec, part);
    const auto pixels = image.view().crop(6, 8, part);
    const auto defocus = map.view().crop(6, 8, part);
    copy(exec, View<const Float4, Exec>(pixels), tight.view());
    copy(exec, View<const float, Exec>(defocus), tight_map.view());
    ScatterBokeh<Exec> bokeh(exec, s.size, {.aperture = {.chromatic = 0.1f}, .max_radius = 9});
    bokeh(tight.view(), tight_map.view(), expected.view());
    const View<Float4, Exec> bottom_up(result.view().row(part.height - 1), part, -result.view().pitch);
    bokeh(pixels, defocus, bottom_up);
    const auto flipped = result.download(), upright = expected.download();
    for (int y = 0; y < part.height; ++y)
        CHECK(std::equal(flipped.begin() + y * part.width, flipped.begin() + (y + 1) * part.width,
                         upright.begin() + (part.height - 1 - y) * part.width));
    bokeh(pixels, defocus, pixels);
    copy(exec, View<const Float4, Exec>(pixels), tight.view());
    CHECK(tight.download() == upright);
}

TEST_CASE_TEMPLATE("values that are not numbers count as nothing", Exec, EXECUTORS) {
    Scene odd = scene({20, 14}, 4), plain = odd;
    odd.pixels[50] = {NAN, -INFINITY, INFINITY, 1}, plain.pixels[50] = {0, 0, 1, 1};
    odd.defocus[60] = NAN, plain.defocus[60] = 0;
    odd.defocus[61] = INFINITY, plain.defocus[61] = 30;  // beyond the last layer, and cut
    Exec exec;
    const ScatterBokehParams params{.max_radius = 5};
    CHECK(render(exec, odd, params) == render(exec, plain, params));
}

TEST_CASE("scatter bokeh allocates nothing and refuses bad input") {
    Cpu exec;
    const Scene s = scene({70, 61}, 6);
    Buffer<Float4, Cpu> image(exec, s.size, s.pixels), out(exec, s.size);
    Buffer<float, Cpu> map(exec, s.size, s.defocus), narrow(exec, {69, 61});
    ScatterBokeh<Cpu> bokeh(exec, s.size, {.max_radius = 6});
    CHECK(allocations_during([&] { bokeh(image.view(), map.view(), out.view()); }) == 0);
    const auto make = [&](const ScatterBokehParams& params) { ScatterBokeh<Cpu>(exec, {4, 4}, params); };
    for (float bad : {-1.f, 2049.f, NAN}) CHECK_THROWS_AS(make({.max_radius = bad}), Error);
    for (float bad : {0.f, 2e6f, NAN}) CHECK_THROWS_AS(make({.max_value = bad}), Error);
    CHECK_THROWS_AS(make({.aperture = {.blades = 2}}), Error);
    CHECK_THROWS_AS(ScatterBokeh<Cpu>(exec, {4, -4}), Error);
    CHECK_THROWS_AS(bokeh(image.view(), narrow.view(), out.view()), Error);
    Buffer<Float4, Cpu> large(exec, {71, 61}), none(exec, {0, 0});
    Buffer<float, Cpu> large_map(exec, {71, 61}), no_map(exec, {0, 0});
    CHECK_THROWS_AS(bokeh(large.view(), large_map.view(), large.view()), Error);
    CHECK_NOTHROW(bokeh(none.view(), no_map.view(), none.view()));
}
