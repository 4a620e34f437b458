// What a run did, and how fast, as JSON.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "cinebokeh/core/image.hpp"

namespace cinebokeh::demo {

class Stopwatch {
public:
    double ms() const {
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// The times of one stage, one value a frame, in milliseconds.
struct Stage {
    std::string name;
    std::vector<double> ms;
};

struct Report {
    std::string command, input, output, subject, tracker, renderer, encoder;
    Size size;
    int threads = 0;
    long frames = 0;              // written
    std::vector<int> lost;        // frames that keep the matte of an earlier one
    std::string network;          // what computed the mattes, where it was one
    int scene_cuts = 0;           // where the network began anew
    std::vector<double> flicker;  // of the matte from frame to frame, see matte_flicker
    double seconds = 0;           // from the first byte read to the last written
    std::vector<Stage> stages;    // they overlap: their sum is more than the time of a frame
    std::string backend_asked, backend_reason, matting_device, rendering_device;
    bool complete = false;  // every frame of the input was written
    std::string problem;    // why not
};

/// Writes the report. Throws Error where the file cannot be written.
void write_report(const std::string& file, const Report& report);

/// The value below which a share of the values lies (0.5: the median), by nearest rank; 0 of no values.
double percentile(std::vector<double> values, double share);
/// The most memory the program had in use, in bytes.
size_t peak_memory();
}  // namespace cinebokeh::demo
