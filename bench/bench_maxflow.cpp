#include "cinebokeh/maxflow.hpp"

#include <vector>

#include "bench.hpp"

using namespace cinebokeh;

namespace {
// A blob in front of a background, both with colour noise: terminals of either sign everywhere, edges weak along the
// contour. `band` keeps only the pixels near the contour, as a tracker does; the others are isolated.
struct Problem {
    Size size;
    std::vector<int> terminal, right, down, down_right, down_left;

    Problem(Size s, bool band) : size(s) {
        unsigned state = 1;
        const double radius = s.height / 3.0;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                state = state * 1664525u + 1013904223u;
                const double dx = x - s.width / 2.0, dy = y - s.height / 2.0, d = dx * dx + dy * dy - radius * radius;
                const bool active = !band || std::abs(d) < radius * radius * 0.7;
                const bool contour = std::abs(d) < 2 * radius;
                const int noise = int(state >> 20) - 2048, weight = contour ? 300 : 2000 + int(state >> 22);
                terminal.push_back((d < 0 ? 900 : -900) + noise * 2);
                for (auto* edges : {&right, &down, &down_right, &down_left}) edges->push_back(active ? weight : 0);
            }
    }
};

template <class Exec>
void grid(benchmark::State& state, Connectivity connectivity, bool band) {
    const Size s{int(state.range(0)), int(state.range(1))};
    Exec exec;
    GridMaxflow<Exec> solve(exec, s, connectivity);
    const Problem p(s, band);
    const auto upload = [&](const std::vector<int>& values) { return Buffer<int, Exec>(exec, s, values); };
    const auto terminal = upload(p.terminal), right = upload(p.right), down = upload(p.down);
    const auto down_right = upload(p.down_right), down_left = upload(p.down_left);
    const GridCapacities<typename Exec::Space> capacities{terminal.view(), right.view(), down.view(), down_right.view(),
                                                          down_left.view()};
    Buffer<uint8_t, Exec> labels(exec, s);
    bench::run(state, exec, [&] { solve(capacities, labels.view()); });
    state.SetItemsProcessed(int64_t(state.iterations()) * int64_t(s.area()));  // pixels
}
template <class Exec>
void grid_four(benchmark::State& state) {
    grid<Exec>(state, Connectivity::four, false);
}
template <class Exec>
void grid_eight(benchmark::State& state) {
    grid<Exec>(state, Connectivity::eight, false);
}
template <class Exec>
void grid_eight_band(benchmark::State& state) {
    grid<Exec>(state, Connectivity::eight, true);
}
void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"width", "height"});
    b->Args({320, 240})->Args({427, 240})->Args({854, 480})->Args({1920, 1080})->Args({3840, 2160});
}
CINEBOKEH_BENCHMARK(grid_four, sizes);
CINEBOKEH_BENCHMARK(grid_eight, sizes);
CINEBOKEH_BENCHMARK(grid_eight_band, sizes);

// A region graph of superpixels: a lattice of 45 x 29 regions joined to six neighbours.
void region_graph(benchmark::State& state) {
    const int columns = 45, rows = 29, nodes = columns * rows;
    std::vector<int> offsets{0}, targets, capacities, terminal;
    unsigned random = 1;
    for (int v = 0; v < nodes; ++v) {
        const int x = v % columns, y = v / columns;
        auto join = [&](int dx, int dy) {
            if (x + dx < 0 || y + dy < 0 || x + dx >= columns || y + dy >= rows) return;
            targets.push_back(v + dy * columns + dx);
            capacities.push_back(500 + (v + targets.back()) * 37 % 1500);
        };
        join(-1, -1), join(0, -1), join(-1, 0), join(1, 0), join(0, 1), join(1, 1);
        offsets.push_back(int(targets.size()));
        random = random * 1664525u + 1013904223u;
        terminal.push_back((std::abs(x - 22) < 9 ? 700 : -700) + int(random >> 20) - 2048);
    }
    Cpu exec;
    GraphMaxflow<Cpu> solve(exec, nodes, int(targets.size()));
    std::vector<uint8_t> labels(size_t(nodes), 0);
    auto span = [](const std::vector<int>& v) { return HostSpan<const int>{v.data(), v.size()}; };
    const Graph<HostSpace> graph{span(offsets), span(targets), span(capacities), span(terminal)};
    for (auto _ : state) benchmark::DoNotOptimize(solve(graph, {labels.data(), labels.size()}));
    state.SetItemsProcessed(int64_t(state.iterations()) * nodes);
}
BENCHMARK(region_graph)->Unit(benchmark::kMicrosecond)->UseRealTime();
}  // namespace
