// What the tests of the lattice measure it by.
#pragma once
#include <array>
#include <map>

#include "cinebokeh/lattice.hpp"
#include "support.hpp"

namespace cinebokeh {
// Features [n][D] and their values, as the tests make them.
template <int D>
struct Points {
    std::vector<std::array<float, D>> features;

    std::vector<float> rows() const {  // [D, n]
        std::vector<float> planar(features.size() * D);
        for (size_t p = 0; p < features.size(); ++p)
            for (size_t i = 0; i < D; ++i) planar[i * features.size() + p] = features[p][i];
        return planar;
    }
};
template <int D>
Points<D> random_points(size_t n, float spread, unsigned seed) {
    Points<D> points;
    const auto numbers = noise(n * D, -spread, spread, seed);
    for (size_t p = 0; p < n; ++p) {
        std::array<float, D> f;
        std::copy_n(&numbers[p * D], D, f.begin());
        points.features.push_back(f);
    }
    return points;
}

// The lattice as the paper describes it (section 3), in double: every vertex by its D + 1 coordinates in a map.
template <int D>
class PaperLattice {
    using Key = std::array<long, D + 1>;

public:
    explicit PaperLattice(const Points<D>& points) {
        for (const auto& f : points.features) corners_.push_back(locate(f));
        for (const auto& simplex : corners_)
            for (const auto& [key, weight] : simplex) value_[key] = 0;
    }
    std::vector<double> filter(const std::vector<double>& values, bool both_orders) {
        for (auto& [key, value] : value_) value = 0;
        for (size_t p = 0; p < values.size(); ++p)
            for (const auto& [key, weight] : corners_[p]) value_[key] += weight * values[p];
        auto forward = value_, backward = value_;
        for (int axis = 0; axis <= D; ++axis) forward = blurred(forward, axis);
        for (int axis = D; axis >= 0; --axis) backward = blurred(backward, axis);
        std::vector<double> out;
        for (const auto& simplex : corners_) {
            double sum = 0;
            for (const auto& [key, weight] : simplex)
                sum += weight * (both_orders ? (forward[key] + backward[key]) / 2 : forward[key]);
            out.push_back(sum / (1 + std::pow(2.0, -D)));
        }
        return out;
    }

    // Steps 1 to 3: elevate, find the nearest remainder-0 point and the ranks, barycentric weights (equation 5).
    static std::vector<std::pair<Key, double>> locate(const std::array<float, D>& f) {
        double e[D + 1] = {};
        const double sigma = std::sqrt(2.0 / 3) * (D + 1);
        for (int i = 0; i < D; ++i) {
            const double scaled = f[size_t(i)] * sigma / std::sqrt((i + 1.0) * (i + 2.0));
            for (int j = 0; j <= i; ++j) e[j] += scaled;
            e[i + 1] -= (i + 1) * scaled;
        }
        long base[D + 1], sum = 0;
        for (int i = 0; i <= D; ++i) base[i] = std::lround(e[i] / (D + 1)) * (D + 1), sum += base[i] / (D + 1);
        int rank[D + 1] = {};
        for (int i = 0; i <= D; ++i)
            for (int j = 0; j <= D; ++j) {
                const double a = e[i] - double(base[i]), b = e[j] - double(base[j]);
                rank[i] += b > a || (b == a && j < i);
            }
        for (int i = 0; i <= D; ++i) {
            rank[i] += int(sum);
            if (rank[i] < 0) rank[i] += D + 1, base[i] += D + 1;
            if (rank[i] > D) rank[i] -= D + 1, base[i] -= D + 1;
        }
        double weight[D + 2] = {};
        for (int i = 0; i <= D; ++i) {
            weight[D - rank[i]] += (e[i] - double(base[i])) / (D + 1);
            weight[D + 1 - rank[i]] -= (e[i] - double(base[i])) / (D + 1);
        }
        weight[0] += 1 + weight[D + 1];
        std::vector<std::pair<Key, double>> corners;
        for (int k = 0; k <= D; ++k) {
            Key key;
            for (int i = 0; i <= D; ++i) key[size_t(i)] = base[i] + (rank[i] <= D - k ? k : k - (D + 1));
            corners.push_back({key, weight[k]});
        }
        return corners;
    }

private:
    static std::map<Key, double> blurred(const std::map<Key, double>& in, int axis) {
        std::map<Key, double> out;
        for (const auto& [key, value] : in) {
            double sum = value;
            for (int sign : {-1, 1}) {
                Key next = key;
                for (long& c : next) c -= sign;
                next[size_t(axis)] += sign * (D + 1);
                const auto found = in.find(next);
                if (found != in.end()) sum += found->second / 2;
            }
            out[key] = sum;
        }
        return out;
    }

    std::vector<std::vector<std::pair<Key, double>>> corners_;
    std::map<Key, double> value_;
};
}  // namespace cinebokeh
