#include "cinebokeh/depth_boundary.hpp"

#include "support.hpp"

using namespace cinebokeh;

namespace {
// The definition, pixel by pixel: a pixel is marked if some boundary pixel has it in its disk.
std::vector<uint8_t> reference(const std::vector<float>& disparity, const std::vector<float>& defocus, Size s,
                               DepthBoundaryParams params) {
    const auto at = [&](int x, int y) { return size_t(y * s.width + x); };
    std::vector<uint8_t> mask(s.area(), 0);
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x) {
            bool boundary = false;
            for (const auto& [dx, dy] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}})
                if (s.contains(x + dx, y + dy))
                    boundary |= std::abs(disparity[at(x, y)] - disparity[at(x + dx, y + dy)]) >= params.step;
            if (!boundary) continue;
            double radius = 0;
            for (int j = -params.reach; j <= params.reach; ++j)
                for (int i = -params.reach; i <= params.reach; ++i)
                    if (s.contains(x + i, y + j))
                        radius = std::max(radius, double(std::abs(defocus[at(x + i, y + j)])));
            for (int v = 0; v < s.height; ++v)
                for (int u = 0; u < s.width; ++u)
                    if (double(u - x) * (u - x) + double(v - y) * (v - y) <= radius * radius) mask[at(u, v)] = 1;
        }
    return mask;
}
}  // namespace

TEST_CASE("the mask is the union of disks around the pixels of boundaries") {
    for (const Size s : {Size{1, 1}, Size{1, 20}, Size{33, 1}, Size{40, 31}})
        for (const float strength : {0.f, 4.f, 37.5f, 1e9f}) {
            CAPTURE(s.width);
            CAPTURE(strength);
            Cpu exec;
            std::vector<float> disparity(s.area()), defocus(s.area());
            for (int y = 0; y < s.height; ++y)
                for (int x = 0; x < s.width; ++x) {  // a slope, a square, and a line one pixel wide
                    const bool square = x > 8 && x < 15 && y > 5 && y < 14, line = x == 25;
                    const float d = square ? 0.6f : line ? 0.35f : 0.1f + 0.005f * float(y);
                    disparity[size_t(y * s.width + x)] = d, defocus[size_t(y * s.width + x)] = strength * (d - 0.3f);
                }
            const DepthBoundaryParams params{.step = 0.05f, .reach = s.width % 2 ? 0 : 4};
            DepthBoundary boundary(exec, s, params);
            std::vector<uint8_t> mask(s.area(), 9);
            boundary(host_view(disparity, s), host_view(defocus, s), host_view(mask, s));
            CHECK(mask == reference(disparity, defocus, s, params));
        }
}

TEST_CASE("random disparity is a boundary everywhere") {
    Cpu exec;
    const Size s{31, 24};
    const std::vector<float> disparity = noise(s, 0, 1), defocus = noise(s, -5, 5, 2);
    DepthBoundary boundary(exec, s);
    std::vector<uint8_t> mask(s.area());
    boundary(host_view(disparity, s), host_view(defocus, s), host_view(mask, s));
    CHECK(mask == reference(disparity, defocus, s, {}));
    const long before = allocation_count();
    boundary(host_view(disparity, s), host_view(defocus, s), host_view(mask, s));
    CHECK(allocation_count() == before);
}

TEST_CASE("what is not finite, and other sizes, are refused") {
    Cpu exec;
    std::vector<float> flat(12, 0.5f), bad = flat;
    std::vector<uint8_t> mask(12);
    bad[5] = NAN;
    DepthBoundary boundary(exec, {4, 3});
    CHECK_THROWS_AS(boundary(host_view(bad, {4, 3}), host_view(flat, {4, 3}), host_view(mask, {4, 3})), Error);
    bad[5] = INFINITY;
    CHECK_THROWS_AS(boundary(host_view(flat, {4, 3}), host_view(bad, {4, 3}), host_view(mask, {4, 3})), Error);
    CHECK_THROWS_AS(boundary(host_view(flat, {4, 3}), host_view(flat, {3, 4}), host_view(mask, {4, 3})), Error);
    CHECK_THROWS_AS(DepthBoundary(exec, {4, 3}, {.step = 0}), Error);
    CHECK_THROWS_AS(DepthBoundary(exec, {4, 3}, {.step = NAN}), Error);
    CHECK_THROWS_AS(DepthBoundary(exec, {4, 3}, {.reach = 65}), Error);
    CHECK_THROWS_AS(DepthBoundary(exec, {0, 3}), Error);
}
