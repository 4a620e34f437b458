// What the tests of max-flow share: an oracle, random grids, and calls on any executor.
#pragma once
#include <deque>

#include "cinebokeh/maxflow.hpp"
#include "support.hpp"

namespace cinebokeh {
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

// A grid in the memory of an executor, and what a plan says about it.
template <class Exec>
struct DeviceGrid {
    Buffer<int, Exec> terminal, right, down, down_right, down_left;

    DeviceGrid(Exec& exec, const Grid& g)
        : terminal(exec, g.size, g.terminal),
          right(exec, g.size, g.right),
          down(exec, g.size, g.down),
          down_right(exec, g.size, g.down_right),
          down_left(exec, g.size, g.down_left) {}
    GridCapacities<typename Exec::Space> view() {
        return {terminal.view(), right.view(), down.view(), down_right.view(), down_left.view()};
    }
};
struct Cut {
    int64_t flow;
    std::vector<uint8_t> labels;
};
// The call returns the flow on Cpu, and leaves it on the device on Cuda.
template <class Plan, class Problem, class Labels>
int64_t flow_of([[maybe_unused]] Cpu& exec, Plan& solve, const Problem& problem, Labels labels) {
    return solve(problem, labels);
}
#if CINEBOKEH_GRID
template <class Plan, class Problem, class Labels>
int64_t flow_of(Cuda& exec, Plan& solve, const Problem& problem, Labels labels) {
    solve(problem, labels);
    long long flow = 0;
    copy(exec, Image<const long long, DeviceSpace>(solve.flow().data, {1, 1}), HostImage<long long>(&flow, {1, 1}));
    exec.synchronize();
    return flow;
}
#endif
template <class Exec>
Cut cut_grid(const Grid& g) {
    Exec exec;
    GridMaxflow<Exec> solve(exec, g.size, g.connectivity);
    DeviceGrid<Exec> grid(exec, g);
    Buffer<uint8_t, Exec> labels(exec, g.size);
    const int64_t flow = flow_of(exec, solve, grid.view(), labels.view());
    return {flow, labels.download()};
}

// The simulator is slow: it gets fewer of many small problems.
template <class Exec>
constexpr int rounds(int on_cpu, int on_cuda) {
    return std::is_same_v<Exec, Cpu> ? on_cpu : on_cuda;
}
}  // namespace cinebokeh
