// The layered renderer against planes behind each other, and a plane that recedes: what each of them gives is summed up
// pixel by pixel in double, from the definition of a multi-plane image.
#include "bokeh_support.hpp"
#include "cinebokeh/layered_bokeh.hpp"

using namespace cinebokeh;

namespace {
constexpr Size size{96, 80};

struct Colour {
    double r, g, b;
};
struct Plane {  // of one colour, at one radius; it covers what lies to the right of `edge`, or below it
    double radius;
    int edge;
    Colour colour;
};

// How much of the pixel a disk at (0, 0) covers; one below half a pixel is in focus.
double share_of(double radius, int x, int y) { return radius < 0.5 ? x == 0 && y == 0 : disk_at(radius, x, y); }

// How much of the disk around a pixel that is `from_edge` pixels beyond the edge of a plane sees the plane.
double seen_of_plane(double radius, int from_edge) {
    const int reach = int(radius) + 1;
    double seen = 0, all = 0;
    for (int v = -reach; v <= reach; ++v)
        for (int u = -reach; u <= reach; ++u) {
            const double w = share_of(radius, u, v);
            all += w;
            if (from_edge + u >= 0) seen += w;
        }
    return seen / all;
}

// The planes from far to near, each complete, laid over each other.
Colour over(const std::vector<Plane>& planes, int at) {
    Colour sum{};
    for (const Plane& p : planes) {
        const double a = seen_of_plane(std::abs(p.radius), at - p.edge);
        sum = {p.colour.r * a + sum.r * (1 - a), p.colour.g * a + sum.g * (1 - a), p.colour.b * a + sum.b * (1 - a)};
    }
    return sum;
}

template <class Exec>
std::vector<Float4> render(const std::vector<Float4>& frame, const std::vector<float>& defocus,
                           LayeredBokehParams params) {
    Exec exec;
    Buffer<Float4, Exec> in(exec, size, frame), out(exec, size);
    Buffer<float, Exec> radius(exec, size, defocus);
    LayeredBokeh<Exec> bokeh(exec, size, params);
    bokeh(in.view(), radius.view(), out.view());
    return out.download();
}
}  // namespace

TEST_CASE_TEMPLATE("three planes behind each other are laid over each other, whichever is in focus", Exec, EXECUTORS) {
    const Colour red{0.9, 0.05, 0.1}, green{0.1, 0.8, 0.2}, blue{0.05, 0.2, 0.9};
    for (const double focus : {0.0, 4.0, 9.0})
        for (const bool upright : {true, false})
            for (const bool full_size : {true, false}) {
                const std::vector<Plane> planes = {{-focus, -1000, blue}, {4 - focus, 24, green}, {9 - focus, 52, red}};
                std::vector<Float4> frame(size.area());
                std::vector<float> defocus(size.area());
                for (int y = 0; y < size.height; ++y)
                    for (int x = 0; x < size.width; ++x)
                        for (const Plane& p : planes)
                            if ((upright ? x : y) >= p.edge) {
                                const size_t i = size_t(y * size.width + x);
                                frame[i] = {float(p.colour.r), float(p.colour.g), float(p.colour.b), 1};
                                defocus[i] = float(p.radius);
                            }
                const float sharp = full_size ? 100.f : 6.f;
                const auto out =
                    render<Exec>(frame, defocus, {.max_radius = 9, .half_from = sharp, .quarter_from = 2 * sharp});
                double worst = 0;
                for (int y = 0; y < size.height; ++y)
                    for (int x = 0; x < size.width; ++x) {
                        const Colour wanted = over(planes, upright ? x : y);
                        const Float4 p = out[size_t(y * size.width + x)];
                        worst = std::max({worst, std::abs(double(p[0]) - wanted.r), std::abs(double(p[1]) - wanted.g),
                                          std::abs(double(p[2]) - wanted.b)});
                    }
                CAPTURE(focus);
                CAPTURE(upright);
                CAPTURE(full_size);
                // The rows of a disk are exact, not its columns: of the outermost of them, sqrt(8 r) pixels, each is
                // off by a tenth, of an area of pi r^2: 0.01 at radius 4. And in the last focus the radii of the two
                // planes behind are so close to each other that the nearer one hides the other by degrees: as much
                // again.
                CHECK(worst <= (focus == 9 ? 0.02 : 0.01));
            }
}

TEST_CASE_TEMPLATE("a plane that recedes is blurred as if every pixel had its own disk", Exec, EXECUTORS) {
    const auto values = noise(3 * size.area(), 0, 1);
    std::vector<Float4> frame(size.area());
    std::vector<float> defocus(size.area());
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const size_t i = size_t(y * size.width + x);
            frame[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2], 1};
            defocus[i] = -9 + 0.15f * float(y);  // from -9 through 0 to 2.85
        }
    const auto out = render<Exec>(frame, defocus, {.max_radius = 9, .half_from = 100, .quarter_from = 100});
    double squares = 0;
    int count = 0;
    for (int y = 10; y < size.height - 10; y += 3)
        for (int x = 10; x < size.width - 10; x += 3) {
            double sum[3] = {}, all = 0;
            for (int v = y - 10; v <= y + 10; ++v)
                for (int u = x - 10; u <= x + 10; ++u) {
                    const size_t i = size_t(v * size.width + u);
                    const double radius = std::max(0.5, std::abs(double(defocus[i])));
                    const double w = share_of(std::abs(double(defocus[i])), x - u, y - v) / (radius * radius);
                    all += w;
                    for (int c = 0; c < 3; ++c) sum[c] += w * double(frame[i][c]);
                }
            for (int c = 0; c < 3; ++c) {
                const double error = double(out[size_t(y * size.width + x)][c]) - sum[c] / all;
                squares += error * error, ++count;
            }
        }
    // A pixel is shared by the disks of two layers, a pixel apart: on a ring of 2 pi r pixels the weights are off by
    // half of 1 / (pi r^2) or less. Of noise with a deviation of 0.29 that makes 0.12 / r^1.5: 0.02 at radius 3.
    CHECK(std::sqrt(squares / count) <= 0.02);
}

TEST_CASE_TEMPLATE("a plane between any two layers hides what is behind it", Exec, EXECUTORS) {
    const int edge = 60;  // green to the left of it, before red
    for (double radius = -30; radius <= 12; radius += 1.5) {
        std::vector<Float4> frame(size.area());
        std::vector<float> defocus(size.area());
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                const size_t i = size_t(y * size.width + x);
                frame[i] = x < edge ? Float4{0, 1, 0, 1} : Float4{1, 0, 0, 1};
                defocus[i] = x < edge ? float(radius) : -38.f;
            }
        const auto out =
            render<Exec>(frame, defocus, {.max_radius = 40, .growth = 0.25f, .half_from = 4, .quarter_from = 12});
        CAPTURE(radius);
        // Nothing of what is behind is seen farther from the edge than the disk reaches, which is that of the next
        // layer at most, and cells of 4 pixels that are read between their centres.
        double worst = 0;
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < edge - int(1.25 * std::abs(radius)) - 8; ++x)
                worst = std::max(worst, double(out[size_t(y * size.width + x)][0]));
        CHECK(worst <= 0.01);
    }
}
