#include "scene_corruption.hpp"

#include <algorithm>
#include <cmath>

#include "cinebokeh/core/random.hpp"
#include "cinebokeh/gaussian_blur.hpp"
#include "cinebokeh/morphology.hpp"
#include "cinebokeh/warp.hpp"

namespace cinebokeh::demo {
namespace {
struct Draws {
    float sigma, radius, displacement, factor;
    bool dilate;
    Random random;  // for the field of the deformation

    Draws(uint64_t seed, int frame, float unit) : random(seed * 0x9e3779b97f4a7c15u + uint64_t(frame)) {
        const auto between = [&](float low, float high) { return low + (high - low) * random.uniform(); };
        sigma = unit * between(0.5f, 2);
        radius = std::max(1.f, unit * between(1, 2));  // a smaller disk is a pixel
        displacement = unit * between(0.5f, 1.5f);
        factor = between(0.9f, 1.1f);
        dilate = random.below(2) == 1;
    }
};

Buffer<Float2, Cpu> deformation(Cpu& exec, Size size, Draws& draws, float unit) {
    Buffer<Float2, Cpu> field(exec, size);
    const HostImage<Float2> view = field.view();
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const float right = 2 * draws.random.uniform() - 1, down = 2 * draws.random.uniform() - 1;
            view(x, y) = {right, down};
        }
    GaussianBlur<Float2, Cpu> smooth(exec, size, 6 * unit);
    smooth(view, view);
    double squares = 0;
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            const Float2 d = view(x, y);
            squares += double(d[0]) * double(d[0]) + double(d[1]) * double(d[1]);
        }
    const double rms = std::sqrt(squares / double(size.area()));
    const float scale = rms > 0 ? draws.displacement / float(rms) : 0;
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) view(x, y) = view(x, y) * scale;
    return field;
}
}  // namespace

void corrupt_disparity(Cpu& exec, Corruption level, uint64_t seed, int frame, HostImage<float> disparity) {
    const Size size = disparity.size;
    if (size.empty()) return;
    const float unit = float(std::min(size.width, size.height)) / 256;
    Draws draws(seed, frame, unit);
    Buffer<float, Cpu> before(exec, size);
    GaussianBlur<float, Cpu> blur(exec, size, draws.sigma);
    blur(disparity, disparity);
    if (level == Corruption::I) return;
    copy(exec, HostImage<const float>(disparity), before.view());
    Morphology<float, Cpu> morphology(exec, size, draws.radius);
    if (draws.dilate)
        morphology.dilate(before.view(), disparity);
    else
        morphology.erode(before.view(), disparity);
    if (level == Corruption::II) return;
    copy(exec, HostImage<const float>(disparity), before.view());
    const Buffer<Float2, Cpu> field = deformation(exec, size, draws, unit);
    warp<Cpu>(exec, before.view(), field.view(), disparity);
    if (level == Corruption::III) return;
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) disparity(x, y) *= draws.factor;
}
}  // namespace cinebokeh::demo
