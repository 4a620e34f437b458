// Disk blur on the CPU: prefix sums of all rows, then the runs of the disk, two rows of it at a time because the ones
// above and below the centre are alike. Columns are taken in chunks so that the rows of prefix sums stay in the cache.
#pragma once
#include <cstring>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/lanes.hpp"
#include "kernels/disk_blur.hpp"

namespace cinebokeh::detail {

template <>
struct DiskScratch<HostSpace> {
    DiskScratch(Cpu& exec, Size max_size, const Disk& disk)
        : prefix(exec, {max_size.width + 2 * disk.reach + 1, max_size.height}) {}
    Buffer<Uint4, Cpu> prefix;  // of row y, pixels from -reach on: [i] is the sum of the i first ones, modulo 2^32
};

constexpr int prefix_piece = 64;

// Appends the sums before each of `count` pixels, at most a piece; the conversion and the sums are separate loops.
inline Uint4* append_prefix_sums(const Float4* in, int count, const Disk& disk, Uint4& sum, Uint4* prefix) {
    alignas(64) uint32_t fixed[4 * prefix_piece];
    const float* values = &in[0][0];
    for (int i = 0; i < 4 * count; ++i) fixed[i] = to_fixed_point(values[i], disk.to_fixed, disk.largest);
    Uint4 own = sum;  // `sum` might be in what is written: kept in memory it would be read back for every pixel
    for (int i = 0; i < count; ++i) {
        *prefix++ = own;
        for (int c = 0; c < 4; ++c) own[c] += fixed[4 * i + c];
    }
    sum = own;
    return prefix;
}

// Prefix sums of a row continued beyond its ends; piece(x, count) returns its pixels from x on.
template <class Piece>
void prefix_sums_of_row(int width, const Disk& disk, Uint4* prefix, Piece&& piece) {
    Uint4 sum{};
    Float4 last = *piece(0, 1);
    for (int i = 0; i < disk.reach; ++i) prefix = append_prefix_sums(&last, 1, disk, sum, prefix);
    for (int x = 0; x < width; x += prefix_piece) {
        const int count = std::min(prefix_piece, width - x);
        const Float4* pixels = piece(x, count);
        last = pixels[count - 1];
        prefix = append_prefix_sums(pixels, count, disk, sum, prefix);
    }
    for (int i = 0; i < disk.reach; ++i) prefix = append_prefix_sums(&last, 1, disk, sum, prefix);
    *prefix = sum;
}

#if defined(CINEBOKEH_SHUFFLE)
// Four pixels of prefix sums. (In a struct: functions that return bare vectors differ between processors.)
struct SumLanes {
    typedef uint32_t Numbers __attribute__((vector_size(64)));
    Numbers v;

    static SumLanes of_both(const uint32_t* a, const uint32_t* b) {
        SumLanes x, y;
        std::memcpy(&x.v, a, sizeof x.v), std::memcpy(&y.v, b, sizeof y.v);
        return {x.v + y.v};
    }
    SumLanes shifted(const SumLanes& next) const {  // by one pixel
        return {__builtin_shufflevector(v, next.v, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)};
    }
};
#endif

// Adds the runs of two rows; `above` and `below` are the sums before the pixels of the centres, `count` counts
// channels.
inline void add_runs(const uint32_t* above, const uint32_t* below, DiskRun run, uint32_t* CINEBOKEH_RESTRICT sums,
                     int count) {
    const int a = -4 * (run.full + 1), b = -4 * run.full, c = 4 * (run.full + 1), d = 4 * (run.full + 2);
    int i = 0;
#if defined(CINEBOKEH_SHUFFLE)
    // The sums one pixel further are the same ones, shifted by four lanes: half as many are loaded.
    constexpr int lanes = 16;
    if (count >= 2 * lanes) {
        SumLanes left = SumLanes::of_both(above + a, below + a), right = SumLanes::of_both(above + c, below + c);
        for (; i + 2 * lanes <= count; i += lanes) {
            const int next = i + lanes;
            const SumLanes next_left = SumLanes::of_both(above + next + a, below + next + a);
            const SumLanes next_right = SumLanes::of_both(above + next + c, below + next + c);
            SumLanes sum;
            std::memcpy(&sum.v, sums + i, sizeof sum.v);
            sum.v +=
                run.whole * (right.v - left.shifted(next_left).v) + run.end * (right.shifted(next_right).v - left.v);
            std::memcpy(sums + i, &sum.v, sizeof sum.v);
            left = next_left, right = next_right;
        }
    }
#endif
    for (; i < count; ++i)
        sums[i] += run_sum(run, above[i + a] + below[i + a], above[i + b] + below[i + b], above[i + c] + below[i + c],
                           above[i + d] + below[i + d]);
}
inline void set_run(const uint32_t* centre, DiskRun run, uint32_t* CINEBOKEH_RESTRICT sums, int count) {
    const int a = -4 * (run.full + 1), b = -4 * run.full, c = 4 * (run.full + 1), d = 4 * (run.full + 2);
    for (int i = 0; i < count; ++i) sums[i] = run_sum(run, centre[i + a], centre[i + b], centre[i + c], centre[i + d]);
}

inline void blur_chunk(HostImage<const Uint4> prefix, const Disk& disk, int y, int first, int count, float* out) {
    constexpr int largest_count = 1024;
    alignas(64) uint32_t sums[largest_count];
    const auto row = [&](int v) { return &prefix(disk.reach, clamp(v, 0, prefix.size.height - 1))[0] + first; };
    set_run(row(y), disk.runs[0], sums, count);
    for (int dy = 1; dy < int(disk.runs.size()); ++dy)
        add_runs(row(y - dy), row(y + dy), disk.runs[size_t(dy)], sums, count);
    for (int i = 0; i < count; ++i) out[i] = float(sums[i]) * disk.to_value;
}

inline void disk_blur(Cpu& exec, HostImage<const Float4> in, const Disk& disk, HostSpan<const DiskRun>,
                      DiskScratch<HostSpace>& scratch, HostImage<Float4> out) {
    constexpr int rows_per_job = 16, chunk = 1024;
    const HostImage<Uint4> prefix = scratch.prefix.view().crop(0, 0, {scratch.prefix.size().width, in.size.height});
    exec.for_each_range(in.size.height, rows_per_job, [&](int begin, int end) {
        for (int y = begin; y < end; ++y)
            prefix_sums_of_row(in.size.width, disk, prefix.row(y), [&](int x, int) { return in.row(y) + x; });
    });
    exec.for_each_range(in.size.height, rows_per_job, [&](int begin, int end) {
        for (int first = 0; first < 4 * in.size.width; first += chunk)
            for (int y = begin; y < end; ++y)
                blur_chunk(prefix, disk, y, first, std::min(chunk, 4 * in.size.width - first), &out(0, y)[0] + first);
    });
}
}  // namespace cinebokeh::detail
