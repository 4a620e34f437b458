#include <deque>

#include "cinebokeh/maxflow.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
// Edmonds and Karp (1972) on a dense matrix: shortest augmenting paths until there is none. Node n is the source,
// node n + 1 the sink. Then the nodes that can not reach the sink are on the source side.
struct Oracle {
    int n;
    std::vector<int64_t> residual, capacity;
    int64_t flow = 0;
    std::vector<uint8_t> labels;

    explicit Oracle(int n_) : n(n_), residual(size_t(n + 2) * size_t(n + 2), 0) {}
    int64_t& at(int p, int q) { return residual[size_t(p) * size_t(n + 2) + size_t(q)]; }
    void terminal(int p, int c) { (c > 0 ? at(n, p) : at(p, n + 1)) += std::abs(int64_t(c)); }
    void edge(int p, int q, int c) { at(p, q) += c, at(q, p) += c; }

    void solve() {
        capacity = residual;
        for (;;) {
            std::vector<int> previous(size_t(n + 2), -1);
            std::deque<int> queue{n};
            while (!queue.empty()) {
                const int p = queue.front();
                queue.pop_front();
                for (int q = 0; q < n + 2; ++q)
                    if (q != n && previous[size_t(q)] < 0 && at(p, q) > 0) previous[size_t(q)] = p, queue.push_back(q);
            }
            if (previous[size_t(n + 1)] < 0) break;
            int64_t amount = INT64_MAX;
            for (int q = n + 1; q != n; q = previous[size_t(q)]) amount = std::min(amount, at(previous[size_t(q)], q));
            for (int q = n + 1; q != n; q = previous[size_t(q)])
                at(previous[size_t(q)], q) -= amount, at(q, previous[size_t(q)]) += amount;
            flow += amount;
        }
        std::vector<uint8_t> reaches(size_t(n + 2), 0);
        std::deque<int> queue{n + 1};
        reaches[size_t(n + 1)] = 1;
        while (!queue.empty()) {
            const int q = queue.front();
            queue.pop_front();
            for (int p = 0; p < n + 2; ++p)
                if (!reaches[size_t(p)] && at(p, q) > 0) reaches[size_t(p)] = 1, queue.push_back(p);
        }
        for (int p = 0; p < n; ++p) labels.push_back(!reaches[size_t(p)]);
    }
    int64_t cut(const std::vector<uint8_t>& side) const {
        auto source = [&](int p) { return p == n || (p < n && side[size_t(p)]); };
        int64_t sum = 0;
        for (int p = 0; p < n + 2; ++p)
            for (int q = 0; q < n + 2; ++q)
                if (source(p) && !source(q)) sum += capacity[size_t(p) * size_t(n + 2) + size_t(q)];
        return sum;
    }
};

struct Grid {
    Size size;
    Connectivity connectivity;
    std::vector<int> terminal, right, down, down_right, down_left;

    GridCapacities<HostSpace> view() const {
        return {host_view(terminal, size), host_view(right, size), host_view(down, size), host_view(down_right, size),
                host_view(down_left, size)};
    }
    Oracle oracle() const {
        Oracle o(int(size.area()));
        auto join = [&](int x, int y, int dx, int dy, const std::vector<int>& capacity) {
            const int p = y * size.width + x;
            if (size.contains(x + dx, y + dy)) o.edge(p, p + dy * size.width + dx, capacity[size_t(p)]);
        };
        for (int y = 0; y < size.height; ++y)
            for (int x = 0; x < size.width; ++x) {
                o.terminal(y * size.width + x, terminal[size_t(y * size.width + x)]);
                join(x, y, 1, 0, right), join(x, y, 0, 1, down);
                if (connectivity == Connectivity::eight) join(x, y, 1, 1, down_right), join(x, y, -1, 1, down_left);
            }
        o.solve();
        return o;
    }
};

// Capacities in [0, largest] where a part is zero; `largest` small makes many ties.
Grid random_grid(Size size, Connectivity connectivity, unsigned seed, int largest_terminal, int largest_edge) {
    std::mt19937 generator(seed);
    auto draw = [&](int low, int high) { return low + int(generator() % unsigned(high - low + 1)); };
    Grid g{size, connectivity, {}, {}, {}, {}, {}};
    for (size_t i = 0; i < size.area(); ++i) {
        g.terminal.push_back(draw(0, 2) ? draw(-largest_terminal, largest_terminal) : 0);
        for (std::vector<int>* edges : {&g.right, &g.down, &g.down_right, &g.down_left})
            edges->push_back(draw(0, 3) ? draw(0, largest_edge) : 0);
    }
    return g;
}

void check_grid(const Grid& g) {
    Oracle expected = g.oracle();
    Cpu exec;
    GridMaxflow solve(exec, g.size, g.connectivity);
    std::vector<uint8_t> labels(g.size.area(), 7);
    CHECK(solve(g.view(), host_view(labels, g.size)) == expected.flow);
    CHECK(labels == expected.labels);
    CHECK(expected.cut(labels) == expected.flow);
}
constexpr Connectivity both[] = {Connectivity::four, Connectivity::eight};
}  // namespace

TEST_CASE("the grid cut is the canonical minimum cut and the flow equals its value") {
    unsigned seed = 0;
    for (Connectivity connectivity : both)
        for (Size s : {Size{1, 1}, Size{1, 9}, Size{9, 1}, Size{2, 2}, Size{3, 5}, Size{8, 8}, Size{9, 7}, Size{13, 6}})
            for (int largest_edge : {1, 2, 10, 100})
                for (int i = 0; i < 12; ++i) {
                    CAPTURE(s.width);
                    CAPTURE(seed);
                    check_grid(random_grid(s, connectivity, ++seed, i % 2 ? 3 : 40, largest_edge));
                }
}

TEST_CASE("long paths: seeds in two corners of a grid that is otherwise neutral") {
    for (Connectivity connectivity : both)
        for (unsigned seed = 1; seed <= 20; ++seed) {
            CAPTURE(seed);
            Grid g = random_grid({12, 11}, connectivity, seed, 1, 9);
            std::fill(g.terminal.begin(), g.terminal.end(), 0);
            g.terminal.front() = 1000, g.terminal.back() = -1000;
            g.terminal[5] = int(seed % 7), g.terminal[70] = -int(seed % 5);
            check_grid(g);
        }
}

TEST_CASE("arbitrary graphs: the canonical cut, and one-way edges") {
    std::mt19937 generator(5);
    auto draw = [&](int low, int high) { return low + int(generator() % unsigned(high - low + 1)); };
    Cpu exec;
    GraphMaxflow solve(exec, 40, 40 * 39);
    for (int round = 0; round < 150; ++round) {
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
        std::vector<uint8_t> labels(size_t(n), 7);
        auto span = [](std::vector<int>& v) { return HostSpan<const int>{v.data(), v.size()}; };
        CHECK(solve({span(offsets), span(targets), span(capacities), span(terminal)}, {labels.data(), labels.size()}) ==
              expected.flow);
        CHECK(labels == expected.labels);
        CHECK(expected.cut(labels) == expected.flow);
    }
}

TEST_CASE("without seeds nothing flows: all is source side without a sink, and sink side where the sink is reached") {
    const Size s{5, 4};
    Cpu exec;
    for (Connectivity connectivity : both) {
        GridMaxflow solve(exec, s, connectivity);
        const std::vector<int> ones(s.area(), 1);
        std::vector<uint8_t> labels(s.area(), 7);
        for (int terminal : {0, 3, -3}) {
            Grid g{s, connectivity, std::vector<int>(s.area(), 0), ones, ones, ones, ones};
            g.terminal[7] = terminal;
            CHECK(solve(g.view(), host_view(labels, s)) == 0);
            CHECK(labels == std::vector<uint8_t>(s.area(), terminal >= 0));
        }
    }
}

TEST_CASE("isolated pixels take the side of their terminal, and 0 the source side") {
    const Size s{6, 3};
    Cpu exec;
    GridMaxflow solve(exec, s, Connectivity::eight);
    const std::vector<int> none(s.area(), 0);
    Grid g{s, Connectivity::eight, none, none, none, none, none};
    std::vector<uint8_t> labels(s.area(), 7), expected;
    for (size_t i = 0; i < s.area(); ++i) g.terminal[i] = int(i % 3) - 1, expected.push_back(i % 3 >= 1);
    CHECK(solve(g.view(), host_view(labels, s)) == 0);
    CHECK(labels == expected);
}

TEST_CASE("capacities that point out of the image are ignored, whatever they hold") {
    const Size s{4, 3};
    Grid g = random_grid(s, Connectivity::eight, 3, 9, 9);
    for (int y = 0; y < s.height; ++y) {
        g.right[size_t(y * s.width + s.width - 1)] = g.down_right[size_t(y * s.width + s.width - 1)] = -5;
        g.down_left[size_t(y * s.width)] = INT_MIN;
    }
    for (int x = 0; x < s.width; ++x) {
        const size_t last = size_t((s.height - 1) * s.width + x);
        g.down[last] = g.down_right[last] = g.down_left[last] = -1;
    }
    check_grid(g);
}

TEST_CASE("the largest capacities do not overflow, and the flow exceeds 32 bits") {
    for (Connectivity connectivity : both) {
        Grid g = random_grid({4, 2}, connectivity, 1, 1, 1);
        for (std::vector<int>* edges : {&g.right, &g.down, &g.down_right, &g.down_left})
            std::fill(edges->begin(), edges->end(), max_capacity);
        for (size_t i = 0; i < 8; ++i) g.terminal[i] = i % 4 < 2 ? INT_MAX : -INT_MAX;
        check_grid(g);
        Cpu exec;
        GridMaxflow solve(exec, g.size, connectivity);
        std::vector<uint8_t> labels(g.size.area());
        // Across the middle: two straight edges, and two diagonal ones where there are eight neighbours.
        const int64_t edges = connectivity == Connectivity::eight ? 4 : 2;
        CHECK(solve(g.view(), host_view(labels, g.size)) == edges * max_capacity);
    }
}

TEST_CASE("one plan gives the same cut again after other problems, allocates nothing, and takes padded images") {
    const Size s{23, 17};
    Cpu exec;
    GridMaxflow solve(exec, s, Connectivity::eight);
    const Grid g = random_grid(s, Connectivity::eight, 11, 20, 9),
               other = random_grid(s, Connectivity::eight, 12, 9, 30);
    std::vector<uint8_t> first(s.area()), again(s.area());
    const int64_t flow = solve(g.view(), host_view(first, s));
    for (int i = 0; i < 3; ++i) {
        solve(other.view(), host_view(again, s));
        CHECK(allocations_during([&] { CHECK(solve(g.view(), host_view(again, s)) == flow); }) == 0);
        CHECK(again == first);
    }
    Buffer<int, Cpu> terminal(exec, s, g.terminal);  // rows padded to 64 bytes
    Buffer<uint8_t, Cpu> labels(exec, s);
    GridCapacities<HostSpace> padded = g.view();
    padded.terminal = terminal.view();
    CHECK(solve(padded, labels.view()) == flow);
    CHECK(labels.download() == first);
}

TEST_CASE("a grid of several thousand pixels: source and sink side agree with the same problem as a graph") {
    const Size s{90, 70};
    const Grid g = random_grid(s, Connectivity::eight, 21, 60, 25);
    const int n = int(s.area());
    std::vector<int> offsets{0}, targets, capacities;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const int p = y * s.width + x;
            auto join = [&](int dx, int dy, const std::vector<int>& capacity, bool mine) {
                if (!s.contains(x + dx, y + dy)) return;
                targets.push_back(p + dy * s.width + dx);
                capacities.push_back(capacity[size_t(mine ? p : targets.back())]);
            };
            join(-1, -1, g.down_right, false), join(0, -1, g.down, false), join(1, -1, g.down_left, false);
            join(-1, 0, g.right, false), join(1, 0, g.right, true);
            join(-1, 1, g.down_left, true), join(0, 1, g.down, true), join(1, 1, g.down_right, true);
            offsets.push_back(int(targets.size()));
        }
    Cpu exec;
    GridMaxflow grid(exec, s, Connectivity::eight);
    GraphMaxflow graph(exec, n, int(targets.size()));
    std::vector<uint8_t> a(s.area(), 7), b(s.area(), 8);
    auto span = [](const std::vector<int>& v) { return HostSpan<const int>{v.data(), v.size()}; };
    const Graph csr{span(offsets), span(targets), span(capacities), span(g.terminal)};
    const int64_t flow = grid(g.view(), host_view(a, s));
    CHECK(graph(csr, {b.data(), b.size()}) == flow);
    CHECK(a == b);
    CHECK(allocations_during([&] { graph(csr, {b.data(), b.size()}); }) == 0);
}

TEST_CASE("grids refuse wrong sizes and capacities out of range") {
    const Size s{4, 3};
    Cpu exec;
    CHECK_THROWS_AS(GridMaxflow(exec, {0, 3}, Connectivity::four), Error);
    CHECK_THROWS_AS(GridMaxflow(exec, {-1, 3}, Connectivity::four), Error);
    CHECK_THROWS_AS(GridMaxflow(exec, {1 << 20, 1 << 20}, Connectivity::four), Error);
    GridMaxflow four(exec, s, Connectivity::four), eight(exec, s, Connectivity::eight);
    const Grid good = random_grid(s, Connectivity::eight, 1, 5, 5);
    std::vector<uint8_t> labels(s.area());
    CHECK_THROWS_AS(four(good.view(), host_view(labels, {3, 4})), Error);
    GridCapacities<HostSpace> no_diagonals = good.view();
    no_diagonals.down_left = {};
    CHECK_NOTHROW(four(no_diagonals, host_view(labels, s)));
    CHECK_THROWS_AS(eight(no_diagonals, host_view(labels, s)), Error);
    for (int bad : {-1, INT_MIN, max_capacity + 1}) {
        Grid g = good;
        g.down_right[5] = bad;
        CHECK_THROWS_AS(eight(g.view(), host_view(labels, s)), Error);
        CHECK_NOTHROW(four(g.view(), host_view(labels, s)));
        g = good, g.right[0] = bad;
        CHECK_THROWS_AS(four(g.view(), host_view(labels, s)), Error);
    }
    Grid g = good;
    g.terminal[3] = INT_MIN;
    CHECK_THROWS_AS(four(g.view(), host_view(labels, s)), Error);
}

TEST_CASE("graphs refuse what is not a graph with both directions in ascending order") {
    Cpu exec;
    GraphMaxflow solve(exec, 3, 4);
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

TEST_CASE("quantise rounds to the nearest unit, saturates, and refuses what has no meaning") {
    CHECK(quantise(1.25f, 1000) == 1250);
    CHECK(quantise(-0.0026f, 1000) == -3);
    CHECK(quantise(2.5f, 1) == 3);
    CHECK(quantise(INFINITY, 1) == max_capacity);
    CHECK(quantise(-3e38f, 3e38f) == -max_capacity);
    CHECK(quantise_neighbour(0.5f, 10) == 5);
    CHECK_THROWS_AS(quantise(NAN, 1), Error);
    CHECK_THROWS_AS(quantise(1, NAN), Error);
    CHECK_THROWS_AS(quantise(1, 0), Error);
    CHECK_THROWS_AS(quantise(1, INFINITY), Error);
    CHECK_THROWS_AS(quantise_neighbour(-0.1f, 1), Error);
    CHECK_THROWS_AS(quantise_neighbour(NAN, 1), Error);
}
