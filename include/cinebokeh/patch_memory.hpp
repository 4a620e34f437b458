// Patch memory: which remembered patch does this one look like, one of the subject or one of the background?
//
// Every cell of a coarse grid is described by the colour (Gaussian-smoothed Lab, lightness halved) and the normalised
// gradient orientation of itself and its eight neighbours. A cell is compared with the cells of a few remembered
// frames inside a window that follows the subject's centroid and scale; the nearest subject and the nearest background
// descriptor give the log odds. Non-parametric label transfer after Liu, Yuen and Torralba, "Nonparametric Scene
// Parsing via Label Transfer" (TPAMI 2011), with the object-aligned window and memory of this library's tracker.
#pragma once
#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/lanes.hpp"
#include "cinebokeh/core/similarity.hpp"
#include "cinebokeh/sampling.hpp"
#include "cinebokeh/strided_gaussian.hpp"

namespace cinebokeh {

struct PatchMemoryParams {
    int entries = 2;               // frames remembered
    int stride = 4;                // pixels between cells
    int window = 7;                // cells searched to each side, <= 7
    float spatial_weight = .002f;  // added to the squared distance, per squared cell of displacement
    float ratio_floor = .3f;       // keeps the ratio of two very small distances from deciding
    float gain = 3;                // log odds of a perfect match
};

/// Plan for frames of one size, with its memory. Cpu; on Cuda it is PatchMemoryCuda. Allocates in the constructor only.
class PatchMemory {
public:
    PatchMemory(Cpu& exec, Size image, const PatchMemoryParams& params = {});

    Size grid() const { return grid_; }

    /// Describes the cells of the frame that is stored or matched next.
    ///
    ///   colour, orientation  [h, w]  as gradient_features() writes them
    void describe(HostImage<const Float4> colour, HostImage<const Float4> orientation);

    /// Remembers the described frame as entry `entry`. Cells whose matte is between .3 and .7 are not used.
    ///
    ///   matte  [h, w]  0..1; NaN is treated as undecided
    void store(int entry, HostImage<const float> matte);

    /// Writes the log odds that the pixels of the described frame belong to the subject.
    ///
    ///   motions   [entries]  from positions of the described frame to positions of the entry's frame (pixels)
    ///   active    [h, w]     cells whose centre is 0 here are not matched: they count as undecided
    ///   log_odds  [h, w]     out; gain * (b - f) / (b + f + floor), f and b the squared distances to the nearest
    ///                        subject and background descriptors; interpolated between cells
    ///
    /// Throws Error if sizes or counts differ or an entry was never stored. Deterministic: the same for any number of
    /// threads.
    void match(HostSpan<const Similarity> motions, HostImage<const uint8_t> active, HostImage<float> log_odds);

private:
    static constexpr int channels = 7;          // of a cell; a descriptor is those of 3 x 3 cells
    static constexpr int lanes = Lanes::count;  // cells compared at once
    static constexpr int strip = 16;            // rows of cells of one job
    static constexpr int block = lanes - 2;     // columns of one job: those of a vector whose neighbours are in it too

    // Cells of a frame, channel by channel: channel c of row j is row (j + 1) * channels + c. Rows and columns -1 and
    // grid.h, grid.w repeat the border; beyond them is what a vector may read but nobody uses.
    struct Cells {
        Buffer<float, Cpu> rows;  // [(grid.h + 2) * channels, grid.w + 2 * lanes]
        const float* at(int i, int j, int channel) const {
            return rows.view().row((j + 1) * channels + channel) + lanes + i;
        }
    };
    struct Entry {
        Cells cells;
        Buffer<float, Cpu> not_subject, not_background;  // [grid.h, grid.w + 2 * lanes], 0 or a prohibitive distance
        bool stored = false;
    };
    struct Nearest {
        Lanes subject, background;  // squared distances
    };
    struct Block {  // of cells that are matched together: columns left .. left + block, rows top .. bottom
        int left, top, bottom;
        Nearest* nearest;  // [bottom - top]; lane l belongs to column left - 1 + l
    };
    struct Displacements;
    static int cell_centre(Size image, const PatchMemoryParams& params);  // pixels, of the first cell
    float centre(float position) const;                                   // cells, of a position in pixels
    Cells make_cells(Cpu& exec) const;
    void match_entry(const Block& b, const Entry& entry, const Similarity& motion) const;
    void match_displacements(const Block& b, const Entry& entry, const Displacements& d) const;
    void compare_row(const Entry& entry, int left, int j, int dy, const Displacements& d, Lanes* differences) const;

    Cpu* exec_;
    Size image_, grid_;
    PatchMemoryParams params_;
    StridedGaussian smooth_colour_, smooth_orientation_, smooth_magnitude_;
    Buffer<Float4, Cpu> colour_, orientation_, magnitude_;  // [grid]
    Cells cells_;                                           // of the described frame
    Buffer<float, Cpu> ratio_;                              // [grid]
    std::vector<Entry> memory_;
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/patch_memory_cpu.hpp"
#include "kernels/patch_memory_cuda.cuh"
