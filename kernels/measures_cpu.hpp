// J and F on Cpu. Masks are packed, one bit a pixel: a boundary map is three shifts, and dilation by a disk is one
// dilation along x per row of the disk, each one pixel wider than the last.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cmath>

#include "cinebokeh/measures.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cinebokeh {
namespace detail {

inline int words_of(int width) { return ceil_div(width, 64); }

// Bit i is set where byte i is not 0.
inline uint64_t nonzero_bytes(const uint8_t* bytes, int count) {
    uint64_t word = 0;
    for (int i = 0; i < count; ++i) word |= uint64_t(bytes[i] != 0) << i;
    return word;
}
inline uint64_t nonzero_bytes_of_64(const uint8_t* bytes) {
#if defined(__SSE2__)
    uint64_t zeros = 0;
    for (int i = 0; i < 4; ++i) {
        const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + i);
        zeros |= uint64_t(unsigned(_mm_movemask_epi8(_mm_cmpeq_epi8(part, _mm_setzero_si128())))) << 16 * i;
    }
    return ~zeros;
#else
    return nonzero_bytes(bytes, 64);
#endif
}

inline void pack_row(const uint8_t* pixels, int width, uint64_t* bits) {
    const int full = width / 64;
    for (int w = 0; w < full; ++w) bits[w] = nonzero_bytes_of_64(pixels + 64 * w);
    if (width % 64) bits[full] = nonzero_bytes(pixels + 64 * full, width % 64);
}

// A pixel is on the boundary where it differs from its right, lower or lower right neighbour; the last row looks to the
// right only, the last column down only, the last corner nowhere.
inline void boundary_row(const uint64_t* row, const uint64_t* below, int width, uint64_t* boundary) {
    const int words = words_of(width);
    auto shifted = [&](const uint64_t* bits, int w) {
        return bits[w] >> 1 | (w + 1 < words ? bits[w + 1] << 63 : uint64_t(0));
    };
    const uint64_t last = uint64_t(1) << ((width - 1) % 64);
    for (int w = 0; w < words; ++w) {
        const uint64_t inside = w + 1 < words ? ~uint64_t(0) : last - 1;  // not the last column
        uint64_t b = (row[w] ^ shifted(row, w)) & inside;
        if (below) b |= (row[w] ^ below[w]) | ((row[w] ^ shifted(below, w)) & inside);
        boundary[w] = b;
    }
}

// Grows every set bit by one pixel to both sides. in[-1] and in[words] are 0: words beyond are left alone. Bits beyond
// the width do no harm: nobody reads them.
inline void grow_row(const uint64_t* CINEBOKEH_RESTRICT in, int words, uint64_t* CINEBOKEH_RESTRICT out) {
    for (int w = 0; w < words; ++w) out[w] = in[w] | in[w] << 1 | in[w - 1] >> 63 | in[w] >> 1 | in[w + 1] << 63;
}

// The dilation of an image by the disk x^2 + y^2 <= r^2; half_width[dy] is how far its row dy reaches.
inline void dilate_disk(HostImage<const uint64_t> in, const int* half_width, int radius, uint64_t* scratch,
                        HostImage<uint64_t> out) {
    const int words = in.size.width, height = in.size.height;
    for (int y = 0; y < height; ++y) std::fill_n(out.row(y), words, 0);
    for (int y = 0; y < height; ++y) {
        int first = 0, last = words;
        while (last > 0 && in(last - 1, y) == 0) --last;
        while (first < last && in(first, y) == 0) ++first;
        if (first == last) continue;
        // Within radius of the set bits nothing else of the row changes.
        const int reach = ceil_div(radius, 64);
        first = std::max(0, first - reach), last = std::min(words, last + reach);
        uint64_t *grown = scratch + 1, *next = scratch + words + 3;
        std::copy(in.row(y) + first, in.row(y) + last, grown);
        grown[-1] = next[-1] = grown[last - first] = next[last - first] = 0;
        for (int dy = radius, width = 0; dy >= 0; --dy) {
            for (; width < half_width[dy]; ++width) grow_row(grown, last - first, next), std::swap(grown, next);
            for (int target : {y - dy, y + dy}) {
                if (target < 0 || target >= height) continue;
                uint64_t* row = out.row(target) + first;
                for (int w = 0; w < last - first; ++w) row[w] |= grown[w];
            }
        }
    }
}
inline void require_masks(Size a, Size b) {
    require(a == b && !a.empty(), "intersection_over_union: sizes ", a.width, " x ", a.height, " and ", b.width, " x ",
            b.height);
}
inline void require_planned_masks(Size result, Size truth, Size planned) {
    require(result == planned && truth == planned, "ContourAccuracy: a mask is not ", planned.width, " x ",
            planned.height, " as planned");
}

inline ToleranceDisk::ToleranceDisk(Size size, double tolerance) {
    require(!size.empty(), "ContourAccuracy: empty size ", size.width, " x ", size.height);
    require(tolerance >= 0 && tolerance <= 1000, "ContourAccuracy: tolerance ", tolerance, " is not in [0, 1000]");
    const double diagonal = std::sqrt(double(size.width) * size.width + double(size.height) * size.height);
    radius = int(std::ceil(tolerance >= 1 ? tolerance : tolerance * diagonal));
}
inline std::vector<int> ToleranceDisk::half_widths() const {
    std::vector<int> widths;
    for (int dy = 0, x = radius; dy <= radius; ++dy) {
        while (x * x + dy * dy > radius * radius) --x;
        widths.push_back(x);
    }
    return widths;
}

/// The score of `matched` of `total` boundary pixels of the result and of the truth.
inline ContourScore contour_score(const std::array<int64_t, 2>& total, const std::array<int64_t, 2>& matched) {
    ContourScore score;
    score.precision = total[0] > 0 ? (total[1] > 0 ? double(matched[0]) / double(total[0]) : 0) : 1;
    score.recall = total[1] > 0 ? (total[0] > 0 ? double(matched[1]) / double(total[1]) : 0) : 1;
    const double sum = score.precision + score.recall;
    score.f = sum > 0 ? 2 * score.precision * score.recall / sum : 0;
    return score;
}
}  // namespace detail

inline double intersection_over_union(Cpu& exec, HostImage<const uint8_t> a, HostImage<const uint8_t> b) {
    detail::require_masks(a.size, b.size);
    std::atomic<int64_t> both{0}, any{0};
    exec.for_each_range(a.size.height, 128, [&](int begin, int end) {
        int64_t part_both = 0, part_any = 0;
        for (int y = begin; y < end; ++y) {
            const uint8_t *pa = a.row(y), *pb = b.row(y);
            int row_both = 0, row_any = 0;
            for (int x = 0; x < a.size.width; ++x) {
                const int in_a = pa[x] != 0, in_b = pb[x] != 0;
                row_both += in_a & in_b, row_any += in_a | in_b;
            }
            part_both += row_both, part_any += row_any;
        }
        both += part_both, any += part_any;
    });
    return any == 0 ? 1.0 : double(both) / double(any);
}

namespace detail {
inline ContourAccuracyCpu::ContourAccuracyCpu(Cpu& exec, Size size, double tolerance)
    : exec_(&exec), size_(size), disk_(size, tolerance) {
    const int words = words_of(size.width);
    bits_ = {exec, {words, 6 * size.height}};
    grown_ = {exec, {2 * (words + 2), 2}};
    half_width_ = {exec, {disk_.radius + 1, 1}, disk_.half_widths()};
}

inline ContourScore ContourAccuracyCpu::operator()(HostImage<const uint8_t> result, HostImage<const uint8_t> truth) {
    require_planned_masks(result.size, truth.size, size_);
    const int words = words_of(size_.width), height = size_.height;
    auto map = [&](int mask, int kind) { return bits_.view().crop(0, (3 * mask + kind) * height, {words, height}); };
    exec_->for_each(2, [&](int mask) {
        const HostImage<const uint8_t> pixels = mask == 0 ? result : truth;
        const auto packed = map(mask, 0), boundary = map(mask, 1);
        for (int y = 0; y < height; ++y) pack_row(pixels.row(y), size_.width, packed.row(y));
        for (int y = 0; y < height; ++y)
            boundary_row(packed.row(y), y + 1 < height ? packed.row(y + 1) : nullptr, size_.width, boundary.row(y));
        dilate_disk(boundary, half_width_.view().data, disk_.radius, grown_.view().row(mask), map(mask, 2));
    });
    std::array<int64_t, 2> total{}, matched{};
    for (int mask = 0; mask < 2; ++mask) {
        const auto boundary = map(mask, 1), other = map(1 - mask, 2);
        for (int y = 0; y < height; ++y)
            for (int w = 0; w < words; ++w) {
                total[mask] += std::popcount(boundary(w, y));
                matched[mask] += std::popcount(boundary(w, y) & other(w, y));
            }
    }
    return contour_score(total, matched);
}

// The sum in the order of NumPy's pairwise summation, so that means agree with the reference to the last bit.
inline double pairwise_sum(const double* values, size_t count) {
    if (count < 8) {
        double sum = 0;
        for (size_t i = 0; i < count; ++i) sum += values[i];
        return sum;
    }
    if (count <= 128) {
        double lane[8];
        for (size_t j = 0; j < 8; ++j) lane[j] = values[j];
        size_t i = 8;
        for (; i + 8 <= count; i += 8)
            for (size_t j = 0; j < 8; ++j) lane[j] += values[i + j];
        double sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
        for (; i < count; ++i) sum += values[i];
        return sum;
    }
    const size_t half = count / 2 / 8 * 8;
    return pairwise_sum(values, half) + pairwise_sum(values + half, count - half);
}
inline double mean_of(const double* values, size_t count) {
    return count > 0 ? pairwise_sum(values, count) / double(count) : std::nan("");
}
}  // namespace detail

inline SequenceStatistics sequence_statistics(HostSpan<const double> scores, DecayBins bins) {
    require(scores.count >= 3, "sequence_statistics: ", scores.count, " frames; the first and the last do not count");
    const double* inner = scores.data + 1;
    const size_t count = scores.count - 2;
    size_t good = 0;
    for (size_t i = 0; i < count; ++i) {
        require(std::abs(inner[i]) < INFINITY, "sequence_statistics: the score of frame ", i + 1, " is not finite");
        good += inner[i] > 0.5;
    }
    // Four bins that share their end points: ends = round(linspace(1, count, 5) + 1e-10) - 1, halves to even.
    auto end_of_bin = [&](int i) {
        const double at = i == 4 ? double(count) : i * (double(count - 1) / 4) + 1;
        const size_t end = size_t(std::nearbyint(at + 1e-10)) - 1;
        return bins == DecayBins::reference ? end & 255 : end;
    };
    auto mean_of_bin = [&](int i) {
        const size_t begin = end_of_bin(i), end = end_of_bin(i + 1) + 1;
        return detail::mean_of(inner + begin, begin < end ? end - begin : 0);
    };
    return {detail::mean_of(inner, count), double(good) / double(count), mean_of_bin(0) - mean_of_bin(3)};
}
}  // namespace cinebokeh
