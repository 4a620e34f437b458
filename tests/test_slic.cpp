#include "cinebokeh/slic.hpp"

#include <algorithm>
#include <array>
#include <queue>
#include <set>

#include "support.hpp"

using namespace cinebokeh;

namespace {
using Labels = std::vector<int>;

template <class Exec>
Labels superpixels(const std::vector<Rgba8>& pixels, Size size, const SlicParams& params, int* count = nullptr) {
    Exec exec;
    Buffer<Rgba8, Exec> image(exec, size, pixels);
    Buffer<int, Exec> labels(exec, size), number(exec, {1, 1});
    Slic<Exec> slic(exec, size, params);
    slic(image.view(), labels.view(), number.span());
    if (count) *count = number.download()[0];
    return labels.download();
}

// Blobs of colour with noise: edges, gradients and texture.
std::vector<Rgba8> scene(Size size, unsigned seed = 1) {
    std::vector<Rgba8> pixels = noise_rgba(size, seed);
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            Rgba8& p = pixels[size_t(y) * size.width + x];
            const bool disk = (x - 20) * (x - 20) + (y - 15) * (y - 15) < 120;
            p = {uint8_t((disk ? 180 : 40) + p[0] % 24), uint8_t(60 + 2 * x % 120 + p[1] % 16),
                 uint8_t((x / 11 + y / 7) % 2 * 90 + p[2] % 32), 255};
        }
    return pixels;
}

// The pieces of equal labels by flood fill, numbered in scan order; their sizes.
Labels flood_fill(const Labels& labels, Size size, std::vector<int>& pixels) {
    Labels piece(labels.size(), -1);
    pixels.clear();
    for (int start = 0; start < int(labels.size()); ++start) {
        if (piece[start] >= 0) continue;
        std::queue<int> todo;
        todo.push(start);
        piece[start] = int(pixels.size());
        pixels.push_back(0);
        while (!todo.empty()) {
            const int p = todo.front(), x = p % size.width, y = p / size.width;
            todo.pop();
            ++pixels.back();
            for (auto [i, j] : {std::pair{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}}) {
                const int q = j * size.width + i;
                if (size.contains(i, j) && piece[q] < 0 && labels[q] == labels[p])
                    piece[q] = piece[start], todo.push(q);
            }
        }
    }
    return piece;
}
// Small pieces join the piece to the left of their first pixel, or above it.
Labels connected(const Labels& labels, Size size, int least_pixels, int& count) {
    std::vector<int> pixels;
    const Labels piece = flood_fill(labels, size, pixels);
    std::vector<int> number(pixels.size(), -1);
    Labels result(labels.size());
    count = 0;
    for (int p = 0; p < int(labels.size()); ++p) {
        int& n = number[piece[p]];
        if (n < 0 && (p == 0 || pixels[piece[p]] >= least_pixels)) n = count++;
        if (n < 0) n = result[p % size.width ? p - 1 : p - size.width];
        result[p] = n;
    }
    return result;
}
void check_regions(const Labels& labels, Size size, int count, int least_pixels) {
    std::vector<int> pixels;
    CHECK(flood_fill(labels, size, pixels) == labels);  // one piece each, dense, numbered in scan order
    CHECK(int(pixels.size()) == count);
    for (size_t i = 1; i < pixels.size(); ++i) CHECK(pixels[i] >= least_pixels);
}

std::array<double, 3> lab_of(Rgba8 p) {
    const double matrix[3][3] = {
        {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
    double f[3];
    for (int i = 0; i < 3; ++i) {
        double t = 0;
        for (int c = 0; c < 3; ++c) {
            const double code = p[c] / 255.0;
            const double linear = code <= 0.04045 ? code / 12.92 : std::pow((code + 0.055) / 1.055, 2.4);
            t += matrix[i][c] / (matrix[i][0] + matrix[i][1] + matrix[i][2]) * linear;
        }
        f[i] = t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
    }
    return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

// SLIC as published, in double, on a grid of columns x rows cells; the labels before they are made connected.
struct Reference {
    Size size;
    int columns, rows;
    double weight;  // compactness / side of a cell
    std::vector<std::array<double, 5>> pixels, centres;

    Reference(const std::vector<Rgba8>& image, Size size_, int columns_, int rows_, double compactness)
        : size(size_), columns(columns_), rows(rows_) {
        weight = compactness / std::sqrt(double(size.width) * size.height / (columns * rows));
        for (int i = 0; i < int(image.size()); ++i) {
            const auto lab = lab_of(image[i]);
            pixels.push_back({lab[0], lab[1], lab[2], double(i % size.width), double(i / size.width)});
        }
        for (int r = 0; r < rows; ++r)
            for (int c = 0; c < columns; ++c) {
                const int x = (begin(c, columns, size.width) + begin(c + 1, columns, size.width)) / 2;
                const int y = (begin(r, rows, size.height) + begin(r + 1, rows, size.height)) / 2;
                centres.push_back(pixels[y * size.width + x]);
            }
    }
    static int begin(int i, int cells, int length) { return i * length / cells; }
    static int cell_of(int position, int cells, int length) {
        int i = 0;
        while (begin(i + 1, cells, length) <= position) ++i;
        return i;
    }
    double distance(int pixel, int cluster) const {
        double sum = 0;
        for (int i = 0; i < 5; ++i) {
            const double d = pixels[pixel][i] - centres[cluster][i];
            sum += (i < 3 ? 1 : weight * weight) * d * d;
        }
        return std::sqrt(sum);
    }
    std::vector<int> candidates(int pixel) const {
        std::vector<int> result;
        const int c = cell_of(pixel % size.width, columns, size.width);
        const int r = cell_of(pixel / size.width, rows, size.height);
        for (int j = std::max(0, r - 1); j <= std::min(rows - 1, r + 1); ++j)
            for (int i = std::max(0, c - 1); i <= std::min(columns - 1, c + 1); ++i) result.push_back(j * columns + i);
        return result;
    }
    int nearest(int pixel) const {
        const auto near = candidates(pixel);
        return *std::min_element(near.begin(), near.end(),
                                 [&](int a, int b) { return distance(pixel, a) < distance(pixel, b); });
    }
    // Its cell, and its number in that, row by row.
    std::pair<int, int> place(int pixel) const {
        const int x = pixel % size.width, y = pixel / size.width;
        const int c = cell_of(x, columns, size.width), r = cell_of(y, rows, size.height);
        const int left = begin(c, columns, size.width), right = begin(c + 1, columns, size.width);
        return {r * columns + c, (y - begin(r, rows, size.height)) * (right - left) + x - left};
    }
    // With interlace n, iteration i but the last assigns of the stretches of 32 pixels those with number i modulo n.
    Labels run(int iterations, int interlace) {
        Labels labels(pixels.size());
        for (int p = 0; p < int(pixels.size()); ++p) labels[p] = place(p).first;
        for (int i = 0; i < iterations; ++i) {
            const bool last = i + 1 == iterations;
            for (int p = 0; p < int(pixels.size()); ++p)
                if (last || place(p).second / 32 % interlace == i % interlace) labels[p] = nearest(p);
            if (!last) update(labels);
        }
        return labels;
    }
    void update(const Labels& labels) {
        std::vector<std::array<double, 6>> sums(centres.size());
        for (size_t p = 0; p < pixels.size(); ++p) {
            for (int i = 0; i < 5; ++i) sums[labels[p]][i] += pixels[p][i];
            sums[labels[p]][5] += 1;
        }
        for (size_t c = 0; c < centres.size(); ++c)
            for (int i = 0; i < 5; ++i)
                if (sums[c][5] > 0) centres[c][i] = sums[c][i] / sums[c][5];
    }
    // The mean squared distance of pixels to the mean of their region: what k-means makes small.
    double energy(const Labels& labels, int count) {
        centres.assign(count, {});
        update(labels);
        double sum = 0;
        for (size_t p = 0; p < pixels.size(); ++p) sum += std::pow(distance(int(p), labels[p]), 2);
        return sum / double(pixels.size());
    }
};
}  // namespace

TEST_CASE_TEMPLATE("one iteration assigns every pixel to the nearest of the seeds around it", Exec, EXECUTORS) {
    const Size size{48, 36};  // 4 x 3 cells of 12 x 12
    const auto pixels = scene(size);
    int count = 0;
    const Labels labels =
        superpixels<Exec>(pixels, size, {.superpixels = 12, .iterations = 1, .least_share = 0}, &count);
    const Reference reference(pixels, size, 4, 3, 10);
    // Regions are pieces of clusters, but their numbers do not say which: one seed must fit all pixels of a region.
    std::vector<std::vector<int>> members(count);
    for (int p = 0; p < int(labels.size()); ++p) members[labels[p]].push_back(p);
    double worst = 0;
    for (const auto& region : members) {
        double best = INFINITY;
        for (int seed : reference.candidates(region[0])) {
            double excess = 0;
            for (int p : region)
                excess = std::max(excess, reference.distance(p, seed) - reference.distance(p, reference.nearest(p)));
            best = std::min(best, excess);
        }
        worst = std::max(worst, best);
    }
    // Pixel and seed are rounded to eighths in five dimensions: each distance is off by at most sqrt(5) / 8.
    CHECK(worst <= 2 * std::sqrt(5.0) / 8);
}

TEST_CASE_TEMPLATE("ten iterations explain the image as well as the published algorithm in double", Exec, EXECUTORS) {
    const Size size{60, 45};
    const auto pixels = scene(size);
    for (int interlace : {1, 2, 3, 50}) {
        CAPTURE(interlace);
        int count = 0;
        const Labels labels =
            superpixels<Exec>(pixels, size, {.superpixels = 12, .interlace = interlace, .least_share = 0}, &count);
        Reference reference(pixels, size, 4, 3, 10);
        int pieces = 0;
        const Labels expected = connected(reference.run(10, interlace), size, 0, pieces);
        const double energy = reference.energy(labels, count), best = reference.energy(expected, pieces);
        // k-means from the same seeds, rounded pixels: a near optimum
        CHECK(energy == doctest::Approx(best).epsilon(0.05));
    }
}

TEST_CASE_TEMPLATE("regions are connected, dense and large enough, and bit-equal on every executor", Exec, EXECUTORS) {
    struct Case {
        Size size;
        SlicParams params;
    };
    const Case cases[] = {{{1, 1}, {}},
                          {{64, 48}, {.superpixels = 12}},
                          {{65, 47}, {.superpixels = 40, .compactness = 1}},
                          {{63, 49}, {.superpixels = 7, .compactness = 50, .iterations = 3}},
                          {{130, 70}, {.superpixels = 3}},
                          {{130, 70}, {.superpixels = 20, .iterations = 7, .interlace = 1}},
                          {{131, 75}, {.superpixels = 9, .iterations = 6, .interlace = 4}},
                          {{50, 1}, {.superpixels = 6}},
                          {{1, 50}, {.superpixels = 6}},
                          {{33, 2}, {.superpixels = 5, .least_share = 1}},
                          {{9, 7}, {.superpixels = 1000}},
                          {{40, 30}, {.superpixels = 1}},
                          {{70, 40}, {.superpixels = 30, .compactness = 0, .least_share = 0}}};
    for (const Case& c : cases) {
        CAPTURE(c.size.width);
        CAPTURE(c.params.superpixels);
        int count = 0;
        const auto pixels = scene(c.size);
        const Labels labels = superpixels<Exec>(pixels, c.size, c.params, &count);
        // Rounding rows and columns makes at most 1.6 times the cells asked for, and a few more in small images.
        const double least_cell = double(c.size.area()) / (c.params.superpixels * 1.6 + 8);
        check_regions(labels, c.size, count, int(c.params.least_share * least_cell));
        CHECK(labels == superpixels<Cpu>(pixels, c.size, c.params));
    }
}

TEST_CASE_TEMPLATE("a constant image is cut into its grid", Exec, EXECUTORS) {
    const Size size{64, 48};
    int count = 0;
    const Labels labels =
        superpixels<Exec>(std::vector<Rgba8>(size.area(), Rgba8{90, 20, 160, 255}), size, {.superpixels = 12}, &count);
    CHECK(count == 12);
    std::vector<int> pixels;
    flood_fill(labels, size, pixels);
    for (int n : pixels) CHECK(std::abs(n - 256) <= 64);  // 16 x 16, the border off by up to two pixels a side
}

TEST_CASE_TEMPLATE("no region crosses a strong edge", Exec, EXECUTORS) {
    const Size size{96, 64};
    std::vector<Rgba8> pixels(size.area());
    for (int i = 0; i < int(pixels.size()); ++i) {
        const double x = i % size.width - 50, y = double(i / size.width) - 30;
        pixels[i] = x * x + y * y < 400 ? Rgba8{230, 60, 40, 255} : Rgba8{30, 90, 60, 255};
    }
    int count = 0;
    const Labels labels = superpixels<Exec>(pixels, size, {.superpixels = 60, .least_share = 0.25f}, &count);
    std::vector<std::set<uint8_t>> colors(count);
    for (size_t i = 0; i < pixels.size(); ++i) colors[labels[i]].insert(pixels[i][0]);
    // Every cell is 10 pixels wide and the colours are 100 Lab units apart: only pieces too small to stay may cross.
    int crossing = 0;
    for (const auto& set : colors) crossing += set.size() > 1;
    CHECK(crossing <= 2);
}

TEST_CASE_TEMPLATE("with a superpixel for every pixel each is a region of its own", Exec, EXECUTORS) {
    const Size size{9, 7};
    int count = 0;
    superpixels<Exec>(noise_rgba(size), size, {.superpixels = 63, .compactness = 50, .iterations = 1}, &count);
    CHECK(count == 63);
}

TEST_CASE_TEMPLATE("connectivity is that of flood fill", Exec, EXECUTORS) {
    for (Size size : {Size{1, 1}, Size{16, 64}, Size{37, 41}, Size{130, 35}, Size{200, 1}, Size{1, 90}})
        for (int labels_used : {2, 3, 30})
            for (int least_pixels : {1, 6}) {
                CAPTURE(size.width);
                CAPTURE(labels_used);
                Labels labels;
                for (float v : noise(size, 0, float(labels_used) - 0.001f)) labels.push_back(int(v));
                int expected_count = 0;
                const Labels expected = connected(labels, size, least_pixels, expected_count);
                Exec exec;
                Buffer<int, Exec> view(exec, size, labels);
                if constexpr (std::is_same_v<Exec, Cpu>) {
                    detail::SlicConnect connect(exec, size, least_pixels);
                    CHECK(connect(view.view()) == expected_count);
                    CHECK(connect.max_labels() >= expected_count);
                } else {
#if CINEBOKEH_GRID
                    Buffer<int, Exec> count(exec, {1, 1});
                    detail::SlicConnectCuda connect(exec, size, least_pixels);
                    connect(view.view(), count.span());
                    CHECK(count.download()[0] == expected_count);
#endif
                }
                CHECK(view.download() == expected);
            }
}

TEST_CASE("Slic does not depend on the number of threads, reads bottom-up images, and allocates nothing") {
    const Size size{97, 61};
    const auto pixels = scene(size);
    std::vector<Labels> results;
    for (int threads : {1, 2, 5}) {
        Cpu exec(threads);
        Buffer<Rgba8, Cpu> image(exec, size, pixels);
        Buffer<int, Cpu> labels(exec, size), count(exec, {1, 1});
        Slic<Cpu> slic(exec, size, {.superpixels = 50});
        CHECK(allocations_during([&] { slic(image.view(), labels.view(), count.span()); }) == 0);
        CHECK(count.span()[0] <= slic.max_labels());
        results.push_back(labels.download());

        Buffer<Rgba8, Cpu> flipped(exec, size);
        const HostImage<Rgba8> bottom_up(flipped.view().row(size.height - 1), size, -flipped.view().pitch);
        copy<const Rgba8>(exec, image.view(), bottom_up);
        slic(bottom_up, labels.view(), count.span());
        CHECK(labels.download() == results[0]);
    }
    CHECK(results[1] == results[0]);
    CHECK(results[2] == results[0]);
}

TEST_CASE("Slic refuses wrong sizes and parameters") {
    Cpu exec;
    CHECK_THROWS_AS(Slic<Cpu>(exec, {0, 5}), Error);
    CHECK_THROWS_AS(Slic<Cpu>(exec, {70000, 1}), Error);
    CHECK_THROWS_AS(Slic<Cpu>(exec, {5, 5}, {.superpixels = 0}), Error);
    CHECK_THROWS_AS(Slic<Cpu>(exec, {5, 5}, {.compactness = NAN}), Error);
    CHECK_THROWS_AS(Slic<Cpu>(exec, {5, 5}, {.compactness = 51}), Error);
    CHECK_THROWS_AS(Slic<Cpu>(exec, {5, 5}, {.iterations = 0}), Error);
    CHECK_THROWS_AS(Slic<Cpu>(exec, {5, 5}, {.interlace = 0}), Error);
    CHECK_THROWS_AS(Slic<Cpu>(exec, {5, 5}, {.least_share = NAN}), Error);
    Slic<Cpu> slic(exec, {8, 8}, {.superpixels = 4});
    Buffer<Rgba8, Cpu> image(exec, {8, 8}), wrong(exec, {8, 7});
    Buffer<int, Cpu> labels(exec, {8, 8}), count(exec, {1, 1}), two(exec, {2, 1});
    CHECK_THROWS_AS(slic(wrong.view(), labels.view(), count.span()), Error);
    CHECK_THROWS_AS(slic(image.view(), labels.view(), two.span()), Error);
}
