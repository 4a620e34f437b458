// Maximum flow and minimum cut, exact, with integer capacities, on pixel grids and on arbitrary graphs.
//
// Goldberg, Hed, Kaplan, Tarjan and Werneck, "Maximum flows by incremental breadth-first search" (ESA 2011): two
// forests grow from the source and from the sink, level by level; where they meet, flow is pushed, and what was cut off
// looks for a new parent by its distance label. The grid is implicit: no arc is stored, only the residual pair of each
// edge.
//
// The cut is canonical: a node is on the source side (label 1) exactly if it can NOT reach the sink in the residual
// graph. Of all minimum cuts this is the one with the fewest nodes on the sink's side; it does not depend on the
// algorithm, so every backend and every exact solver agrees bit for bit. (That is the algorithm on Cpu. Cuda pushes and
// relabels: Goldberg and Tarjan, "A new approach to the maximum-flow problem", 1988.)
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
template <class Space>
struct Graph {
    Span<const int, Space> offsets;     // [nodes + 1], the first is 0
    Span<const int, Space> targets;     // [arcs]
    Span<const int, Space> capacities;  // [arcs], in [0, max_capacity]
    Span<const int, Space> terminal;    // [nodes], as in GridCapacities
};

/// Turns a capacity in the caller's units into an integer: the nearest to capacity * scale, halves away from zero,
/// saturated at +-max_capacity (so infinity becomes the largest capacity). `scale` is integer units per 1.0, > 0.
/// Throws Error for NaN.
inline int quantise(float capacity, float scale);
/// The same for an edge between neighbours; throws Error for a negative capacity too.
inline int quantise_neighbour(float capacity, float scale);

namespace detail {
class GridMaxflowCpu;
class GridMaxflowCuda;
class GraphMaxflowCpu;
class GraphMaxflowCuda;
}  // namespace detail

/// Plan: the minimum cut of grids of one size. On Cpu it holds 64 bytes a pixel with eight neighbours, 48 with four; on
/// Cuda 44 and 28.
///
///   GridMaxflow<Exec> solve(exec, size, connectivity);
///   solve(capacities, labels);
///
///   capacities  [h, w]  see GridCapacities
///   labels      [h, w]  out; the canonical minimum cut: 1 on the source side, 0 on the sink side
///
/// On Cpu the call returns the maximum flow from the source to the sink, an int64_t; on Cuda it is written to flow().
/// The flow is exact for all legal capacities: all sums have 64 bits. The constructor throws Error if the size is empty
/// or has more than 2^28 pixels (2^27 on Cuda), and allocates. The call throws Error if a size differs; it allocates
/// nothing. Deterministic: labels and flow are equal between runs and between backends.
///
/// On Cpu it also throws Error if a neighbour capacity is outside [0, max_capacity], or a terminal capacity is INT_MIN.
/// On Cuda it is asynchronous and can be captured in a CUDA graph: a fixed number of launches, most of which find that
/// they have nothing left to do; capacities out of range count as the nearest legal value.
template <class Exec>
using GridMaxflow = ForSpace<Exec, detail::GridMaxflowCpu, detail::GridMaxflowCuda>;

/// Plan: the minimum cut of graphs up to a number of nodes and arcs. On Cuda one block solves it, in shared memory
/// where 24 bytes a node and 12 an arc fit into 200 KiB: made for region graphs of superpixels.
///
///   GraphMaxflow<Exec> solve(exec, max_nodes, max_arcs);  // max_arcs counts both directions of each edge
///   solve(graph, labels);
///
///   graph   see Graph
///   labels  [nodes]  out; 1 on the source side, 0 on the sink side
///
/// Returns the flow, or writes it to flow(), as GridMaxflow does. The constructor throws Error if a number is negative,
/// and allocates. The call throws Error if the graph is larger than planned or its arrays differ in length; it
/// allocates nothing. Deterministic.
///
/// On Cpu it also throws Error if the graph is not as Graph says or a capacity is out of its range. On Cuda it is
/// asynchronous and one launch. Capacities out of range count as the nearest legal value, and an arc without its
/// opposite as none; rows may end before the last arc.
template <class Exec>
using GraphMaxflow = ForSpace<Exec, detail::GraphMaxflowCpu, detail::GraphMaxflowCuda>;

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
template <class Space>
void require_grid(const GridCapacities<Space>& capacities, Size labels, Size planned, Connectivity connectivity) {
    require(capacities.terminal.size == planned && capacities.right.size == planned &&
                capacities.down.size == planned && labels == planned,
            "GridMaxflow: an image is not ", planned.width, " x ", planned.height, " as planned");
    require(connectivity == Connectivity::four ||
                (capacities.down_right.size == planned && capacities.down_left.size == planned),
            "GridMaxflow: a diagonal capacity is not ", planned.width, " x ", planned.height, " as planned");
}
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

class GridMaxflowCpu {
public:
    GridMaxflowCpu(Cpu& exec, Size size, Connectivity connectivity);
    int64_t operator()(const GridCapacities<HostSpace>& capacities, HostImage<uint8_t> labels);

private:
    void load(const GridCapacities<HostSpace>& capacities);
    template <int directions>
    int64_t solve();

    Cpu* exec_;
    Size size_;
    Connectivity connectivity_;
    ForestBuffers<GridNode> forest_;
    Buffer<ResidualPair, Cpu> edges_;  // one row of nodes per kind of edge
};

class GraphMaxflowCpu {
public:
    GraphMaxflowCpu(Cpu& exec, int max_nodes, int max_arcs);
    int64_t operator()(const Graph<HostSpace>& graph, HostSpan<uint8_t> labels);

private:
    int max_nodes_, max_arcs_;
    ForestBuffers<GraphNode> forest_;
    Buffer<int, Cpu> residual_, opposite_;
};

#if CINEBOKEH_GRID
// What the launches of one call tell each other. The launches of round r run if pixels were active after round r - 1.
struct MaxflowProgress {
    static constexpr int rounds = 24;  // most problems of pictures need fewer than ten; the last launch does the rest
    int active[rounds + 1];            // pixels that can still reach the sink after the search of the round
    int highest[rounds + 1];           // finite height
    int visits[rounds + 1];            // of tiles while discharging
};
class GridMaxflowCuda {
public:
    // After so many rounds of launches one block does what is left.
    GridMaxflowCuda(Cuda& exec, Size size, Connectivity connectivity, int rounds = MaxflowProgress::rounds);
    void operator()(const GridCapacities<DeviceSpace>& capacities, Image<uint8_t, DeviceSpace> labels);
    Span<const long long, DeviceSpace> flow() const { return flow_.span(); }  // [1]

private:
    template <int directions>
    void solve(const GridCapacities<DeviceSpace>& capacities, Image<uint8_t, DeviceSpace> labels);

    Cuda* exec_;
    int rounds_;
    Size size_;
    Connectivity connectivity_;
    Size tiles_;
    Buffer<int, Cuda> residual_, height_;
    Buffer<long long, Cuda> base_, flow_;
    Buffer<unsigned, Cuda> sets_;
    Buffer<MaxflowProgress, Cuda> progress_;
};

class GraphMaxflowCuda {
public:
    GraphMaxflowCuda(Cuda& exec, int max_nodes, int max_arcs);
    void operator()(const Graph<DeviceSpace>& graph, Span<uint8_t, DeviceSpace> labels);
    Span<const long long, DeviceSpace> flow() const { return flow_.span(); }  // [1]

private:
    Cuda* exec_;
    int max_nodes_, max_arcs_;
    Buffer<unsigned char, Cuda> memory_;  // for graphs that do not fit into shared memory
    Buffer<long long, Cuda> flow_;
};
#endif
}  // namespace detail
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/maxflow_cpu.hpp"
#include "kernels/maxflow_cuda.cuh"
#include "kernels/maxflow_graph_cuda.cuh"
