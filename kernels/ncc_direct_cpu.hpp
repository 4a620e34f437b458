// MaskedNcc on the CPU, directly: integer sums over the valid pixels of the template, for all places of a row at once.
#pragma once
#include "cinebokeh/ncc.hpp"

namespace cinebokeh {

struct MaskedNcc<Cpu>::Sums {
    int64_t window = 0, squares = 0, products = 0;  // of I, I^2 and I T
};

inline float MaskedNcc<Cpu>::normalise(const Slot& slot, const Sums& sums) const {
    const double mean = double(sums.window) / slot.count;
    const double deviation2 = double(sums.squares) - mean * double(sums.window);
    if (slot.flat || !(deviation2 > double(params_.flat_variance) * slot.count)) return 0;
    const double numerator = double(sums.products) - mean * slot.sum;
    return float(clamp(numerator / (slot.deviation * std::sqrt(deviation2)), -1.0, 1.0));
}

inline float MaskedNcc<Cpu>::exact_response(int slot, int x, int y) {
    const HostImage<uint8_t> luma = part_of(luma_, slot), valid = part_of(valid_, slot);
    Sums sums;
    for (int ty = 0; ty < luma.size.height; ++ty) {
        const uint8_t *window = patch_.view().row(y + ty) + x, *t = luma.row(ty), *m = valid.row(ty);
        for (int tx = 0; tx < luma.size.width; ++tx) {
            const int v = m[tx] ? window[tx] : 0;
            sums.window += v, sums.squares += v * v, sums.products += v * t[tx];
        }
    }
    return normalise(slots_[size_t(slot)], sums);
}

// 32-bit sums hold 65536 products of two bytes: they are emptied into 64 bits before a row of the template could exceed
// that.
inline void MaskedNcc<Cpu>::direct_row(int slot, int y, int job, float* out) {
    const HostImage<uint8_t> luma = part_of(luma_, slot), valid = part_of(valid_, slot);
    const int places = response_size(slot).width;
    uint32_t* partial[3];
    int64_t* total[3];
    for (int i = 0; i < 3; ++i) {
        partial[i] = partial_sums_.view().row(3 * job + i), total[i] = row_sums_.view().row(3 * job + i);
        std::fill_n(partial[i], places, 0u), std::fill_n(total[i], places, int64_t(0));
    }
    auto empty_into_total = [&] {
        for (int i = 0; i < 3; ++i)
            for (int x = 0; x < places; ++x) total[i][x] += partial[i][x], partial[i][x] = 0;
    };
    for (int ty = 0, added = 0; ty < luma.size.height; ++ty, added += luma.size.width) {
        if (added + luma.size.width > 65536) empty_into_total(), added = 0;
        for (int tx = 0; tx < luma.size.width; ++tx) {
            if (!valid(tx, ty)) continue;
            const uint8_t* CINEBOKEH_RESTRICT window = patch_.view().row(y + ty) + tx;
            uint32_t *CINEBOKEH_RESTRICT s = partial[0], *CINEBOKEH_RESTRICT ss = partial[1];
            uint32_t* CINEBOKEH_RESTRICT st = partial[2];
            const uint32_t t = luma(tx, ty);
            for (int x = 0; x < places; ++x) {
                const uint32_t v = window[x];
                s[x] += v, ss[x] += v * v, st[x] += v * t;
            }
        }
    }
    empty_into_total();
    for (int x = 0; x < places; ++x) out[x] = normalise(slots_[size_t(slot)], {total[0][x], total[1][x], total[2][x]});
}
}  // namespace cinebokeh
