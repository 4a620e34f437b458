// Max-flow on Cpu: the two networks (implicit grid, compressed rows) and the plans over them.
#pragma once
#include <atomic>
#include <bit>

#include "cinebokeh/maxflow.hpp"
#include "kernels/maxflow_search.hpp"

namespace cinebokeh {
namespace detail {

// `directions` is 4 or 8. Directions 0..7: right, left, down, up, down-right, up-left, down-left, up-right; the
// opposite differs in bit 0. The edge of kind k / 2 belongs to the node it leaves in an even direction.
template <int directions>
struct GridNetwork {
    using Node = GridNode;
    using Arc = uint8_t;
    static constexpr Arc root = 8, none = 9;

    Node* node;
    ResidualPair* edges;
    int nodes;
    int offset[8];

    // Memory of a network: a row and a pixel before and after the image can be read as nodes.
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
    struct Closest {
        int level;
        Arc arc;
    };
    // Without branches: level and direction in one key, the smallest wins; not being in the tree wraps to a huge level.
    template <int side>
    Closest closest(int p) const {
        const unsigned live = side == 0 ? node[p].in : node[p].out;
        uint64_t best = ~uint64_t(0);
        for (unsigned k = 0; k < directions; ++k) {
            const int level = node[p + offset[k]].level;
            const uint64_t key = uint64_t(uint32_t((side == 0 ? level : -level) - 1)) << 3 | k;
            best = std::min(best, key | ((live >> k & 1) ? 0 : ~uint64_t(0)));
        }
        return {int(std::min(best >> 3, uint64_t(INT_MAX - 1))) + 1, Arc(best & 7)};
    }
    template <class F>
    void for_each_child(int p, F&& f) const {
        unsigned children = 0;
        for (unsigned k = 0; k < directions; ++k) children |= unsigned(node[p + offset[k]].parent == (k ^ 1)) << k;
        for (; children != 0; children &= children - 1) f(p + offset[std::countr_zero(children)]);
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
    struct Closest {
        int level;
        Arc arc;
    };
    template <int side>
    Closest closest(int p) const {
        Closest best{INT_MAX, none};
        for (int a = offsets[p]; a < offsets[p + 1]; ++a) {
            const int level = side == 0 ? node[targets[a]].level : -node[targets[a]].level;
            if (level > 0 && level < best.level && capacity_left[side == 0 ? opposites[a] : a] > 0) best = {level, a};
        }
        return best;
    }
    template <class F>
    void for_each_child(int p, F&& f) const {
        for (int a = offsets[p]; a < offsets[p + 1]; ++a)
            if (node[targets[a]].parent == opposites[a]) f(targets[a]);
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

inline detail::GridMaxflowCpu::GridMaxflowCpu(Cpu& exec, Size size, Connectivity connectivity)
    : exec_(&exec),
      size_((require(!size.empty() && size.area() <= (1u << 28), "GridMaxflow: impossible size ", size.width, " x ",
                     size.height),
             size)),
      connectivity_(connectivity),
      forest_(exec, int(size.area()), size.width + 1),
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

// Fills in the nodes of a row from its terminals and from the edges of this row and of the one above, all of which are
// in place. Where a neighbour lies outside, the entry that is read instead belongs to an edge that leaves the image
// elsewhere, and is 0: only the first row, and the first pixel, have nothing before them.
template <bool diagonals>
void load_nodes(const ResidualPair* edges, size_t nodes, int y, int width, const int* excess, GridNode* node) {
    const ptrdiff_t w = width;
    const ResidualPair *right = edges, *down = edges + nodes, *down_right = down + nodes,
                       *down_left = down_right + nodes;
    auto there = [](const ResidualPair& edge) { return unsigned(edge.v[0] > 0); };
    for (ptrdiff_t x = 0; x < w; ++x) {
        unsigned set = there(right[x]) | there(down[x]) << 2;
        if (x > 0) set |= there(right[x - 1]) << 1;
        if (y > 0) set |= there(down[x - w]) << 3;
        if constexpr (diagonals) {
            set |= there(down_right[x]) << 4 | there(down_left[x]) << 6;
            if (y > 0) set |= there(down_right[x - w - 1]) << 5 | there(down_left[x - w + 1]) << 7;
        }
        const int level = (excess[x] > 0) - (excess[x] < 0);
        const uint8_t parent = level ? GridNetwork<4>::root : GridNetwork<4>::none;
        node[x] = {level, uint8_t(set), uint8_t(set), parent};
    }
}
}  // namespace detail

inline void detail::GridMaxflowCpu::load(const GridCapacities<HostSpace>& c) {
    const int w = size_.width, h = size_.height;
    const bool diagonal = connectivity_ == Connectivity::eight;
    const size_t nodes = size_.area();
    detail::ResidualPair* edges = edges_.view().data;
    int* excess = forest_.excess.view().data;
    std::atomic<bool> edges_legal{true}, terminals_legal{true};
    const int grain = std::max(1, 16384 / w);
    exec_->for_each_range(h, grain, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            detail::ResidualPair* row = edges + size_t(y) * size_t(w);
            const int below = y + 1 < h;
            bool legal = detail::load_edges(c.right.row(y), 0, w - 1, size_, row);
            legal &= detail::load_edges(c.down.row(y), 0, w * below, size_, row + nodes);
            if (diagonal) {
                legal &= detail::load_edges(c.down_right.row(y), 0, (w - 1) * below, size_, row + 2 * nodes);
                legal &= detail::load_edges(c.down_left.row(y), 1, w * below, size_, row + 3 * nodes);
            }
            if (!legal) edges_legal = false;
            const int* terminal = c.terminal.row(y);
            int illegal = 0;
            for (int x = 0; x < w; ++x) {
                illegal |= int(terminal[x] == INT_MIN);
                excess[size_t(y) * size_t(w) + size_t(x)] = terminal[x];
            }
            if (illegal) terminals_legal = false;
        }
    });
    require(edges_legal, "GridMaxflow: a neighbour capacity is outside [0, ", max_capacity, "]");
    require(terminals_legal, "GridMaxflow: a terminal capacity is INT_MIN");

    detail::GridNode* node = forest_.node.view().data + w + 1;
    for (int i = 0; i <= w; ++i) node[-1 - i] = node[nodes + size_t(i)] = {0, 0, 0, detail::GridNetwork<4>::none};
    exec_->for_each_range(h, grain, [&](int begin, int end) {
        for (int y = begin; y < end; ++y) {
            const size_t first = size_t(y) * size_t(w);
            auto* fill = diagonal ? detail::load_nodes<true> : detail::load_nodes<false>;
            fill(edges + first, nodes, y, w, excess + first, node + first);
        }
    });
}

template <int directions>
int64_t detail::GridMaxflowCpu::solve() {
    detail::GridNetwork<directions> network(forest_.node.view().data + size_.width + 1, edges_.view().data, size_);
    detail::Forest<detail::GridNetwork<directions>> forest(network, forest_);
    for (int p = 0; p < network.nodes; ++p)
        if (network.node[p].out != 0 && network.node[p].level != 0) forest.activate_root(p);
    return forest.run();
}

inline int64_t detail::GridMaxflowCpu::operator()(const GridCapacities<HostSpace>& capacities,
                                                  HostImage<uint8_t> labels) {
    detail::require_grid(capacities, labels.size, size_, connectivity_);
    load(capacities);
    const int64_t flow = connectivity_ == Connectivity::four ? solve<4>() : solve<8>();
    const detail::GridNode* node = forest_.node.view().data + size_.width + 1;
    exec_->for_each_range(size_.height, std::max(1, 65536 / size_.width), [&](int begin, int end) {
        for (int y = begin; y < end; ++y)
            for (int x = 0; x < size_.width; ++x) labels(x, y) = node[y * size_.width + x].level >= 0;
    });
    return flow;
}

inline detail::GraphMaxflowCpu::GraphMaxflowCpu(Cpu& exec, int max_nodes, int max_arcs)
    : max_nodes_((require(max_nodes >= 0 && max_arcs >= 0, "GraphMaxflow: negative size"), max_nodes)),
      max_arcs_(max_arcs),
      forest_(exec, max_nodes),
      residual_(exec, {max_arcs, 1}),
      opposite_(exec, {max_arcs, 1}) {}

namespace detail {
// Finds the opposite of every arc. Where targets ascend, the nodes that come before u have already claimed the arcs of
// v that come before v -> u, so a cursor per node points at the opposite. Returns false if the graph is not as
// promised.
inline bool match_arcs(const Graph<HostSpace>& graph, int nodes, int* cursor, int* opposite) {
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

inline int64_t detail::GraphMaxflowCpu::operator()(const Graph<HostSpace>& graph, HostSpan<uint8_t> labels) {
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
    for (int v = 0; v < nodes; ++v) {
        const int level = (excess[v] > 0) - (excess[v] < 0);
        network.node[v] = {level, level ? network.root : network.none};
        if (level != 0) forest.activate_root(v);
    }
    const int64_t flow = forest.run();
    for (int v = 0; v < nodes; ++v) labels[size_t(v)] = network.node[v].level >= 0;
    return flow;
}
}  // namespace cinebokeh
