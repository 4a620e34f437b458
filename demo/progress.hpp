// How far a run is: a bar on a terminal, a line now and then elsewhere, on the error stream.
#pragma once
#include <string>

#include "report.hpp"

namespace cinebokeh::demo {

class Progress {
public:
    /// `frames`: the number that will come, 0 where it is not known.
    Progress(long frames, bool quiet);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Says that `done` frames are finished.
    void update(long done);

    /// A line of the display, such as "120 of 367 frames, 18.2 fps, 0:14 left".
    static std::string line(long done, long frames, double seconds);

private:
    long frames_;
    bool quiet_, terminal_, shown_ = false;
    double next_ms_ = 0;
    Stopwatch watch_;
};
}  // namespace cinebokeh::demo
