#include "cinebokeh/region_graph.hpp"

#include <algorithm>
#include <map>

#include "cinebokeh/slic.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
struct ReferenceRegion {
    double pixels = 0, lab[3] = {}, x = 0, y = 0;
};
double lab_channel(Rgba8 p, int channel) {
    const double matrix[3][3] = {
        {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
    double f[3];
    for (int i = 0; i < 3; ++i) {
        double t = 0;
        for (int c = 0; c < 3; ++c) {
            const double code = p[c] / 255.0;
            t += matrix[i][c] * (code <= 0.04045 ? code / 12.92 : std::pow((code + 0.055) / 1.055, 2.4));
        }
        t /= matrix[i][0] + matrix[i][1] + matrix[i][2];
        f[i] = t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
    }
    return channel == 0 ? 116 * f[1] - 16 : channel == 1 ? 500 * (f[0] - f[1]) : 200 * (f[1] - f[2]);
}

// Bands that wander: some regions touch along one side only, some along many.
std::vector<int> bands(Size size, int columns, int& count) {
    std::vector<int> labels(size.area());
    count = 0;
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            int& label = labels[size_t(y) * size.width + x];
            label = std::min(columns - 1, (x + y / 3 % 4) * columns / size.width) + columns * (y / 9);
            count = std::max(count, label + 1);
        }
    return labels;
}

void check_against_definition(const std::vector<Rgba8>& pixels, const std::vector<int>& labels, Size size, int count,
                              RegionGraph& graph) {
    std::map<std::pair<int, int>, int> borders;
    std::vector<ReferenceRegion> regions(static_cast<size_t>(count));
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const int a = labels[size_t(y) * size.width + x];
            ReferenceRegion& region = regions[size_t(a)];
            region.pixels += 1, region.x += x, region.y += y;
            for (int c = 0; c < 3; ++c) region.lab[c] += lab_channel(pixels[size_t(y) * size.width + x], c);
            for (auto [i, j] : {std::pair{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}})
                if (size.contains(i, j) && labels[size_t(j) * size.width + i] != a)
                    ++borders[{a, labels[size_t(j) * size.width + i]}];
        }
    REQUIRE(graph.count() == count);
    for (int i = 0; i < count; ++i) {
        const Region& region = graph.regions()[size_t(i)];
        const ReferenceRegion& expected = regions[size_t(i)];
        const double n = std::max(1.0, expected.pixels);
        CHECK(region.pixels == expected.pixels);
        CHECK(region.centre[0] == doctest::Approx(expected.x / n).epsilon(1e-6));  // one rounding to float
        CHECK(region.centre[1] == doctest::Approx(expected.y / n).epsilon(1e-6));
        for (int c = 0; c < 3; ++c)
            CHECK(std::abs(region.lab[c] - expected.lab[c] / n) <= 0.01);  // that of srgb_to_lab
    }
    std::vector<int> offsets(static_cast<size_t>(count) + 1), targets, lengths;
    for (const auto& [pair, length] : borders) {  // in ascending order of pairs
        ++offsets[size_t(pair.first) + 1];
        targets.push_back(pair.second), lengths.push_back(length);
    }
    for (int i = 0; i < count; ++i) offsets[size_t(i) + 1] += offsets[size_t(i)];
    CHECK(std::vector<int>(graph.offsets().begin(), graph.offsets().end()) == offsets);
    CHECK(std::vector<int>(graph.targets().begin(), graph.targets().end()) == targets);
    CHECK(std::vector<int>(graph.borders().begin(), graph.borders().end()) == lengths);
}
}  // namespace

TEST_CASE("the region graph lists every touching pair from both sides, ascending, with its border") {
    for (Size size : {Size{1, 1}, Size{1, 40}, Size{40, 1}, Size{31, 27}, Size{64, 130}}) {
        CAPTURE(size.width);
        CAPTURE(size.height);
        int count = 0;
        const auto labels = bands(size, std::min(5, size.width), count);
        const auto pixels = noise_rgba(size);
        for (int threads : {1, 3}) {
            Cpu exec(threads);
            RegionGraph graph(exec, size, count + 3);
            for (int pass = 0; pass < 2; ++pass) {  // a plan is as good the second time
                graph(host_view(pixels, size), host_view(labels, size), count);
                check_against_definition(pixels, labels, size, count, graph);
            }
        }
    }
}

TEST_CASE("the graph of superpixels is the same from their Lab colours, which are rounded to eighths") {
    const Size size{150, 140};  // four strips
    const auto pixels = noise_rgba(size);
    Cpu exec;
    Buffer<int, Cpu> labels(exec, size), count(exec, {1, 1});
    Slic<Cpu> slic(exec, size, {.superpixels = 60});
    slic(host_view(pixels, size), labels.view(), count.span());
    const int n = count.span()[0];
    RegionGraph from_image(exec, size, slic.max_labels()), from_lab(exec, size, slic.max_labels());
    from_image(host_view(pixels, size), labels.view(), n);
    from_lab(slic.colors(), labels.view(), n);
    check_against_definition(pixels, labels.download(), size, n, from_image);
    auto equal = [](HostSpan<const int> a, HostSpan<const int> b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    };
    CHECK(equal(from_image.offsets(), from_lab.offsets()));
    CHECK(equal(from_image.targets(), from_lab.targets()));
    CHECK(equal(from_image.borders(), from_lab.borders()));
    for (size_t i = 0; i < size_t(n); ++i) {
        CHECK(from_image.regions()[i].centre == from_lab.regions()[i].centre);
        for (int c = 0; c < 3; ++c)  // rounded by at most half an eighth, in every pixel
            CHECK(std::abs(from_image.regions()[i].lab[c] - from_lab.regions()[i].lab[c]) <= 1.0 / 16 + 1e-4);
    }
}

TEST_CASE("every pixel may be a region, and a region may have no pixel") {
    const Size size{6, 5};
    std::vector<int> labels(size.area());
    for (size_t i = 0; i < labels.size(); ++i) labels[i] = int(i);
    const auto pixels = noise_rgba(size);
    Cpu exec;
    RegionGraph graph(exec, size, 40);
    graph(host_view(pixels, size), host_view(labels, size), 40);
    check_against_definition(pixels, labels, size, 40, graph);
    CHECK(graph.regions()[39].pixels == 0);
}

TEST_CASE("the region graph reads bottom-up images and allocates nothing") {
    const Size size{20, 12};
    int count = 0;
    auto labels = bands(size, 4, count);
    auto pixels = noise_rgba(size);
    Cpu exec;
    RegionGraph graph(exec, size, count);
    const HostImage<Rgba8> image(pixels.data() + 20 * 11, size, -80);
    const HostImage<int> upside(labels.data() + 20 * 11, size, -80);
    CHECK(allocations_during([&] { graph(image, upside, count); }) == 0);
    std::vector<Rgba8> flipped;
    std::vector<int> flipped_labels;
    for (int y = 11; y >= 0; --y)
        for (int x = 0; x < 20; ++x)
            flipped.push_back(pixels[y * 20 + x]), flipped_labels.push_back(labels[y * 20 + x]);
    check_against_definition(flipped, flipped_labels, size, count, graph);
}

TEST_CASE("the region graph refuses wrong sizes, counts and labels") {
    Cpu exec;
    CHECK_THROWS_AS(RegionGraph(exec, {0, 3}, 5), Error);
    CHECK_THROWS_AS(RegionGraph(exec, {3, 3}, 0), Error);
    const Size size{4, 4};
    const auto pixels = noise_rgba(size);
    std::vector<int> labels(16, 0);
    RegionGraph graph(exec, size, 2);
    CHECK_THROWS_AS(graph(host_view(pixels, size), host_view(labels, {4, 3}), 1), Error);
    CHECK_THROWS_AS(graph(host_view(pixels, size), host_view(labels, size), 3), Error);
    labels[7] = 2;
    CHECK_THROWS_AS(graph(host_view(pixels, size), host_view(labels, size), 2), Error);
    labels[7] = -1;
    CHECK_THROWS_AS(graph(host_view(pixels, size), host_view(labels, size), 2), Error);
    labels[7] = 1;
    graph(host_view(pixels, size), host_view(labels, size), 2);
    CHECK(graph.targets().count == 2);
}

TEST_CASE("regions in too many pieces have more neighbours than a graph has room for, and are refused") {
    const Size size{64, 140};
    std::vector<int> labels;  // noise: nearly all of 1225 pairs touch, of 150 that there is room for
    for (float v : noise(size, 0, 49.9f)) labels.push_back(int(v));
    const auto pixels = noise_rgba(size);
    Cpu exec;
    RegionGraph graph(exec, size, 50);
    CHECK_THROWS_AS(graph(host_view(pixels, size), host_view(labels, size), 50), Error);
    std::fill(labels.begin(), labels.end(), 3);
    graph(host_view(pixels, size), host_view(labels, size), 50);  // and nothing of it is left
    check_against_definition(pixels, labels, size, 50, graph);
}
