#include "cinebokeh/resize.hpp"

#include <functional>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition, in double, of one channel: `at(x, y)` is the input inside the image.
using Channel = std::function<double(int, int)>;

double reference_nearest(const Channel& at, Size in, Size out, int x, int y) {
    return at(int(std::floor((x + 0.5) * in.width / out.width)), int(std::floor((y + 0.5) * in.height / out.height)));
}
// The weight of input pixel i in output pixel o, along one axis.
double tent(int o, int i, int in, int out) {
    const double centre = std::min(in - 1.0, std::max(0.0, (o + 0.5) * in / out - 0.5));
    return std::max(0.0, 1 - std::abs(centre - i));
}
double box(int o, int i, int in, int out) {
    if (in < out) return tent(o, i, in, out);
    const double begin = double(o) * in / out, end = double(o + 1) * in / out;
    return std::max(0.0, std::min(end, i + 1.0) - std::max(begin, double(i))) * out / in;
}
double reference(const Channel& at, Size in, ResizeFilter filter, Size out, int x, int y) {
    if (filter == ResizeFilter::nearest) return reference_nearest(at, in, out, x, y);
    const auto weight = filter == ResizeFilter::area ? box : tent;
    double sum = 0;
    for (int j = 0; j < in.height; ++j)
        for (int i = 0; i < in.width; ++i) {
            const double w = weight(x, i, in.width, out.width) * weight(y, j, in.height, out.height);
            if (w > 0) sum += w * at(i, j);
        }
    return sum;
}

constexpr ResizeFilter filters[] = {ResizeFilter::nearest, ResizeFilter::bilinear, ResizeFilter::area};
struct Case {
    Size in, out;
};
// One pixel, no change, half, a third, uneven both ways, one axis each way, a strip and a bit, single rows and columns.
constexpr Case cases[] = {{{1, 1}, {3, 5}},   {{7, 5}, {7, 5}},    {{12, 10}, {6, 5}},   {{9, 6}, {3, 2}},
                          {{13, 11}, {5, 4}}, {{5, 4}, {13, 11}},  {{14, 3}, {6, 8}},    {{40, 2}, {257, 3}},
                          {{64, 1}, {9, 1}},  {{1, 64}, {1, 100}}, {{300, 3}, {259, 2}}, {{16, 16}, {1, 1}}};

template <class T>
std::vector<T> random_pixels(Size size);
template <>
std::vector<uint8_t> random_pixels(Size size) {
    std::vector<uint8_t> pixels;
    for (Rgba8 p : noise_rgba(size)) pixels.push_back(p[0]);
    return pixels;
}
template <>
std::vector<Rgba8> random_pixels(Size size) {
    return noise_rgba(size);
}
template <>
std::vector<float> random_pixels(Size size) {
    return noise(size, -3, 5);
}
template <class T>
std::vector<T> random_pixels(Size size) {
    constexpr int n = sizeof(T) / sizeof(float);
    const auto values = noise(size.area() * n, -3, 5);
    std::vector<T> pixels(size.area());
    for (size_t i = 0; i < values.size(); ++i) pixels[i / n][int(i % n)] = values[i];
    return pixels;
}

// The worst error over all channels of all pixels.
template <class Exec, class T, class Component>
double resize_error(Size in_size, ResizeFilter filter, Size out_size) {
    constexpr int channels = sizeof(T) / sizeof(Component);
    Exec exec;
    const auto pixels = random_pixels<T>(in_size);
    Buffer<T, Exec> in(exec, in_size, pixels), out(exec, out_size);
    resize(exec, in.view(), filter, out.view());
    const auto result = out.download();
    const auto* from = reinterpret_cast<const Component*>(pixels.data());
    const auto* to = reinterpret_cast<const Component*>(result.data());
    std::vector<double> expected;
    for (int y = 0; y < out_size.height; ++y)
        for (int x = 0; x < out_size.width; ++x)
            for (int c = 0; c < channels; ++c) {
                const Channel at = [&](int i, int j) { return double(from[(j * in_size.width + i) * channels + c]); };
                expected.push_back(reference(at, in_size, filter, out_size, x, y));
            }
    return worst_error(std::vector<Component>(to, to + expected.size()), expected);
}
}  // namespace

TEST_CASE_TEMPLATE("8-bit images are resized to within rounding", Exec, EXECUTORS) {
    for (const Case& c : cases)
        for (ResizeFilter filter : filters) {
            CAPTURE(c.in.width);
            CAPTURE(c.out.width);
            CAPTURE(int(filter));
            // Half a code, and for bilinear two weights rounded to 1/2048: 2 * 255 / 4096.
            const double bound = filter == ResizeFilter::nearest ? 0
                                 : filter == ResizeFilter::area  ? 0.5 + 1e-9
                                                                 : 0.625;
            CHECK(resize_error<Exec, Rgba8, uint8_t>(c.in, filter, c.out) <= bound);
            CHECK(resize_error<Exec, uint8_t, uint8_t>(c.in, filter, c.out) <= bound);
        }
}

TEST_CASE_TEMPLATE("float images are resized to within rounding", Exec, EXECUTORS) {
    for (const Case& c : cases)
        for (ResizeFilter filter : filters) {
            CAPTURE(c.in.width);
            CAPTURE(c.out.width);
            CAPTURE(int(filter));
            // Values below 5. Bilinear: 3 lerps of 3 roundings; area: up to 256 additions.
            const double bound = filter == ResizeFilter::nearest ? 0 : filter == ResizeFilter::area ? 8e-5 : 5e-6;
            CHECK(resize_error<Exec, float, float>(c.in, filter, c.out) <= bound);
            CHECK(resize_error<Exec, Float2, float>(c.in, filter, c.out) <= bound);
            CHECK(resize_error<Exec, Float3, float>(c.in, filter, c.out) <= bound);
            CHECK(resize_error<Exec, Float4, float>(c.in, filter, c.out) <= bound);
        }
}

TEST_CASE_TEMPLATE("8-bit results are bit-equal to those of the Cpu", Exec, EXECUTORS) {
    Cpu cpu;
    for (const Case& c : cases)
        for (ResizeFilter filter : filters) {
            Exec exec;
            const auto pixels = noise_rgba(c.in);
            Buffer<Rgba8, Cpu> cpu_in(cpu, c.in, pixels), expected(cpu, c.out);
            Buffer<Rgba8, Exec> in(exec, c.in, pixels), out(exec, c.out);
            resize(cpu, cpu_in.view(), filter, expected.view());
            resize(exec, in.view(), filter, out.view());
            CHECK(out.download() == expected.download());
        }
}

TEST_CASE_TEMPLATE("resizing leaves a constant image constant, and to the same size leaves it unchanged", Exec,
                   EXECUTORS) {
    Exec exec;
    for (const Case& c : cases)
        for (ResizeFilter filter : filters) {
            Buffer<uint8_t, Exec> in(exec, c.in, std::vector<uint8_t>(c.in.area(), 201)), out(exec, c.out);
            resize(exec, in.view(), filter, out.view());
            CHECK(out.download() == std::vector<uint8_t>(c.out.area(), 201));

            const auto pixels = noise(c.in, -1, 1);
            Buffer<float, Exec> a(exec, c.in, pixels), b(exec, c.in);
            resize(exec, a.view(), filter, b.view());
            CHECK(b.download() == pixels);
        }
}

TEST_CASE_TEMPLATE("bottom-up and padded images resize like others", Exec, EXECUTORS) {
    Exec exec;
    const Size in_size{13, 6}, out_size{5, 3};
    const auto pixels = noise(in_size, 0, 1);
    std::vector<float> flipped;
    for (int y = in_size.height - 1; y >= 0; --y)
        flipped.insert(flipped.end(), pixels.begin() + y * in_size.width, pixels.begin() + (y + 1) * in_size.width);
    Buffer<float, Exec> in(exec, in_size, pixels), upside(exec, in_size, flipped), out(exec, out_size),
        again(exec, out_size);
    for (ResizeFilter filter : filters) {
        resize(exec, in.view(), filter, out.view());
        const View<float, Exec> last = upside.view();
        const View<float, Exec> bottom_up(last.row(in_size.height - 1), in_size, -last.pitch);
        resize(exec, bottom_up, filter, again.view());
        CHECK(again.download() == out.download());
    }
}

TEST_CASE_TEMPLATE("a value that is not a number spreads only to pixels that read it", Exec, EXECUTORS) {
    Exec exec;
    Buffer<float, Exec> in(exec, {4, 1}, {1, 2, NAN, INFINITY}), out(exec, {2, 1}), same(exec, {4, 1});
    for (ResizeFilter filter : {ResizeFilter::bilinear, ResizeFilter::area}) {
        resize(exec, in.view(), filter, out.view());
        CHECK(out.download()[0] == 1.5f);
        CHECK(std::isnan(out.download()[1]));
        resize(exec, in.view(), filter, same.view());
        CHECK(same.download()[1] == 2.f);
        CHECK(same.download()[3] == INFINITY);
    }
}

TEST_CASE("resize refuses empty and overlong images, and allocates nothing") {
    Cpu exec;
    Buffer<uint8_t, Cpu> none(exec, {0, 4}), some(exec, {4, 4}), line(exec, {65536, 1}), more(exec, {9, 9});
    CHECK_THROWS_AS(resize(exec, none.view(), ResizeFilter::area, some.view()), Error);
    CHECK_THROWS_AS(resize(exec, line.view(), ResizeFilter::area, some.view()), Error);
    resize(exec, some.view(), ResizeFilter::area, none.view());
    CHECK(allocations_during([&] { resize(exec, more.view(), ResizeFilter::area, some.view()); }) == 0);
}

TEST_CASE("a reduced size keeps the shape, and never grows") {
    CHECK(reduced_size({854, 480}, 427 * 240) == Size{427, 240});
    CHECK(reduced_size({320, 240}, 427 * 240) == Size{320, 240});
    CHECK(reduced_size({100000, 1}, 100) == Size{3162, 1});
    CHECK_THROWS_AS(reduced_size({0, 5}, 100), Error);
    CHECK_THROWS_AS(reduced_size({5, 5}, 0), Error);
}
