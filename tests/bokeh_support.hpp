// What the tests of bokeh share.
#pragma once
#include "cinebokeh/color.hpp"
#include "support.hpp"

namespace cinebokeh {
// The largest difference of a channel; 255 where the counts differ.
inline int furthest(const std::vector<Rgba8>& a, const std::vector<Rgba8>& b) {
    int worst = a.size() == b.size() ? 0 : 255;
    for (size_t i = 0; i < a.size() && i < b.size(); ++i)
        for (int c = 0; c < 4; ++c) worst = std::max(worst, std::abs(int(a[i][c]) - int(b[i][c])));
    return worst;
}
// The matte of a disk in the middle, its edge a pixel wide.
inline std::vector<float> disk_matte(Size s, float radius) {
    std::vector<float> matte(s.area());
    for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
            matte[size_t(y * s.width + x)] =
                clamp(radius + 0.5f - std::hypot(float(x - s.width / 2), float(y - s.height / 2)), 0.f, 1.f);
    return matte;
}
// How much of the pixel at (x, y) a disk at (0, 0) covers, by 16 x 16 samples.
inline double disk_at(double radius, int x, int y) {
    int inside = 0;
    for (int i = 0; i < 16; ++i)
        for (int j = 0; j < 16; ++j) {
            const double u = x + (i + 0.5) / 16 - 0.5, v = y + (j + 0.5) / 16 - 0.5;
            inside += u * u + v * v < radius * radius;
        }
    return inside / 256.0;
}
// Opaque pixels of noise, in linear light.
inline std::vector<Float4> random_light(Size s, unsigned seed = 1) {
    const auto values = noise(3 * s.area(), 0, 1, seed);
    std::vector<Float4> pixels(s.area());
    for (size_t i = 0; i < s.area(); ++i) pixels[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2], 1};
    return pixels;
}
inline std::vector<Rgba8> encoded(const std::vector<Float4>& light, Size s) {
    Cpu exec;
    std::vector<Rgba8> frame(s.area());
    linear_to_srgb<Cpu>(exec, host_view(light, s), host_view(frame, s));
    return frame;
}
}  // namespace cinebokeh
