#include "cinebokeh/optical_flow.hpp"
#include "support.hpp"

using namespace cinebokeh;

namespace {
// A bright stripe from left to right on grey, `shift` pixels lower, with a sensor's noise of two grey levels.
std::vector<uint8_t> stripe(Size size, double shift, unsigned seed) {
    const double middle = size.height / 2.0 + shift;
    std::vector<uint8_t> pixels;
    // Four uniform numbers in [-1, 1] have a variance of 4 / 3.
    const auto random = noise(size.area() * 4, -1, 1, seed);
    for (int i = 0; i < int(size.area()); ++i) {
        const double y = i / size.width - middle;
        const double bright = 90 + 60 / (1 + std::exp(-y - 6)) - 60 / (1 + std::exp(-y + 6));
        double sum = 0;
        for (int k = 0; k < 4; ++k) sum += double(random[size_t(4 * i + k)]);
        pixels.push_back(uint8_t(std::lround(bright + 2 * sum / std::sqrt(4.0 / 3))));
    }
    return pixels;
}
}  // namespace

// Along a straight edge the frames tell nothing, but their noise does: patches must not follow it.
TEST_CASE_TEMPLATE("patches do not slide along a straight edge", Exec, EXECUTORS) {
    const Size size{128, 64};
    for (double shift : {0.0, 1.5}) {
        CAPTURE(shift);
        Exec exec;
        Buffer<uint8_t, Exec> from(exec, size, stripe(size, 0, 1)), to(exec, size, stripe(size, shift, 2));
        Buffer<Float2, Exec> found(exec, size);
        OpticalFlow<Exec> plan(exec, size);
        plan(from.view(), to.view(), found.view());
        const auto flow = found.download();
        double along = 0, across = 0;
        int count = 0;
        for (int y = size.height / 2 - 8; y < size.height / 2 + 8; ++y)
            for (int x = 0; x < size.width; ++x, ++count) {
                const Float2 f = flow[size_t(y * size.width + x)];
                along += std::abs(double(f[0])), across += std::abs(double(f[1]) - shift);
            }
        // Half a pixel on the full scale is an eighth on the scale on which patches are searched.
        CHECK(along / count <= 0.5);
        CHECK(across / count <= 0.5);
    }
}
