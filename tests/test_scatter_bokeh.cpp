#include "cinebokeh/scatter_bokeh.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
const double pi = std::acos(-1.0);

// The area of the disk of radius r above the line t.
double area_above(double r, double t) {
    t = std::min(std::max(t, -r), r);
    return t * std::sqrt(std::max(0.0, r * r - t * t)) + r * r * std::asin(t / r) + pi * r * r / 2;
}
// Radii are rounded to 1/128 of their octave, and are 0 below 1/2.
double rounded(double r) {
    if (!(r >= 0.5)) return 0;
    const double step = std::exp2(std::floor(std::log2(r))) / 128;
    return std::round(r / step) * step;
}
// The header's definition with a round aperture, one pixel of the frame after the other, in double.
std::vector<double> reference(const std::vector<Float4>& in, const std::vector<float>& defocus, Size s, double widest,
                              bool picture) {
    std::vector<double> light(7 * 4 * s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t i = size_t(y) * size_t(s.width) + size_t(x);
            const double signed_radius = std::isnan(defocus[i]) ? 0 : double(defocus[i]), m = std::abs(signed_radius);
            const double r = rounded(std::min(m, widest));
            const int step = m < 1.5 ? 0 : m < 6 ? 1 : m < 24 ? 2 : 3, layer = signed_radius > 0 ? 3 - step : 3 + step;
            const int rows = r > 0 ? int(std::ceil(r - 0.5)) : 0;
            std::vector<double> ends;
            double total = 0;
            for (int dy = -rows; dy <= rows; ++dy) {
                const double length = r > 0 ? area_above(r, dy + 0.5) - area_above(r, dy - 0.5) : 1;
                ends.push_back(std::round(length / 2 * 256) / 256);
                total += 2 * ends.back();
            }
            for (int dy = -rows; dy <= rows; ++dy)
                for (int u = 0; u < s.width; ++u) {
                    const double half = ends[size_t(dy + rows)];
                    const double covered = std::min(u - x + 0.5, half) - std::max(u - x - 0.5, -half);
                    if (covered <= 0 || y + dy < 0 || y + dy >= s.height) continue;
                    const size_t target = size_t(y + dy) * size_t(s.width) + size_t(u);
                    for (int c = 0; c < 4; ++c)
                        light[(size_t(layer) * s.area() + target) * 4 + size_t(c)] +=
                            double(in[i][c]) * covered / total;
                }
        }
    std::vector<double> out(4 * s.area());
    for (size_t i = 0; i < s.area(); ++i) {
        double room = 1;
        for (size_t layer = 0; layer < 7; ++layer) {
            const double* l = &light[(layer * s.area() + i) * 4];
            const double part = !picture || l[3] <= room ? 1 : room / l[3];
            for (size_t c = 0; c < 4; ++c) out[4 * i + c] += l[c] * part;
            if (picture) room = std::max(0.0, room - l[3] * part);
        }
        if (!picture) continue;
        for (size_t c = 0; c < 3; ++c) out[4 * i + c] /= 1 - room;
        out[4 * i + 3] = 1;
    }
    return out;
}
std::vector<Float4> random_pixels(Size s, unsigned seed = 1) {
    const auto values = noise(3 * s.area(), 0, 1, seed);
    std::vector<Float4> pixels;
    for (size_t i = 0; i < s.area(); ++i) pixels.push_back({values[3 * i], values[3 * i + 1], values[3 * i + 2], 1});
    return pixels;
}
std::vector<float> unpacked(const std::vector<Float4>& pixels) {
    std::vector<float> values(4 * pixels.size());
    std::memcpy(values.data(), pixels.data(), values.size() * sizeof(float));
    return values;
}
template <class Exec>
std::vector<Float4> render(Exec& exec, Size s, const std::vector<Float4>& in, const std::vector<float>& defocus,
                           const ScatterBokehParams& params) {
    Buffer<Float4, Exec> image(exec, s, in), out(exec, s);
    Buffer<float, Exec> map(exec, s, defocus);
    ScatterBokeh<Exec> bokeh(exec, s, params);
    bokeh(image.view(), map.view(), out.view());
    return out.download();
}
template <class Exec>
std::vector<Float4> render(Size s, const std::vector<Float4>& in, const std::vector<float>& defocus,
                           const ScatterBokehParams& params) {
    Exec exec;
    return render(exec, s, in, defocus, params);
}
// Defocus that changes smoothly along one half of the frame, and from pixel to pixel in the other.
std::vector<float> mixed_defocus(Size s, float radius) {
    std::vector<float> defocus = noise(s, -radius, radius, 7);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            if (2 * x < s.width) defocus[size_t(y * s.width + x)] = radius * (float(y) / float(s.height) - 0.4f);
    return defocus;
}
const Aperture apertures[] = {
    {}, {.blades = 6, .rotation = 10, .curvature = 0.3f}, {.squeeze = 1.6f, .cat_eye = 0.8f}, {.chromatic = 0.1f}};
}  // namespace

TEST_CASE_TEMPLATE("scatter bokeh is the sum of all shapes, filled in from near to far", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{1, 40}, Size{33, 1}, Size{45, 31}, Size{129, 9}})
        for (float radius : {0.4f, 3.f, 9.f, 30.f})
            for (bool picture : {true, false}) {
                if (radius > 9 && s.width == 129) continue;
                CAPTURE(s.width);
                CAPTURE(radius);
                const auto in = random_pixels(s);
                const auto defocus = mixed_defocus(s, radius);
                const auto out = render<Exec>(
                    s, in, defocus, {.max_radius = 25, .mode = picture ? ScatterMode::picture : ScatterMode::light});
                // An end of a run that lies in the middle between two steps of 1/256 may round either way: 1/256 of a
                // pixel of the smallest shape, of area pi / 4.
                CHECK(worst_error(unpacked(out), reference(in, defocus, s, 25, picture)) <= 1 / 256. / 0.78);
            }
}

TEST_CASE_TEMPLATE("large shapes are exact", Exec, EXECUTORS) {
    const Size s{140, 37};
    const auto in = random_pixels(s);
    std::vector<float> defocus = noise(s, -30, -12, 3);
    const auto out = render<Exec>(s, in, defocus, {.max_radius = 30});
    // As above, with the area of the smallest shape here, and 2e-6 r^2 for the table of the outline.
    CHECK(worst_error(unpacked(out), reference(in, defocus, s, 30, true)) <= 1 / 256. / (pi * 144) + 2e-6);
}

TEST_CASE_TEMPLATE("a constant picture stays, also at the border and with radii larger than it", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{1, 23}, Size{40, 30}})
        for (const Aperture& aperture : apertures)
            for (float radius : {3.f, 100.f}) {
                CAPTURE(radius);
                const std::vector<Float4> in(s.area(), Float4{0.25f, 0.5f, 0.75f, 1});
                const auto out =
                    render<Exec>(s, in, mixed_defocus(s, radius), {.aperture = aperture, .max_radius = 100});
                double worst = 0;
                for (const Float4& p : out)
                    for (int c = 0; c < 4; ++c) worst = std::max(worst, double(std::abs(p[c] - 0.25f * float(c + 1))));
                CHECK(worst <= 1e-5);  // light per 1/256 pixel is rounded to 2^-37: 2e-6 of it at radius 100
            }
}

TEST_CASE_TEMPLATE("light is conserved away from the border", Exec, EXECUTORS) {
    const Size s{48, 45};
    for (const Aperture& aperture : apertures)
        for (ScatterMode mode : {ScatterMode::light, ScatterMode::picture})
            for (float radius : {0.3f, -3.7f, 9.f}) {
                CAPTURE(radius);
                std::vector<Float4> in(s.area(), Float4{0, 0, 0, 1});
                in[22 * 48 + 24] = {8, 1, 0.01f, 1};
                const auto out = render<Exec>(s, in, std::vector<float>(s.area(), radius),
                                              {.aperture = aperture, .max_radius = 10, .max_value = 8, .mode = mode});
                double sum[3] = {};
                for (const Float4& p : out)
                    for (int c = 0; c < 3; ++c) sum[c] += double(p[c]);
                // A picture is divided by the light that arrives, which is not 1 where neighbours' cat's eyes differ.
                if (aperture.cat_eye > 0 && mode == ScatterMode::picture) continue;
                // 1e-5: 0.01 of 8 in steps of 2^-37 per 1/256 pixel
                for (int c = 0; c < 3; ++c) CHECK(std::abs(sum[c] / double(in[22 * 48 + 24][c]) - 1) <= 1e-5);
            }
}

TEST_CASE_TEMPLATE("a bright point becomes the shape of the aperture", Exec, EXECUTORS) {
    const Size s{91, 91};
    const float radius = 20;
    std::vector<Float4> in(s.area(), Float4{0, 0, 0, 1});
    in[45 * 91 + 45] = {1, 1, 1, 1};
    for (bool near : {false, true}) {
        const auto out = render<Exec>(s, in, std::vector<float>(s.area(), near ? radius : -radius),
                                      {.aperture = {.blades = 5}, .max_radius = radius});
        const double area = 2.5 * std::sin(2 * pi / 5) * double(radius) * double(radius);
        for (int y = 0; y < 91; ++y)
            for (int x = 0; x < 91; ++x) {
                // The pentagon has a corner at the top, and at the bottom where the aperture is turned.
                const double dx = x - 45, dy = near ? y - 45 : 45 - y;
                double distance = -100;  // beyond the farthest side
                for (int k = 0; k < 5; ++k) {
                    const double angle = pi / 2 + pi / 5 + k * 2 * pi / 5;
                    distance = std::max(
                        distance, dx * std::cos(angle) + dy * std::sin(angle) - double(radius) * std::cos(pi / 5));
                }
                // A row's run has the slope of its middle: a pixel more where a side lies flat, at the corners.
                const double value = double(out[size_t(y * 91 + x)][0]) * area;
                if (distance < -1.5) CHECK(std::abs(value - 1) <= 0.01);
                if (distance > 1.5) CHECK(value == 0);
            }
    }
}

TEST_CASE_TEMPLATE("mirror in is mirror out, to the bit", Exec, EXECUTORS) {
    const Size s{47, 34};
    const auto in = random_pixels(s);
    const auto defocus = mixed_defocus(s, 12);
    for (bool across : {true, false}) {
        const auto mirrored = [&](const auto& pixels) {
            auto result = pixels;
            for (int y = 0; y < s.height; ++y)
                for (int x = 0; x < s.width; ++x)
                    result[size_t(y * s.width + x)] = across ? pixels[size_t(y * s.width + s.width - 1 - x)]
                                                             : pixels[size_t((s.height - 1 - y) * s.width + x)];
            return result;
        };
        for (const Aperture& aperture : {Aperture{}, Aperture{.squeeze = 1.5f, .cat_eye = 0.7f}}) {
            const ScatterBokehParams params{.aperture = aperture, .max_radius = 12};
            CHECK(mirrored(render<Exec>(s, in, defocus, params)) ==
                  render<Exec>(s, mirrored(in), mirrored(defocus), params));
        }
    }
}

TEST_CASE_TEMPLATE("with nothing out of focus the picture is unchanged, to the bit", Exec, EXECUTORS) {
    const Size s{50, 21};
    // Numbers of 24 bits whose last bit is worth at least 2^-37: decoded 8-bit pictures are such.
    const auto in = random_pixels(s);
    std::vector<float> defocus(s.area(), 0.f);
    for (size_t i = 0; i < s.area(); i += 3) defocus[i] = i % 2 ? NAN : -0.49f;
    CHECK(unpacked(render<Exec>(s, in, defocus, {.aperture = {.blades = 6, .cat_eye = 1, .chromatic = 0.02f}})) ==
          unpacked(in));
}

TEST_CASE_TEMPLATE("a sharp subject keeps the blurred background out, and does not bleed into it", Exec, EXECUTORS) {
    const Size s{64, 48};
    for (float subject : {0.f, 1.f}) {
        std::vector<Float4> in(s.area(), Float4{1 - subject, 1 - subject, 1 - subject, 1});
        std::vector<float> defocus(s.area(), -14.f);
        for (int y = 10; y < 48; ++y)
            for (int x = 20; x < 40; ++x) {
                in[size_t(y * 64 + x)] = {subject, subject, subject, 1};
                defocus[size_t(y * 64 + x)] = 0;
            }
        const auto out = render<Exec>(s, in, defocus, {.max_radius = 14});
        CHECK(worst_error(unpacked(out), unpacked(in)) <= 1e-6);
    }
}

TEST_CASE_TEMPLATE("a near edge is translucent outside of its outline", Exec, EXECUTORS) {
    const Size s{80, 41};
    std::vector<Float4> in(s.area(), Float4{0, 0, 0, 1});
    std::vector<float> defocus(s.area(), 0.f);
    for (int y = 0; y < 41; ++y)
        for (int x = 0; x < 40; ++x) in[size_t(y * 80 + x)] = {1, 1, 1, 1}, defocus[size_t(y * 80 + x)] = 16;
    const auto out = render<Exec>(s, in, defocus, {.max_radius = 16});
    for (int x : {40, 44, 50, 54}) {  // the part of the disk that is beyond the edge
        const double covered = (area_above(16, 40 - (x + 0.5))) / (pi * 256);
        CHECK(double(out[size_t(20 * 80 + x)][0]) == doctest::Approx(covered).epsilon(0.02));
    }
    CHECK(out[20 * 80 + 10][0] == 1);
    CHECK(out[20 * 80 + 60][0] == 0);
}

TEST_CASE_TEMPLATE("a slanted plane is as its rays would draw it", Exec, EXECUTORS) {
    const Size s{150, 60};
    const auto at = [&](int x, int y) { return double((x * 7919 + y * 104729 + x * y * 31) % 97) / 97; };
    const auto texture = [&](double x, double y) {  // noise of 3 pixels, between which it is linear
        x /= 3, y /= 3;
        const int i = int(std::floor(x)), j = int(std::floor(y));
        const double u = x - i, v = y - j;
        return (at(i, j) * (1 - u) + at(i + 1, j) * u) * (1 - v) + (at(i, j + 1) * (1 - u) + at(i + 1, j + 1) * u) * v;
    };
    const auto defocus_at = [](double x) { return 0.08 * (x - 60); };  // through the focal plane
    std::vector<Float4> in;
    std::vector<float> defocus;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const float v = float(texture(x + 50, y + 50));
            in.push_back({v, v, v, 1}), defocus.push_back(float(defocus_at(x)));
        }
    const auto out = render<Exec>(s, in, defocus, {.max_radius = 10});
    double squares = 0;
    int count = 0;
    for (int y = 12; y < s.height - 12; y += 3)
        for (int x = 12; x < s.width - 12; x += 2) {
            double sum = 0, rays = 0;
            for (double v = -0.98; v < 1; v += 0.04)
                for (double u = -0.98; u < 1; u += 0.04) {
                    if (u * u + v * v > 1) continue;
                    double qx = x;  // the point of the plane that this part of the lens sends to x
                    for (int i = 0; i < 20; ++i) qx = x - defocus_at(qx) * u;
                    sum += texture(qx + 50, y - defocus_at(qx) * v + 50), ++rays;
                }
            const double error = sum / rays - double(out[size_t(y * s.width + x)][0]);
            squares += error * error, ++count;
        }
    CHECK(-10 * std::log10(squares / count) >= 40);  // dB
}
