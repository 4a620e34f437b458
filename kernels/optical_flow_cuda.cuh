// Optical flow on Cuda: the same scales as on the CPU; frames continue beyond their borders by clamped coordinates
// instead of margins.
#pragma once
#include "cinebokeh/optical_flow.hpp"
#if CINEBOKEH_GRID
#include "kernels/optical_flow_refine_cuda.cuh"
#include "kernels/optical_flow_search_cuda.cuh"

namespace cinebokeh::detail {

/// Functor over pixels: a frame as floats, or half a frame: means of 2 x 2 pixels.
template <class T, bool halve>
struct FlowLevel {
    Image<const T, DeviceSpace> in;
    Image<float, DeviceSpace> out;
    CINEBOKEH_HD void operator()(int x, int y) const {
        const auto at = [&](int u, int v) { return float(in.clamped(u, v)); };
        out(x, y) =
            halve ? 0.25f * (at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1))
                  : at(x, y);
    }
};
/// Functor over pixels.
struct EnlargeFlow {
    Image<const Float2, DeviceSpace> in;
    float factor;
    Image<Float2, DeviceSpace> out;
    CINEBOKEH_HD void operator()(int x, int y) const {
        out(x, y) = factor * sample_flow(in, (float(x) + 0.5f) / factor, (float(y) + 0.5f) / factor);
    }
};

class OpticalFlowCuda {
public:
    OpticalFlowCuda(Cuda& exec, Size size, const OpticalFlowParams& params = {})
        : exec_(&exec), size_(size), params_(params) {
        require_flow(size, params);
        coarsest_ = coarsest_flow_scale(size, params.patch_size);
        finest_ = std::min(params.finest_scale, coarsest_);
        const auto levels = [&](std::vector<Buffer<float, Cuda>>& frames) {
            for (int scale = 0; scale <= coarsest_; ++scale)
                frames.emplace_back(exec, scale == 0 && finest_ > 0 ? Size{} : flow_scale_size(size, scale));
        };
        levels(from_), levels(to_);
        const Size largest = flow_scale_size(size, finest_);
        for (auto& b : fields_) b = Buffer<Float2, Cuda>(exec, largest);
        for (auto& b : patches_)
            b = Buffer<Float2, Cuda>(exec, patch_grid_size(largest, params.patch_size, params.patch_stride));
        if (params.refinement_iterations > 0) refinement_ = FlowRefinementCuda(exec, largest, params.refinement);
    }

    void operator()(Image<const uint8_t, DeviceSpace> from, Image<const uint8_t, DeviceSpace> to,
                    Image<Float2, DeviceSpace> flow) {
        require(from.size == size_ && to.size == size_ && flow.size == size_, "OpticalFlow: from, to or flow is not ",
                size_.width, " x ", size_.height);
        build(from, from_), build(to, to_);
        Image<const Float2, DeviceSpace> coarser;
        for (int scale = coarsest_; scale >= finest_; --scale) {
            const Image<float, DeviceSpace> source = from_[size_t(scale)].view(), target = to_[size_t(scale)].view();
            const Size patches = patch_grid_size(source.size, params_.patch_size, params_.patch_stride);
            const FlowGrid grid{source.size, patches, params_.patch_size, params_.patch_stride};
            const Image<Float2, DeviceSpace> field = fields_[scale & 1].view().crop(0, 0, source.size);
            const auto found = search(grid, source, target, coarser);
            for_each_pixel(*exec_, source.size, DensifyPatches{grid, source, target, found, field});
            if (params_.refinement_iterations > 0)
                refinement_(*exec_, source, target, params_.refinement_iterations, field);
            coarser = field;
        }
        for_each_pixel(*exec_, size_, EnlargeFlow{coarser, float(1 << finest_), flow});
    }

    Size size() const { return size_; }

private:
    void build(Image<const uint8_t, DeviceSpace> frame, std::vector<Buffer<float, Cuda>>& levels) {
        if (finest_ == 0) for_each_pixel(*exec_, size_, FlowLevel<uint8_t, false>{frame, levels[0].view()});
        for (int scale = 1; scale <= coarsest_; ++scale) {
            const Image<float, DeviceSpace> out = levels[size_t(scale)].view();
            if (scale == 1)
                for_each_pixel(*exec_, out.size, FlowLevel<uint8_t, true>{frame, out});
            else
                for_each_pixel(*exec_, out.size, FlowLevel<float, true>{levels[size_t(scale - 1)].view(), out});
        }
    }
    // Returns the displacements of the patches.
    Image<Float2, DeviceSpace> search(const FlowGrid& grid, Image<const float, DeviceSpace> from,
                                      Image<const float, DeviceSpace> to, Image<const Float2, DeviceSpace> coarser) {
        Image<Float2, DeviceSpace> now = patches_[0].view().crop(0, 0, grid.patches);
        Image<Float2, DeviceSpace> next = patches_[1].view().crop(0, 0, grid.patches);
        for_each_pixel(*exec_, grid.patches, StartPatches{grid, coarser, now});
        const dim3 blocks(unsigned(ceil_div(int(grid.patches.area()), kernels::flow_warps)));
        const int total = params_.descent_iterations, half = (total + 1) / 2;
        for (int pass = 0; pass < 3; ++pass, std::swap(now, next)) {
            const int iterations = pass == 0   ? half
                                   : pass == 1 ? (total - half) / 2
                                               : total - half - (total - half) / 2;
            with_patch_size(grid.patch_size, [&](auto patch) {
                exec_->launch(blocks, dim3(32 * kernels::flow_warps), 0, kernels::flow_search<patch()>, grid, from, to,
                              pass == 0 ? 0 : 3 - pass, iterations, Image<const Float2, DeviceSpace>(now), next);
            });
        }
        return now;
    }

    Cuda* exec_;
    Size size_;
    OpticalFlowParams params_;
    int coarsest_ = 0, finest_ = 0;
    std::vector<Buffer<float, Cuda>> from_, to_;  // by scale; the frame itself only where the flow is computed on it
    Buffer<Float2, Cuda> fields_[2];              // dense flow, of even and odd scales
    Buffer<Float2, Cuda> patches_[2];
    FlowRefinementCuda refinement_;
};
}  // namespace cinebokeh::detail
#endif
