// The contact sheet: a few frames of a run, with frame, matte, disparity and result side by side, as far as they are
// known.
#pragma once
#include <string>
#include <vector>

#include "cinebokeh/core/cpu.hpp"
#include "frame.hpp"

namespace cinebokeh::demo {

class ContactSheet {
public:
    static constexpr int rows = 6;

    /// `frames`: the number that will come, 0 where it is not known.
    ContactSheet(Size frame, long frames);

    /// Looks at every finished frame, and keeps some. A frame without a matte, a disparity or a result has no column of
    /// it.
    void add(const Frame& frame);
    /// Writes the sheet as a PNG; nothing where no frame was added. Throws Error where the file cannot be written.
    void write(const std::string& file) const;

private:
    struct Row {
        int index;
        std::vector<Rgba8> pixels;
    };
    Cpu exec_{1};  // the cores are busy with the frames
    Size cell_;
    int columns_ = 0, stride_;
    std::vector<Row> kept_;
};
}  // namespace cinebokeh::demo
