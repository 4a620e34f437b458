// Who uses a camera.
#pragma once
#include <string>

namespace cinebokeh::demo {

/// The process that has a device or file open, as "name (process 123)"; empty where none is found.
std::string process_holding(const std::string& device);
}  // namespace cinebokeh::demo
