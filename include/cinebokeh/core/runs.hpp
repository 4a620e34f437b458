// Runs: the stretches of equal numbers that a row of labels consists of.
#pragma once
#include "cinebokeh/core/int_lanes.hpp"

namespace cinebokeh {

/// Writes the first column of every run of a row of `width` >= 1 numbers to `begin` and returns how many they are.
/// Sixteen places beyond the last may be written.
inline int find_runs(const int* row, int width, int* begin) {
    constexpr int lanes = IntLanes::count;
    int count = 1, x = 1;
    begin[0] = 0;
    for (; x + lanes <= width; x += lanes)
        count += store_where_different(IntLanes::load(row + x), IntLanes::load(row + x - 1), IntLanes::counting_from(x),
                                       begin + count);
    for (; x < width; ++x)
        if (row[x] != row[x - 1]) begin[count++] = x;
    return count;
}
}  // namespace cinebokeh
