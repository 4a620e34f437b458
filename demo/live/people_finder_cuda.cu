#include "cinebokeh/core/buffer.hpp"
#include "people_finder.hpp"

namespace cinebokeh::demo {
namespace {
class PeopleOnCuda : public PeopleFinder {
public:
    PeopleOnCuda(Cpu& cpu, const NetworkOptions& options, const std::string& weights, Size size)
        : network_(cuda_, cpu, options, weights, size), frame_(cuda_, size), matte_(cuda_, size) {}

    void find(HostImage<const Rgba8> picture, HostImage<float> matte) override {
        copy(cuda_, picture, frame_.view());
        network_.matte(picture, frame_.view(), matte_.view());
        copy(cuda_, View<const float, Cuda>(matte_.view()), matte);
        cuda_.synchronize();
    }
    void set_downsample_ratio(double ratio) override { network_.set_downsample_ratio(ratio); }
    std::string description() const override { return network_.description(); }
    const char* device() const override { return "cuda"; }

private:
    Cuda cuda_;
    NetworkMatting<Cuda> network_;
    Buffer<Rgba8, Cuda> frame_;
    Buffer<float, Cuda> matte_;
};
}  // namespace

std::unique_ptr<PeopleFinder> make_people_finder_cuda(Cpu& cpu, const NetworkOptions& options,
                                                      const std::string& weights, Size size) {
    return std::make_unique<PeopleOnCuda>(cpu, options, weights, size);
}
}  // namespace cinebokeh::demo
