#include "people_finder.hpp"

namespace cinebokeh::demo {
namespace {
class PeopleOnCpu : public PeopleFinder {
public:
    PeopleOnCpu(Cpu& cpu, const NetworkOptions& options, const std::string& weights, Size size)
        : network_(cpu, cpu, options, weights, size) {}

    void find(HostImage<const Rgba8> picture, HostImage<float> matte, FrameOnGpu&) override {
        network_.matte(picture, picture, matte);
    }
    void set_downsample_ratio(double ratio) override { network_.set_downsample_ratio(ratio); }
    std::string description() const override { return network_.description(); }
    const char* device() const override { return "cpu"; }

private:
    NetworkMatting<Cpu> network_;
};
}  // namespace

std::unique_ptr<PeopleFinder> make_people_finder_cpu(Cpu& cpu, const NetworkOptions& options,
                                                     const std::string& weights, Size size) {
    return std::make_unique<PeopleOnCpu>(cpu, options, weights, size);
}
}  // namespace cinebokeh::demo
