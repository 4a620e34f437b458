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
