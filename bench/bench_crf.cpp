// Dense CRF inference and the lattice under it, on a synthetic scene: coloured disks on a gradient, with sensor noise.
#include "cinebokeh/crf.hpp"

#include <cmath>
#include <random>

#include "bench.hpp"

using namespace cinebokeh;

namespace {
struct Scene {
    Size size;
    std::vector<Rgba8> image;
    std::vector<float> probability;

    explicit Scene(Size s) : size(s) {
        std::mt19937 random(1);
        std::normal_distribution<float> sensor(0, 3);
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                const float u = float(x) / float(s.height), v = float(y) / float(s.height);
                const float wave = std::sin(9 * u) * std::sin(11 * v);  // its hills are the disks
                const bool disk = wave > 0.4f;
                const float base[3] = {disk ? 200 - 60 * v : 60 + 50 * u, 90 + 40 * v, disk ? 60.f : 80 + 70 * u};
                Rgba8 pixel{{0, 0, 0, 255}};
                for (int c = 0; c < 3; ++c) pixel[c] = uint8_t(clamp(base[c] + sensor(random), 0.f, 255.f));
                image.push_back(pixel);
                probability.push_back(1 / (1 + std::exp(-8 * (wave - 0.3f))));
            }
    }
};

// Pixels per second: work per pixel depends on the image.
void count_pixels(benchmark::State& state, Size s) {
    state.SetItemsProcessed(int64_t(state.iterations()) * int64_t(s.area()));
}

// Both potentials, the building of the lattice included.
template <class Exec>
void binary_crf(benchmark::State& state) {
    const Scene scene({int(state.range(0)), int(state.range(1))});
    const CrfParams params{.iterations = int(state.range(2))};
    Exec exec;
    BinaryCrf<Exec> crf(exec, scene.size, params);
    Buffer<Rgba8, Exec> image(exec, scene.size, scene.image);
    Buffer<float, Exec> probability(exec, scene.size, scene.probability), refined(exec, scene.size);
    bench::run(state, exec, [&] { crf(image.view(), probability.view(), refined.view()); });
    count_pixels(state, scene.size);
}

void dense_crf_4_labels(benchmark::State& state) {
    const Scene scene({int(state.range(0)), int(state.range(1))});
    const Size wide{scene.size.width * 4, scene.size.height};
    Cpu exec;
    DenseCrf<Cpu> crf(exec, scene.size, 4);
    std::vector<float> unary, marginals(wide.area());
    for (float p : scene.probability)
        for (float label : {0.f, 0.3f, 0.6f, 1.f}) unary.push_back(3 * std::abs(p - label));
    for (auto _ : state) crf({scene.image.data(), scene.size}, {unary.data(), wide}, {marginals.data(), wide});
    count_pixels(state, scene.size);
}

std::vector<float> colour_features(const Scene& scene) {  // [5, n]
    std::vector<float> rows;
    for (int y = 0; y < scene.size.height; ++y)
        for (int x = 0; x < scene.size.width; ++x) rows.push_back(float(x) / 50);
    for (int y = 0; y < scene.size.height; ++y) rows.insert(rows.end(), size_t(scene.size.width), float(y) / 50);
    for (int c = 0; c < 3; ++c)
        for (const Rgba8& pixel : scene.image) rows.push_back(float(pixel[c]) / 13);
    return rows;
}

// Raster order: tiles of points are stripes of the image here, squares in the CRF, which shares more vertices.
void lattice_build(benchmark::State& state) {
    const Scene scene({int(state.range(0)), int(state.range(1))});
    const auto features = colour_features(scene);
    const int n = int(scene.size.area());
    Cpu exec;
    PermutohedralLattice<5> lattice(exec, n);
    for (auto _ : state) lattice.build({features.data(), {n, 5}});
    count_pixels(state, scene.size);
    state.counters["vertices"] = lattice.vertices();
}

void lattice_filter(benchmark::State& state) {
    const Scene scene({int(state.range(0)), int(state.range(1))});
    const auto features = colour_features(scene);
    const int n = int(scene.size.area());
    Cpu exec;
    PermutohedralLattice<5> lattice(exec, n);
    lattice.build({features.data(), {n, 5}});
    std::vector<float> out(scene.size.area());
    for (auto _ : state) lattice.filter({scene.probability.data(), {n, 1}}, {out.data(), {n, 1}});
    count_pixels(state, scene.size);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"width", "height"})->UseRealTime()->Unit(benchmark::kMillisecond);
    benchmark->Args({320, 240})->Args({854, 480})->Args({1920, 1080});
}
void sizes_and_iterations(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"width", "height", "iterations"});
    benchmark->Args({320, 240, 5})->Args({854, 480, 1})->Args({854, 480, 5})->Args({854, 480, 10});
    benchmark->Args({1920, 1080, 5})->Args({3840, 2160, 5});
}
CINEBOKEH_BENCHMARK(binary_crf, sizes_and_iterations);
BENCHMARK(dense_crf_4_labels)->Apply(sizes);
BENCHMARK(lattice_build)->Apply(sizes);
BENCHMARK(lattice_filter)->Apply(sizes);
}  // namespace
