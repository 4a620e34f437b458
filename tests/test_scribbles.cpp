#include "cinebokeh/scribbles.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
double distance_to_segment(double x, double y, Float2 a, Float2 b) {
    double least = INFINITY;  // by walking along it in 4000 steps
    for (int i = 0; i <= 4000; ++i) {
        const double t = i / 4000.0;
        least = std::min(least, std::hypot(x - (a[0] + t * (b[0] - a[0])), y - (a[1] + t * (b[1] - a[1]))));
    }
    return least;
}
}  // namespace

TEST_CASE("red marks the subject, blue the background, and other colours nothing") {
    const Size size{4, 2};
    const std::vector<Rgba8> picture = {{255, 0, 0, 255}, {201, 79, 79, 128}, {200, 0, 0, 255},  {255, 0, 0, 127},
                                        {0, 0, 255, 255}, {79, 79, 201, 200}, {0, 80, 255, 255}, {255, 0, 255, 255}};
    Cpu exec;
    Buffer<uint8_t, Cpu> labels(exec, size);
    read_scribbles(exec, host_view(picture, size), labels.view());
    CHECK(labels.download() == std::vector<uint8_t>{1, 1, 0, 0, 2, 2, 0, 0});
}

TEST_CASE("a picture of another size, or with one colour only, is an error that says so") {
    Cpu exec;
    Buffer<uint8_t, Cpu> labels(exec, {2, 1});
    const auto read = [&](std::vector<Rgba8> picture) {
        read_scribbles(exec, host_view(picture, {2, 1}), labels.view());
    };
    const Rgba8 red{255, 0, 0, 255}, blue{0, 0, 255, 255}, none{9, 9, 9, 255};
    read({red, blue});
    CHECK_THROWS_WITH_AS(read({red, none}), doctest::Contains("no background"), Error);
    CHECK_THROWS_WITH_AS(read({none, blue}), doctest::Contains("no subject"), Error);
    CHECK_THROWS_WITH_AS(read({none, none}), doctest::Contains("nothing is marked"), Error);
    const std::vector<Rgba8> large(6, red);
    CHECK_THROWS_WITH_AS(read_scribbles(exec, host_view(large, {3, 2}), labels.view()),
                         doctest::Contains("the picture is 3 x 2, the frame 2 x 1"), Error);
}

TEST_CASE("a stroke covers the pixels within the brush radius of its line") {
    const Size size{40, 30};
    const std::vector<Float2> points = {{5, 5}, {30.5f, 9.25f}, {-8, 40}, {-8, 40}};
    for (float radius : {0.f, 0.75f, 3.2f}) {
        CAPTURE(radius);
        Cpu exec;
        Buffer<uint8_t, Cpu> labels(exec, size, std::vector<uint8_t>(size.area(), 2));
        draw_scribble(exec, {points.data(), points.size()}, radius, 1, labels.view());
        int wrong = 0;
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                const double d = std::min(distance_to_segment(x, y, points[0], points[1]),
                                          distance_to_segment(x, y, points[1], points[2]));
                const bool at_point = (x == 5 && y == 5) || (x == 31 && y == 9);
                if (std::abs(d - radius) < 0.01 && !at_point) continue;  // the walk is that exact
                wrong += labels.view()(x, y) != (d <= radius || at_point ? 1 : 2);
            }
        CHECK(wrong == 0);
    }
}

TEST_CASE("a single point is a disk, no point is nothing, and label 0 erases") {
    Cpu exec;
    Buffer<uint8_t, Cpu> labels(exec, {5, 5}, std::vector<uint8_t>(25, 0));
    const Float2 point{2, 2};
    draw_scribble(exec, {&point, 0}, 2, 1, labels.view());
    CHECK(labels.download() == std::vector<uint8_t>(25, 0));
    draw_scribble(exec, {&point, 1}, 1, 1, labels.view());
    const auto drawn = labels.download();
    CHECK(std::count(drawn.begin(), drawn.end(), 1) == 5);
    draw_scribble(exec, {&point, 1}, 1, 0, labels.view());
    CHECK(labels.download() == std::vector<uint8_t>(25, 0));
}

TEST_CASE("strokes refuse values that are not numbers, and labels that mean nothing") {
    Cpu exec;
    Buffer<uint8_t, Cpu> labels(exec, {5, 5});
    const Float2 good{1, 1}, bad{NAN, 1}, far{1e7f, 0};
    CHECK_THROWS_AS(draw_scribble(exec, {&bad, 1}, 1, 1, labels.view()), Error);
    CHECK_THROWS_AS(draw_scribble(exec, {&far, 1}, 1, 1, labels.view()), Error);
    CHECK_THROWS_AS(draw_scribble(exec, {&good, 1}, NAN, 1, labels.view()), Error);
    CHECK_THROWS_AS(draw_scribble(exec, {&good, 1}, 1, 3, labels.view()), Error);
}
