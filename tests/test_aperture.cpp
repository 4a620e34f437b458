#include "cinebokeh/aperture.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
const double pi = std::acos(-1.0);

// Whether a point is inside the aperture of radius 1, as the header defines it (x right, y up).
bool inside(const Aperture& a, double x, double y) {
    x *= double(a.squeeze);
    if (x * x + y * y > 1) return false;
    for (int k = 0; k < a.blades; ++k) {
        const double first = pi / 2 + double(a.rotation) * pi / 180 + 2 * pi * k / a.blades,
                     second = first + 2 * pi / a.blades;
        const double ax = std::cos(first), ay = std::sin(first), bx = std::cos(second), by = std::sin(second);
        if (a.curvature == 0) {  // on the left of the edge from a to b
            if ((bx - ax) * (y - ay) - (by - ay) * (x - ax) < 0) return false;
        } else {  // within the circle through a and b, whose centre is on the other side of the middle
            const double radius = 1 / double(a.curvature), mx = (ax + bx) / 2, my = (ay + by) / 2;
            const double half = std::hypot(bx - ax, by - ay) / 2, m = std::hypot(mx, my);
            const double back = (m - std::sqrt(radius * radius - half * half)) / m;
            if (std::hypot(x - mx * back, y - my * back) > radius) return false;
        }
    }
    return true;
}
struct Row {
    double length = 0, moment = 0;  // in pixels, about the centre
};
// The part of the shape in row dy (down), by points.
Row sampled_row(const Aperture& a, double radius, int dy, double step) {
    Row row;
    const double widest = radius / double(a.squeeze);
    for (double y = dy - 0.5 + step / 2; y < dy + 0.5; y += step)
        for (double x = -widest + step / 2; x < widest; x += step)
            if (inside(a, x / radius, -y / radius)) row.length += step * step, row.moment += x * step * step;
    return row;
}
const Aperture shapes[] = {
    {},
    {.blades = 6},
    {.blades = 5, .rotation = 17},
    {.blades = 3, .rotation = -40, .curvature = 0.4f},
    {.blades = 7, .curvature = 1},
    {.squeeze = 2},
    {.blades = 8, .rotation = 5, .squeeze = 0.5f},
};
}  // namespace

TEST_CASE("each run has the area and the centre of the shape within its row") {
    Cpu exec;
    for (const Aperture& a : shapes) {
        CAPTURE(a.blades);
        CAPTURE(a.squeeze);
        const ApertureTable<Cpu> table(exec, a, 12);
        const auto runs = table.runs();
        for (float radius : {1.f, 2.5f, 7.75f}) {
            CAPTURE(radius);
            const ApertureRadius& entry = runs.radii[size_t(runs.index_of(radius))];
            double total = 0;
            for (int dy = -entry.rows; dy <= entry.rows; ++dy) {
                const double step = 1 / 64.;
                const Row row = sampled_row(a, double(radius), dy, step);
                const ApertureRun run = runs.run(entry, dy, false);
                // Half a step of 1/256 at each end; a sample at each end of each line of samples may be misjudged.
                const double bound = 1 / 256. + 1.5 * step;
                CHECK(std::abs((run.right - run.left) / 256. - row.length) <= bound);
                if (row.length > 1) CHECK(std::abs((run.right + run.left) / 512. - row.moment / row.length) <= bound);
                total += run.right - run.left;
                CHECK(entry.reach >= std::max(-run.left, run.right) / 256. - 0.5);
            }
            CHECK(double(entry.inverse_area) * total == doctest::Approx(1).epsilon(1e-6));
        }
    }
}

TEST_CASE("the area of a shape is that of the circle or the polygon") {
    Cpu exec;
    for (int blades : {0, 3, 6, 16}) {
        const ApertureTable<Cpu> table(exec, {.blades = blades, .rotation = 11}, 200);
        for (float radius : {0.75f, 4.f, 37.f, 200.f}) {
            const auto& entry = table.runs().radii[size_t(table.runs().index_of(radius))];
            const double unit = blades ? blades / 2. * std::sin(2 * pi / blades) : pi, r = double(radius);
            CHECK(entry.rows == int(std::ceil(r - 0.5)));
            // Half a step at both ends of each row; 2 ppm for the table of the outline.
            CHECK(std::abs(1 / (256 * double(entry.inverse_area)) - unit * r * r) <=
                  (2 * entry.rows + 1) / 256. + 2e-6 * r * r);
        }
    }
}

TEST_CASE("radii are rounded to 1/128 of their octave, and below a half pixel nothing spreads") {
    Cpu exec;
    const ApertureTable<Cpu> table(exec, {}, 64);
    const auto runs = table.runs();
    for (float radius : {0.f, 0.3f, 0.4999f, -3.f, NAN}) CHECK(runs.index_of(radius) == 0);
    const ApertureRadius& sharp = runs.radii[0];
    CHECK(sharp.rows == 0);
    CHECK(runs.run(sharp, 0, false).left == -128);
    CHECK(runs.run(sharp, 0, true).right == 128);
    int last = 0;
    for (float radius = 0.5f; radius < 70; radius *= 1.002f) {
        const int index = runs.index_of(radius);
        CHECK((index == last || index == last + 1));
        if (radius < 64) CHECK(std::abs(detail::radius_of_index(index) - radius) <= radius / 256);
        last = index;
    }
    CHECK(last == int(runs.radii.count) - 1);
    CHECK(table.reach() == Size{64, 64});
}

TEST_CASE("a circle is its own mirror image, and a turned shape is the shape turned") {
    Cpu exec;
    const ApertureTable<Cpu> circle(exec, {}, 50), triangle(exec, {.blades = 3}, 20);
    for (const ApertureRadius& entry : {circle.runs().radii[200], circle.runs().radii[circle.runs().radii.count - 1]})
        for (int dy = 0; dy <= entry.rows; ++dy) {
            const ApertureRun run = circle.runs().run(entry, dy, false), other = circle.runs().run(entry, -dy, false);
            CHECK(run.left == -run.right);
            CHECK(run.left == other.left);
            CHECK(run.right == other.right);
        }
    const ApertureRadius& entry = triangle.runs().radii[triangle.runs().radii.count - 1];
    const auto length = [&](int dy, bool turned) {
        const ApertureRun run = triangle.runs().run(entry, dy, turned);
        return run.right - run.left;
    };
    CHECK(length(-18, false) > 0);  // a corner is up
    CHECK(length(18, false) == 0);
    CHECK(length(-18, true) == 0);
    CHECK(length(9, false) == length(-9, true));
}

namespace {
template <class Space>
struct CatEyeRuns {
    ApertureRuns<Space> runs;
    Image<Vec<int, 2>, Space> out;  // [frame][row of the shape]: x = pixel of the frame, y = row
    Size frame;
    float radius;
    CINEBOKEH_HD void operator()(int i, int row) const {
        const ApertureRadius& entry = runs.radii[size_t(runs.index_of(radius))];
        const int dy = row - entry.rows;
        const CatEye eye = runs.cat_eye_at(radius, i % frame.width, i / frame.width, frame, false);
        const ApertureRun run = cut(runs.run(entry, dy, false), eye, dy);
        out(i, row) = {run.left, run.right};
    }
};
template <class Exec>
std::vector<Vec<int, 2>> cat_eye_runs(const Aperture& a, Size frame, float radius) {
    Exec exec;
    const ApertureTable<Exec> table(exec, a, radius);
    Buffer<Vec<int, 2>, Exec> out(exec, {int(frame.area()), 2 * int(std::ceil(radius - 0.5f)) + 1});
    for_each_pixel(exec, out.size(), CatEyeRuns<typename Exec::Space>{table.runs(), out.view(), frame, radius});
    return out.download();
}
}  // namespace

TEST_CASE_TEMPLATE("a cat's eye is the shape cut by a disk that is shifted towards the centre", Exec, EXECUTORS) {
    const Size frame{5, 4};
    for (const Aperture& a :
         {Aperture{.cat_eye = 0.8f}, Aperture{.squeeze = 2, .cat_eye = 1}, Aperture{.blades = 6, .cat_eye = 0.5f}}) {
        const float radius = 11.5f;
        const int rows = 11, count = 2 * rows + 1;
        const auto cut_runs = cat_eye_runs<Exec>(a, frame, radius);
        for (int i = 0; i < int(frame.area()); ++i) {
            const double diagonal = std::hypot(5., 4.);
            const double sx = -double(a.cat_eye) * (2 * (i % 5) + 1 - 5) / diagonal,
                         sy = -double(a.cat_eye) * (2 * (i / 5) + 1 - 4) / diagonal;
            for (int dy = -rows; dy <= rows; ++dy) {
                // The middle line of the row stands for it: half a pixel of slope at the ends, which is below 2.
                double length = 0;
                const double step = 1 / 32., y = dy, widest = double(radius) / double(a.squeeze);
                for (double x = -widest; x < widest; x += step) {
                    const double u = x * double(a.squeeze) / double(radius) - sx, v = y / double(radius) - sy;
                    if (inside(a, x / double(radius), -y / double(radius)) && u * u + v * v <= 1) length += step;
                }
                const Vec<int, 2> run = cut_runs[size_t((dy + rows) * int(frame.area()) + i)];
                const bool end = length < 5;  // the ends of the eye, where its outline lies along the row
                CHECK(std::abs((run[1] - run[0]) / 256. - length) <= (end ? 5 : 0.5));
                CHECK(run[1] >= run[0]);
            }
        }
        CHECK(cut_runs.size() == frame.area() * size_t(count));
    }
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("both backends cut the same cat's eyes", Exec, CUDA_EXECUTORS) {
    for (const Aperture& a : {Aperture{.cat_eye = 0.7f}, Aperture{.blades = 5, .squeeze = 1.33f, .cat_eye = 1}})
        for (float radius : {0.7f, 3.3f, 23.f}) {
            const auto on_cpu = cat_eye_runs<Cpu>(a, {31, 17}, radius),
                       on_cuda = cat_eye_runs<Exec>(a, {31, 17}, radius);
            CHECK(on_cpu == on_cuda);
        }
}
#endif

TEST_CASE("an aperture that cannot be is refused") {
    Cpu exec;
    const auto make = [&](const Aperture& a, float radius = 10) { ApertureTable<Cpu>(exec, a, radius); };
    for (int blades : {-1, 1, 2, 17}) CHECK_THROWS_AS(make({.blades = blades}), Error);
    for (float bad : {-0.1f, 1.1f, NAN}) {
        CHECK_THROWS_AS(make({.blades = 5, .curvature = bad}), Error);
        CHECK_THROWS_AS(make({.cat_eye = bad}), Error);
    }
    for (float bad : {0.2f, 4.1f, NAN}) CHECK_THROWS_AS(make({.squeeze = bad}), Error);
    for (float bad : {0.3f, -0.3f, NAN}) CHECK_THROWS_AS(make({.chromatic = bad}), Error);
    for (float bad : {361.f, NAN}) CHECK_THROWS_AS(make({.rotation = bad}), Error);
    for (float bad : {-1.f, 4097.f, NAN}) CHECK_THROWS_AS(make({}, bad), Error);
    CHECK_NOTHROW(make({}, 0));
}
