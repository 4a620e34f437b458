// The people in live pictures, behind an interface that CUDA does not show through.
#pragma once
#include <memory>
#include <string>

#include "live_frame.hpp"
#include "network_matting.hpp"

namespace cinebokeh::demo {

/// Robust Video Matting, see NetworkMatting. Pictures and mattes are in the memory of the host.
class PeopleFinder {
public:
    virtual ~PeopleFinder() = default;

    /// On a GPU picture and matte are left there too.
    virtual void find(HostImage<const Rgba8> picture, HostImage<float> matte, FrameOnGpu& on_gpu) = 0;
    virtual void set_downsample_ratio(double ratio) = 0;
    virtual std::string description() const = 0;
    /// "cpu" or "cuda".
    virtual const char* device() const = 0;
};

/// `cpu` must outlive what is returned. Throws Error where the weights are not good.
std::unique_ptr<PeopleFinder> make_people_finder_cpu(Cpu& cpu, const NetworkOptions& options,
                                                     const std::string& weights, Size size);
/// On CUDA, where built with it, but for scene cuts.
std::unique_ptr<PeopleFinder> make_people_finder_cuda(Cpu& cpu, const NetworkOptions& options,
                                                      const std::string& weights, Size size);
}  // namespace cinebokeh::demo
