// Max-flow on Cpu: the two networks (implicit grid, compressed rows) and the plans over them.
#pragma once
#include <bit>

#include "cinebokeh/maxflow.hpp"
#include "kernels/maxflow_search.hpp"

namespace cinebokeh {
namespace detail {

// Directions 0..7: right, left, down, up, down-right, up-left, down-left, up-right; the opposite differs in bit 0. The
// edge of kind k / 2 belongs to the node it leaves in an even direction.
struct GridNetwork {
    using Node = GridNode;
    using Arc = uint8_t;
    static constexpr Arc root = 8, none = 9;

    Node* node;
    ResidualPair* edges;
    int nodes;
    int offset[8];

    GridNetwork(Node* node_, ResidualPair* edges_, Size size)
        : node(node_),
          edges(edges_),
          nodes(int(size.area())),
          offset{1, -1, size.width, -size.width, size.width + 1, -size.width - 1, size.width - 1, 1 - size.width} {}

    int target(int p, Arc k) const { return p + offset[k]; }
    static Arc opposite(Arc k) { return k ^ 1; }
    int& pair_of(int p, Arc k, bool back) const {
        return edges[size_t(k >> 1) * size_t(nodes) + size_t(k & 1 ? p + offset[k] : p)].v[(k & 1) ^ int(back)];
    }
    int residual(int p, Arc k) const { return pair_of(p, k, false); }
    // Returns what is left of the residual capacity.
    int push(int p, Arc k, int amount) {
        int &there = pair_of(p, k, false), &back = pair_of(p, k, true);
        Node &from = node[p], &to = node[p + offset[k]];
        if (back == 0) to.out |= uint8_t(1 << (k ^ 1)), from.in |= uint8_t(1 << k);
        there -= amount, back += amount;
        if (there == 0) from.out &= uint8_t(~(1 << k)), to.in &= uint8_t(~(1 << (k ^ 1)));
        return there;
    }
    template <bool away, class F>
    void scan(int p, F&& visit) {
        const uint8_t& live = away ? node[p].out : node[p].in;
        for (unsigned left = live; left != 0;) {
            const Arc k = Arc(std::countr_zero(left));
            const Visit next = visit(p + offset[k], k);
            if (next == Visit::stop) return;
            if (next == Visit::next)
                left &= left - 1;
            else
                left &= live;
        }
    }
};

struct GraphNetwork {
    using Node = GraphNode;
    using Arc = int;
    static constexpr Arc root = -1, none = -2;

    Node* node;
    const int *offsets, *targets, *opposites;
    int* capacity_left;

    int target(int, Arc a) const { return targets[a]; }
    Arc opposite(Arc a) const { return opposites[a]; }
    int residual(int, Arc a) const { return capacity_left[a]; }
    int push(int, Arc a, int amount) {
        capacity_left[opposites[a]] += amount;
        return capacity_left[a] -= amount;
    }
    template <bool away, class F>
    void scan(int p, F&& visit) {
        for (int a = offsets[p]; a < offsets[p + 1];) {
            if (capacity_left[away ? a : opposites[a]] > 0) {
                const Visit next = visit(targets[a], a);
                if (next == Visit::stop) return;
                if (next == Visit::again) continue;
            }
            ++a;
        }
    }
};

inline int quantise_checked(const char* name, float capacity, float scale) {
    require(scale > 0 && scale < INFINITY, name, ": scale must be positive and finite, not ", scale);
    require(capacity == capacity, name, ": capacity is not a number");
    const double value = std::round(double(capacity) * double(scale));
    return int(clamp(value, -double(max_capacity), double(max_capacity)));
}
}  // namespace detail

inline int quantise(float capacity, float scale) { return detail::quantise_checked("quantise", capacity, scale); }
inline int quantise_neighbour(float capacity, float scale) {
    require(capacity >= 0, "quantise_neighbour: a neighbour capacity must be at least 0, not ", capacity);
    return detail::quantise_checked("quantise_neighbour", capacity, scale);
}

inline GridMaxflow::GridMaxflow(Cpu& exec, Size size, Connectivity connectivity)
    : exec_(&exec),
      size_((require(!size.empty() && size.area() <= (1u << 28), "GridMaxflow: impossible size ", size.width, " x ",
                     size.height),
             size)),
      connectivity_(connectivity),
      forest_(exec, int(size.area())),
      edges_(exec, {int(size.area()), connectivity == Connectivity::four ? 2 : 4}) {}

namespace detail {
// Copies the capacities of one kind of edge out of a row, zero where the edge leaves the image. Returns whether all
// were legal.
inline bool load_edges(const int* capacity, int begin, int end, Size size, ResidualPair* edges) {
    unsigned illegal = 0;
    for (int x = 0; x < begin; ++x) edges[x] = {{0, 0}};
    for (int x = begin; x < end; ++x) {
        illegal |= unsigned(unsigned(capacity[x]) > unsigned(max_capacity));
        edges[x] = {{capacity[x], capacity[x]}};
    }
    for (int x = std::max(begin, end); x < size.width; ++x) edges[x] = {{0, 0}};
    return illegal == 0;
}
}  // namespace detail

inline void GridMaxflow::load(const GridCapacities<HostSpace>& c) {
    const int w = size_.width, h = size_.height;
    const bool diagonal = connectivity_ == Connectivity::eight;
    const size_t nodes = size_.area();
    detail::ResidualPair* edges = edges_.view().data;
    detail::GridNode* node = forest_.node.view().data;
    int* excess = forest_.excess.view().data;
    for (int y = 0; y < h; ++y) {
        const size_t first = size_t(y) * size_t(w);
        const int below = y + 1 < h;
        bool legal = detail::load_edges(c.right.row(y), 0, w - 1, size_, edges + first) &&
                     detail::load_edges(c.down.row(y), 0, w * below, size_, edges + nodes + first);
        if (diagonal)
            legal = legal &&
                    detail::load_edges(c.down_right.row(y), 0, (w - 1) * below, size_, edges + 2 * nodes + first) &&
                    detail::load_edges(c.down_left.row(y), 1, w * below, size_, edges + 3 * nodes + first);
        require(legal, "GridMaxflow: a neighbour capacity in row ", y, " is outside [0, ", max_capacity, "]");

        const int* terminal = c.terminal.row(y);
        bool finite = true;
        for (int x = 0; x < w; ++x) finite &= terminal[x] != INT_MIN, excess[first + size_t(x)] = terminal[x];
        require(finite, "GridMaxflow: a terminal capacity in row ", y, " is INT_MIN");

        for (int x = 0; x < w; ++x) {
            const size_t p = first + size_t(x);
            auto has = [&](size_t kind, bool inside, size_t owner) {
                return inside && edges[kind * nodes + owner].v[0] > 0;
            };
            unsigned set = unsigned(has(0, true, p)) | unsigned(has(0, x > 0, p - 1)) << 1 |
                           unsigned(has(1, true, p)) << 2 | unsigned(has(1, y > 0, p - size_t(w))) << 3;
            if (diagonal)
                set |= unsigned(has(2, true, p)) << 4 | unsigned(has(2, x > 0 && y > 0, p - size_t(w) - 1)) << 5 |
                       unsigned(has(3, true, p)) << 6 | unsigned(has(3, x + 1 < w && y > 0, p - size_t(w) + 1)) << 7;
            node[p].in = node[p].out = uint8_t(set);
        }
    }
}

inline int64_t GridMaxflow::operator()(const GridCapacities<HostSpace>& capacities, HostImage<uint8_t> labels) {
    require(capacities.terminal.size == size_ && capacities.right.size == size_ && capacities.down.size == size_ &&
                labels.size == size_,
            "GridMaxflow: an image is not ", size_.width, " x ", size_.height, " as planned");
    require(connectivity_ == Connectivity::four ||
                (capacities.down_right.size == size_ && capacities.down_left.size == size_),
            "GridMaxflow: a diagonal capacity is not ", size_.width, " x ", size_.height, " as planned");
    load(capacities);
    detail::GridNetwork network(forest_.node.view().data, edges_.view().data, size_);
    detail::Forest<detail::GridNetwork> forest(network, forest_);
    for (int p = 0; p < network.nodes; ++p) forest.plant(p, network.node[p].out != 0);
    const int64_t flow = forest.run();
    for (int y = 0; y < size_.height; ++y)
        for (int x = 0; x < size_.width; ++x) labels(x, y) = network.node[y * size_.width + x].level >= 0;
    return flow;
}

inline GraphMaxflow::GraphMaxflow(Cpu& exec, int max_nodes, int max_arcs)
    : max_nodes_((require(max_nodes >= 0 && max_arcs >= 0, "GraphMaxflow: negative size"), max_nodes)),
      max_arcs_(max_arcs),
      forest_(exec, max_nodes),
      residual_(exec, {max_arcs, 1}),
      opposite_(exec, {max_arcs, 1}) {}

namespace detail {
// Finds the opposite of every arc. Where targets ascend, the nodes that come before u have already claimed the arcs of
// v that come before v -> u, so a cursor per node points at the opposite. Returns false if the graph is not as
// promised.
inline bool match_arcs(const Graph& graph, int nodes, int* cursor, int* opposite) {
    for (int v = 0; v < nodes; ++v) cursor[v] = graph.offsets[size_t(v)];
    for (int u = 0; u < nodes; ++u) {
        const int end = graph.offsets[size_t(u) + 1];
        for (int a = graph.offsets[size_t(u)]; a < end; ++a) {
            const int v = graph.targets[size_t(a)];
            if (v < 0 || v >= nodes || v == u) return false;
            if (a > graph.offsets[size_t(u)] && v <= graph.targets[size_t(a) - 1]) return false;
            if (v < u) {
                if (a >= cursor[u]) return false;  // nobody claimed it
                continue;
            }
            const int b = cursor[v];
            if (b >= graph.offsets[size_t(v) + 1] || graph.targets[size_t(b)] != u) return false;
            opposite[a] = b, opposite[b] = a;
            ++cursor[v];
        }
    }
    return true;
}
}  // namespace detail

inline int64_t GraphMaxflow::operator()(const Graph& graph, HostSpan<uint8_t> labels) {
    const int nodes = int(labels.count), arcs = int(graph.targets.count);
    require(labels.count <= size_t(max_nodes_) && graph.targets.count <= size_t(max_arcs_),
            "GraphMaxflow: ", labels.count, " nodes and ", graph.targets.count, " arcs are more than planned");
    require(graph.offsets.count == labels.count + 1 && graph.terminal.count == labels.count &&
                graph.capacities.count == graph.targets.count,
            "GraphMaxflow: the arrays of the graph differ in length");
    bool legal = graph.offsets[0] == 0 && graph.offsets[size_t(nodes)] == arcs;
    for (int v = 0; v < nodes; ++v)
        legal &= graph.offsets[size_t(v)] <= graph.offsets[size_t(v) + 1] && graph.terminal[size_t(v)] != INT_MIN;
    require(legal, "GraphMaxflow: offsets do not ascend from 0 to the number of arcs, or a terminal is INT_MIN");
    for (int a = 0; a < arcs; ++a) legal &= unsigned(graph.capacities[size_t(a)]) <= unsigned(max_capacity);
    require(legal, "GraphMaxflow: a capacity is outside [0, ", max_capacity, "]");

    int* residual = residual_.view().data;
    int* excess = forest_.excess.view().data;
    int* opposite = opposite_.view().data;
    require(detail::match_arcs(graph, nodes, excess, opposite),
            "GraphMaxflow: targets must ascend in each row, without loops, and every arc needs its opposite");
    std::copy(graph.capacities.begin(), graph.capacities.end(), residual);
    std::copy(graph.terminal.begin(), graph.terminal.end(), excess);
    detail::GraphNetwork network{forest_.node.view().data, graph.offsets.data, graph.targets.data, opposite, residual};
    detail::Forest<detail::GraphNetwork> forest(network, forest_);
    for (int v = 0; v < nodes; ++v) forest.plant(v, true);
    const int64_t flow = forest.run();
    for (int v = 0; v < nodes; ++v) labels[size_t(v)] = network.node[v].level >= 0;
    return flow;
}
}  // namespace cinebokeh
