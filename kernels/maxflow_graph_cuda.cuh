// Max-flow on arbitrary graphs on Cuda: push-relabel by one block, as on the grid, with all state in shared memory
// where it fits. A thread owns every 512th node; what it decides and what it does are a barrier apart.
#pragma once
#include "cinebokeh/core/buffer.hpp"
#if CINEBOKEH_GRID
#include "kernels/maxflow_discharge_cuda.cuh"

namespace cinebokeh {
namespace detail {

// The graph and its state in one block of memory.
struct MaxflowNetwork {
    long long* base;                        // [nodes] as MaxflowGrid::base
    int *offsets, *height, *next, *amount;  // [nodes + 1], [nodes]: planned height and push
    int *targets, *opposites, *residual;    // [arcs]
    int nodes, arcs;

    CINEBOKEH_HD static size_t bytes(int nodes, int arcs) { return size_t(nodes) * 24 + size_t(arcs) * 12 + 8; }
    CINEBOKEH_HD MaxflowNetwork(void* memory, int nodes_, int arcs_) : nodes(nodes_), arcs(arcs_) {
        base = static_cast<long long*>(memory);
        offsets = reinterpret_cast<int*>(base + nodes);
        height = offsets + nodes + 1, next = height + nodes, amount = next + nodes;
        targets = amount + nodes, opposites = targets + arcs, residual = opposites + arcs;
    }
};
}  // namespace detail

namespace kernels {
using detail::MaxflowNetwork;
inline constexpr int maxflow_graph_threads = 512;
inline constexpr int maxflow_graph_sweeps = 64;  // before distances are made exact again
inline constexpr size_t maxflow_graph_shared = 200 * 1024;

// Calls f(v) for the nodes of this thread.
template <class F>
__device__ void for_nodes(const MaxflowNetwork& net, F&& f) {
    for (int v = int(threadIdx.x); v < net.nodes; v += int(blockDim.x)) f(v);
}
static __device__ inline long long excess(const MaxflowNetwork& net, int v) {
    long long sum = net.base[v];
    for (int a = net.offsets[v]; a < net.offsets[v + 1]; ++a) sum += net.residual[a];
    return sum;
}

// The arc from -> to in the rows of ascending targets, or -1.
static __device__ inline int find_arc(const MaxflowNetwork& net, int from, int to) {
    int first = net.offsets[from], end = net.offsets[from + 1];
    while (first < end) {
        const int middle = (first + end) / 2;
        if (net.targets[middle] < to)
            first = middle + 1;
        else
            end = middle;
    }
    return first < net.offsets[from + 1] && net.targets[first] == to ? first : -1;
}

static __device__ inline void load_network(const Graph<DeviceSpace>& graph, const MaxflowNetwork& net,
                                           long long& to_sink) {
    for (int v = int(threadIdx.x); v <= net.nodes; v += int(blockDim.x))
        net.offsets[v] = clamp(graph.offsets[size_t(v)], 0, net.arcs);
    for (int a = int(threadIdx.x); a < net.arcs; a += int(blockDim.x))
        net.targets[a] = clamp(graph.targets[size_t(a)], 0, net.nodes - 1);
    __syncthreads();  // rows and targets are there
    for_nodes(net, [&](int v) {
        const int terminal = max(graph.terminal[size_t(v)], -INT_MAX);
        long long base = terminal;
        for (int a = net.offsets[v]; a < net.offsets[v + 1]; ++a) {
            net.opposites[a] = find_arc(net, net.targets[a], v);
            const bool legal = net.opposites[a] >= 0 && net.targets[a] != v;
            net.residual[a] = legal ? clamp(graph.capacities[size_t(a)], 0, int(max_capacity)) : 0;
            base -= net.residual[a];
        }
        net.base[v] = base;
        if (terminal < 0) to_sink -= terminal;
    });
    __syncthreads();  // the residuals are there
}

// Exact distances to the sink. Returns the largest, 0 if no node can reach it.
static __device__ inline int search(const MaxflowNetwork& net, int* highest) {
    for_nodes(net, [&](int v) { net.height[v] = excess(net, v) < 0 ? 1 : MaxflowGrid::unreachable; });
    if (threadIdx.x == 0) *highest = 0;
    for (bool changed = true; changed;) {
        __syncthreads();  // all heights are there
        bool mine = false;
        for_nodes(net, [&](int v) {
            int lower = net.height[v];
            for (int a = net.offsets[v]; a < net.offsets[v + 1]; ++a)
                if (net.residual[a] > 0) lower = min(lower, net.height[net.targets[a]] + 1);
            mine |= lower < net.height[v];
            net.next[v] = lower;
        });
        changed = __syncthreads_or(mine);  // all have read
        for_nodes(net, [&](int v) { net.height[v] = net.next[v]; });
    }
    int top = 0;
    for_nodes(net, [&](int v) {
        if (net.height[v] < MaxflowGrid::unreachable) top = max(top, net.height[v]);
    });
    if (top > 0) atomicMax(highest, top);
    __syncthreads();  // all have said theirs
    return *highest;
}

// What each node does in a sweep; see plan_push() of the grid.
static __device__ inline bool plan_sweep(const MaxflowNetwork& net, int limit) {
    bool any = false;
    for_nodes(net, [&](int v) {
        const int height = net.height[v];
        net.amount[v] = 0, net.next[v] = height;
        if (height > limit) return;
        const long long sum = excess(net, v);
        if (sum <= 0) return;
        net.amount[v] = int(min(sum, (long long)(INT_MAX)));
        int lifted = MaxflowGrid::unreachable;
        bool lower = false;
        for (int a = net.offsets[v]; a < net.offsets[v + 1]; ++a) {
            const int there = net.height[net.targets[a]];
            const bool open = net.residual[a] > 0;
            lower |= open && there < height;
            if (there >= height && (open || there > height)) lifted = min(lifted, there + 1);
        }
        if (!lower) net.next[v] = min(lifted, int(MaxflowGrid::unreachable));
        any = true;
    });
    return any;
}
static __device__ inline void push_sweep(const MaxflowNetwork& net) {
    for_nodes(net, [&](int v) {
        int left = net.amount[v];
        for (int a = net.offsets[v]; a < net.offsets[v + 1] && left > 0; ++a) {
            if (net.height[net.targets[a]] >= net.height[v]) continue;
            const int amount = min(left, net.residual[a]);
            if (amount == 0) continue;
            left -= amount;
            net.residual[a] -= amount, net.residual[net.opposites[a]] += amount;
        }
    });
}

static __global__ void maxflow_graph(Graph<DeviceSpace> graph, Span<uint8_t, DeviceSpace> labels, unsigned char* memory,
                                     long long* flow) {
    // Behind the state, where that is in shared memory: the largest height.
    unsigned char* const shared = dynamic_shared<unsigned char>();
    int* const highest = reinterpret_cast<int*>(shared);
    const MaxflowNetwork net(memory ? memory : shared + 16, int(labels.count), int(graph.targets.count));
    long long to_sink = 0;
    if (threadIdx.x == 0) *flow = 0;
    load_network(graph, net, to_sink);
    for (;;) {
        const int limit = search(net, highest) + 1;
        bool mine = false;
        for_nodes(net, [&](int v) { mine |= net.height[v] < MaxflowGrid::unreachable && excess(net, v) > 0; });
        if (!__syncthreads_or(mine)) break;
        for (int sweep = 0; sweep < maxflow_graph_sweeps; ++sweep) {
            if (!__syncthreads_or(plan_sweep(net, limit))) break;  // all have read
            push_sweep(net);
            __syncthreads();  // nobody looks at the old heights any more
            for_nodes(net, [&](int v) { net.height[v] = net.next[v]; });
            __syncthreads();  // the new ones are there
        }
    }
    for_nodes(net, [&](int v) {
        labels[size_t(v)] = net.height[v] == MaxflowGrid::unreachable;
        to_sink += min(excess(net, v), 0ll);
    });
    add_over_warp(to_sink, flow);
}
}  // namespace kernels

inline detail::GraphMaxflowCuda::GraphMaxflowCuda(Cuda& exec, int max_nodes, int max_arcs)
    : exec_(&exec),
      max_nodes_((require(max_nodes >= 0 && max_arcs >= 0, "GraphMaxflow: negative size"), max_nodes)),
      max_arcs_(max_arcs),
      flow_(exec, {1, 1}) {
    const size_t bytes = MaxflowNetwork::bytes(max_nodes, max_arcs);
    if (bytes > kernels::maxflow_graph_shared) memory_ = Buffer<unsigned char, Cuda>(exec, {int(bytes), 1});
}

inline void detail::GraphMaxflowCuda::operator()(const Graph<DeviceSpace>& graph, Span<uint8_t, DeviceSpace> labels) {
    const size_t nodes = labels.count, arcs = graph.targets.count;
    require(nodes <= size_t(max_nodes_) && arcs <= size_t(max_arcs_), "GraphMaxflow: ", nodes, " nodes and ", arcs,
            " arcs are more than planned");
    require(graph.offsets.count == nodes + 1 && graph.terminal.count == nodes && graph.capacities.count == arcs,
            "GraphMaxflow: the arrays of the graph differ in length");
    const size_t bytes = MaxflowNetwork::bytes(int(nodes), int(arcs));
    const bool fits = bytes <= kernels::maxflow_graph_shared;
    const unsigned threads = unsigned(clamp(int(round_up(nodes, 32)), 32, kernels::maxflow_graph_threads));
    exec_->launch(dim3(1), dim3(threads), 16 + (fits ? bytes : 0), kernels::maxflow_graph, graph, labels,
                  fits ? nullptr : memory_.view().data, flow_.view().data);
}
}  // namespace cinebokeh
#endif
