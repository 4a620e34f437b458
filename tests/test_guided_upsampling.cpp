#include "cinebokeh/guided_upsampling.hpp"

#include "cinebokeh/core/random.hpp"
#include "guided_reference.hpp"
#include "support.hpp"

using namespace cinebokeh;
using namespace cinebokeh::guided_reference;

namespace {
// The definition in double, but for the small guide, which resize() makes: its own tests hold it to its definition.
std::vector<double> reference_upsampling(const std::vector<float>& in, Size small, const std::vector<Rgba8>& guide,
                                         Size large, int radius, double epsilon) {
    Cpu exec;
    std::vector<Rgba8> pixels = guide;
    Buffer<Rgba8, Cpu> small_guide(exec, small);
    resize(exec, HostImage<const Rgba8>(pixels.data(), large), ResizeFilter::area, small_guide.view());
    const double x_ratio = double(large.width) / small.width, y_ratio = double(large.height) / small.height;
    const auto functions =
        reference_functions(colours(small_guide.download()), {in.begin(), in.end()}, small, radius, epsilon);
    std::vector<double> out =
        applied(window_means(functions, small, radius), small, colours(guide), large, x_ratio, y_ratio);
    std::vector<double> low(small.area()), high(small.area());
    for (int y = 0; y < small.height; ++y)
        for (int x = 0; x < small.width; ++x) {
            double lowest = INFINITY, highest = -INFINITY;
            for (int v = std::max(0, y - 1); v <= std::min(small.height - 1, y + 1); ++v)
                for (int u = std::max(0, x - 1); u <= std::min(small.width - 1, x + 1); ++u) {
                    const double value = double(in[size_t(v * small.width + u)]);
                    lowest = std::min(lowest, value), highest = std::max(highest, value);
                }
            low[size_t(y * small.width + x)] = lowest, high[size_t(y * small.width + x)] = highest;
        }
    for (int y = 0; y < large.height; ++y)
        for (int x = 0; x < large.width; ++x) {
            double lowest = 0, highest = 0;
            interpolate(small, x_ratio, y_ratio, x, y,
                        [&](size_t i, double share) { lowest += share * low[i], highest += share * high[i]; });
            double& value = out[size_t(y * large.width + x)];
            value = std::min(std::max(value, lowest), highest);
        }
    return out;
}
}  // namespace

TEST_CASE_TEMPLATE("guided upsampling is its definition, for any ratio of the sizes", Exec, EXECUTORS) {
    const std::pair<Size, Size> sizes[] = {
        {{1, 1}, {1, 1}}, {{1, 1}, {7, 5}}, {{20, 11}, {50, 37}}, {{33, 9}, {33, 40}}, {{90, 20}, {131, 20}}};
    for (const auto& pair : sizes)
        for (const int radius : {0, 2, 5}) {
            const Size small = pair.first, large = pair.second;
            CAPTURE(large.width);
            CAPTURE(radius);
            Exec exec;
            const auto pixels = noise_rgba(large);
            const auto values = noise(small, 0, 1, 3);
            Buffer<Rgba8, Exec> guide(exec, large, pixels);
            Buffer<float, Exec> in(exec, small, values), out(exec, large);
            GuidedUpsampling<Exec> upsampling(exec, small, {.radius = radius, .epsilon = 20});
            upsampling(in.view(), guide.view(), out.view());
            // As the guided filter, |a| <= 1 / (2 sqrt(20)) times 255, each rounded to 6e-8 of itself a few times.
            CHECK(worst_error(out.download(), reference_upsampling(values, small, pixels, large, radius, 20)) <= 3e-5);
        }
}

TEST_CASE_TEMPLATE("a coarse matte comes to lie on the edge of the guide, and texture adds nothing to it", Exec,
                   EXECUTORS) {
    // A slanted edge between two colours; the matte of a quarter of the size is soft over some of its pixels.
    const Size small{40, 30}, large{160, 120};
    const auto inside = [&](double x, double y) { return x + 0.3 * y > 90; };
    std::vector<Rgba8> pixels(large.area());
    std::vector<float> truth(large.area()), coarse(small.area());
    Random random(1);
    for (int y = 0; y < large.height; ++y)
        for (int x = 0; x < large.width; ++x) {
            const bool subject = inside(x + 0.5, y + 0.5);
            const uint8_t texture = uint8_t(random.below(24));
            truth[size_t(y * large.width + x)] = subject;
            pixels[size_t(y * large.width + x)] =
                subject ? Rgba8{uint8_t(150 + texture), 60, 40, 255} : Rgba8{40, uint8_t(120 + texture), 160, 255};
        }
    for (int y = 0; y < small.height; ++y)
        for (int x = 0; x < small.width; ++x) {
            double sum = 0;  // over three pixels
            for (int i = -1; i <= 1; ++i) sum += inside(4 * (x + i) + 2, 4 * y + 2) / 3.0;
            coarse[size_t(y * small.width + x)] = float(sum);
        }
    Exec exec;
    Buffer<Rgba8, Exec> guide(exec, large, pixels);
    Buffer<float, Exec> in(exec, small, coarse), out(exec, large), plain(exec, large);
    GuidedUpsampling<Exec> upsampling(exec, small);
    upsampling(in.view(), guide.view(), out.view());
    resize(exec, std::as_const(in).view(), ResizeFilter::bilinear, plain.view());
    const auto error = [&](const std::vector<float>& alpha) {
        double sum = 0;
        for (size_t i = 0; i < alpha.size(); ++i) sum += std::abs(double(alpha[i]) - double(truth[i]));
        return sum;
    };
    CHECK(error(out.download()) < 2. / 3 * error(plain.download()));
    const std::vector<float> alpha = out.download();
    int outside = 0;  // away from the edge, where the matte is 0 or 1
    for (int y = 0; y < large.height; ++y)
        for (int x = 0; x < large.width; ++x)
            if (std::abs(x + 0.3 * y - 90) > 20)
                outside += alpha[size_t(y * large.width + x)] != truth[size_t(y * large.width + x)];
    CHECK(outside == 0);
}

TEST_CASE("upsampling allocates nothing, does not depend on the threads, serves smaller images and survives NaN") {
    const Size small{45, 38}, part{31, 20}, large{70, 66};
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 3}) {
        Cpu exec(threads);
        std::vector<float> values = noise(part, 0, 1);
        values[100] = NAN, values[200] = INFINITY;
        Buffer<Rgba8, Cpu> guide(exec, large, noise_rgba(large));
        Buffer<float, Cpu> in(exec, part, values), out(exec, large);
        GuidedUpsampling<Cpu> upsampling(exec, small);
        CHECK(allocations_during([&] { upsampling(in.view(), guide.view(), out.view()); }) == 0);
        results.push_back(out.download());
    }
    CHECK(results[0] == results[1]);
    for (const float v : results[0]) CHECK((v >= 0 && v <= 1));
}

TEST_CASE("upsampling refuses bad parameters and sizes") {
    Cpu exec;
    using Upsampling = GuidedUpsampling<Cpu>;
    CHECK_THROWS_AS(Upsampling(exec, Size{4, 4}, {.radius = -1}), Error);
    CHECK_THROWS_AS(Upsampling(exec, Size{4, 4}, {.radius = 128}), Error);
    CHECK_THROWS_AS(Upsampling(exec, Size{4, 4}, {.epsilon = 0}), Error);
    CHECK_THROWS_AS(Upsampling(exec, Size{4, 4}, {.epsilon = NAN}), Error);
    CHECK_THROWS_AS(Upsampling(exec, Size{4, -4}), Error);
    Upsampling upsampling(exec, {4, 4});
    Buffer<Rgba8, Cpu> guide(exec, {8, 8});
    Buffer<float, Cpu> in(exec, {4, 4}), larger(exec, {5, 4}), out(exec, {8, 8}), narrow(exec, {7, 8});
    CHECK_NOTHROW(upsampling(in.view(), guide.view(), out.view()));
    CHECK_THROWS_AS(upsampling(larger.view(), guide.view(), out.view()), Error);
    CHECK_THROWS_AS(upsampling(in.view(), guide.view(), narrow.view()), Error);
    const auto low = [](auto& buffer) { return buffer.view().crop(0, 0, {8, 3}); };
    CHECK_THROWS_AS(upsampling(in.view(), low(guide), low(out)), Error);  // smaller than the input
    const auto none = [](auto& buffer) { return buffer.view().crop(0, 0, {0, 0}); };
    CHECK_THROWS_AS(upsampling(none(in), guide.view(), out.view()), Error);
    CHECK_NOTHROW(upsampling(none(in), none(guide), none(out)));
}
