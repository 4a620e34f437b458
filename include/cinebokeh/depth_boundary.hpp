// Where blur is hard: the surroundings of depth boundaries, in which PSNR_ob and SSIM_ob are measured.
//
// The mask of Peng et al., "MPIB: an MPI-based bokeh rendering framework for realistic partial occlusion effects"
// (ECCV 2022): the union of disks around the pixels of depth boundaries, each as large as the blur that crosses it.
#pragma once
#include "cinebokeh/core/buffer.hpp"

namespace cinebokeh {

struct DepthBoundaryParams {
    float step = 0.02f;  // of disparity between two neighbours that makes both of them pixels of a boundary, > 0
    int reach = 4;  // pixels in [0, 64]: the radius of a disk is the largest |defocus| at most so far away per axis
};

/// Plan: masks of pictures of one size. Allocates in the constructor only. Deterministic.
class DepthBoundary {
public:
    /// Throws Error if the size is empty or a parameter outside its range.
    DepthBoundary(Cpu& exec, Size size, DepthBoundaryParams params = {});

    /// Writes 1 near boundaries, 0 elsewhere. A neighbour is one of the four that share a side.
    ///
    ///   disparity  [h, w]  finite
    ///   defocus    [h, w]  pixels of blur, finite; the sign does not matter
    ///   mask       [h, w]  out
    ///
    /// Throws Error if a size differs or a value is not finite.
    void operator()(HostImage<const float> disparity, HostImage<const float> defocus, HostImage<uint8_t> mask);

private:
    bool is_boundary(HostImage<const float> disparity, int x, int y) const;
    void mark_disk(int x, int y, double radius);

    Size size_;
    DepthBoundaryParams params_;
    Buffer<int, Cpu> starts_;  // of runs of disks: +1 where one begins, -1 behind its end
};
}  // namespace cinebokeh

// ---------------------------------------------------------------------------- implementation
#include "kernels/depth_boundary_cpu.hpp"
