// Building a permutohedral lattice on the CPU: points to simplices, simplices to vertices, vertices to neighbours.
//
// Adams et al. embed the features in the plane sum(x) = 0 of R^(D+1). The lattice is Z^(D+1) projected along the vector
// of ones, so a vertex may be named by any of its representatives; we take the one whose last coordinate is zero. That
// drops one dimension and turns the simplices into those of Freudenthal's triangulation of Z^D: the corner floor(y),
// then one step along each axis in descending order of the fractions of y. The fractions' differences are the
// barycentric weights; no rounding to the nearest remainder-0 point and no rank correction are needed. The D + 1 blur
// axes are the D unit vectors and the vector of ones.
//
// Points are handled in tiles. A tile collects its own simplices and vertices in tables that stay in the first-level
// cache; the vertices of all tiles are then merged in the order of the tiles, so vertex numbers and sums depend on the
// points alone, never on the threads.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cpu.hpp"

namespace cinebokeh::detail {

inline constexpr int lattice_tile = 2048;  // points; local vertex numbers fit 16 bits
inline constexpr int lattice_block = 32;   // points located together
inline constexpr int lattice_bits = 15;
inline constexpr int lattice_one = 1 << lattice_bits;  // barycentric weights are fixed point and sum to this
inline constexpr float max_lattice_feature = 10000;    // keeps |y| * lattice_one within 32 bits

template <int D>
struct FeatureBounds {
    float low[D], high[D];
};

/// Maps features to lattice coordinates y >= 0 and lattice coordinates to one integer.
template <int D>
struct LatticeFrame {
    float skew[D][D];  // y = skew * feature + offset
    float offset[D];
    int64_t stride[D];  // key = sum of floor(y_i) * stride_i
    double cells = 1;   // of the bounding box

    CINEBOKEH_HD explicit LatticeFrame(const FeatureBounds<D>& bounds) {
        const double scale = std::sqrt(2.0 / 3) * (D + 1);  // the blur's standard deviation, section 3.1
        double elevate[D + 1][D] = {};                      // the paper's E, column i normalised
        for (int i = 0; i < D; ++i) {
            const double column = scale / std::sqrt((i + 1.0) * (i + 2.0));
            for (int j = 0; j <= i; ++j) elevate[j][i] = column;
            elevate[i + 1][i] = -(i + 1) * column;
        }
        double size = 1;
        for (int j = 0; j < D; ++j) {
            double low = 0, high = 0;
            for (int i = 0; i < D; ++i) {
                const double m = (elevate[j][i] - elevate[D][i]) / (D + 1);
                skew[j][i] = float(m);
                low += m * (m > 0 ? bounds.low[i] : bounds.high[i]);
                high += m * (m > 0 ? bounds.high[i] : bounds.low[i]);
            }
            // Two cells of margin: one for the steps to corners and neighbours, one for rounding.
            offset[j] = float(2 - std::floor(low));
            stride[j] = int64_t(size < 0x1p62 ? size : 0x1p62);
            size *= std::floor(high) - std::floor(low) + 5;
        }
        cells = size;
    }
    static constexpr int order_bits = 3 * (D - 1);  // of a code: three name an axis, and the last axis is what remains
    static constexpr double max_cells() { return double(int64_t(1) << (62 - order_bits)); }
    /// The change of the key from a vertex to the next one along a blur axis.
    CINEBOKEH_HD int64_t step(int axis) const {
        if (axis < D) return stride[axis];
        int64_t sum = 0;
        for (int64_t s : stride) sum += s;
        return sum;
    }
};

/// Throws Error unless the keys of all points within the bounds differ and their coordinates fit the fixed point.
template <int D>
void require_lattice_range(const FeatureBounds<D>& bounds) {
    for (int i = 0; i < D; ++i)
        require(bounds.low[i] >= -max_lattice_feature && bounds.high[i] <= max_lattice_feature, "lattice: feature ", i,
                " is beyond +-", max_lattice_feature, " standard deviations");
    const double cells = LatticeFrame<D>(bounds).cells;
    require(cells <= LatticeFrame<D>::max_cells(), "lattice: the features span ", cells, " cells, at most ",
            LatticeFrame<D>::max_cells(), " can be told apart");
}

/// The corners of a simplex, padded so that a row is one or half a vector register.
template <int D>
inline constexpr int lattice_corners = D <= 3 ? 4 : 8;

template <int D>
struct Corners {
    alignas(2 * lattice_corners<D>) uint16_t v[lattice_corners<D>];
};

/// What one thread needs while it works on a tile.
template <int D>
struct LatticeScratch {
    static constexpr int max_vertices = (D + 1) * lattice_tile;
    static constexpr int vertex_slots = 32768, simplex_slots = 2 * lattice_tile;
    static_assert(vertex_slots >= 2 * max_vertices && max_vertices < 65535);

    float features[D][lattice_tile];
    int64_t codes[lattice_tile];  // key of the first corner, then the order of the steps, 3 bits each
    int64_t simplex_codes[lattice_tile];
    int64_t vertex_keys[max_vertices];
    uint16_t simplex_table[simplex_slots], vertex_table[vertex_slots];
    float values[lattice_tile];  // for the caller
    float simplex_values[lattice_tile][lattice_corners<D>];
    float vertex_values[max_vertices];
};

inline uint32_t lattice_hash(int64_t key, int bits) {
    return uint32_t((uint64_t(key) * 0x9E3779B97F4A7C15u) >> (64 - bits));
}
inline int bits_for(int64_t count) {  // of a table that is at most four fifths full, and mostly far from it
    int bits = 4;
    while ((int64_t(4) << bits) < 5 * count) ++bits;
    return bits;
}

/// The simplex of every point as a code, and its barycentric weights (equation 5 of the paper). The inner loops run
/// over a block of points: that is what makes them vector code. Reads and writes up to the next multiple of the block.
template <int D>
void locate_simplices(const LatticeFrame<D>& frame, const float (*features)[lattice_tile], int count, int64_t* codes,
                      Corners<D>* weights) {
    constexpr int block = lattice_block;
    for (int first = 0; first < count; first += block) {
        int64_t key[block] = {};
        int32_t sorted[D][block];  // fraction and axis in one word
        for (int j = 0; j < D; ++j) {
            float y[block];
            for (int p = 0; p < block; ++p) y[p] = frame.offset[j];
            for (int i = 0; i < D; ++i)
                for (int p = 0; p < block; ++p) y[p] += frame.skew[j][i] * features[i][first + p];
            for (int p = 0; p < block; ++p) {
                const int32_t fixed = int32_t(y[p] * lattice_one + 0.5f);
                key[p] += (fixed >> lattice_bits) * frame.stride[j];
                sorted[j][p] = (fixed & (lattice_one - 1)) * 8 + j;
            }
        }
        for (int last = D - 1; last > 0; --last)
            for (int j = 0; j < last; ++j)
                for (int p = 0; p < block; ++p) {
                    const int32_t a = sorted[j][p], b = sorted[j + 1][p];
                    sorted[j][p] = a > b ? a : b, sorted[j + 1][p] = a > b ? b : a;
                }
        int32_t order[block] = {};
        for (int j = 0; j < D - 1; ++j)
            for (int p = 0; p < block; ++p) order[p] |= (sorted[j][p] & 7) << (3 * j);
        for (int p = 0; p < block; ++p)
            codes[first + p] = key[p] * (int64_t(1) << LatticeFrame<D>::order_bits) + order[p];

        uint16_t weight[lattice_corners<D>][block] = {};
        for (int p = 0; p < block; ++p) weight[0][p] = uint16_t(lattice_one - (sorted[0][p] >> 3));
        for (int j = 1; j < D; ++j)
            for (int p = 0; p < block; ++p) weight[j][p] = uint16_t((sorted[j - 1][p] >> 3) - (sorted[j][p] >> 3));
        for (int p = 0; p < block; ++p) weight[D][p] = uint16_t(sorted[D - 1][p] >> 3);
        for (int p = 0; p < block; ++p)
            for (int j = 0; j < lattice_corners<D>; ++j) weights[first + p].v[j] = weight[j][p];
    }
}

/// Numbers equal keys equally, in the order of their first appearance.
class KeyTable {
public:
    KeyTable(uint16_t* slots, int bits, int64_t* keys) : slots_(slots), bits_(bits), keys_(keys) {
        std::fill_n(slots_, size_t(1) << bits, uint16_t(0xffff));
    }
    uint16_t find_or_add(int64_t key) {
        const uint32_t mask = (1u << bits_) - 1;
        for (uint32_t slot = lattice_hash(key, bits_);; slot = (slot + 1) & mask) {
            const uint16_t id = slots_[slot];
            if (id == 0xffff) {
                slots_[slot] = uint16_t(count_), keys_[count_] = key;
                return uint16_t(count_++);
            }
            if (keys_[id] == key) return id;
        }
    }
    int count() const { return count_; }

private:
    uint16_t* slots_;
    int bits_, count_ = 0;
    int64_t* keys_;
};

struct LatticeTile {
    int points, simplices, vertices, first_entry;
};

/// Collects the simplices and vertices of a tile whose features lie in the scratch.
template <int D>
LatticeTile index_tile(const LatticeFrame<D>& frame, int points, LatticeScratch<D>& scratch, Corners<D>* weights,
                       uint16_t* simplex_of, Corners<D>* simplices) {
    const int padded = ceil_div(points, lattice_block) * lattice_block;
    for (auto& row : scratch.features) std::fill(row + points, row + padded, row[0]);
    locate_simplices<D>(frame, scratch.features, points, scratch.codes, weights);
    KeyTable simplex_table(scratch.simplex_table, bits_for(lattice_tile), scratch.simplex_codes);
    for (int p = 0; p < points; ++p) simplex_of[p] = simplex_table.find_or_add(scratch.codes[p]);
    const int count = simplex_table.count();
    const int64_t diagonal = frame.step(D);
    KeyTable vertex_table(scratch.vertex_table, std::min(15, bits_for((D + 1) * count)), scratch.vertex_keys);
    for (int s = 0; s < count; ++s) {
        const int64_t code = scratch.simplex_codes[s], first = code >> LatticeFrame<D>::order_bits;
        Corners<D>& corners = simplices[s];
        corners = {};
        corners.v[0] = vertex_table.find_or_add(first);
        int64_t key = first;
        for (int j = 0; j < D - 1; ++j)
            corners.v[j + 1] = vertex_table.find_or_add(key += frame.stride[(code >> (3 * j)) & 7]);
        corners.v[D] = vertex_table.find_or_add(first + diagonal);
    }
    return {points, count, vertex_table.count(), 0};
}
}  // namespace cinebokeh::detail
