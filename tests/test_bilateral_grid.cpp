#include "cinebokeh/bilateral_grid.hpp"

#include <array>
#include <map>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition, in double: a sparse map of the cells, blurred one dimension after the other.
struct Reference {
    using Key = std::array<int, 5>;
    Size image;
    BilateralGridParams params;
    std::map<Key, std::array<double, 2>> cells = {};

    double place_x(double x) const { return (x + 0.5) / params.cell_x + 0.5; }
    double place_y(double y) const { return (y + 0.5) / params.cell_y + 0.5; }
    Key count() const {
        const int levels = int(255 / params.cell_colour) + 1;
        return {int(place_x(image.width - 1)) + 2, int(place_y(image.height - 1)) + 2, levels, levels, levels};
    }
    void splat(Rgba8 p, double matte, double x, double y, double weight) {
        const double gx = place_x(x), gy = place_y(y);
        if (!(gx >= 0 && gy >= 0 && gx < count()[0] - 1 && gy < count()[1] - 1)) return;
        const int ix = int(gx), iy = int(gy);
        for (int a = 0; a < 4; ++a) {
            const double w = weight * (a & 1 ? gx - ix : 1 - (gx - ix)) * (a & 2 ? gy - iy : 1 - (gy - iy));
            auto& cell = cells[{ix + (a & 1), iy + (a >> 1), int(p[0] / params.cell_colour),
                                int(p[1] / params.cell_colour), int(p[2] / params.cell_colour)}];
            cell[0] += w * matte, cell[1] += w;
        }
    }
    void blur() {
        for (int d = 0; d < 5; ++d) {
            std::map<Key, std::array<double, 2>> blurred = cells;
            for (const auto& [key, sums] : cells)
                for (int step : {-1, 1}) {
                    Key next = key;
                    next[size_t(d)] += step;
                    if (next[size_t(d)] < 0 || next[size_t(d)] >= count()[size_t(d)]) continue;
                    for (size_t k = 0; k < 2; ++k) blurred[next][k] += params.blur_side * sums[k];
                }
            cells = blurred;
        }
    }
    std::array<double, 2> slice(Rgba8 p, int x, int y) const {
        const double at[5] = {place_x(x), place_y(y), p[0] / double(params.cell_colour) - 0.5,
                              p[1] / double(params.cell_colour) - 0.5, p[2] / double(params.cell_colour) - 0.5};
        std::array<double, 2> result = {0, 0};
        for (int corner = 0; corner < 32; ++corner) {
            double w = 1;
            Key key;
            for (int d = 0; d < 5; ++d) {
                const double q = std::min(std::max(at[d], 0.0), double(count()[size_t(d)] - 1));
                const int first = int(q), second = corner >> d & 1;
                w *= second ? q - first : 1 - (q - first);
                key[size_t(d)] = first + second;
            }
            const auto cell = cells.find(key);
            if (w > 0 && cell != cells.end())
                for (size_t k = 0; k < 2; ++k) result[k] += w * cell->second[k];
        }
        return result;
    }
};

double log_odds(std::array<double, 2> sums, double epsilon, double limit) {
    return std::clamp(std::log((sums[0] + epsilon) / (sums[1] - sums[0] + epsilon)), -limit, limit);
}

// A picture of few colours with a little noise, as pictures are, and the data that go with it.
struct Scene {
    Size size;
    std::vector<Rgba8> image;
    std::vector<float> matte;
    std::vector<uint8_t> region;
    std::vector<Float2> flow;

    explicit Scene(Size s, unsigned seed = 1) : size(s), image(noise_rgba(s, seed)), matte(noise(s, 0, 1, seed + 1)) {
        const auto fx = noise(s, -30, 30, seed + 2), fy = noise(s, -30, 30, seed + 3), r = noise(s, 0, 1, seed + 4);
        for (size_t i = 0; i < s.area(); ++i) {
            const int base = matte[i] > 0.5f ? 60 : 170;
            for (int c = 0; c < 3; ++c) image[i][c] = uint8_t(base + 10 * c + image[i][c] % 40);
            region.push_back(r[i] > 0.2f);
            flow.push_back({fx[i], fy[i]});
        }
        image[0] = {0, 255, 0, 255}, image[s.area() - 1] = {255, 255, 255, 0};
    }
};

template <class Exec>
struct Uploaded {
    Buffer<Rgba8, Exec> image;
    Buffer<float, Exec> matte;
    Buffer<uint8_t, Exec> region;
    Buffer<Float2, Exec> flow;

    Uploaded(Exec& exec, const Scene& s)
        : image(exec, s.size, s.image),
          matte(exec, s.size, s.matte),
          region(exec, s.size, s.region),
          flow(exec, s.size, s.flow) {}
};

const Similarity grown = {.from = {10, 8}, .to = {14, 11}, .scale = 1.3f};

template <class Exec>
std::vector<float> log_odds_of(Exec& exec, const Scene& scene, const BilateralGridParams& params) {
    BilateralGrid<Exec> grid(exec, scene.size, params);
    Uploaded<Exec> in(exec, scene);
    Buffer<float, Exec> out(exec, scene.size);
    grid.splat(in.image.view(), in.matte.view(), in.region.view(), in.flow.view(), 1.f);
    grid.splat(in.image.view(), in.matte.view(), grown, 0.4f);
    grid.blur();
    grid.slice(in.image.view(), in.region.view(), 0.15f, 4.f, out.view());
    return out.download();
}
}  // namespace

TEST_CASE_TEMPLATE("splat, blur and slice follow the definition", Exec, EXECUTORS) {
    // one pixel, one exact cell, one pixel less and more, several cells; few colours and one colour only
    struct Case {
        Size size;
        BilateralGridParams params;
    };
    for (const Case& c : {Case{{1, 1}, {}}, Case{{20, 20}, {}}, Case{{19, 21}, {}}, Case{{75, 47}, {}},
                          Case{{33, 18}, {.cell_x = 7.5f, .cell_y = 11, .cell_colour = 30, .blur_side = 0.3f}},
                          Case{{33, 18}, {.cell_x = 8, .cell_y = 8, .cell_colour = 256, .blur_side = 0}}}) {
        CAPTURE(c.size.width);
        CAPTURE(c.params.cell_colour);
        const Scene scene(c.size);
        Exec exec;
        const std::vector<float> found = log_odds_of(exec, scene, c.params);
        Reference reference{c.size, c.params};
        for (int y = 0; y < c.size.height; ++y)
            for (int x = 0; x < c.size.width; ++x) {
                const size_t i = size_t(y * c.size.width + x);
                const Float2 f = scene.flow[i];
                if (scene.region[i])
                    reference.splat(scene.image[i], scene.matte[i], double(x + f[0]), double(y + f[1]), 1);
                reference.splat(scene.image[i], scene.matte[i], (x - 10.0) * 1.3f + 14, (y - 8.0) * 1.3f + 11, 0.4f);
            }
        reference.blur();
        double worst = 0;
        for (size_t i = 0; i < found.size(); ++i) {
            const int x = int(i) % c.size.width, y = int(i) / c.size.width;
            const double expected = scene.region[i] ? log_odds(reference.slice(scene.image[i], x, y), 0.15, 4) : 0.0;
            worst = std::max(worst, std::abs(found[i] - expected));
        }
        // Rounding to units (1 / 65536 here) errs by half a unit for each of up to a thousand samples at a cell: at
        // most 0.01 if all err alike, 3e-4 as they do not; times the slope of log at epsilon, 1 / 0.15
        CHECK(worst <= 2e-3);
    }
}

TEST_CASE_TEMPLATE("an empty grid knows nothing, and so does a cleared one", Exec, EXECUTORS) {
    const Scene scene({50, 30});
    Exec exec;
    BilateralGrid<Exec> grid(exec, scene.size);
    Uploaded<Exec> in(exec, scene);
    Buffer<uint8_t, Exec> everywhere(exec, scene.size, std::vector<uint8_t>(scene.size.area(), 1));
    Buffer<float, Exec> out(exec, scene.size);
    const std::vector<float> zero(scene.size.area());
    grid.slice(in.image.view(), everywhere.view(), 0.15f, 4.f, out.view());
    CHECK(out.download() == zero);
    for (int i = 0; i < 2; ++i) {
        grid.splat(in.image.view(), in.matte.view(), grown, 1.f);
        grid.blur();
        grid.slice(in.image.view(), everywhere.view(), 0.15f, 4.f, out.view());
        CHECK(worst_error(out.download(), zero) > 0.1);
        grid.clear();
        grid.blur();
        grid.slice(in.image.view(), everywhere.view(), 0.15f, 4.f, out.view());
        CHECK(out.download() == zero);
    }
}

TEST_CASE_TEMPLATE("samples that left the grid and NaN count for nothing", Exec, EXECUTORS) {
    Scene scene({50, 30});
    Exec exec;
    const auto expected = [&] {  // only the left half is splatted
        Scene half = scene;
        for (size_t i = 0; i < half.size.area(); ++i) {
            if (i % 50 >= 25) half.region[i] = 0;
            if (i % 50 == 3) half.matte[i] = i % 100 == 3 ? 0.f : 1.f;
        }
        BilateralGrid<Exec> grid(exec, half.size);
        Uploaded<Exec> in(exec, half);
        Buffer<uint8_t, Exec> everywhere(exec, half.size, std::vector<uint8_t>(half.size.area(), 1));
        Buffer<float, Exec> out(exec, half.size);
        grid.splat(in.image.view(), in.matte.view(), in.region.view(), in.flow.view(), 1.f);
        grid.blur();
        grid.slice(in.image.view(), everywhere.view(), 0.15f, 4.f, out.view());
        return out.download();
    }();
    const float bad[] = {NAN, INFINITY, -INFINITY, 1e30f, -200, 4e9f};
    for (size_t i = 0; i < scene.size.area(); ++i) {
        if (i % 50 >= 25) scene.flow[i] = {i % 2 ? bad[i % 6] : 1.f, i % 2 ? 0.f : bad[i % 6]};
        if (i % 50 == 3) scene.matte[i] = i % 100 == 3 ? NAN : 7.f;
    }
    BilateralGrid<Exec> grid(exec, scene.size);
    Uploaded<Exec> in(exec, scene);
    Buffer<uint8_t, Exec> everywhere(exec, scene.size, std::vector<uint8_t>(scene.size.area(), 1));
    Buffer<float, Exec> out(exec, scene.size);
    grid.splat(in.image.view(), in.matte.view(), in.region.view(), in.flow.view(), 1.f);
    grid.blur();
    grid.slice(in.image.view(), everywhere.view(), 0.15f, 4.f, out.view());
    CHECK(out.download() == expected);
}

TEST_CASE("the number of threads does not change a bit of the log odds") {
    const Scene scene({131, 87});
    Cpu one(1), three(3);
    CHECK(log_odds_of(one, scene, {}) == log_odds_of(three, scene, {}));
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("both backends agree but for the rounding of the interpolation", Exec, CUDA_EXECUTORS) {
    const Scene scene({67, 43});
    Cpu cpu;
    Exec exec;
    // the blurred grids are equal to the bit; 36 products and sums of weights follow, and a logarithm of at most 4
    CHECK(worst_error(log_odds_of(exec, scene, {}), log_odds_of(cpu, scene, {})) <= 36 * 6e-8 + 4 * 2.4e-7);
}
#endif

TEST_CASE("more may be splatted after a blur, and the next blur has all of it") {
    const Scene scene({90, 40}), other({90, 40}, 9);
    Cpu exec;
    Uploaded<Cpu> in(exec, scene), more(exec, other);
    auto run = [&](bool blur_between) {
        BilateralGrid<Cpu> grid(exec, scene.size);
        Buffer<float, Cpu> out(exec, scene.size);
        grid.splat(in.image.view(), in.matte.view(), grown, 1.f);
        if (blur_between) {
            grid.blur();
            grid.slice(in.image.view(), in.region.view(), 0.15f, 4.f, out.view());
        }
        grid.splat(more.image.view(), more.matte.view(), more.region.view(), more.flow.view(), 0.3f);
        grid.blur();
        grid.slice(in.image.view(), in.region.view(), 0.15f, 4.f, out.view());
        return out.download();
    };
    CHECK(run(true) == run(false));
}

TEST_CASE("a frame costs no allocation") {
    const Scene scene({90, 40});
    Cpu exec;
    Uploaded<Cpu> in(exec, scene);
    BilateralGrid<Cpu> grid(exec, scene.size);
    Buffer<float, Cpu> out(exec, scene.size);
    CHECK(allocations_during([&] {
              grid.clear();
              grid.splat(in.image.view(), in.matte.view(), in.region.view(), in.flow.view(), 1.f);
              grid.splat(in.image.view(), in.matte.view(), grown, 0.4f);
              grid.blur();
              grid.slice(in.image.view(), in.region.view(), 0.15f, 4.f, out.view());
          }) == 0);
}

TEST_CASE("the bilateral grid refuses what it cannot hold") {
    const Scene scene({30, 20});
    Cpu exec;
    CHECK_THROWS_AS(BilateralGrid<Cpu>(exec, {0, 5}), Error);
    CHECK_THROWS_AS(BilateralGrid<Cpu>(exec, {5, 5}, {.cell_x = NAN}), Error);
    CHECK_THROWS_AS(BilateralGrid<Cpu>(exec, {5, 5}, {.cell_colour = 4}), Error);
    CHECK_THROWS_AS(BilateralGrid<Cpu>(exec, {5, 5}, {.blur_side = NAN}), Error);
    BilateralGrid<Cpu> grid(exec, scene.size);
    Uploaded<Cpu> in(exec, scene);
    Buffer<float, Cpu> out(exec, scene.size), small(exec, {30, 19});
    CHECK_THROWS_AS(grid.splat(in.image.view(), small.view(), grown, 1.f), Error);
    CHECK_THROWS_AS(grid.splat(in.image.view(), in.matte.view(), grown, NAN), Error);
    CHECK_THROWS_AS(grid.splat(in.image.view(), in.matte.view(), grown, -1.f), Error);
    CHECK_THROWS_AS(grid.splat(in.image.view(), in.matte.view(), {.scale = 0}, 1.f), Error);
    CHECK_THROWS_AS(grid.slice(in.image.view(), in.region.view(), 0.15f, 4.f, small.view()), Error);
    CHECK_THROWS_AS(grid.slice(in.image.view(), in.region.view(), 0.f, 4.f, out.view()), Error);
    CHECK_THROWS_AS(grid.slice(in.image.view(), in.region.view(), 0.15f, NAN, out.view()), Error);
    grid.splat(in.image.view(), in.matte.view(), grown, 4.f);
    CHECK_THROWS_AS(grid.splat(in.image.view(), in.matte.view(), grown, 0.1f), Error);  // 32 bits could overflow
    grid.clear();
    grid.splat(in.image.view(), in.matte.view(), grown, 0.1f);
}
