// The inner loop of separable filters on the CPU: a weighted sum of rows of numbers. The sums of several vectors stay
// in registers over all taps, so a tap costs a load and a multiply-add.
#pragma once
#include "cinebokeh/core/lane_storage.hpp"

namespace cinebokeh::detail {

template <int vectors, class RowOf>
void weighted_sum_block(const float* taps, int tap_count, int i, float* sums, const RowOf& row) {
    Lanes sum[vectors];
    for (int v = 0; v < vectors; ++v) sum[v] = Lanes::all(0);
    for (int k = 0; k < tap_count; ++k) {
        const float* in = row(k) + i;
        const Lanes tap = Lanes::all(taps[k]);
        for (int v = 0; v < vectors; ++v) sum[v] = multiply_add(tap, Lanes::load(in + v * Lanes::count), sum[v]);
    }
    for (int v = 0; v < vectors; ++v) sum[v].store(sums + i + v * Lanes::count);
}

/// sums[i] = sum over k of taps[k] * row(k)[i], for i in [0, count). row(k) gives a pointer; no row overlaps `sums`.
template <class RowOf>
void weighted_sum(const float* taps, int tap_count, float* sums, int count, const RowOf& row) {
    constexpr int lanes = Lanes::count, vectors = CINEBOKEH_AVX512 ? 8 : 2;  // fits the registers
    int i = 0;
    for (; i + vectors * lanes <= count; i += vectors * lanes)
        weighted_sum_block<vectors>(taps, tap_count, i, sums, row);
    for (; i + lanes <= count; i += lanes) weighted_sum_block<1>(taps, tap_count, i, sums, row);
    if (i == count) return;
    Lanes sum = Lanes::all(0);
    for (int k = 0; k < tap_count; ++k) sum = multiply_add(Lanes::all(taps[k]), load_lanes(row(k) + i, count - i), sum);
    store_lanes(sums + i, sum, count - i);
}
}  // namespace cinebokeh::detail
