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

// What a graph holds, on the host.
struct Result {
    std::vector<Region> regions;
    std::vector<int> offsets, targets, borders;
};
Result result_of(RegionGraph<Cpu>& graph, Cpu&) {
    auto list = [](auto span) {
        return std::vector<std::remove_const_t<std::remove_reference_t<decltype(span[0])>>>(span.begin(), span.end());
    };
    return {list(graph.regions()), list(graph.offsets()), list(graph.targets()), list(graph.borders())};
}
#if CINEBOKEH_GRID
Result result_of(RegionGraph<Cuda>& graph, Cuda& exec) {
    graph.check();
    auto list = [&](auto span) {
        std::vector<std::remove_const_t<std::remove_reference_t<decltype(span[0])>>> values(span.count);
        const Size size{int(span.count), 1};
        copy(exec, Image<std::remove_reference_t<decltype(span[0])>, DeviceSpace>(span.data, size),
             host_view(values, size));
        exec.synchronize();
        return values;
    };
    Result r{list(graph.regions()), list(graph.offsets()), list(graph.targets()), list(graph.borders())};
    r.targets.resize(size_t(r.offsets.back())), r.borders.resize(size_t(r.offsets.back()));
    return r;
}
#endif

void check_against_definition(const std::vector<Rgba8>& pixels, const std::vector<int>& labels, Size size, int count,
                              const Result& graph) {
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
    REQUIRE(graph.regions.size() == size_t(count));
    for (int i = 0; i < count; ++i) {
        const Region& region = graph.regions[size_t(i)];
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
    CHECK(graph.offsets == offsets);
    CHECK(graph.targets == targets);
    CHECK(graph.borders == lengths);
}
}  // namespace

TEST_CASE_TEMPLATE("the region graph lists every touching pair from both sides, ascending, with its border", Exec,
                   EXECUTORS) {
    for (Size size : {Size{1, 1}, Size{1, 40}, Size{40, 1}, Size{31, 27}, Size{64, 130}}) {
        CAPTURE(size.width);
        CAPTURE(size.height);
        int count = 0;
        const auto labels = bands(size, std::min(5, size.width), count);
        const auto pixels = noise_rgba(size);
        Exec exec;
        const Buffer<Rgba8, Exec> image(exec, size, pixels);
        const Buffer<int, Exec> label_image(exec, size, labels);
        RegionGraph<Exec> graph(exec, size, count + 3);
        for (int pass = 0; pass < 2; ++pass) {  // a plan is as good the second time
            CHECK(allocations_during([&] { graph(image.view(), label_image.view(), count); }) == 0);
            CHECK(graph.count() == count);
            check_against_definition(pixels, labels, size, count, result_of(graph, exec));
        }
    }
}

TEST_CASE("the region graph is the same with any number of threads") {
    const Size size{64, 130};
    int count = 0;
    const auto labels = bands(size, 5, count);
    const auto pixels = noise_rgba(size);
    for (int threads : {1, 3}) {
        Cpu exec(threads);
        RegionGraph<Cpu> graph(exec, size, count);
        graph(host_view(pixels, size), host_view(labels, size), count);
        check_against_definition(pixels, labels, size, count, result_of(graph, exec));
    }
}

TEST_CASE_TEMPLATE("the graph of superpixels is the same from their Lab colours, which are rounded to eighths", Exec,
                   EXECUTORS) {
    const Size size{150, 140};  // four strips
    const auto pixels = noise_rgba(size);
    Exec exec;
    Buffer<Rgba8, Exec> image(exec, size, pixels);
    Buffer<int, Exec> labels(exec, size), count(exec, {1, 1});
    Slic<Exec> slic(exec, size, {.superpixels = 60});
    slic(image.view(), labels.view(), count.span());
    const int n = count.download()[0];
    RegionGraph<Exec> from_image(exec, size, slic.max_labels()), from_lab(exec, size, slic.max_labels());
    from_image(image.view(), labels.view(), n);
    from_lab(slic.colors(), labels.view(), n);
    const Result a = result_of(from_image, exec), b = result_of(from_lab, exec);
    check_against_definition(pixels, labels.download(), size, n, a);
    CHECK(a.offsets == b.offsets);
    CHECK(a.targets == b.targets);
    CHECK(a.borders == b.borders);
    for (size_t i = 0; i < size_t(n); ++i) {
        CHECK(a.regions[i].centre == b.regions[i].centre);
        for (int c = 0; c < 3; ++c)  // rounded by at most half an eighth, in every pixel
            CHECK(std::abs(a.regions[i].lab[c] - b.regions[i].lab[c]) <= 1.0 / 16 + 1e-4);
    }
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("the region graph on the device is that of the CPU to the bit", Exec, CUDA_EXECUTORS) {
    const Size size{101, 67};
    int count = 0;
    const auto labels = bands(size, 9, count);
    const auto pixels = noise_rgba(size);
    Cpu cpu;
    Exec exec;
    RegionGraph<Cpu> host(cpu, size, count);
    RegionGraph<Exec> device(exec, size, count);
    host(host_view(pixels, size), host_view(labels, size), count);
    const Buffer<Rgba8, Exec> image(exec, size, pixels);
    const Buffer<int, Exec> label_image(exec, size, labels);
    device(image.view(), label_image.view(), count);
    const Result a = result_of(host, cpu), b = result_of(device, exec);
    for (size_t i = 0; i < size_t(count); ++i) {
        CHECK(a.regions[i].lab == b.regions[i].lab);
        CHECK(a.regions[i].centre == b.regions[i].centre);
        CHECK(a.regions[i].left == b.regions[i].left);
        CHECK(a.regions[i].top == b.regions[i].top);
        CHECK(a.regions[i].right == b.regions[i].right);
        CHECK(a.regions[i].bottom == b.regions[i].bottom);
    }
}
#endif

TEST_CASE_TEMPLATE("every pixel may be a region, and a region may have no pixel", Exec, EXECUTORS) {
    for (Size size : {Size{6, 5}, Size{37, 34}}) {  // a few, and more than a tile expects
        const int regions = int(size.area()), last = regions + 9;
        std::vector<int> labels(size.area());
        for (size_t i = 0; i < labels.size(); ++i) labels[i] = int(i);
        const auto pixels = noise_rgba(size);
        Exec exec;
        const Buffer<Rgba8, Exec> image(exec, size, pixels);
        const Buffer<int, Exec> label_image(exec, size, labels);
        RegionGraph<Exec> graph(exec, size, last + 1);
        graph(image.view(), label_image.view(), last + 1);
        const Result result = result_of(graph, exec);
        check_against_definition(pixels, labels, size, last + 1, result);
        CHECK(result.regions[size_t(last)].pixels == 0);
    }
}

TEST_CASE("the region graph reads bottom-up images") {
    const Size size{20, 12};
    int count = 0;
    auto labels = bands(size, 4, count);
    auto pixels = noise_rgba(size);
    Cpu exec;
    RegionGraph<Cpu> graph(exec, size, count);
    const HostImage<Rgba8> image(pixels.data() + 20 * 11, size, -80);
    const HostImage<int> upside(labels.data() + 20 * 11, size, -80);
    graph(image, upside, count);
    std::vector<Rgba8> flipped;
    std::vector<int> flipped_labels;
    for (int y = 11; y >= 0; --y)
        for (int x = 0; x < 20; ++x)
            flipped.push_back(pixels[y * 20 + x]), flipped_labels.push_back(labels[y * 20 + x]);
    check_against_definition(flipped, flipped_labels, size, count, result_of(graph, exec));
}

namespace {
// Builds a graph and waits for what is wrong with it.
template <class Exec>
void build(RegionGraph<Exec>& graph, Exec& exec, Size size, const std::vector<int>& labels, int count) {
    const Buffer<Rgba8, Exec> image(exec, size, noise_rgba(size));
    const Buffer<int, Exec> label_image(exec, size, labels);
    graph(image.view(), label_image.view(), count);
    result_of(graph, exec);
}
}  // namespace

TEST_CASE_TEMPLATE("the region graph refuses wrong sizes, counts and labels", Exec, EXECUTORS) {
    Exec exec;
    CHECK_THROWS_AS(RegionGraph<Exec>(exec, {0, 3}, 5), Error);
    CHECK_THROWS_AS(RegionGraph<Exec>(exec, {3, 3}, 0), Error);
    CHECK_THROWS_AS(RegionGraph<Exec>(exec, {65536, 1}, 5), Error);
    const Size size{4, 4};
    std::vector<int> labels(16, 0);
    RegionGraph<Exec> graph(exec, size, 2);
    CHECK_THROWS_AS(build(graph, exec, {4, 3}, std::vector<int>(12, 0), 1), Error);
    CHECK_THROWS_AS(build(graph, exec, size, labels, 3), Error);
    labels[7] = 2;
    CHECK_THROWS_AS(build(graph, exec, size, labels, 2), Error);
    labels[7] = -1;
    CHECK_THROWS_AS(build(graph, exec, size, labels, 2), Error);
    labels[7] = 1;
    build(graph, exec, size, labels, 2);
    CHECK(result_of(graph, exec).targets.size() == 2);
}

TEST_CASE_TEMPLATE("regions in too many pieces have more neighbours than a graph has room for, and are refused", Exec,
                   EXECUTORS) {
    const Size size{64, 140};
    std::vector<int> labels;  // noise: nearly all of 1225 pairs touch, of 150 that there is room for
    for (float v : noise(size, 0, 49.9f)) labels.push_back(int(v));
    Exec exec;
    RegionGraph<Exec> graph(exec, size, 50);
    CHECK_THROWS_AS(build(graph, exec, size, labels, 50), Error);
    std::fill(labels.begin(), labels.end(), 3);
    build(graph, exec, size, labels, 50);  // and nothing of it is left
    check_against_definition(noise_rgba(size), labels, size, 50, result_of(graph, exec));
}

TEST_CASE_TEMPLATE("painting regions gives every pixel the value of its region", Exec, EXECUTORS) {
    const Size size{37, 10};
    int count = 0;
    const auto labels = bands(size, 4, count);
    const std::vector<float> values = noise(size_t(count), -1, 1);
    Exec exec;
    const Buffer<int, Exec> label_image(exec, size, labels);
    const Buffer<float, Exec> value_list(exec, {count, 1}, values);
    Buffer<float, Exec> out(exec, size), narrow(exec, {36, 10});
    paint_regions(exec, label_image.view(), value_list.span(), out.view());
    const std::vector<float> painted = out.download();
    for (size_t i = 0; i < labels.size(); ++i) CHECK(painted[i] == values[size_t(labels[i])]);
    CHECK_THROWS_AS(paint_regions(exec, label_image.view(), value_list.span(), narrow.view()), Error);
}
