// Maximum flow and minimum cut, exact, with integer capacities, on pixel grids and on arbitrary graphs.
//
// Goldberg, Hed, Kaplan, Tarjan and Werneck, "Maximum flows by incremental breadth-first search" (ESA 2011): two
// forests grow from the source and from the sink, level by level; where they meet, flow is pushed, and what was cut off
// looks for a new parent by its distance label. The grid is implicit: no arc is stored, only the residual pair of each
// edge.
//
// The cut is canonical: a node is on the source side (label 1) exactly if it can NOT reach the sink in the residual
// graph. Of all minimum cuts this is the one with the fewest nodes on the sink's side; it does not depend on the
// algorithm, so every backend and every exact solver agrees bit for bit.
#pragma once
#include <climits>
#include <cmath>

#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

/// Which neighbours of a pixel are joined to it.
enum class Connectivity { four, eight };

/// The largest capacity of an edge: the residual of one direction may grow to twice that.
inline constexpr int max_capacity = INT_MAX / 2;

/// The capacities of a grid, all [h, w]. Neighbour capacities are undirected, in [0, max_capacity]; entries that point
/// out of the image are ignored. Pixels whose neighbour capacities are all zero cost next to nothing.
template <class Space>
struct GridCapacities {
    Image<const int, Space> terminal;    // > 0: capacity from the source; < 0: its negative is the capacity to the sink
    Image<const int, Space> right;       // edge to (x + 1, y)
    Image<const int, Space> down;        // edge to (x, y + 1)
    Image<const int, Space> down_right;  // edge to (x + 1, y + 1); Connectivity::eight only
    Image<const int, Space> down_left;   // edge to (x - 1, y + 1); Connectivity::eight only
};

/// A graph in compressed rows. The arcs of node v are offsets[v] .. offsets[v + 1] - 1, their targets in strictly
/// ascending order. Every arc has its opposite in the list (with capacity 0 for a one-way edge); no loops.
struct Graph {
    HostSpan<const int> offsets;     // [nodes + 1], the first is 0
    HostSpan<const int> targets;     // [arcs]
    HostSpan<const int> capacities;  // [arcs], in [0, max_capacity]
    HostSpan<const int> terminal;    // [nodes], as in GridCapacities
};

/// Turns a capacity in the caller's units into an integer: the nearest to capacity * scale, halves away from zero,
/// saturated at +-max_capacity (so infinity becomes the largest capacity). `scale` is integer units per 1.0, > 0.
/// Throws Error for NaN.
inline int quantise(float capacity, float scale);
/// The same for an edge between neighbours; throws Error for a negative capacity too.
inline int quantise_neighbour(float capacity, float scale);

namespace detail {
struct GridNode {
    int level;                // > 0: distance from the source; < 0: minus the distance to the sink; 0: in neither tree
    uint8_t out, in, parent;  // sets of directions with residual capacity away from here, and towards here; an arc
};
struct GraphNode {
    int level, parent;
};
struct ResidualPair {
    int v[2];  // forward (in the direction of the name of the capacity) and back
};
template <class Node>
struct ForestBuffers {
    ForestBuffers(Cpu& exec, int nodes, int padding = 0)
        : node(exec, {nodes + 2 * padding, 1}),
          excess(exec, {nodes, 1}),
          active(exec, {nodes, 4}),
          orphans(exec, {nodes, 1}) {}
    Buffer<Node, Cpu> node;
    Buffer<int, Cpu> excess, active, orphans;
};
}  // namespace detail

/// Plan: the minimum cut of grids of one size. Holds 64 bytes a pixel with eight neighbours, 48 with four.
class GridMaxflow {
public:
    /// Throws Error if the size is empty or has more than 2^28 pixels. Allocates everything the solver needs.
    GridMaxflow(Cpu& exec, Size size, Connectivity connectivity);

    /// Writes the canonical minimum cut and returns the maximum flow from the source to the sink.
    ///
    ///   capacities  [h, w]  see GridCapacities
    ///   labels      [h, w]  out; 1 on the source side, 0 on the sink side
    ///
    /// The flow is exact for all legal capacities: it is summed in 64 bits, and the excess of a node only shrinks.
    /// Throws Error if a size differs, a neighbour capacity is outside [0, max_capacity], or a terminal capacity is
    /// INT_MIN. Allocates nothing. Deterministic.
    int64_t operator()(const GridCapacities<HostSpace>& capacities, HostImage<uint8_t> labels);

private:
    void load(const GridCapacities<HostSpace>& capacities);
    template <int directions>
    int64_t solve();

    Cpu* exec_;
    Size size_;
    Connectivity connectivity_;
    detail::ForestBuffers<detail::GridNode> forest_;
    Buffer<detail::ResidualPair, Cpu> edges_;  // one row of nodes per kind of edge
};

/// Plan: the minimum cut of graphs up to a number of nodes and arcs.
class GraphMaxflow {
public:
    /// `max_arcs` counts both directions of each edge. Throws Error if a number is negative. Allocates.
    GraphMaxflow(Cpu& exec, int max_nodes, int max_arcs);

    /// Writes the canonical minimum cut and returns the maximum flow.
    ///
    ///   graph   see Graph
    ///   labels  [nodes]  out; 1 on the source side, 0 on the sink side
    ///
    /// Throws Error if the graph is larger than planned, not as Graph says, or a capacity is out of its range.
    /// Allocates nothing. Deterministic.
    int64_t operator()(const Graph& graph, HostSpan<uint8_t> labels);

private:
    int max_nodes_, max_arcs_;
    detail::ForestBuffers<detail::GraphNode> forest_;
    Buffer<int, Cpu> residual_, opposite_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/maxflow_cpu.hpp"
