#include "cinebokeh/optical_flow.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// A smooth texture that is known everywhere: waves of 10 to 40 pixels, between 8 and 248.
double texture(double x, double y) {
    return 128 + 40 * std::sin(0.31 * x + 0.22 * y) + 35 * std::sin(0.17 * x - 0.45 * y + 1) +
           25 * std::cos(0.09 * x + 0.28 * y + 2) + 20 * std::sin(0.16 * x - 0.07 * y);
}

using Motion = Float2 (*)(double x, double y);

// Two frames of the texture, so that from(p) == to(p + motion(p)): the second is found by inverting the motion.
struct Frames {
    Size size;
    std::vector<uint8_t> from, to;

    Frames(Size s, Motion motion) : size(s), from(s.area()), to(s.area()) {
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                double px = x, py = y;  // fixed point of p = q - motion(p); the motions contract
                for (int i = 0; i < 60; ++i) {
                    const Float2 m = motion(px, py);
                    px = x - m[0], py = y - m[1];
                }
                from[size_t(y * s.width + x)] = uint8_t(std::lround(texture(x, y)));
                to[size_t(y * s.width + x)] = uint8_t(std::lround(texture(px, py)));
            }
    }
};

std::vector<Float2> flow_of(const Frames& frames, const OpticalFlowParams& params = {}, int threads = 2) {
    Cpu exec(threads);
    OpticalFlow<Cpu> plan(exec, frames.size, params);
    Buffer<Float2, Cpu> flow(exec, frames.size);
    plan(host_view(frames.from, frames.size), host_view(frames.to, frames.size), flow.view());
    return flow.download();
}

// The largest end-point error among pixels at least `border` from the border.
double worst_end_point_error(const Frames& frames, const std::vector<Float2>& flow, Motion motion, int border) {
    double worst = 0;
    for (int y = border; y < frames.size.height - border; ++y)
        for (int x = border; x < frames.size.width - border; ++x) {
            const Float2 f = flow[size_t(y * frames.size.width + x)], m = motion(x, y);
            const double error = std::hypot(double(f[0]) - m[0], double(f[1]) - m[1]);
            if (!(error <= worst)) worst = error;
        }
    return worst;
}
}  // namespace

TEST_CASE("a shifted image gives its shift everywhere inside") {
    const Motion shifts[] = {[](double, double) {
                                 return Float2{3, -2};
                             },
                             [](double, double) {
                                 return Float2{0.5f, 0.25f};
                             },
                             [](double, double) {
                                 return Float2{-7.3f, 4.6f};
                             }};
    for (Motion motion : shifts) {
        const Frames frames({160, 120}, motion);
        // grey levels are rounded: 0.3 in each frame, against a mean gradient of 10 levels per pixel and some 50 pixels
        // that decide together; 0.1 is far above that, and far below what a wrong scale or offset would give
        CHECK(worst_end_point_error(frames, flow_of(frames, {.finest_scale = 1}), motion, 24) <= 0.1);
        CHECK(worst_end_point_error(frames, flow_of(frames, OpticalFlowParams::medium()), motion, 24) <= 0.1);
    }
}

TEST_CASE("frames of any size work, and constant ones do not move") {
    for (Size s :
         {Size{1, 1}, Size{7, 5}, Size{1, 40}, Size{40, 1}, Size{8, 8}, Size{9, 8}, Size{16, 17}, Size{33, 65}})
        for (int patch : {4, 8, 12, 16})
            for (int finest : {0, 1, 2, 5}) {
                Frames frames(s, [](double, double) { return Float2{1, 0}; });
                const OpticalFlowParams params{.patch_size = patch, .finest_scale = finest};
                for (Float2 f : flow_of(frames, params)) CHECK((std::isfinite(f[0]) && std::isfinite(f[1])));
                std::fill(frames.from.begin(), frames.from.end(), uint8_t(77));
                frames.to = frames.from;
                for (Float2 f : flow_of(frames, params)) CHECK(f == Float2{0, 0});
            }
}

TEST_CASE("the number of threads does not change a bit") {
    const Frames frames({211, 157}, [](double x, double y) { return Float2{float(0.03 * y), float(0.02 * x - 2)}; });
    const std::vector<Float2> one = flow_of(frames, {}, 1);
    CHECK(flow_of(frames, {}, 2) == one);
    CHECK(flow_of(frames, {}, 5) == one);
}
