#include "gpu_images.hpp"
#include "people_finder.hpp"
#include "staged_copy.hpp"

namespace cinebokeh::demo {
namespace {
class PeopleOnCuda : public PeopleFinder {
public:
    PeopleOnCuda(Cpu& cpu, const NetworkOptions& options, const std::string& weights, Size size)
        : copiers_(threads_of_copy()),
          network_(cuda_, cpu, options, weights, size),
          frame_stage_(cuda_, copiers_, size),
          matte_stage_(cuda_, copiers_, size),
          frames_(size),
          mattes_(size) {}

    void find(HostImage<const Rgba8> picture, HostImage<float> matte, FrameOnGpu& on_gpu) override {
        on_gpu = {frames_.take(), mattes_.take()};
        frame_stage_.up(picture, to_be_filled<Rgba8>(*on_gpu.picture));
        network_.matte(picture, view_of<Rgba8>(*on_gpu.picture), to_be_filled<float>(*on_gpu.matte));
        matte_stage_.down(view_of<float>(*on_gpu.matte), matte);
    }
    void set_downsample_ratio(double ratio) override { network_.set_downsample_ratio(ratio); }
    std::string description() const override { return network_.description(); }
    const char* device() const override { return "cuda"; }

private:
    Cuda cuda_;
    Cpu copiers_;
    NetworkMatting<Cuda> network_;
    StagedCopy<Rgba8> frame_stage_;
    StagedCopy<float> matte_stage_;
    GpuImages<Rgba8> frames_;
    GpuImages<float> mattes_;
};
}  // namespace

std::unique_ptr<PeopleFinder> make_people_finder_cuda(Cpu& cpu, const NetworkOptions& options,
                                                      const std::string& weights, Size size) {
    return std::make_unique<PeopleOnCuda>(cpu, options, weights, size);
}
}  // namespace cinebokeh::demo
