#include "maxflow_oracle.hpp"

using namespace cinebokeh;

namespace {
struct Rows {
    std::vector<int> offsets, targets, capacities, terminal;
};
template <class Exec>
Cut cut_graph(Exec& exec, GraphMaxflow<Exec>& solve, const Rows& rows) {
    auto upload = [&](const std::vector<int>& v) { return Buffer<int, Exec>(exec, {int(v.size()), 1}, v); };
    const auto offsets = upload(rows.offsets), targets = upload(rows.targets), capacities = upload(rows.capacities),
               terminal = upload(rows.terminal);
    Buffer<uint8_t, Exec> labels(exec, terminal.size());
    const Graph<typename Exec::Space> graph{offsets.span(), targets.span(), capacities.span(), terminal.span()};
    const int64_t flow = flow_of(exec, solve, graph, labels.span());
    return {flow, labels.download()};
}

// The grid with eight neighbours as a graph.
Rows rows_of(const Grid& g) {
    Rows rows{{0}, {}, {}, g.terminal};
    for (int y = 0; y < g.size.height; ++y)
        for (int x = 0; x < g.size.width; ++x) {
            const int p = y * g.size.width + x;
            auto join = [&](int dx, int dy, const std::vector<int>& capacity, bool mine) {
                if (!g.size.contains(x + dx, y + dy)) return;
                rows.targets.push_back(p + dy * g.size.width + dx);
                rows.capacities.push_back(capacity[size_t(mine ? p : rows.targets.back())]);
            };
            join(-1, -1, g.down_right, false), join(0, -1, g.down, false), join(1, -1, g.down_left, false);
            join(-1, 0, g.right, false), join(1, 0, g.right, true);
            join(-1, 1, g.down_left, true), join(0, 1, g.down, true), join(1, 1, g.down_right, true);
            rows.offsets.push_back(int(rows.targets.size()));
        }
    return rows;
}
}  // namespace

TEST_CASE_TEMPLATE("arbitrary graphs: the canonical cut, and one-way edges", Exec, EXECUTORS) {
    std::mt19937 generator(5);
    auto draw = [&](int low, int high) { return low + int(generator() % unsigned(high - low + 1)); };
    Exec exec;
    GraphMaxflow<Exec> solve(exec, 40, 40 * 39);
    for (int round = 0; round < rounds<Exec>(150, 25); ++round) {
        CAPTURE(round);
        const int n = draw(1, 40), percent = draw(3, 60), largest = draw(1, 30);
        Oracle expected(n);
        std::vector<std::vector<std::pair<int, int>>> rows{size_t(n)};
        for (int p = 0; p < n; ++p)
            for (int q = p + 1; q < n; ++q)
                if (draw(0, 99) < percent) {
                    const int there = draw(0, largest), back = draw(0, largest);
                    rows[size_t(p)].push_back({q, there}), expected.at(p, q) = there;
                    rows[size_t(q)].push_back({p, back}), expected.at(q, p) = back;
                }
        std::vector<int> offsets{0}, targets, capacities, terminal;
        for (auto& row : rows) {
            std::sort(row.begin(), row.end());
            for (auto [q, c] : row) targets.push_back(q), capacities.push_back(c);
            offsets.push_back(int(targets.size()));
            terminal.push_back(draw(0, 1) ? draw(-50, 50) : 0);
            expected.terminal(int(terminal.size()) - 1, terminal.back());
        }
        expected.solve();
        const Cut cut = cut_graph(exec, solve, {offsets, targets, capacities, terminal});
        CHECK(cut.flow == expected.flow);
        CHECK(cut.labels == expected.labels);
        CHECK(expected.cut(cut.labels) == expected.flow);
    }
}

TEST_CASE_TEMPLATE("a grid of many pixels: source and sink side agree with the same problem as a graph", Exec,
                   EXECUTORS) {
    // Too large for the shared memory of a block, which is what the device uses for smaller graphs.
    const Size s = std::is_same_v<Exec, Cpu> ? Size{90, 70} : Size{48, 44};
    const Grid g = random_grid(s, Connectivity::eight, 21, 60, 25);
    const Rows rows = rows_of(g);
    const Cut expected = cut_grid<Cpu>(g);
    Exec exec;
    GraphMaxflow<Exec> solve(exec, int(s.area()), int(rows.targets.size()));
    const Cut cut = cut_graph(exec, solve, rows);
    CHECK(cut.flow == expected.flow);
    CHECK(cut.labels == expected.labels);
}

TEST_CASE("a graph plan allocates nothing when it is called") {
    Cpu exec;
    const Rows rows = rows_of(random_grid({20, 10}, Connectivity::eight, 21, 60, 25));
    GraphMaxflow<Cpu> solve(exec, 200, int(rows.targets.size()));
    std::vector<uint8_t> labels(200);
    auto span = [](const std::vector<int>& v) { return HostSpan<const int>{v.data(), v.size()}; };
    const Graph<HostSpace> graph{span(rows.offsets), span(rows.targets), span(rows.capacities), span(rows.terminal)};
    CHECK(allocations_during([&] { solve(graph, {labels.data(), labels.size()}); }) == 0);
}

TEST_CASE("graphs refuse what is not a graph with both directions in ascending order") {
    Cpu exec;
    GraphMaxflow<Cpu> solve(exec, 3, 4);
    std::vector<uint8_t> labels(3);
    auto call = [&](std::vector<int> offsets, std::vector<int> targets, std::vector<int> capacities,
                    std::vector<int> terminal) {
        auto span = [](std::vector<int>& v) { return HostSpan<const int>{v.data(), v.size()}; };
        return solve({span(offsets), span(targets), span(capacities), span(terminal)},
                     {labels.data(), terminal.size()});
    };
    CHECK(call({0, 1, 3, 4}, {1, 0, 2, 1}, {5, 5, 2, 0}, {9, 0, -9}) == 2);
    CHECK(call({0}, {}, {}, {}) == 0);
    CHECK_THROWS_AS(call({0, 1, 3, 4}, {1, 2, 0, 1}, {5, 5, 2, 0}, {9, 0, -9}), Error);   // order
    CHECK_THROWS_AS(call({0, 1, 2, 2}, {1, 2}, {5, 5}, {9, 0, -9}), Error);               // no opposite
    CHECK_THROWS_AS(call({0, 1, 1, 1}, {0}, {5}, {9, 0, -9}), Error);                     // loop
    CHECK_THROWS_AS(call({0, 1, 1, 1}, {3}, {5}, {9, 0, -9}), Error);                     // target outside
    CHECK_THROWS_AS(call({0, 3, 1, 4}, {1, 0, 2, 1}, {5, 5, 2, 0}, {9, 0, -9}), Error);   // offsets descend
    CHECK_THROWS_AS(call({0, 1, 3, 4}, {1, 0, 2, 1}, {5, -5, 2, 0}, {9, 0, -9}), Error);  // negative
    CHECK_THROWS_AS(call({0, 1, 3, 4}, {1, 0, 2, 1}, {5, 5, 2, 0}, {9, INT_MIN, -9}), Error);
    CHECK_THROWS_AS(call({0, 0, 0, 0, 0}, {}, {}, {9, 0, -9, 1}), Error);  // larger than planned
}
