// The permutohedral lattice of the CPU: tiles of points, the vertices they share, and splat, blur and slice.
//
// Splatting adds up per simplex first (one vector addition per point), then per vertex of the tile, then per vertex of
// the lattice; each sum has a fixed order. Vertex 0 is the empty one: its value stays zero, and a neighbour that does
// not exist is vertex 0.
#pragma once
#include "kernels/lattice_points_cpu.hpp"

namespace cinebokeh::detail {

template <int D>
class TiledLattice {
public:
    using Scratch = LatticeScratch<D>;

    TiledLattice(Cpu& exec, int max_tiles, int max_vertices = 0)
        : exec_(&exec),
          max_entries_((D + 1) * max_tiles * lattice_tile),
          max_vertices_(max_vertices > 0 ? std::min(max_vertices, max_entries_) : max_entries_),
          scratch_(exec, {std::max(1, exec.threads()), 1}),
          tiles_(exec, {max_tiles, 1}),
          weights_(exec, {max_tiles * lattice_tile, 1}),
          simplices_(exec, {max_tiles * lattice_tile, 1}),
          simplex_of_(exec, {max_tiles * lattice_tile, 1}),
          entry_key_(exec, {max_entries_, 1}),
          entry_vertex_(exec, {max_entries_, 1}),
          entry_order_(exec, {max_entries_, 1}),
          entry_value_(exec, {max_entries_, 1}),
          table_(exec, {1 << bits_for(max_vertices_), 1}),
          vertex_key_(exec, {max_vertices_ + 1, 1}),
          first_entry_(exec, {max_vertices_ + 2, 1}),
          neighbours_(exec, {max_vertices_ + 1, D + 1}),
          values_(exec, {max_vertices_ + 1, 3}) {}

    int vertices() const { return vertices_; }

    /// Calls body(scratch, tile) for every tile, on all threads.
    template <class Body>
    void for_each_tile(int tiles, Body&& body) {
        std::atomic<int> next{0};
        exec_->for_each(std::min(scratch_.size().width, tiles), [&](int slot) {
            for (int t; (t = next.fetch_add(1)) < tiles;) body(scratch_.view().data[slot], t);
        });
    }
    template <class Body>
    void for_each_tile(Body&& body) {
        for_each_tile(tile_count_, body);
    }

    /// fill(tile, features) writes the features of the points of a tile, within the bounds, and returns their number.
    template <class Fill>
    void build(const FeatureBounds<D>& bounds, int tiles, Fill&& fill);

    /// Adds up the values of the points of a tile at the vertices of the tile.
    void splat(Scratch& scratch, int t, const float* values);
    /// Sums the tiles and blurs along the axes of the lattice, once all tiles are splatted.
    void blur(bool both_axis_orders);
    /// Interpolates the blurred values at the points of a tile.
    void slice(Scratch& scratch, int t, float* values);

private:
    struct Pair {
        int minus, plus;
    };
    void merge_vertices();
    void order_entries();
    void connect_neighbours();
    void sum_entries();
    void blur_axis(int axis, const float* in, float* out);
    int find(int64_t key) const;

    Cpu* exec_;
    int max_entries_, max_vertices_;
    int tile_count_ = 0, entries_ = 0, vertices_ = 0, table_bits_ = 4;
    int64_t steps_[D + 1] = {};
    Buffer<Scratch, Cpu> scratch_;  // one per thread
    Buffer<LatticeTile, Cpu> tiles_;
    Buffer<Corners<D>, Cpu> weights_;    // [tile, point] barycentric, times lattice_one
    Buffer<Corners<D>, Cpu> simplices_;  // [tile, simplex] vertices of the tile
    Buffer<uint16_t, Cpu> simplex_of_;   // [tile, point]
    Buffer<int64_t, Cpu> entry_key_;     // an entry is a vertex of a tile
    Buffer<int, Cpu> entry_vertex_;
    Buffer<int, Cpu> entry_order_;  // entries sorted by vertex, then by tile
    Buffer<float, Cpu> entry_value_;
    Buffer<int, Cpu> table_;  // hash slot to vertex; 0 is free
    Buffer<int64_t, Cpu> vertex_key_;
    Buffer<int, Cpu> first_entry_;  // [vertex] in entry_order_
    Buffer<Pair, Cpu> neighbours_;  // [axis, vertex]
    Buffer<float, Cpu> values_;     // [3, vertex]
    float* blurred_ = nullptr;
};

template <int D>
template <class Fill>
void TiledLattice<D>::build(const FeatureBounds<D>& bounds, int tiles, Fill&& fill) {
    require_lattice_range(bounds);
    const LatticeFrame<D> frame(bounds);
    for (int axis = 0; axis <= D; ++axis) steps_[axis] = frame.step(axis);
    tile_count_ = tiles;
    std::atomic<int> entries{0};
    for_each_tile([&](Scratch& scratch, int t) {
        const ptrdiff_t first = ptrdiff_t(t) * lattice_tile;
        const int points = fill(t, scratch.features);
        LatticeTile& tile = tiles_.view().data[t];
        tile = index_tile<D>(frame, points, scratch, weights_.view().data + first, simplex_of_.view().data + first,
                             simplices_.view().data + first);
        tile.first_entry = entries.fetch_add(tile.vertices);
        std::copy_n(scratch.vertex_keys, tile.vertices, entry_key_.view().data + tile.first_entry);
    });
    entries_ = entries;
    merge_vertices();
    require(vertices_ <= max_vertices_, "lattice: more than ", max_vertices_, " vertices");
    order_entries();
    connect_neighbours();
}

template <int D>
int TiledLattice<D>::find(int64_t key) const {
    const uint32_t mask = (1u << table_bits_) - 1;
    for (uint32_t slot = lattice_hash(key, table_bits_);; slot = (slot + 1) & mask) {
        const int vertex = table_.view().data[slot];
        if (vertex == 0 || vertex_key_.view().data[vertex] == key) return vertex;
    }
}

/// Numbers the vertices from 1 in the order of tiles; leaves vertices_ > max_vertices_ where they do not fit.
template <int D>
void TiledLattice<D>::merge_vertices() {
    table_bits_ = bits_for(std::min(entries_, max_vertices_));
    const uint32_t mask = (1u << table_bits_) - 1;
    int* table = table_.view().data;
    std::fill_n(table, size_t(1) << table_bits_, 0);
    vertices_ = 0;
    for (int t = 0; t < tile_count_; ++t) {
        const LatticeTile& tile = tiles_.view().data[t];
        for (int e = tile.first_entry; e < tile.first_entry + tile.vertices; ++e) {
            const int64_t key = entry_key_.view().data[e];
            uint32_t slot = lattice_hash(key, table_bits_);
            while (table[slot] != 0 && vertex_key_.view().data[table[slot]] != key) slot = (slot + 1) & mask;
            if (table[slot] == 0) {
                if (++vertices_ > max_vertices_) return;
                table[slot] = vertices_, vertex_key_.view().data[vertices_] = key;
            }
            entry_vertex_.view().data[e] = table[slot];
        }
    }
}

template <int D>
void TiledLattice<D>::order_entries() {
    int* first = first_entry_.view().data;
    const int* vertex = entry_vertex_.view().data;
    std::fill_n(first, vertices_ + 2, 0);
    for (int e = 0; e < entries_; ++e) ++first[vertex[e] + 1];
    for (int v = 1; v <= vertices_; ++v) first[v + 1] += first[v];
    for (int t = 0; t < tile_count_; ++t) {
        const LatticeTile& tile = tiles_.view().data[t];
        for (int e = tile.first_entry; e < tile.first_entry + tile.vertices; ++e)
            entry_order_.view().data[first[vertex[e]]++] = e;
    }
    for (int v = vertices_ + 1; v > 0; --v) first[v] = first[v - 1];  // the filling moved each to the next one's
}

template <int D>
void TiledLattice<D>::connect_neighbours() {
    for (int axis = 0; axis <= D; ++axis) std::fill_n(neighbours_.view().row(axis), vertices_ + 1, Pair{0, 0});
    exec_->for_each_range(vertices_, 1024, [&](int begin, int end) {
        for (int axis = 0; axis <= D; ++axis) {
            Pair* pairs = neighbours_.view().row(axis);
            for (int v = begin + 1; v <= end; ++v) {
                const int next = find(vertex_key_.view().data[v] + steps_[axis]);
                pairs[v].plus = next;
                if (next) pairs[next].minus = v;  // written by no other vertex
            }
        }
    });
}

template <int D>
void TiledLattice<D>::splat(Scratch& scratch, int t, const float* values) {
    const LatticeTile& tile = tiles_.view().data[t];
    const ptrdiff_t base = ptrdiff_t(t) * lattice_tile;
    const Corners<D>* weights = weights_.view().data + base;
    const Corners<D>* simplices = simplices_.view().data + base;
    const uint16_t* simplex_of = simplex_of_.view().data + base;
    add_points(weights, simplex_of, values, tile.points, tile.simplices, scratch.simplex_values);
    float* sums = entry_value_.view().data + tile.first_entry;
    std::fill_n(sums, tile.vertices, 0.f);
    for (int s = 0; s < tile.simplices; ++s)
        for (int j = 0; j <= D; ++j) sums[simplices[s].v[j]] += scratch.simplex_values[s][j];
}

template <int D>
void TiledLattice<D>::slice(Scratch& scratch, int t, float* values) {
    const LatticeTile& tile = tiles_.view().data[t];
    const ptrdiff_t base = ptrdiff_t(t) * lattice_tile;
    const Corners<D>* weights = weights_.view().data + base;
    const Corners<D>* simplices = simplices_.view().data + base;
    const uint16_t* simplex_of = simplex_of_.view().data + base;
    const int* vertex = entry_vertex_.view().data + tile.first_entry;
    for (int v = 0; v < tile.vertices; ++v) scratch.vertex_values[v] = blurred_[vertex[v]];
    for (int s = 0; s < tile.simplices; ++s)
        for (int j = 0; j < lattice_corners<D>; ++j)  // corners beyond D + 1 are vertex 0, with weights of zero
            scratch.simplex_values[s][j] = scratch.vertex_values[simplices[s].v[j]];
    interpolate_points(weights, simplex_of, scratch.simplex_values, tile.points, values);
}

template <int D>
void TiledLattice<D>::sum_entries() {
    exec_->for_each_range(vertices_, 2048, [&](int begin, int end) {
        const int* first = first_entry_.view().data;
        for (int v = begin + 1; v <= end; ++v) {
            float sum = 0;
            for (int k = first[v]; k < first[v + 1]; ++k) sum += entry_value_.view().data[entry_order_.view().data[k]];
            values_.view().row(0)[v] = sum;
        }
    });
}

template <int D>
void TiledLattice<D>::blur_axis(int axis, const float* in, float* out) {
    const Pair* pairs = neighbours_.view().row(axis);
    exec_->for_each_range(vertices_, 8192, [=](int begin, int end) {
        for (int v = begin + 1; v <= end; ++v) out[v] = in[v] + 0.5f * (in[pairs[v].minus] + in[pairs[v].plus]);
    });
}

template <int D>
void TiledLattice<D>::blur(bool both_axis_orders) {
    float *in = values_.view().row(0), *out = values_.view().row(1), *spare = values_.view().row(2);
    in[0] = out[0] = spare[0] = 0;
    sum_entries();
    blur_axis(0, in, out);
    for (int axis = 1; axis <= D; ++axis) blur_axis(axis, out, spare), std::swap(out, spare);
    float* const forward = out;
    if (both_axis_orders) {
        out = spare;
        for (int axis = D; axis >= 0; --axis) blur_axis(axis, in, out), std::swap(in, out);
    }
    // A vertex meets itself with weight 1, and again after half a step along every axis, a way that leads back.
    const float response = 1 + std::ldexp(1.f, -D);
    const float scale = 1 / (response * float(lattice_one) * float(lattice_one) * (both_axis_orders ? 2 : 1));
    const float* other = both_axis_orders ? in : nullptr;
    exec_->for_each_range(vertices_, 8192, [=](int begin, int end) {
        for (int v = begin + 1; v <= end; ++v) forward[v] = (other ? forward[v] + other[v] : forward[v]) * scale;
    });
    blurred_ = forward;
}
}  // namespace cinebokeh::detail
