// What can be known about cameras without opening them.
#pragma once
#include <string>
#include <vector>

namespace cinebokeh::demo {

/// The camera devices of this machine, on Linux.
std::vector<std::string> camera_devices();
/// The process that has a device or file open, as "name (process 123)"; empty where none is found.
std::string process_holding(const std::string& device);
}  // namespace cinebokeh::demo
