// Parts of the program, each against its definition.
#include "builtin_clip.hpp"
#include "program.hpp"
#include "progress.hpp"
#include "yuv.hpp"

using namespace cinebokeh;
using namespace cinebokeh::demo;

namespace {
struct Planes {
    Size even, half;
    std::vector<uint8_t> y, u, v;
    explicit Planes(Size size)
        : even(even_size(size)),
          half{even.width / 2, even.height / 2},
          y(even.area()),
          u(half.area()),
          v(half.area()) {}
    YuvPlanes view() { return {{y.data(), even}, {u.data(), half}, {v.data(), half}}; }
};

// BT.709 by its definition, in double; chroma at (cx, cy) is the mean of [1 2 1] / 4 across and [1 1] / 2 down.
struct Yuv {
    double y, u, v;
};
Yuv reference(const std::vector<Rgba8>& pixels, Size size, int x, int y) {
    x = std::clamp(x, 0, size.width - 1), y = std::clamp(y, 0, size.height - 1);
    const Rgba8 p = pixels[size_t(y) * size_t(size.width) + size_t(x)];
    const double r = p[0] / 255., g = p[1] / 255., b = p[2] / 255., luma = .2126 * r + .7152 * g + .0722 * b;
    return {16 + 219 * luma, 128 + 224 * (b - luma) / 1.8556, 128 + 224 * (r - luma) / 1.5748};
}
}  // namespace

TEST_CASE("rgba_to_yuv420 is BT.709 in limited range, odd sides repeat their last pixels") {
    Cpu exec;
    for (const Size size : {Size{1, 1}, Size{2, 2}, Size{3, 5}, Size{64, 34}, Size{1027, 9}}) {
        CAPTURE(size.width);
        const std::vector<Rgba8> pixels = noise_rgba(size);
        Planes planes(size);
        rgba_to_yuv420(exec, {pixels.data(), size}, planes.view());
        double worst_luma = 0, worst_chroma = 0;
        for (int y = 0; y < planes.even.height; ++y)
            for (int x = 0; x < planes.even.width; ++x)
                worst_luma = std::max(worst_luma, std::abs(reference(pixels, size, x, y).y - planes.view().y(x, y)));
        for (int y = 0; y < planes.half.height; ++y)
            for (int x = 0; x < planes.half.width; ++x) {
                double u = 0, v = 0;
                for (int dy = 0; dy < 2; ++dy)
                    for (int dx = -1; dx <= 1; ++dx) {
                        const Yuv p = reference(pixels, size, 2 * x + dx, 2 * y + dy);
                        u += p.u * (dx ? 1 : 2) / 8, v += p.v * (dx ? 1 : 2) / 8;
                    }
                worst_chroma =
                    std::max({worst_chroma, std::abs(u - planes.view().u(x, y)), std::abs(v - planes.view().v(x, y))});
            }
        CHECK(worst_luma <= 0.51);  // rounding, and 3 * 255 * 2^-17 from the coefficients
        CHECK(worst_chroma <= 0.51);
    }
}

TEST_CASE("rgba_to_yuv420 keeps greys grey, black at 16 and white at 235") {
    Cpu exec;
    for (int grey : {0, 1, 77, 254, 255}) {
        const std::vector<Rgba8> pixels(6, Rgba8{uint8_t(grey), uint8_t(grey), uint8_t(grey), 0});
        Planes planes({3, 2});
        rgba_to_yuv420(exec, {pixels.data(), {3, 2}}, planes.view());
        CHECK(planes.y[0] == int(std::lround(16 + grey * 219 / 255.)));
        CHECK(planes.u[1] == 128);
        CHECK(planes.v[0] == 128);
    }
    const std::vector<Rgba8> pixels(4);
    Planes planes({4, 2});
    CHECK_THROWS_AS(rgba_to_yuv420(exec, {pixels.data(), {2, 2}}, planes.view()), Error);
}

TEST_CASE("a PNG that is written is read again without a change, small and in stripes") {
    const Scratch scratch;
    for (const Size size : {Size{1, 1}, Size{5, 3}, Size{2500, 1801}}) {  // the last has more than 4 million pixels
        std::vector<Rgba8> pixels = noise_rgba(size);
        for (Rgba8& p : pixels) p[3] = 255;
        for (size_t i = 0; i < pixels.size() / 2; ++i) pixels[i] = {uint8_t(i / 9), 7, uint8_t(i / 5), 255};
        write_png(scratch / "a.png", {pixels.data(), size});
        const Picture back = read_picture(scratch / "a.png");
        CHECK(back.size == size);
        CHECK(back.pixels == pixels);
    }
    CHECK_THROWS_AS(write_square(scratch, "no/where.png", {2, 2}), Error);
}

TEST_CASE("read_grey takes the largest channel, read_matte wants the size of the frame") {
    const Scratch scratch;
    const std::vector<Rgba8> pixels = {{0, 0, 3, 255}, {9, 200, 1, 255}};
    write_png(scratch / "a.png", {pixels.data(), {2, 1}});
    CHECK(read_grey(scratch / "a.png").pixels == std::vector<uint8_t>{3, 200});
    CHECK_THROWS_AS(read_matte(scratch / "a.png", {1, 2}), Error);
}

TEST_CASE("the built-in clip is the same in every run, and its matte has an edge") {
    const BuiltinClip a, b;
    Cpu one(1), all;
    const Size size = BuiltinClip::size;
    std::vector<Rgba8> first(size.area()), second(size.area()), later(size.area());
    std::vector<float> matte(size.area()), disparity(size.area());
    a.draw(one, 5, host_view(first, size), host_view(matte, size), host_view(disparity, size));
    b.draw(all, 5, host_view(second, size), host_view(matte, size), {});
    CHECK(first == second);
    size_t subject = 0, soft = 0, nearer = 0;
    for (size_t i = 0; i < matte.size(); ++i) {
        REQUIRE((matte[i] >= 0 && matte[i] <= 1 && disparity[i] >= 0 && disparity[i] <= 1));
        subject += matte[i] > 0.5f, soft += matte[i] > 0.05f && matte[i] < 0.95f;
        nearer += (matte[i] > 0.5f) == (disparity[i] > 0.8f);
    }
    CHECK(subject > size.area() / 10);
    CHECK(subject < size.area() / 2);
    CHECK(soft > 1000);  // fur
    CHECK(nearer == size.area());
    a.draw(all, 119, host_view(later, size), host_view(matte, size), {});
    CHECK(!(later == first));
    CHECK_THROWS_AS(a.draw(all, 120, host_view(later, size), host_view(matte, size), {}), Error);
}

TEST_CASE("percentile is the nearest rank") {
    CHECK(percentile({}, 0.5) == 0);
    CHECK(percentile({3}, 0.95) == 3);
    CHECK(percentile({5, 1, 4, 2, 3}, 0.5) == 3);
    CHECK(percentile({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.95) == 10);
}

TEST_CASE("the line of the progress tells fps and the time left") {
    CHECK(Progress::line(120, 367, 6) == "120 of 367 frames, 20.0 fps, 0:12 left");
    CHECK(Progress::line(120, 0, 6) == "120 frames, 20.0 fps");
    CHECK(Progress::line(0, 0, 0) == "0 frames, 0.0 fps");
}
