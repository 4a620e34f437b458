// Downloads, through libcurl where the program was built with it. Nothing else in the program uses the network.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace cinebokeh::demo {

/// Whether this program was built with libcurl.
bool can_download();
/// The bytes behind a URL (https://, http:// or file://). Throws Error where it cannot be had, or is longer than
/// `at_most`.
std::vector<uint8_t> download(const std::string& url, size_t at_most);
}  // namespace cinebokeh::demo
