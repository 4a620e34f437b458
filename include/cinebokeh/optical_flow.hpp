// Optical flow: where every pixel of one frame went in the next.
//
// Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search" (ECCV 2016, arXiv 1603.03590): from
// coarse to fine, patches on a regular grid are aligned by inverse search (section 2.1), their displacements are
// averaged into a dense field (section 2.2), and that is refined by minimising a variational energy (section 2.3).
// Between the patches of a scale good displacements spread to their neighbours, as in PatchMatch.
#pragma once
#include <cmath>
#include <vector>

#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/error.hpp"

namespace cinebokeh {

/// The energy of the refinement: three robust terms, sqrt(a^2 + robustness^2) of a squared error a^2 each.
struct FlowRefinementParams {
    float smoothness_weight = 20;  // alpha: of the gradient of the flow, in pixels per pixel
    float intensity_weight = 5;    // delta: of the normalised brightness change, in pixels
    float gradient_weight = 10;    // gamma: of the normalised change of the brightness gradient, in pixels
    float robustness = 0.001f;     // epsilon, > 0
    float gradient_floor = 0.1f;   // zeta, grey levels per pixel, > 0: normalisation of a gradient of zero
    int sweeps_per_iteration = 5;  // of successive over-relaxation between two updates of the robust weights
    float relaxation = 1.8f;       // omega, in (0, 2): few sweeps reach far with it
};

/// Defaults are the preset "fast".
struct OpticalFlowParams {
    int patch_size = 8;           // theta_ps, pixels: 4, 8, 12 or 16
    int patch_stride = 4;         // pixels from one patch to the next, 1 .. patch_size
    int finest_scale = 2;         // theta_sf: the flow is computed down to 1/2^finest_scale of the size, then enlarged
    int descent_iterations = 16;  // theta_it: of the inverse search, in both passes over the patches together
    int refinement_iterations = 5;  // updates of the robust weights on each scale; 0 leaves the refinement out
    FlowRefinementParams refinement = {};

    static OpticalFlowParams ultrafast() { return {.descent_iterations = 12, .refinement_iterations = 0}; }
    static OpticalFlowParams fast() { return {}; }
    static OpticalFlowParams medium() { return {.patch_stride = 3, .finest_scale = 1, .descent_iterations = 25}; }
};
}  // namespace cinebokeh

#include "kernels/optical_flow_cpu.hpp"

namespace cinebokeh {

namespace detail {
class OpticalFlowCpu;
class OpticalFlowCuda;
}  // namespace detail

/// A plan for the flow between frames of one size.
///
///   OpticalFlow<Exec> flow_between(exec, size, params);
///   flow_between(from, to, flow);
///
///   from, to  [h, w]  luma, 0 .. 255
///   flow      [h, w]  out; displacement in pixels, finite: `from` at (x, y) looks like `to` at (x, y) + flow.
///                     Where the frames do not tell (no texture) it is that of the surroundings, and zero if the
///                     whole frame is constant
///
/// Frames of any size work, down to 1x1: the frames continue beyond their borders by their nearest pixel, patches that
/// do not fit reach into that, and scales on which not even two patches would fit are not used.
///
/// The constructor throws Error if the size is empty or a parameter is out of its range, and allocates everything. The
/// call throws Error if a size is not that of the plan; it allocates nothing, and is asynchronous on Cuda.
/// Deterministic: bit-equal between runs and for any number of threads. The backends search in a different order and
/// agree where the frames tell; there both are as near to the truth.
template <class Exec>
using OpticalFlow = ForSpace<Exec, detail::OpticalFlowCpu, detail::OpticalFlowCuda>;

namespace detail {
inline void require_flow(Size size, const OpticalFlowParams& params) {
    require(!size.empty(), "OpticalFlow: empty size ", size.width, " x ", size.height);
    const int patch = params.patch_size;
    require(patch == 4 || patch == 8 || patch == 12 || patch == 16, "OpticalFlow: patch size ", patch,
            ", expected 4, 8, 12 or 16");
    require(params.patch_stride >= 1 && params.patch_stride <= patch, "OpticalFlow: patch stride ", params.patch_stride,
            " of patches of ", patch);
    require(params.finest_scale >= 0 && params.descent_iterations >= 0 && params.refinement_iterations >= 0,
            "OpticalFlow: negative scale or number of iterations");
    const FlowRefinementParams& r = params.refinement;
    require(r.smoothness_weight > 0 && r.intensity_weight >= 0 && r.gradient_weight >= 0 && r.robustness > 0 &&
                r.gradient_floor > 0 && r.sweeps_per_iteration >= 0 && r.relaxation > 0 && r.relaxation < 2,
            "OpticalFlow: a parameter of the refinement is out of its range");
}

class OpticalFlowCpu {
public:
    OpticalFlowCpu(Cpu& exec, Size size, const OpticalFlowParams& params = {});
    void operator()(HostImage<const uint8_t> from, HostImage<const uint8_t> to, HostImage<Float2> flow);
    Size size() const { return size_; }

private:
    Cpu* exec_;
    Size size_;
    OpticalFlowParams params_;
    int finest_ = 0;
    FlowPyramid from_, to_;        // levels finest_ .. coarsest
    FlowField field_;              // dense flow on the scale at hand
    Buffer<Float2, Cpu> patches_;  // displacement of every patch on the scale at hand
    FlowRefinement refinement_;
    FlowEnlargement enlargement_;
};
}  // namespace detail

// ---------------------------------------------------------------------------- implementation

inline detail::OpticalFlowCpu::OpticalFlowCpu(Cpu& exec, Size size, const OpticalFlowParams& params)
    : exec_(&exec), size_(size), params_(params) {
    require_flow(size, params);
    const int patch = params.patch_size;
    const int coarsest = detail::coarsest_flow_scale(size, patch);
    finest_ = std::min(params.finest_scale, coarsest);
    from_ = detail::FlowPyramid(exec, size, finest_, coarsest, patch);
    to_ = detail::FlowPyramid(exec, size, finest_, coarsest, patch);
    const Size largest = detail::flow_scale_size(size, finest_);
    field_ = detail::FlowField(exec, largest);
    patches_ = Buffer<Float2, Cpu>(exec, detail::patch_grid_size(largest, patch, params.patch_stride));
    if (params.refinement_iterations > 0) refinement_ = detail::FlowRefinement(exec, largest, params.refinement);
    enlargement_ = detail::FlowEnlargement(exec, size, finest_);
}

inline void detail::OpticalFlowCpu::operator()(HostImage<const uint8_t> from, HostImage<const uint8_t> to,
                                               HostImage<Float2> flow) {
    require(from.size == size_ && to.size == size_ && flow.size == size_, "OpticalFlow: from, to or flow is not ",
            size_.width, " x ", size_.height);
    from_.build(*exec_, from);
    to_.build(*exec_, to);
    for (int scale = from_.coarsest(); scale >= finest_; --scale) {
        const HostImage<const float> source = from_.level(scale), target = to_.level(scale);
        const detail::PatchGrid grid{source.size, params_.patch_size, params_.patch_stride};
        const HostImage<Float2> patches = patches_.view().crop(0, 0, grid.size());
        detail::start_patches(grid, scale == from_.coarsest(), field_, patches);
        detail::search_patches(*exec_, grid, source, target, params_.descent_iterations, patches);
        field_.resize(source.size);
        detail::densify_patches(*exec_, grid, source, target, patches, field_);
        if (params_.refinement_iterations > 0)
            refinement_(*exec_, source, target, params_.refinement_iterations, field_);
    }
    enlargement_(*exec_, field_, flow);
}
}  // namespace cinebokeh

#include "kernels/optical_flow_cuda.cuh"
