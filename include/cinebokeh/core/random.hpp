// A small counter-free random generator, the same on every machine: PCG32 (O'Neill, "PCG: a family of simple fast
// space-efficient statistically good algorithms for random number generation", 2014).
#pragma once
#include <cstdint>

#include "cinebokeh/core/config.hpp"

namespace cinebokeh {

class Random {
public:
    CINEBOKEH_HD explicit Random(uint64_t seed = 1) : state_(0) {
        next();
        state_ += seed;
        next();
    }
    /// A uniform 32-bit number.
    CINEBOKEH_HD uint32_t next() {
        const uint64_t old = state_;
        state_ = old * 6364136223846793005ull + 1442695040888963407ull;
        const uint32_t shifted = uint32_t(((old >> 18) ^ old) >> 27), rotation = uint32_t(old >> 59);
        return shifted >> rotation | shifted << ((32 - rotation) & 31);
    }
    /// A uniform number in [0, count); the bias is below count / 2^32.
    CINEBOKEH_HD uint32_t below(uint32_t count) { return uint32_t(uint64_t(next()) * count >> 32); }
    /// A uniform number in [0, 1), a multiple of 2^-24.
    CINEBOKEH_HD float uniform() { return float(next() >> 8) * 0x1p-24f; }

private:
    uint64_t state_;
};
}  // namespace cinebokeh
