#include "cinebokeh/disk_blur.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// Weights of the aperture as the header defines it; areas by counting 2000 thin slices of each row.
std::vector<double> aperture(double radius, int reach) {
    const int side = 2 * reach + 1;
    std::vector<double> weight(size_t(side * side), 0.0);
    for (int dy = -reach; dy <= reach; ++dy) {
        double length = 0;
        for (int i = 0; i < 2000; ++i) {
            const double t = dy - 0.5 + (i + 0.5) / 2000;
            if (std::abs(t) < radius) length += 2 * std::sqrt(radius * radius - t * t) / 2000;
        }
        if (radius < 0.5) length = dy == 0;
        for (int dx = -reach; dx <= reach; ++dx) {  // how much of pixel dx a centred run of this length covers
            const double covered = std::min(dx + 0.5, length / 2) - std::max(dx - 0.5, -length / 2);
            weight[size_t((dy + reach) * side + dx + reach)] = std::max(covered, 0.0);
        }
    }
    return weight;
}
std::vector<double> reference(const std::vector<Float4>& in, Size s, double radius) {
    const int reach = int(radius) + 2, side = 2 * reach + 1;
    const auto weight = aperture(radius, reach);
    double total = 0;
    for (double w : weight) total += w;
    std::vector<double> out(4 * s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            for (int c = 0; c < 4; ++c) {
                double sum = 0;
                for (int v = -reach; v <= reach; ++v)
                    for (int u = -reach; u <= reach; ++u) {
                        const int xx = std::min(std::max(x + u, 0), s.width - 1),
                                  yy = std::min(std::max(y + v, 0), s.height - 1);
                        sum +=
                            weight[size_t((v + reach) * side + u + reach)] * double(in[size_t(yy * s.width + xx)][c]);
                    }
                out[4 * size_t(y * s.width + x) + size_t(c)] = sum / total;
            }
    return out;
}
std::vector<Float4> random_pixels(Size s, float high, unsigned seed = 1) {
    const auto values = noise(4 * s.area(), 0, high, seed);
    std::vector<Float4> pixels(s.area());
    std::memcpy(static_cast<void*>(pixels.data()), values.data(), values.size() * sizeof(float));
    return pixels;
}
std::vector<float> unpacked(const std::vector<Float4>& pixels) {
    std::vector<float> values(4 * pixels.size());
    std::memcpy(values.data(), pixels.data(), values.size() * sizeof(float));
    return values;
}
// The ends of 2 radius + 1 rows, two each, are rounded by at most half a step of the ends, of pi radius^2; counted
// twice because the sum of weights is off as well. One step of 2^-15 for the fixed point, and the slices of the oracle.
double bound(double radius) {
    const double step = radius <= 3 ? 1 / 256. : radius <= 10 ? 1 / 64. : 1 / 16.;
    return 4e-5 + (radius < 0.5 ? 0 : 2 * (2 * radius + 1) * step / (3.14 * radius * radius) + 1e-4 / radius);
}
}  // namespace

TEST_CASE_TEMPLATE("disk blur is the mean over the aperture", Exec, EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{128, 16}, Size{129, 15}, Size{37, 50}})
        for (float radius : {0.f, 0.6f, 1.f, 2.5f, 7.f}) {
            CAPTURE(s.width);
            CAPTURE(radius);
            Exec exec;
            const auto in = random_pixels(s, 1);
            Buffer<Float4, Exec> image(exec, s, in), out(exec, s);
            DiskBlur<Exec> blur(exec, s, {.radius = radius});
            blur(image.view(), out.view());
            CHECK(worst_error(unpacked(out.download()), reference(in, s, double(radius))) <= bound(double(radius)));
        }
}

TEST_CASE("disk blur is right where rows are longer than one chunk") {
    const Size s{300, 30};
    Cpu exec;
    const auto in = random_pixels(s, 1);
    Buffer<Float4, Cpu> image(exec, s, in), out(exec, s);
    DiskBlur<Cpu> blur(exec, s, {.radius = 12.3f});
    blur(image.view(), out.view());
    CHECK(worst_error(unpacked(out.download()), reference(in, s, 12.3)) <= bound(12.3));
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("both backends agree bit for bit", Exec, CUDA_EXECUTORS) {
    for (Size s : {Size{1, 1}, Size{128, 16}, Size{127, 17}, Size{300, 41}})
        for (float radius : {0.f, 0.7f, 3.f, 9.4f, 60.f}) {
            if (radius > 20 && s.width != 127) continue;
            CAPTURE(s.width);
            CAPTURE(radius);
            Cpu cpu;
            Exec cuda;
            const auto in = random_pixels(s, 1.3f);  // some values are cut off
            Buffer<Float4, Cpu> a(cpu, s, in), blurred_a(cpu, s);
            Buffer<Float4, Exec> b(cuda, s, in), blurred_b(cuda, s);
            DiskBlur<Cpu> on_cpu(cpu, s, {.radius = radius});
            DiskBlur<Exec> on_cuda(cuda, s, {.radius = radius});
            on_cpu(a.view(), blurred_a.view());
            on_cuda(b.view(), blurred_b.view());
            CHECK(worst_error(unpacked(blurred_a.download()), unpacked(blurred_b.download())) == 0);
        }
}
#endif

TEST_CASE_TEMPLATE("a constant stays, and the light of a spot is kept", Exec, EXECUTORS) {
    const Size s{64, 56};
    Exec exec;
    for (float radius : {0.8f, 4.f, 20.f}) {
        Buffer<Float4, Exec> image(exec, s, std::vector<Float4>(s.area(), Float4{0.25f, 0.5f, 0.75f, 1})), out(exec, s);
        DiskBlur<Exec> blur(exec, s, {.radius = radius});
        blur(image.view(), out.view());
        for (const Float4& p : out.download())
            for (int c = 0; c < 4; ++c) CHECK(std::abs(p[c] - 0.25f * float(c + 1)) <= 4e-6f);  // half a step of 2^-17
        std::vector<Float4> spot(s.area(), Float4{});
        spot[28 * 64 + 32] = {1, 0.5f, 0.1f, 1};
        image.upload(spot);
        blur(image.view(), out.view());
        double sum[4] = {};
        for (const Float4& p : out.download())
            for (int c = 0; c < 4; ++c) sum[c] += double(p[c]);
        for (int c = 0; c < 4; ++c) CHECK(sum[c] == doctest::Approx(double(spot[28 * 64 + 32][c])).epsilon(1e-3));
        CHECK(out.download()[size_t(28 * 64 + 32 + int(radius) + 2)][0] == 0);  // and nothing lands outside the disk
    }
}

TEST_CASE_TEMPLATE("values outside the range are cut, also those that are not numbers", Exec, EXECUTORS) {
    const Size s{33, 20};
    Exec exec;
    std::vector<Float4> in(s.area(), Float4{0.5f, 0.5f, 0.5f, 0.5f});
    in[100] = {NAN, INFINITY, -INFINITY, 1e30f};
    std::vector<Float4> cut = in;
    cut[100] = {0, 4, 0, 4};
    Buffer<Float4, Exec> image(exec, s, in), out(exec, s);
    DiskBlur<Exec> blur(exec, s, {.radius = 3, .max_value = 4});
    blur(image.view(), out.view());
    CHECK(worst_error(unpacked(out.download()), reference(cut, s, 3)) <= 4 * bound(3));
}

TEST_CASE_TEMPLATE("the widest disk does not overflow", Exec, EXECUTORS) {
    const Size s{30, 17};
    Exec exec;
    Buffer<Float4, Exec> image(exec, s, std::vector<Float4>(s.area(), Float4{3, 3, 3, 1.5f})), out(exec, s);
    DiskBlur<Exec> blur(exec, s, {.radius = 200, .max_value = 3});
    blur(image.view(), out.view());
    for (const Float4& p : out.download()) {
        CHECK(std::abs(p[0] - 3) <= 4.f / 8192);  // one step: 4 is 3 rounded up to a power of two
        CHECK(std::abs(p[3] - 1.5f) <= 4.f / 8192);
    }
}

TEST_CASE_TEMPLATE("a plan serves parts of images and bottom-up images", Exec, EXECUTORS) {
    const Size s{60, 50}, part{33, 41};
    Exec exec;
    const auto in = random_pixels(s, 1);
    Buffer<Float4, Exec> image(exec, s, in), out(exec, s, in), tight(exec, part), expected(exec, part);
    DiskBlur<Exec> blur(exec, s, {.radius = 3.5f});
    copy(exec, View<const Float4, Exec>(image.view().crop(6, 8, part)), tight.view());
    blur(tight.view(), expected.view());
    const auto target = out.view().crop(3, 4, part);
    blur(image.view().crop(6, 8, part), View<Float4, Exec>(target.row(part.height - 1), part, -target.pitch));
    copy(exec, View<const Float4, Exec>(target), tight.view());
    const auto flipped = tight.download(), upright = expected.download();
    for (int y = 0; y < part.height; ++y)
        CHECK(std::equal(flipped.begin() + y * part.width, flipped.begin() + (y + 1) * part.width,
                         upright.begin() + (part.height - 1 - y) * part.width));
}

TEST_CASE("disk blur allocates nothing, ignores the number of threads and refuses bad input") {
    const Size s{70, 61};
    std::vector<std::vector<float>> results;
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        Buffer<Float4, Cpu> image(exec, s, random_pixels(s, 1)), out(exec, s);
        DiskBlur<Cpu> blur(exec, s, {.radius = 6});
        CHECK(allocations_during([&] { blur(image.view(), out.view()); }) == 0);
        results.push_back(unpacked(out.download()));
    }
    CHECK(results[0] == results[1]);
    Cpu exec;
    using Blur = DiskBlur<Cpu>;
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, {.radius = -1}), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, {.radius = NAN}), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, {.radius = 201}), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, 4}, {.max_value = 0}), Error);
    CHECK_THROWS_AS(Blur(exec, Size{4, -4}), Error);
    Blur blur(exec, {4, 4});
    Buffer<Float4, Cpu> image(exec, {4, 4}), narrow(exec, {3, 4}), large(exec, {5, 4}), other(exec, {5, 4}),
        none(exec, {0, 0});
    CHECK_THROWS_AS(blur(image.view(), narrow.view()), Error);
    CHECK_THROWS_AS(blur(large.view(), other.view()), Error);
    CHECK_THROWS_AS(blur(image.view(), image.view()), Error);
    CHECK_NOTHROW(blur(none.view(), none.view()));
}
