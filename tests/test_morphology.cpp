#include "cinebokeh/morphology.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition: all offsets with x^2 + y^2 <= r^2, pixels outside the image left out.
template <class T>
std::vector<T> reference(const std::vector<T>& in, Size s, double radius, bool largest) {
    std::vector<T> out(in.size());
    const int r = int(radius);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            T value = in[size_t(y * s.width + x)];
            for (int v = -r; v <= r; ++v)
                for (int u = -r; u <= r; ++u) {
                    if (u * u + v * v > radius * radius || !s.contains(x + u, y + v)) continue;
                    const T other = in[size_t((y + v) * s.width + x + u)];
                    value = largest ? std::max(value, other) : std::min(value, other);
                }
            out[size_t(y * s.width + x)] = value;
        }
    return out;
}
template <class T>
std::vector<T> values(Size s, unsigned seed) {
    std::vector<T> v;
    for (float f : noise(s, 0, 255, seed)) v.push_back(T(f));
    return v;
}
template <class T, class Exec>
void compare(Size s, float radius) {
    CAPTURE(s.width);
    CAPTURE(s.height);
    CAPTURE(radius);
    Exec exec;
    const auto in = values<T>(s, 3);
    Buffer<T, Exec> image(exec, s, in), out(exec, s);
    Morphology<T, Exec> disk(exec, s, radius);
    disk.dilate(image.view(), out.view());
    CHECK(out.download() == reference(in, s, double(radius), true));
    disk.erode(image.view(), out.view());
    CHECK(out.download() == reference(in, s, double(radius), false));
}
}  // namespace

TEST_CASE_TEMPLATE("dilation and erosion are the extremes over a disk", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{32, 32}, Size{31, 33}, Size{67, 40}, Size{2, 70}, Size{90, 1}})
        for (float radius : {0.f, 0.9f, 1.f, 1.5f, 2.f, 5.f, 8.f, 11.2f}) {
            compare<uint8_t, Exec>(s, radius);
            compare<float, Exec>(s, radius);
        }
    compare<uint8_t, Exec>({20, 9}, 40);  // wider than the image
}

TEST_CASE("a long row and a wide disk") { compare<float, Cpu>({700, 80}, 31.5f); }

TEST_CASE_TEMPLATE("erosion is dilation of the negative, dilation grows and a constant stays", Exec, EXECUTORS) {
    const Size s{45, 38};
    Exec exec;
    const auto in = noise(s, -1, 1);
    std::vector<float> negative;
    for (float v : in) negative.push_back(-v);
    Buffer<float, Exec> a(exec, s, in), b(exec, s, negative), dilated(exec, s), eroded(exec, s);
    Morphology<float, Exec> disk(exec, s, 3.2f);
    disk.dilate(a.view(), dilated.view());
    disk.erode(b.view(), eroded.view());
    const auto d = dilated.download(), e = eroded.download();
    for (size_t i = 0; i < d.size(); ++i) {
        CHECK(d[i] == -e[i]);
        CHECK(d[i] >= in[i]);
    }
    a.upload(std::vector<float>(s.area(), 0.25f));
    disk.dilate(a.view(), dilated.view());
    CHECK(dilated.download() == std::vector<float>(s.area(), 0.25f));
}

TEST_CASE_TEMPLATE("values that are not a number do not take part", Exec, EXECUTORS) {
    const Size s{9, 1};
    Exec exec;
    Buffer<float, Exec> in(exec, s, {NAN, NAN, NAN, 1, 2, NAN, 3, NAN, NAN}), out(exec, s);
    Morphology<float, Exec> disk(exec, s, 1);
    constexpr float lowest = std::numeric_limits<float>::lowest(), highest = std::numeric_limits<float>::max();
    disk.dilate(in.view(), out.view());
    CHECK(out.download() == std::vector<float>{lowest, lowest, 1, 2, 2, 3, 3, 3, lowest});
    disk.erode(in.view(), out.view());
    CHECK(out.download() == std::vector<float>{highest, highest, 1, 1, 1, 2, 3, 3, highest});
}

TEST_CASE_TEMPLATE("a plan serves parts of images and bottom-up images", Exec, EXECUTORS) {
    const Size s{50, 70}, part{33, 41};
    Exec exec;
    const auto in = values<uint8_t>(s, 9);
    Buffer<uint8_t, Exec> image(exec, s, in), out(exec, s, in), tight(exec, part), expected(exec, part);
    Morphology<uint8_t, Exec> disk(exec, s, 4);
    disk.dilate(image.view().crop(6, 8, part), out.view().crop(11, 2, part));
    copy(exec, View<const uint8_t, Exec>(image.view().crop(6, 8, part)), tight.view());
    disk.dilate(tight.view(), expected.view());
    copy(exec, View<const uint8_t, Exec>(out.view().crop(11, 2, part)), tight.view());
    CHECK(tight.download() == expected.download());

    const auto upright = out.view();
    disk.dilate(image.view(), View<uint8_t, Exec>(upright.row(s.height - 1), s, -upright.pitch));
    const auto flipped = out.download(), straight = reference(in, s, 4, true);
    for (int y = 0; y < s.height; ++y)
        CHECK(std::equal(flipped.begin() + y * s.width, flipped.begin() + (y + 1) * s.width,
                         straight.begin() + (s.height - 1 - y) * s.width));
}

TEST_CASE("morphology allocates nothing and refuses bad radii, sizes and a call in place") {
    Cpu exec;
    using Disk = Morphology<float, Cpu>;
    CHECK_THROWS_AS(Disk(exec, Size{4, 4}, -1.f), Error);
    CHECK_THROWS_AS(Disk(exec, Size{4, 4}, NAN), Error);
    CHECK_THROWS_AS(Disk(exec, Size{4, 4}, 1001.f), Error);
    CHECK_THROWS_AS(Disk(exec, Size{4, -4}, 1.f), Error);
    Disk disk(exec, {40, 40}, 2);
    Buffer<float, Cpu> in(exec, {40, 40}, noise(Size{40, 40}, 0, 1)), out(exec, {40, 40}), narrow(exec, {3, 4}),
        large(exec, {41, 4}), also_large(exec, {41, 4}), empty(exec, {0, 0});
    CHECK(allocations_during([&] { disk.dilate(in.view(), out.view()); }) == 0);
    CHECK_THROWS_AS(disk.dilate(in.view(), narrow.view()), Error);
    CHECK_THROWS_AS(disk.erode(large.view(), also_large.view()), Error);
    CHECK_THROWS_AS(disk.erode(in.view(), in.view()), Error);
    CHECK_NOTHROW(disk.dilate(empty.view(), empty.view()));
}
