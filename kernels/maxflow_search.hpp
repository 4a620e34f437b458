// Incremental breadth-first search (Goldberg et al. 2011), over any network that can list its residual arcs.
//
// Invariants between two growth steps. Levels: a node of a tree is one level below its parent, roots are at level 1.
// Residual arcs between nodes of one tree climb at most one level. A node above the deepest level of its tree has no
// residual arc that leaves the tree; so only the nodes of the deepest level, the active ones, can extend it.
#pragma once
#include <algorithm>

#include "cinebokeh/maxflow.hpp"

namespace cinebokeh::detail {

enum class Visit { next, again, stop };  // what a scan does after an arc

// Network offers, for a node p and one of its arcs:
//   Node, Arc, root, none                       what a node stores as its parent
//   node[p].level, node[p].parent
//   target(p, arc), opposite(arc), residual(p, arc), push(p, arc, amount)
//   closest<side>(p)                            the neighbour of the highest level that could be p's parent in a tree,
//   and
//                                               the arc to it; a level that no node has if there is none
//   for_each_child(p, visit)                    calls visit(q) for the neighbours whose parent is p
//   scan<away>(p, visit)                        calls visit(q, arc) for the arcs of p with residual capacity away from
//   p
//                                               (or towards p), until it answers stop; `again` repeats a live arc
template <class Network>
class Forest {
public:
    using Arc = typename Network::Arc;

    Forest(Network& network, ForestBuffers<typename Network::Node>& buffers)
        : network_(network), node_(network.node), excess_(buffers.excess.view().data) {
        for (int i = 0; i < 4; ++i) active_[i / 2][i % 2].node = buffers.active.view().row(i);
        orphans_ = {buffers.orphans.view().data, buffers.orphans.size().width};
    }

    /// Lists a node as a root that can grow: its level is 1 or -1 by the sign of its excess, its parent `root`.
    void activate_root(int p) { active_[excess_[p] < 0][0].push(p); }

    /// Returns the flow. Afterwards the sink's tree holds exactly the nodes that can reach the sink.
    int64_t run() {
        // Once the source's tree can not grow the flow is maximal; the sink's tree is then completed for the labels.
        while (active_[1][0].count > 0) {
            if (active_[0][0].count > 0 && depth_[0] <= depth_[1])
                grow<0>();
            else
                grow<1>();
        }
        return flow_;
    }

private:
    struct List {
        int* node = nullptr;
        int count = 0;
        void push(int p) { node[count++] = p; }
    };
    // A queue in a ring: a node is in it at most once.
    struct Queue {
        int* node = nullptr;
        int capacity = 0, first = 0, count = 0;
        void push(int p) {
            const int at = first + count++;
            node[at < capacity ? at : at - capacity] = p;
        }
        int pop() {
            const int p = node[first++];
            if (--count == 0 || first == capacity) first = 0;
            return p;
        }
    };
    // Levels of the sink's tree are stored negated.
    template <int side>
    int level(int p) const {
        return side == 0 ? node_[p].level : -node_[p].level;
    }

    template <int side>
    void grow() {
        const int depth = depth_[side];
        deepest_[side] = depth + 1;
        List& now = active_[side][0];
        for (int i = 0; i < now.count; ++i) {
            const int p = now.node[i];
            if (level<side>(p) != depth) continue;
            network_.template scan<side == 0>(p, [&](int q, Arc arc) {
                const int neighbour = level<side>(q);
                if (neighbour > 0) return Visit::next;
                if (neighbour == 0) {
                    attach<side>(q, depth + 1, network_.opposite(arc));
                    return Visit::next;
                }
                if (side == 0)
                    augment(p, arc, q);
                else
                    augment(q, network_.opposite(arc), p);
                return level<side>(p) == depth ? Visit::again : Visit::stop;
            });
        }
        now.count = 0;
        std::swap(active_[side][0], active_[side][1]);
        depth_[side] = depth + 1;
    }

    template <int side>
    void attach(int p, int new_level, Arc parent) {
        node_[p].level = side == 0 ? new_level : -new_level;
        node_[p].parent = parent;
        if (new_level == deepest_[side]) active_[side][new_level - depth_[side]].push(p);
    }

    // Pushes what fits along the path root - p - q - root, where the forests meet.
    void augment(int p, Arc arc, int q) {
        int amount = network_.residual(p, arc), v = p;
        for (; node_[v].parent != Network::root; v = network_.target(v, node_[v].parent)) {
            const Arc up = node_[v].parent;
            amount = std::min(amount, network_.residual(network_.target(v, up), network_.opposite(up)));
        }
        amount = std::min(amount, excess_[v]);
        for (v = q; node_[v].parent != Network::root; v = network_.target(v, node_[v].parent))
            amount = std::min(amount, network_.residual(v, node_[v].parent));
        amount = std::min(amount, -excess_[v]);

        flow_ += amount;
        network_.push(p, arc, amount);
        push_along_tree<0>(p, amount);
        adopt_orphans<0>();
        push_along_tree<1>(q, amount);
        adopt_orphans<1>();
    }

    template <int side>
    void push_along_tree(int v, int amount) {
        while (node_[v].parent != Network::root) {
            const Arc up = node_[v].parent;
            const int u = network_.target(v, up);
            const int left = side == 0 ? network_.push(u, network_.opposite(up), amount) : network_.push(v, up, amount);
            if (left == 0) make_orphan(v);
            v = u;
        }
        excess_[v] += side == 0 ? -amount : amount;
        if (excess_[v] == 0) make_orphan(v);
    }

    void make_orphan(int p) {
        node_[p].parent = Network::none;
        orphans_.push(p);
    }

    // An orphan takes a parent one level above it; else it moves down below the highest possible parent, or leaves the
    // tree, and orphans its children. Levels only grow, so this ends. Orphans nearest to the root come first: what
    // hangs below them then sees final levels, which saves a fifth of all moves.
    template <int side>
    void adopt_orphans() {
        std::reverse(orphans_.node, orphans_.node + orphans_.count);  // the path was walked towards the root
        while (orphans_.count > 0) {
            const int p = orphans_.pop();
            const auto [best, parent] = network_.template closest<side>(p);
            if (best == level<side>(p) - 1) {
                node_[p].parent = parent;
                continue;
            }
            network_.for_each_child(p, [&](int q) { make_orphan(q); });
            if (best < deepest_[side])
                attach<side>(p, best + 1, parent);
            else
                node_[p].level = 0;
        }
    }

    Network& network_;
    typename Network::Node* node_;
    int* excess_;
    Queue orphans_;
    List active_[2][2];        // of the source's and the sink's tree: the deepest level, and the one being grown
    int depth_[2] = {1, 1};    // the level that is active
    int deepest_[2] = {1, 1};  // the deepest level that a node may have now
    int64_t flow_ = 0;
};
}  // namespace cinebokeh::detail
