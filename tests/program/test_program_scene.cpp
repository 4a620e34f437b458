// The ray tracer of generated scenes against rays traced in space, and what `scene` writes.
#include "disparity_file.hpp"
#include "pfm_file.hpp"
#include "program.hpp"
#include "scene_corruption.hpp"
#include "scene_script.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
Texture noise_texture(Size size, bool opaque, unsigned seed) {
    const std::vector<float> values = noise(size.area() * 4, 0, 1, seed);
    Texture texture{size, std::vector<Double4>(size.area())};
    for (size_t i = 0; i < texture.texels.size(); ++i) {
        const double a = opaque ? 1 : double(values[4 * i + 3]);
        for (int c = 0; c < 3; ++c) texture.texels[i][c] = a * double(values[4 * i + size_t(c)]);
        texture.texels[i][3] = a;
    }
    return texture;
}

// A layer that faces the camera and shows one texel to a pixel, texel (0, 0) at pixel (left, top).
SceneLayer facing(const Texture& texture, double disparity, Size frame, double left, double top) {
    SceneLayer layer;
    layer.texture = &texture;
    layer.disparity = disparity;
    layer.u_x = layer.v_y = disparity;
    layer.u_0 = 0.5 * (frame.width - 1) - left, layer.v_0 = 0.5 * (frame.height - 1) - top;
    return layer;
}

// Bilinear between texels, transparent beyond them or going on with the last.
Double4 texture_at(const SceneLayer& layer, double u, double v) {
    const Size size = layer.texture->size;
    if (layer.endless) u = std::clamp(u, 0., size.width - 1.), v = std::clamp(v, 0., size.height - 1.);
    Double4 sum{};
    for (int j = int(std::floor(v)); j <= int(std::floor(v)) + 1; ++j)
        for (int i = int(std::floor(u)); i <= int(std::floor(u)) + 1; ++i) {
            if (i < 0 || j < 0 || i >= size.width || j >= size.height) continue;
            const double weight = (1 - std::abs(u - i)) * (1 - std::abs(v - j));
            sum = sum + layer.texture->texels[size_t(j) * size_t(size.width) + size_t(i)] * weight;
        }
    return sum;
}

// One ray in space: from the lens point (a, b, 0) through the point of the focal plane that the pixel shows. A layer is
// the plane Z = A X + B Y + C.
Double4 ray_in_space(const std::vector<SceneLayer>& layers, SceneLens lens, double x, double y, Double2 lens_point) {
    struct Met {
        double z;
        Double4 colour;
    };
    std::vector<Met> met;
    const double z_focus = 1 / lens.focus, a = lens_point[0], b = lens_point[1];
    const double dx = x * z_focus - a, dy = y * z_focus - b, dz = z_focus;
    for (const SceneLayer& layer : layers) {
        const double plane_c = 1 / layer.disparity, plane_a = -layer.slope_x * plane_c,
                     plane_b = -layer.slope_y * plane_c;
        const double t = (plane_a * a + plane_b * b + plane_c) / (dz - plane_a * dx - plane_b * dy);
        const double px = a + t * dx, py = b + t * dy, z = t * dz;
        met.push_back({z, texture_at(layer, layer.u_0 + layer.u_x * px + layer.u_y * py,
                                     layer.v_0 + layer.v_x * px + layer.v_y * py)});
    }
    std::sort(met.begin(), met.end(), [](const Met& p, const Met& q) { return p.z < q.z; });
    Double4 sum{};
    double passing = 1;
    for (const Met& m : met) sum = sum + m.colour * passing, passing *= 1 - m.colour[3];
    return sum;
}

double worst(const std::vector<Float4>& a, const std::vector<Float4>& b) {
    double error = 0;
    for (size_t i = 0; i < a.size(); ++i)
        for (int c = 0; c < 4; ++c) error = std::max(error, std::abs(double(a[i][c]) - double(b[i][c])));
    return error;
}

struct Pinhole {
    std::vector<Float4> picture;
    std::vector<float> disparity, matte;
    Pinhole(Cpu& exec, const std::vector<SceneLayer>& layers, int subject, Size size)
        : picture(size.area()), disparity(size.area()), matte(size.area()) {
        trace_pinhole(exec, layers, subject,
                      {host_view(picture, size), host_view(disparity, size), host_view(matte, size)});
    }
};
}  // namespace

TEST_CASE("lens points integrate polynomials of degree 3 exactly, and edges with an error of n^-3/4") {
    for (const int count : {1, 64, 100, 512, 4096}) {
        CAPTURE(count);
        const std::vector<Double2> points = lens_points(count);
        CHECK(int(points.size()) == (count + 3) / 4 * 4);
        double x = 0, y = 0, xx = 0, yy = 0, xy = 0, xxx = 0, xxy = 0;
        for (const Double2 p : points) {
            CHECK(p[0] * p[0] + p[1] * p[1] < 1);
            x += p[0], y += p[1], xx += p[0] * p[0], yy += p[1] * p[1], xy += p[0] * p[1];
            xxx += p[0] * p[0] * p[0], xxy += p[0] * p[0] * p[1];
        }
        const double n = double(points.size()), rounding = 1e-16 * n + 1e-15;
        for (const double odd : {x / n, y / n, xy / n, xxx / n, xxy / n}) CHECK(std::abs(odd) < rounding);
        CHECK(std::abs(xx / n - 0.25) < rounding);  // the mean of x^2 over the unit disk
        CHECK(std::abs(yy / n - 0.25) < rounding);
    }
    const double pi = std::acos(-1.);
    for (const int count : {64, 256, 1024, 4096}) {
        const std::vector<Double2> points = lens_points(count);
        double error = 0;
        for (int k = 0; k < 90; ++k)
            for (double edge = 0; edge < 1; edge += 0.037) {
                const double c = std::cos(2 * pi * k / 90), s = std::sin(2 * pi * k / 90);
                double beyond = 0;
                for (const Double2 p : points) beyond += c * p[0] + s * p[1] > edge;
                const double truth = (std::acos(edge) - edge * std::sqrt(1 - edge * edge)) / pi;
                error = std::max(error, std::abs(beyond / count - truth));
            }
        CHECK(error < 1.2 * std::pow(count, -0.75));
    }
}

TEST_CASE("the disparity of a slanted plane is exact") {
    Cpu exec;
    const Size size{37, 21};
    const Texture texture = noise_texture({8, 8}, true, 1);
    SceneLayer layer = facing(texture, 0.4, size, 0, 0);
    layer.endless = true, layer.slope_x = 0.003, layer.slope_y = -0.005;
    const Pinhole seen(exec, {layer}, 0, size);
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x)
            CHECK(seen.disparity[size_t(y * size.width + x)] == float(0.4 + 0.003 * (x - 18) - 0.005 * (y - 10)));
}

TEST_CASE("the matte is the alpha of the subject, times what the layers before it let through") {
    Cpu exec;
    const Size size{33, 18};
    const Texture back = noise_texture({4, 4}, true, 1), subject = noise_texture({9, 7}, false, 2),
                  front = noise_texture({20, 12}, false, 3);
    std::vector<SceneLayer> layers = {facing(back, 0.1, size, 0, 0), facing(subject, 0.5, size, 10, 6),
                                      facing(front, 0.8, size, 12, 3)};
    layers[0].endless = true;
    const Pinhole seen(exec, layers, 1, size);
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const auto alpha = [&](const Texture& t, int i, int j) {
                return t.size.contains(i, j) ? t.texels[size_t(j * t.size.width + i)][3] : 0;
            };
            const double own = alpha(subject, x - 10, y - 6), before = alpha(front, x - 12, y - 3);
            const size_t at = size_t(y * size.width + x);
            CHECK(std::abs(double(seen.matte[at]) - own * (1 - before)) < 1e-7);  // one rounding to float
            CHECK(std::abs(double(seen.picture[at][3]) - 1) < 1e-7);
            const double where = before >= 0.5 ? 0.8 : before + own * (1 - before) >= 0.5 ? 0.5 : 0.1;
            CHECK(seen.disparity[at] == float(where));
        }
}

TEST_CASE("bokeh is the mean over rays in space, through slanted and crossing layers") {
    Cpu exec;
    const Size size{40, 30};
    const Texture back = noise_texture({90, 90}, true, 1), left = noise_texture({25, 20}, false, 2),
                  right = noise_texture({30, 14}, false, 3);
    std::vector<SceneLayer> layers = {facing(back, 0.15, size, -25, -25), facing(left, 0.5, size, 5, 4),
                                      facing(right, 0.5, size, 8, 9)};
    layers[0].endless = true, layers[0].slope_y = 0.001;
    layers[1].slope_x = 0.01, layers[1].slope_y = 0.004;  // cross each other in the middle
    layers[2].slope_x = -0.012;
    layers[2].u_y = 0.1, layers[2].v_x = -0.07;  // and turned
    for (const SceneLens lens : {SceneLens{9, 0.3}, SceneLens{14, 0.5}, SceneLens{5, 0.9}}) {
        std::vector<Float4> traced(size.area()), expected(size.area());
        trace_bokeh(exec, layers, lens, host_view(traced, size));
        // Both are means; the tracer's may be over no more than 256 points, which see an edge 1.2 * 256^-3/4 off.
        const std::vector<Double2> points = lens_points(4096);
        for (int y = 0; y < size.height; y += 7)
            for (int x = 0; x < size.width; x += 3) {
                Double4 sum{};
                for (const Double2 p : points)
                    sum = sum + ray_in_space(layers, lens, x - 19.5, y - 14.5, p * lens.strength);
                const size_t at = size_t(y * size.width + x);
                for (int c = 0; c < 4; ++c) CHECK(std::abs(double(traced[at][c]) - sum[c] / 4096) < 0.02);
            }
    }
}

TEST_CASE("the bokeh of a plane that faces the camera is its picture under a disk") {
    Cpu exec;
    const Size size{48, 40};
    const Texture texture = noise_texture({100, 90}, true, 5);
    std::vector<SceneLayer> layers = {facing(texture, 0.3, size, -26, -25)};
    layers[0].endless = true;
    for (const double radius : {0.7, 3.0, 6.5, 13.0}) {
        CAPTURE(radius);
        std::vector<Float4> traced(size.area());
        trace_bokeh(exec, layers, {radius / 0.4, 0.7}, host_view(traced, size));
        double error = 0;
        for (int y = 0; y < size.height; y += 3)
            for (int x = 0; x < size.width; x += 3) {
                Double4 sum{};  // a fine grid over the disk
                int count = 0;
                for (double dy = -radius; dy <= radius; dy += radius / 50)
                    for (double dx = -radius; dx <= radius; dx += radius / 50) {
                        if (dx * dx + dy * dy > radius * radius) continue;
                        sum = sum + texture_at(layers[0], x + 26 + dx, y + 25 + dy), ++count;
                    }
                for (int c = 0; c < 3; ++c)
                    error = std::max(error, std::abs(double(traced[size_t(y * size.width + x)][c]) - sum[c] / count));
            }
        // Well below the standard deviation of random points: 0.29 (noise in [0, 1]) / sqrt(count), for every pixel.
        CHECK(error < 0.29 / std::sqrt(lens_points_for(radius)));
    }
}

TEST_CASE("without blur, and on the focal plane, the bokeh is the pinhole picture") {
    Cpu exec;
    const Scene scene = write_scene({.seed = 3, .frames = 1, .size = {64, 48}, .objects = 4, .textures = {}});
    const std::vector<SceneLayer>& layers = scene.frames[0].layers;
    const Pinhole seen(exec, layers, scene.subject, {64, 48});
    std::vector<Float4> bokeh(64 * 48);
    trace_bokeh(exec, layers, {0, 0.4}, host_view(bokeh, {64, 48}));
    CHECK(bokeh == seen.picture);

    const Texture texture = noise_texture({70, 60}, true, 6);
    const std::vector<SceneLayer> plane = {facing(texture, 0.5, {64, 48}, -2, -3)};
    trace_bokeh(exec, plane, {20, 0.5}, host_view(bokeh, {64, 48}));
    CHECK(worst(bokeh, Pinhole(exec, plane, 0, {64, 48}).picture) < 1e-7);  // one rounding to float
}

TEST_CASE("a scene is the same in every run and on any number of threads") {
    const SceneParams params{.seed = 11, .frames = 2, .size = {70, 50}, .objects = 9, .textures = {}};
    const Scene a = write_scene(params), b = write_scene(params);
    Cpu one(1), three(3);
    std::vector<Float4> first(70 * 50), second(70 * 50), other(70 * 50);
    trace_bokeh(one, a.frames[1].layers, a.frames[1].lens, host_view(first, {70, 50}));
    trace_bokeh(three, b.frames[1].layers, b.frames[1].lens, host_view(second, {70, 50}));
    CHECK(first == second);
    SceneParams different = params;
    different.seed = 12;
    const Scene c = write_scene(different);
    trace_bokeh(one, c.frames[1].layers, c.frames[1].lens, host_view(other, {70, 50}));
    CHECK(!(first == other));
}

TEST_CASE("the three moves of the camera") {
    for (const uint64_t seed : {1, 2, 3, 4, 5, 6}) {
        SceneParams params{.seed = seed, .frames = 9, .size = {64, 64}, .objects = 5, .textures = {}};
        params.move = CameraMove::blur;
        const Scene blur = write_scene(params);
        params.move = CameraMove::focus;
        const Scene focus = write_scene(params);
        params.move = CameraMove::rack;
        const Scene rack = write_scene(params);
        Cpu exec;
        for (size_t f = 1; f < 9; ++f) {
            const auto rises = [&](const Scene& s) { return s.frames[8].lens.strength > s.frames[0].lens.strength; };
            CHECK((blur.frames[f].lens.strength > blur.frames[f - 1].lens.strength) == rises(blur));
            CHECK(focus.frames[f].lens.strength == focus.frames[0].lens.strength);
            CHECK(rack.frames[f].lens.strength == rack.frames[0].lens.strength);
        }
        CHECK(std::abs(rack.frames[8].lens.focus - rack.frames[0].lens.focus) > 0.5);  // of 0.75 between the outermost
        // The subject stays on the focal plane while the blur changes: there the defocus is near 0.
        const Pinhole seen(exec, blur.frames[4].layers, blur.subject, {64, 64});
        for (size_t i = 0; i < seen.matte.size(); ++i)
            if (seen.matte[i] > 0.9f)
                CHECK(std::abs(double(seen.disparity[i]) - blur.frames[4].lens.focus) < 0.03);  // a fifth of a lane
    }
}

TEST_CASE("a lens that reaches through a plane, and parameters out of range, are refused") {
    Cpu exec;
    const Texture texture = noise_texture({4, 4}, true, 1);
    SceneLayer layer = facing(texture, 0.5, {16, 16}, 0, 0);
    std::vector<Float4> out(256);
    layer.slope_x = 0.1;
    CHECK_THROWS_AS(trace_bokeh(exec, {layer}, {10, 0.5}, host_view(out, {16, 16})), Error);
    CHECK_THROWS_AS(trace_bokeh(exec, {layer}, {NAN, 0.5}, host_view(out, {16, 16})), Error);
    CHECK_THROWS_AS(trace_bokeh(exec, {SceneLayer{}}, {1, 0.5}, host_view(out, {16, 16})), Error);
    CHECK_THROWS_AS(write_scene({.frames = 0, .textures = {}}), Error);
    CHECK_THROWS_AS(write_scene({.size = {4, 4}, .textures = {}}), Error);
    CHECK_THROWS_AS(write_scene({.objects = 0, .textures = {}}), Error);
}

TEST_CASE("scene writes everything that is needed to render it again, the same for any number of threads") {
    const Scratch scratch;
    const std::string options =
        "scene --seed 5 --frames 2 --size 48x32 --objects 3 --move rack --corrupt I,IV --quiet -o '";
    REQUIRE(run_program(scratch, options + (scratch / "a") + "' --threads 1").code == 0);
    REQUIRE(run_program(scratch, options + (scratch / "b") + "' --threads 3").code == 0);
    for (const char* file : {"frames/00001.png", "bokeh/00001.png", "disparity/00001.png", "mattes/00001.png",
                             "defocus/00001.pfm", "disparity_I/00001.pfm", "disparity_IV/00001.pfm", "scene.json"})
        CHECK_MESSAGE(text_of(scratch / ("a/" + std::string(file))) == text_of(scratch / ("b/" + std::string(file))),
                      file);
    const nlohmann::json json = nlohmann::json::parse(text_of(scratch / "a/scene.json"));
    CHECK(json["move"] == "rack");
    CHECK(json["width"] == 48);
    REQUIRE(json["frames"].size() == 2);
    const double strength = json["frames"][1]["strength"], focus = json["frames"][1]["focus"];
    const std::vector<float> disparity = read_disparity(scratch / "a/disparity/00001.png", {48, 32});
    const FloatPicture defocus = read_pfm(scratch / "a/defocus/00001.pfm");
    for (size_t i = 0; i < disparity.size(); ++i)  // half a step of the PNG
        CHECK(std::abs(double(defocus.pixels[i]) - strength * (double(disparity[i]) - focus)) < strength * 1e-5);
}

TEST_CASE("each level of corruption adds to the one before it, the same in every run and another in every frame") {
    const Size size{96, 80};
    Cpu one(1), three(3);
    std::vector<float> exact(size.area());
    for (size_t i = 0; i < exact.size(); ++i) exact[i] = i / 96 % 40 < 20 && i % 96 < 50 ? 0.7f : 0.2f;
    const auto corrupted = [&](Cpu& exec, Corruption level, int frame) {
        std::vector<float> values = exact;
        corrupt_disparity(exec, level, 5, frame, host_view(values, size));
        return values;
    };
    std::vector<float> before = exact;
    for (const Corruption level : {Corruption::I, Corruption::II, Corruption::III, Corruption::IV}) {
        const std::vector<float> values = corrupted(one, level, 3);
        CHECK(values == corrupted(three, level, 3));
        CHECK(values != corrupted(one, level, 4));
        CHECK(values != before);
        if (level == Corruption::IV) {
            const double factor = double(values[0]) / double(before[0]);
            CHECK(factor >= 0.9 - 1e-6);
            CHECK(factor <= 1.1 + 1e-6);
            for (size_t i = 0; i < values.size(); ++i)  // a float product, rounded
                CHECK(std::abs(double(values[i]) - factor * double(before[i])) < 1e-6);
        } else {  // means, extremes and copies of what there was
            CHECK(*std::min_element(values.begin(), values.end()) >= 0.2f - 1e-6f);
            CHECK(*std::max_element(values.begin(), values.end()) <= 0.7f + 1e-6f);
        }
        before = values;
    }
}

TEST_CASE("scene takes pictures as textures") {
    const Scratch scratch;
    fs::create_directories(scratch / "t");
    write_square(scratch, "t/back.png", {40, 30});
    const std::string options = "scene --frames 1 --size 32x32 --objects 2 --quiet -o '" + (scratch / "s") + "'";
    CHECK(run_program(scratch, options + " --textures '" + (scratch / "t") + "'").code == 0);
    check_fails(run_program(scratch, options + " --textures '" + (scratch / "none") + "'"), "does not exist");
    fs::create_directories(scratch / "empty");
    check_fails(run_program(scratch, options + " --textures '" + (scratch / "empty") + "'"), "holds no picture");
    for (const char* line :
         {"scene", "scene -o s --size 8x8", "scene -o s --size 64", "scene -o s --frames 0", "scene -o s --objects 0",
          "scene -o s --move zoom", "scene -o s --corrupt V", "scene -o s --size 64x64x"})
        CHECK(run_program(scratch, line).code == 2);
}
TEST_CASE("the bokeh of a scene has converged: more points change it by less than a quarter of an 8-bit step") {
    Cpu exec;
    const Size size{64, 64};
    const Scene scene = write_scene({.seed = 7, .frames = 1, .size = size, .objects = 4, .textures = {}});
    const SceneFrame& frame = scene.frames[0];
    std::vector<Float4> bokeh(size.area());
    trace_bokeh(exec, frame.layers, frame.lens, host_view(bokeh, size));
    const std::vector<Double2> points = lens_points(8192);
    double squares = 0;
    int count = 0;
    for (int y = 0; y < size.height; y += 7)
        for (int x = 0; x < size.width; x += 7) {
            Double4 sum{};
            for (const Double2 p : points)
                sum = sum + ray_in_space(frame.layers, frame.lens, x - 31.5, y - 31.5, p * frame.lens.strength);
            for (int c = 0; c < 3; ++c, ++count) {
                const double error = double(bokeh[size_t(y * size.width + x)][c]) - sum[c] / double(points.size());
                squares += error * error;
            }
        }
    CHECK(std::sqrt(squares / count) < 0.25 / 255);
}
