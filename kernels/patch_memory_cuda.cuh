// PatchMemory on Cuda.
//
// A block matches 14 x 14 cells with one remembered frame, at every eighth row of displacements; 16 x 16 threads hold
// these cells and the ring around them.
// The distance of two descriptors is a weighted sum over 3 x 3 pairs of cells with one displacement, so for each
// displacement every thread compares its own pair once and the nine of a cell meet in shared memory.
#pragma once
#include "cinebokeh/patch_memory.hpp"
#if CINEBOKEH_GRID
#include "kernels/strided_gaussian_cuda.cuh"

namespace cinebokeh {
namespace detail {
struct PatchCell {
    float v[8];  // seven numbers, and a zero that makes a cell two loads of 16 bytes
};
enum PatchSide : uint8_t { patch_undecided, patch_subject, patch_background };

/// Functor over cells: the numbers of a cell.
struct DescribeCell {
    Image<const Float4, DeviceSpace> colour, orientation, magnitude;
    Image<PatchCell, DeviceSpace> cells;
    CINEBOKEH_HD void operator()(int i, int j) const {
        const Float4 c = colour(i, j), o = orientation(i, j);
        // Texture counts by its orientation, not by its contrast: divide by the magnitude around.
        const float texture = 1.5f / (magnitude(i, j)[3] + 4);
        cells(i, j) = {{c[0] * (.5f / 20), c[1] * (1.f / 20), c[2] * (1.f / 20), o[0] * texture, o[1] * texture,
                        o[2] * texture, o[3] * texture, 0}};
    }
};
/// Functor over cells: what a remembered cell is an example of.
struct TakeSide {
    Image<const float, DeviceSpace> matte;
    SampleGrid grid;
    Image<uint8_t, DeviceSpace> side;
    CINEBOKEH_HD void operator()(int i, int j) const {
        const float alpha = matte(grid.offset + i * grid.stride, grid.offset + j * grid.stride);
        side(i, j) = alpha > .7f ? patch_subject : alpha < .3f ? patch_background : patch_undecided;
    }
};
struct PatchNearest {
    int subject, background;  // the bits of squared distances: ordered like them, for atomicMin
};
/// Functor over cells.
struct ForgetNearest {
    Image<PatchNearest, DeviceSpace> nearest;
    int most;
    CINEBOKEH_HD void operator()(int i, int j) const { nearest(i, j) = {most, most}; }
};
/// Functor over cells.
struct PatchRatio {
    Image<const PatchNearest, DeviceSpace> nearest;
    Image<const uint8_t, DeviceSpace> active;
    SampleGrid grid;
    float gain, floor;
    Image<float, DeviceSpace> ratio;
    __device__ void operator()(int i, int j) const {
        const float f = __int_as_float(nearest(i, j).subject), b = __int_as_float(nearest(i, j).background);
        const bool wanted = active(grid.offset + i * grid.stride, grid.offset + j * grid.stride);
        ratio(i, j) = wanted ? gain * (b - f) / (b + f + floor) : 0;
    }
};
/// One remembered frame, and how the subject moved since.
struct PatchEntry {
    Image<const PatchCell, DeviceSpace> cells;
    Image<const uint8_t, DeviceSpace> side;
    Similarity motion;
};
struct PatchMatch {
    Image<const PatchCell, DeviceSpace> query;
    Image<const uint8_t, DeviceSpace> active;
    SampleGrid grid;
    int window;
    float spatial_weight;
    Image<PatchNearest, DeviceSpace> nearest;
};
}  // namespace detail

namespace kernels {
inline constexpr int patch_block = 16, patch_inner = patch_block - 2;
inline constexpr int patch_slices = 8;        // blocks that share the displacements: a small image has few tiles
inline constexpr int patch_beyond = 1 << 30;  // further than any displacement

struct PatchShared {
    float difference[2][patch_block][patch_block + 1];  // of the pairs of one displacement; the next one's meanwhile
    int low[2], high[2];                                // displacements that some cell of the block looks at
};

static __global__ void patch_match(detail::PatchMatch m, detail::PatchEntry entry) {
    PatchShared& shared = static_shared<PatchShared>();
    const int tx = int(threadIdx.x), ty = int(threadIdx.y), thread = ty * patch_block + tx;
    const int i = int(blockIdx.x) * patch_inner + tx - 1, j = int(blockIdx.y) * patch_inner + ty - 1;
    const Size grid = m.query.size;
    const bool inner = tx > 0 && ty > 0 && tx <= patch_inner && ty <= patch_inner && grid.contains(i, j);
    if (thread == 0)
        for (int axis = 0; axis < 2; ++axis) shared.low[axis] = patch_beyond, shared.high[axis] = -patch_beyond;
    __syncthreads();  // the bounds are empty

    const detail::PatchCell mine = m.query(clamp(i, 0, grid.width - 1), clamp(j, 0, grid.height - 1));
    const int px = m.grid.offset + i * m.grid.stride, py = m.grid.offset + j * m.grid.stride;
    const Float2 there = entry.motion(float(px), float(py));
    float centre[2];  // of the window, in cells
    for (int axis = 0; axis < 2; ++axis) centre[axis] = (there[axis] - float(m.grid.offset)) / float(m.grid.stride);
    // A window far outside, or nowhere, holds nothing.
    const bool looks = inner && m.active(px, py) && fabsf(centre[0]) < 1e6f && fabsf(centre[1]) < 1e6f;
    const int middle[2] = {looks ? int(lroundf(centre[0])) : 0, looks ? int(lroundf(centre[1])) : 0};
    if (looks)
        for (int axis = 0; axis < 2; ++axis) {
            const int at = axis ? j : i, last = (axis ? grid.height : grid.width) - 1;
            atomicMin(&shared.low[axis], max(middle[axis] - m.window, 0) - at);
            atomicMax(&shared.high[axis], min(middle[axis] + m.window, last) - at);
        }
    __syncthreads();  // the bounds are complete

    float nearest[2] = {INFINITY, INFINITY};  // subject, background
    int turn = 0;
    for (int dy = shared.low[1] + int(blockIdx.z); dy <= shared.high[1]; dy += patch_slices)
        for (int dx = shared.low[0]; dx <= shared.high[0]; ++dx, turn ^= 1) {
            const int u = i + dx, v = j + dy;
            const detail::PatchCell other = entry.cells(clamp(u, 0, grid.width - 1), clamp(v, 0, grid.height - 1));
            float difference = 0;
            for (int k = 0; k < 7; ++k) difference += (mine.v[k] - other.v[k]) * (mine.v[k] - other.v[k]);
            shared.difference[turn][ty][tx] = difference;
            __syncthreads();  // all pairs are compared; the other half may be written again
            if (!looks || !grid.contains(u, v) || abs(u - middle[0]) > m.window || abs(v - middle[1]) > m.window)
                continue;
            float around = 0;
            for (int b = -1; b <= 1; ++b)
                for (int a = -1; a <= 1; ++a) around += shared.difference[turn][ty + b][tx + a];
            const float x = float(u) - centre[0], y = float(v) - centre[1];
            const float distance = detail::side_tap * around + (detail::centre_tap - detail::side_tap) * difference +
                                   m.spatial_weight * (x * x + y * y);
            const uint8_t side = entry.side(u, v);
            if (side == detail::patch_subject) nearest[0] = fminf(nearest[0], distance);
            if (side == detail::patch_background) nearest[1] = fminf(nearest[1], distance);
        }
    if (!looks) return;
    atomicMin(&m.nearest(i, j).subject, __float_as_int(nearest[0]));
    atomicMin(&m.nearest(i, j).background, __float_as_int(nearest[1]));
}
}  // namespace kernels

/// PatchMemory on Cuda: the same plan and calls, asynchronous; the motions are read on the host. Within 1e-3 of Cpu,
/// except where a window's centre lies on the edge between two cells.
class PatchMemoryCuda {
public:
    PatchMemoryCuda(Cuda& exec, Size image, const PatchMemoryParams& params = {})
        : exec_(&exec),
          image_(image),
          params_(params),
          samples_{params.stride, std::min({params.stride / 2, image.width - 1, image.height - 1})},
          smooth_colour_(exec, image, {.sigma = 1.2f, .stride = params.stride, .offset = samples_.offset}),
          smooth_orientation_(exec, image, {.sigma = 2, .stride = params.stride, .offset = samples_.offset}),
          smooth_magnitude_(exec, image, {.sigma = 6, .stride = params.stride, .offset = samples_.offset}) {
        require(params.entries >= 1 && params.window >= 0 && params.window <= 7, "PatchMemory: ", params.entries,
                " entries and a window of ", params.window, " cells, expected >= 1 and <= 7");
        for (auto* b : {&colour_, &orientation_, &magnitude_}) *b = Buffer<Float4, Cuda>(exec, grid());
        cells_ = {exec, grid()}, nearest_ = {exec, grid()}, ratio_ = {exec, grid()};
        for (int e = 0; e < params.entries; ++e)
            memory_.push_back({Buffer<detail::PatchCell, Cuda>(exec, grid()), Buffer<uint8_t, Cuda>(exec, grid())});
    }

    Size grid() const { return smooth_colour_.grid(); }

    void describe(Image<const Float4, DeviceSpace> colour, Image<const Float4, DeviceSpace> orientation) {
        smooth_colour_(colour, colour_.view());
        smooth_orientation_(orientation, orientation_.view());
        smooth_magnitude_(colour, magnitude_.view());
        for_each_pixel(*exec_, grid(),
                       detail::DescribeCell{colour_.view(), orientation_.view(), magnitude_.view(), cells_.view()});
    }

    void store(int entry, Image<const float, DeviceSpace> matte) {
        require(entry >= 0 && entry < params_.entries, "PatchMemory: entry ", entry, " of ", params_.entries);
        require(matte.size == image_, "PatchMemory: the matte and the plan differ in size");
        Entry& e = memory_[size_t(entry)];
        e.stored = true;
        copy(*exec_, std::as_const(cells_).view(), e.cells.view());
        for_each_pixel(*exec_, grid(), detail::TakeSide{matte, samples_, e.side.view()});
    }

    void match(HostSpan<const Similarity> motions, Image<const uint8_t, DeviceSpace> active,
               Image<float, DeviceSpace> log_odds) {
        require(motions.count == memory_.size(), "PatchMemory: ", motions.count, " motions for ", memory_.size(),
                " entries");
        require(active.size == image_ && log_odds.size == image_, "PatchMemory: an image and the plan differ in size");
        for (const Entry& e : memory_) require(e.stored, "PatchMemory: an entry was never stored");
        constexpr int largest_bits = 0x42480000;  // of detail::largest_match
        static_assert(detail::largest_match == 50);
        for_each_pixel(*exec_, grid(), detail::ForgetNearest{nearest_.view(), largest_bits});
        const dim3 blocks(unsigned(ceil_div(grid().width, kernels::patch_inner)),
                          unsigned(ceil_div(grid().height, kernels::patch_inner)), unsigned(kernels::patch_slices));
        const detail::PatchMatch problem{cells_.view(),          active,         samples_, params_.window,
                                         params_.spatial_weight, nearest_.view()};
        for (size_t e = 0; e < memory_.size(); ++e)
            exec_->launch(blocks, dim3(kernels::patch_block, kernels::patch_block), 0, kernels::patch_match, problem,
                          detail::PatchEntry{memory_[e].cells.view(), memory_[e].side.view(), motions[e]});
        for_each_pixel(
            *exec_, grid(),
            detail::PatchRatio{nearest_.view(), active, samples_, params_.gain, params_.ratio_floor, ratio_.view()});
        interpolate(*exec_, std::as_const(ratio_).view(), samples_, log_odds);
    }

private:
    struct Entry {
        Buffer<detail::PatchCell, Cuda> cells;
        Buffer<uint8_t, Cuda> side;
        bool stored = false;
    };

    Cuda* exec_;
    Size image_;
    PatchMemoryParams params_;
    SampleGrid samples_;
    StridedGaussianCuda smooth_colour_, smooth_orientation_, smooth_magnitude_;
    Buffer<Float4, Cuda> colour_, orientation_, magnitude_;  // [grid]
    Buffer<detail::PatchCell, Cuda> cells_;
    Buffer<detail::PatchNearest, Cuda> nearest_;
    Buffer<float, Cuda> ratio_;
    std::vector<Entry> memory_;
};
}  // namespace cinebokeh
#endif
