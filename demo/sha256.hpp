// SHA-256 (FIPS 180-4): whether a download is the file that was published.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace cinebokeh::demo {

/// The hash of some bytes, as 64 hexadecimal digits.
std::string sha256(const uint8_t* bytes, size_t count);
}  // namespace cinebokeh::demo
