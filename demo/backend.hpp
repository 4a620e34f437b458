// Which device computes, and why.
#pragma once
#include <string>

namespace cinebokeh::demo {

struct Backend {
    bool cuda = false;
    std::string reason;
};

/// Explicit wishes ("cpu", "cuda") are fulfilled or refused with an Error; only "auto" may fall back, and the reason
/// tells the user.
Backend choose_backend(const std::string& asked);
}  // namespace cinebokeh::demo
