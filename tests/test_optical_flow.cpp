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

template <class Exec>
std::vector<Float2> flow_on(Exec& exec, const Frames& frames, const OpticalFlowParams& params) {
    OpticalFlow<Exec> plan(exec, frames.size, params);
    Buffer<uint8_t, Exec> from(exec, frames.size, frames.from), to(exec, frames.size, frames.to);
    Buffer<Float2, Exec> flow(exec, frames.size);
    CHECK(allocations_during([&] { plan(from.view(), to.view(), flow.view()); }) == 0);
    return flow.download();
}
std::vector<Float2> flow_of(const Frames& frames, const OpticalFlowParams& params = {}, int threads = 2) {
    Cpu exec(threads);
    return flow_on(exec, frames, params);
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

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("the device finds shifts, too", Exec, CUDA_EXECUTORS) {
    Exec exec;
    for (Motion motion : {Motion([](double, double) {
                              return Float2{2.3f, -1.6f};
                          }),
                          Motion([](double x, double y) {
                              return Float2{float(.02 * y), float(.03 * x - 1)};
                          })}) {
        const Frames frames({72, 60}, motion);
        // As on the CPU: rounded grey levels against the gradient of some 50 pixels; twice that, because the inner part
        // of so small a frame is nearer to its border.
        CHECK(worst_end_point_error(frames, flow_on(exec, frames, {.finest_scale = 1}), motion, 20) <= 0.2);
    }
}

TEST_CASE_TEMPLATE("on the device frames of any size work, and constant ones do not move", Exec, CUDA_EXECUTORS) {
    Exec exec;
    for (Size s : {Size{1, 1}, Size{7, 5}, Size{40, 1}, Size{33, 18}})
        for (int patch : {4, 12})
            for (int finest : {0, 2}) {
                Frames frames(s, [](double, double) { return Float2{1, 0}; });
                const OpticalFlowParams params{.patch_size = patch, .finest_scale = finest, .refinement_iterations = 2};
                for (Float2 f : flow_on(exec, frames, params)) CHECK((std::isfinite(f[0]) && std::isfinite(f[1])));
                std::fill(frames.from.begin(), frames.from.end(), uint8_t(77));
                frames.to = frames.from;
                for (Float2 f : flow_on(exec, frames, params)) CHECK(f == Float2{0, 0});
            }
}

TEST_CASE_TEMPLATE("on the device sweeps over tiles are sweeps over the image", Exec, CUDA_EXECUTORS) {
    // Without a search the two backends differ in rounding only. The CPU's inverse square root is good to 5e-6; in
    // smoothness weights of up to 20 / .001, against data that weigh about 10, that is 1e-2 of the motion of half a
    // pixel. A tile that went wrong would be off by the motion.
    const Frames frames({75, 41}, [](double, double) { return Float2{.4f, -.3f}; });
    OpticalFlowParams params{.finest_scale = 0, .descent_iterations = 0, .refinement_iterations = 2};
    params.refinement.sweeps_per_iteration = 6;  // more than one launch holds
    Exec exec;
    const auto device = flow_on(exec, frames, params), host = flow_of(frames, params);
    double worst = 0;
    for (size_t i = 0; i < host.size(); ++i)
        for (int c = 0; c < 2; ++c) worst = std::max(worst, std::abs(double(device[i][c]) - double(host[i][c])));
    CHECK(worst < 1e-2);
}
#endif

TEST_CASE("the number of threads does not change a bit") {
    const Frames frames({211, 157}, [](double x, double y) { return Float2{float(0.03 * y), float(0.02 * x - 2)}; });
    const std::vector<Float2> one = flow_of(frames, {}, 1);
    CHECK(flow_of(frames, {}, 2) == one);
    CHECK(flow_of(frames, {}, 5) == one);
}

namespace {
// Pixels with their replicated border, in double.
struct Plane {
    Size size;
    std::vector<float> pixels;
    double at(int x, int y) const {
        x = std::clamp(x, 0, size.width - 1), y = std::clamp(y, 0, size.height - 1);
        return double(pixels[size_t(y * size.width + x)]);
    }
    double at(double x, double y) const {
        const int ix = int(std::floor(x)), iy = int(std::floor(y));
        const double fx = x - ix, fy = y - iy;
        return (1 - fy) * ((1 - fx) * at(ix, iy) + fx * at(ix + 1, iy)) +
               fy * ((1 - fx) * at(ix, iy + 1) + fx * at(ix + 1, iy + 1));
    }
};
Plane texture_plane(Size s, double dx, double dy) {
    Plane plane{s, {}};
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) plane.pixels.push_back(float(texture(x - dx, y - dy)));
    return plane;
}
// The same in a buffer with a margin.
struct Level {
    detail::MarginImage<float> image;
    Size size;
    Level(Cpu& exec, const Plane& plane, int margin) : image(exec, plane.size, margin), size(plane.size) {
        for (int y = -margin; y < size.height + margin; ++y)
            for (int x = -margin; x < size.width + margin; ++x) image.view(size)(x, y) = float(plane.at(x, y));
    }
    HostImage<const float> view() { return image.view(size); }
};

// Section 2.1 in double: the sum of squared differences of the mean-free patch, and a quarter of the Gauss-Newton step.
struct Fit {
    double error, step_x, step_y;
};
Fit reference_fit(const Plane& from, const Plane& to, int left, int top, int patch, double u, double v) {
    double mean_d = 0, mean_x = 0, mean_y = 0;
    const double n = double(patch) * patch;
    auto gradient_x = [&](int x, int y) {  // Sobel's
        double sum = 0;
        for (int d = -1; d <= 1; ++d) sum += (d == 0 ? 2 : 1) * (from.at(x + 1, y + d) - from.at(x - 1, y + d));
        return sum / 8;
    };
    auto gradient_y = [&](int x, int y) {
        double sum = 0;
        for (int d = -1; d <= 1; ++d) sum += (d == 0 ? 2 : 1) * (from.at(x + d, y + 1) - from.at(x + d, y - 1));
        return sum / 8;
    };
    auto difference = [&](int x, int y) { return to.at(x + u, y + v) - from.at(x, y); };
    for (int y = top; y < top + patch; ++y)
        for (int x = left; x < left + patch; ++x)
            mean_d += difference(x, y) / n, mean_x += gradient_x(x, y) / n, mean_y += gradient_y(x, y) / n;
    double xx = 2 * n, xy = 0, yy = 2 * n, bx = 0, by = 0, error = 0;  // 2 n: noise in the gradient
    for (int y = top; y < top + patch; ++y)
        for (int x = left; x < left + patch; ++x) {
            const double gx = gradient_x(x, y) - mean_x, gy = gradient_y(x, y) - mean_y, d = difference(x, y) - mean_d;
            xx += gx * gx, xy += gx * gy, yy += gy * gy, bx += gx * d, by += gy * d, error += d * d;
        }
    const double determinant = xx * yy - xy * xy;
    return {error, -(yy * bx - xy * by) / (4 * determinant), -(xx * by - xy * bx) / (4 * determinant)};
}

// The energy of section 2.3 in double, linearised about the flow `start`.
double energy(const Plane& from, const Plane& to, const std::vector<Float2>& start, const std::vector<Float2>& flow) {
    const Size s = from.size;
    Plane mean{s, {}}, change{s, {}};
    std::vector<bool> inside;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t i = size_t(y * s.width + x);
            const double px = x + double(start[i][0]), py = y + double(start[i][1]);
            const double warped = to.at(std::clamp(px, 0.0, s.width - 1.0), std::clamp(py, 0.0, s.height - 1.0));
            mean.pixels.push_back(float((warped + from.at(x, y)) / 2));
            change.pixels.push_back(float(warped - from.at(x, y)));
            inside.push_back(px >= 0 && py >= 0 && px <= s.width - 1 && py <= s.height - 1);
        }
    auto psi = [](double squared) { return std::sqrt(squared + 1e-6); };
    double sum = 0;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            const size_t i = size_t(y * s.width + x);
            auto square = [](double a) { return a * a; };
            const Plane &m = mean, &z = change;
            const double ix = (m.at(x + 1, y) - m.at(x - 1, y)) / 2, iy = (m.at(x, y + 1) - m.at(x, y - 1)) / 2;
            const double ixx = (m.at(x + 2, y) - 2 * m.at(x, y) + m.at(x - 2, y)) / 4;
            const double iyy = (m.at(x, y + 2) - 2 * m.at(x, y) + m.at(x, y - 2)) / 4;
            const double ixy = (m.at(x + 1, y + 1) - m.at(x - 1, y + 1) - m.at(x + 1, y - 1) + m.at(x - 1, y - 1)) / 4;
            const double du = double(flow[i][0]) - start[i][0], dv = double(flow[i][1]) - start[i][1];
            const double data = square(ix * du + iy * dv + z.at(x, y)) / (ix * ix + iy * iy + 0.01);
            const double along_x =
                square(ixx * du + ixy * dv + (z.at(x + 1, y) - z.at(x - 1, y)) / 2) / (ixx * ixx + ixy * ixy + 0.01);
            const double along_y =
                square(ixy * du + iyy * dv + (z.at(x, y + 1) - z.at(x, y - 1)) / 2) / (ixy * ixy + iyy * iyy + 0.01);
            if (inside[i]) sum += 5 * psi(data) + 10 * psi(along_x + along_y);
            double smooth = 0;
            for (int c = 0; c < 2; ++c) {
                if (x + 1 < s.width) smooth += square(double(flow[i + 1][c]) - flow[i][c]);
                if (y + 1 < s.height) smooth += square(double(flow[i + size_t(s.width)][c]) - flow[i][c]);
            }
            sum += 20 * psi(smooth);
        }
    return sum;
}
}  // namespace

TEST_CASE("the fit of a patch is the residual and the step of the definition") {
    const Size s{40, 30};
    const Plane from = texture_plane(s, 0, 0), to = texture_plane(s, 1.3, -0.6);
    Cpu exec;
    Level a(exec, from, 17), b(exec, to, 17);
    // inside, over the border, and with a displacement that leads out of the image
    for (const Float2 u : {Float2{0, 0}, Float2{1.3f, -0.6f}, Float2{-2.25f, 3.75f}, Float2{-6, 0.5f}})
        for (const auto& [left, top] : {std::pair{0, 0}, std::pair{12, 9}, std::pair{31, 21}}) {
            const Fit expected = reference_fit(from, to, left, top, 8, double(u[0]), double(u[1]));
            const detail::PatchFit found = detail::FlowPatch<8>(a.view(), left, top).fit(b.view(), u);
            // 64 squares of differences up to 250, whose mean is removed by subtraction: 64 * 250^2 * 2 * 64 * 6e-8
            CHECK(std::abs(double(found.error) - expected.error) <= 31);
            // the right side has an error of 64 * 250 * 30 * 1e-7 or so, the least eigenvalue is above 64 here
            CHECK(std::abs(double(found.step[0]) - expected.step_x) <= 2e-3);
            CHECK(std::abs(double(found.step[1]) - expected.step_y) <= 2e-3);
        }
}

TEST_CASE("the dense flow is the mean of the patches, weighted by how well they explain the pixel") {
    const Size s{21, 18};
    const Plane from = texture_plane(s, 0, 0), to = texture_plane(s, 2, 1);
    Cpu exec;
    Level a(exec, from, 9), b(exec, to, 9);
    const detail::PatchGrid grid{s, 8, 3};
    const Size count = grid.size();
    CHECK(count == Size{6, 5});  // the last ones start at 13 and 10, not at 15 and 12
    const auto u = noise(count, -4, 4, 5), v = noise(count, -4, 4, 6);
    std::vector<Float2> patches;
    for (size_t i = 0; i < count.area(); ++i) patches.push_back({u[i], v[i]});
    detail::FlowField field(exec, s);
    detail::densify_patches(exec, grid, a.view(), b.view(), host_view(std::as_const(patches), count), field);
    double worst = 0;
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            double sum_u = 0, sum_v = 0, weights = 0;
            for (int j = 0; j < count.height; ++j)
                for (int i = 0; i < count.width; ++i) {
                    const int left = std::min(3 * i, 13), top = std::min(3 * j, 10);
                    if (x < left || y < top || x >= left + 8 || y >= top + 8) continue;
                    const Float2 p = patches[size_t(j * count.width + i)];
                    const double d = to.at(x + double(p[0]), y + double(p[1])) - from.at(x, y);
                    const double w = 1 / std::max(1.0, std::abs(d));
                    sum_u += w * p[0], sum_v += w * p[1], weights += w;
                }
            worst = std::max(worst, std::abs(double(field.u()(x, y)) - sum_u / weights));
            worst = std::max(worst, std::abs(double(field.v()(x, y)) - sum_v / weights));
        }
    CHECK(worst <= 1e-3);  // weights are steep at |d| = 1: a difference of 250 * 1e-6 there changes one by 3e-4
}

TEST_CASE("every iteration of the refinement lowers the energy") {
    const Size s{37, 29};
    const Plane from = texture_plane(s, 0, 0), to = texture_plane(s, 0.8, -0.5);
    Cpu exec;
    Level a(exec, from, 9), b(exec, to, 9);
    const auto u = noise(s, -1, 2, 3), v = noise(s, -2, 1, 4);
    std::vector<Float2> start;
    for (size_t i = 0; i < s.area(); ++i) start.push_back({u[i], v[i]});
    double before = energy(from, to, start, start);
    for (int iterations = 1; iterations <= 6; ++iterations) {
        detail::FlowField field(exec, s);
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) {
                field.u()(x, y) = start[size_t(y * s.width + x)][0];
                field.v()(x, y) = start[size_t(y * s.width + x)][1];
            }
        detail::FlowRefinement refine(exec, s, FlowRefinementParams{});
        refine(exec, a.view(), b.view(), iterations, field);
        std::vector<Float2> flow;
        for (int y = 0; y < s.height; ++y)
            for (int x = 0; x < s.width; ++x) flow.push_back({field.u()(x, y), field.v()(x, y)});
        const double after = energy(from, to, start, flow);
        CHECK(after < before * (1 - 1e-6));
        before = after;
    }
}

TEST_CASE("an affine motion is found: turn, zoom and shear") {
    const Motion motions[] = {[](double x, double y) {
                                  return Float2{float(-0.035 * (y - 60)), float(0.035 * (x - 80))};
                              },  // 2 degrees
                              [](double x, double y) {
                                  return Float2{float(0.03 * (x - 80)), float(0.03 * (y - 60) + 1.5)};
                              },  // 3 %
                              [](double, double y) {
                                  return Float2{float(0.04 * (y - 60)), 0.5f};
                              }};
    for (Motion motion : motions) {
        const Frames frames({160, 120}, motion);
        // the smoothness term flattens a slope of 0.04 where the texture is weak: a patch of 8 pixels at half size
        // spans a difference of 0.6 pixels, and a third of that is allowed
        CHECK(worst_end_point_error(frames, flow_of(frames, {.finest_scale = 1}), motion, 24) <= 0.2);
    }
}

TEST_CASE("a frame that gets brighter does not move") {
    Frames frames({120, 90}, [](double, double) { return Float2{0, 0}; });
    for (uint8_t& p : frames.to) p = uint8_t(std::min(255, p + 6));
    double sum = 0;
    for (Float2 f : flow_of(frames, OpticalFlowParams::ultrafast())) sum += std::hypot(double(f[0]), double(f[1]));
    CHECK(sum / double(frames.size.area()) <= 1e-3);  // patches are compared without their means: nothing is left
}

TEST_CASE("flow costs no allocation after the constructor") {
    const Frames frames({130, 70}, [](double, double) { return Float2{1, 1}; });
    Cpu exec;
    OpticalFlow<Cpu> plan(exec, frames.size);
    Buffer<Float2, Cpu> flow(exec, frames.size);
    CHECK(allocations_during(
              [&] { plan(host_view(frames.from, frames.size), host_view(frames.to, frames.size), flow.view()); }) == 0);
}

TEST_CASE("optical flow takes rows of any pitch, also bottom-up") {
    const Frames frames({61, 47}, [](double, double) { return Float2{2, -1}; });
    const std::vector<Float2> expected = flow_of(frames);
    const int pitch = 80;
    std::vector<uint8_t> from(size_t(pitch) * 47), to(from);
    for (int y = 0; y < 47; ++y)
        for (int x = 0; x < 61; ++x) {
            from[size_t((46 - y) * pitch + x)] = frames.from[size_t(y * 61 + x)];
            to[size_t(y * pitch + x)] = frames.to[size_t(y * 61 + x)];
        }
    Cpu exec;
    OpticalFlow<Cpu> plan(exec, frames.size);
    Buffer<Float2, Cpu> flow(exec, frames.size);
    plan({&from[size_t(46 * pitch)], frames.size, -pitch}, {to.data(), frames.size, pitch}, flow.view());
    CHECK(flow.download() == expected);
}

TEST_CASE("optical flow refuses wrong sizes and parameters") {
    Cpu exec;
    CHECK_THROWS_AS(OpticalFlow<Cpu>(exec, {0, 10}), Error);
    CHECK_THROWS_AS(OpticalFlow<Cpu>(exec, {20, 20}, {.patch_size = 7}), Error);
    CHECK_THROWS_AS(OpticalFlow<Cpu>(exec, {20, 20}, {.patch_stride = 0}), Error);
    CHECK_THROWS_AS(OpticalFlow<Cpu>(exec, {20, 20}, {.finest_scale = -1}), Error);
    CHECK_THROWS_AS(OpticalFlow<Cpu>(exec, {20, 20}, {.refinement = {.relaxation = NAN}}), Error);
    CHECK_THROWS_AS(OpticalFlow<Cpu>(exec, {20, 20}, {.refinement = {.robustness = 0}}), Error);
    OpticalFlow<Cpu> plan(exec, {20, 20});
    std::vector<uint8_t> right(400), wrong(380);
    std::vector<Float2> flow(400);
    const HostImage<const uint8_t> good(right.data(), {20, 20}), bad(wrong.data(), {20, 19});
    CHECK_THROWS_AS(plan(good, bad, {flow.data(), {20, 20}}), Error);
    CHECK_THROWS_AS(plan(bad, good, {flow.data(), {20, 20}}), Error);
    CHECK_THROWS_AS(plan(good, good, {flow.data(), {20, 19}}), Error);
}
